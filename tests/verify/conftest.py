"""A run of a small history in a database of its own, and ways to verify it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.workspace import Workspace
from etl.runs.directory import RunDirectory
from etl.verify import Result, Verdict, verify_database, verify_run
from tests.conftest import new_database, uri_of
from tests.helpers.support import load, scrobble, write_maloja
from tests.pipeline.conftest import export, home, scrobbles

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["export", "home", "scrobbles"]


# Ten listens that were loaded, and one that names nobody.
HISTORY = [
    scrobble(1, ["Ann"], "First", "Debut"),
    scrobble(2, ["Ann"], "Second", "Debut"),
    scrobble(3, ["Ann"], "First", "Hits"),
    scrobble(4, ["Bo"], "First", "Debut"),
    scrobble(5, ["Ann", "Bo"], "Duet", "Debut"),
    scrobble(6, ["Bo"], "Alone"),
    scrobble(7, ["Cy"], "Solo", "Shared"),
    scrobble(8, ["Ann"], "First", "Debut"),
    scrobble(8, ["Ann"], "First", "Debut"),
    scrobble(9, ["Ann"], "First", "Hits"),
    scrobble(10, [], "Nobody's"),
]
STORED = 9


def verified(home: Path, uri: str, manifest: dict[str, Any]) -> Verdict:
    """Return what verifying the run of ``manifest`` finds."""
    return verify_run(RunDirectory(Path(manifest["run_dir"])), Workspace(home, uri))


def findings(verdict: Verdict) -> dict[str, Result]:
    """Return the checks that do not simply hold."""
    return {check.name: check.result for check in verdict.checks if check.result is not Result.OK}


def rows(verdict: Verdict, name: str) -> list[dict[str, Any]]:
    """Return the rows of a check."""
    (check,) = (check for check in verdict.checks if check.name == name)
    return check.rows.to_dicts()


@dataclass(frozen=True)
class Run:
    """The run that loaded HISTORY."""

    home: Path
    uri: str
    export: Path
    manifest: dict[str, Any]

    @property
    def path(self) -> Path:
        return Path(self.manifest["run_dir"])

    def verify(self) -> Verdict:
        return verified(self.home, self.uri, self.manifest)

    def verify_database(self) -> Verdict:
        return verify_database(Workspace(self.home, self.uri))

    def load_again(self, **settings: Any) -> dict[str, Any]:  # noqa: ANN401
        return load(self.home, self.uri, self.export, **settings)


@pytest.fixture(scope="module")
def loaded(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Return the name of a database with one run, to be copied, and the home of that run."""
    home = tmp_path_factory.mktemp("loaded")
    with new_database(server, template) as name:
        load(home, uri_of(server, name), write_maloja(home / "maloja_export.json", HISTORY))
        yield name, home


@pytest.fixture(scope="module")
def shared(server: str, loaded: tuple[str, Path]) -> Iterator[str]:
    """Return the URI of that database, for tests that leave it as it is."""
    with new_database(server, loaded[0]) as name:
        yield uri_of(server, name)


def copied(original: Path, home: Path, uri: str) -> Run:
    """Copy the home ``original`` with its one run to ``home``."""
    shutil.copytree(original, home)
    (directory,) = (home / "runs").iterdir()
    manifest = json.loads((directory / "run.json").read_text()) | {"run_dir": str(directory)}
    return Run(home, uri, original / "maloja_export.json", manifest)


@pytest.fixture
def files(shared: str, loaded: tuple[str, Path], tmp_path: Path) -> Run:
    """Return that run in a home of its own, for tests that change its files alone."""
    return copied(loaded[1], tmp_path / "home", shared)


@pytest.fixture
def run(server: str, loaded: tuple[str, Path], tmp_path: Path) -> Iterator[Run]:
    """Return that run in a database and a home of its own."""
    with new_database(server, loaded[0]) as name:
        yield copied(loaded[1], tmp_path / "home", uri_of(server, name))
