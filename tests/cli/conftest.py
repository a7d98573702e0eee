"""A run of the samples, made once, for the tests that look at what a run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import SAMPLES, Done, etl
from tests.conftest import lasting_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class LoadedSamples:
    """A run of the samples through the command line."""

    home: Path
    uri: str
    done: Done
    manifest: dict[str, Any]


@pytest.fixture(scope="session", params=["postgres", "sqlite"])
def loaded_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedSamples]:
    """Return a home with one run in it, and the database of each kind that it went to."""
    with lasting_database(request) as uri:
        home = tmp_path_factory.mktemp("home")
        done = etl("run", SAMPLES, "--dsn", uri, home=home, fresh=True)
        yield LoadedSamples(home, uri, done, etl("runs", "show", "--json", home=home).json)


@pytest.fixture
def loaded(loaded_once: LoadedSamples) -> Iterator[LoadedSamples]:
    """Return the same, which all tests share: one that makes a run does so in a home of its own."""
    yield loaded_once
    assert [path.name for path in (loaded_once.home / "runs").iterdir()] == [loaded_once.manifest["run_id"]]
