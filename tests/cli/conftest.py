"""A run of the samples, made once, for the tests that look at what a run leaves behind."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import SAMPLES, Done, etl
from tests.conftest import uri_of
from tests.support import execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Loaded:
    """A run of the samples through the command line."""

    home: Path
    uri: str
    done: Done
    manifest: dict[str, Any]


@pytest.fixture(scope="session")
def loaded(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Return a home with one run in it, and the database that it went to."""
    name = f"etl_cli_{uuid.uuid4().hex[:12]}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    home, uri = tmp_path_factory.mktemp("home"), uri_of(server, name)
    done = etl("run", SAMPLES, "--dsn", uri, home=home)
    yield Loaded(home, uri, done, etl("runs", "show", "--json", home=home).json)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")
