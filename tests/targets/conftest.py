"""What the tests of this folder share: databases that are there already, and homes for embedded servers."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import new_database, uri_of
from tests.helpers.koito_actions import koito_role
from tests.helpers.support import load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def base() -> Iterator[Path]:
    """Yield a folder that other accounts can pass, which pytest's own is not for root, short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="etl-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def shared_database(server: str, template: str) -> Iterator[str]:
    """Return the URI of a database with Koito's tables and ours, for tests that commit nothing."""
    with new_database(server, template) as name:
        yield uri_of(server, name)


HISTORY = [
    scrobble(1, ["Ann"], "First", "Debut"),
    scrobble(2, ["Ann"], "Second", "Debut"),
    scrobble(3, ["Ann"], "First", "Hits"),
    scrobble(4, ["Bo"], "First", "Debut"),
    scrobble(5, ["Ann", "Bo"], "Duet", "Debut"),
    scrobble(6, ["Bo"], "Alone"),
    scrobble(7, ["Bo", "Cy"], "Joint", "Shared"),
    scrobble(8, ["Cy"], "Solo", "Shared"),
    scrobble(9, ["Ann"], "First", "Debut"),
    scrobble(10, ["Ann"], "First", "Hits"),
]


@pytest.fixture(scope="module")
def loaded(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of a database into which HISTORY was loaded, to be copied."""
    home = tmp_path_factory.mktemp("loaded")
    with new_database(server, template) as name:
        load(home, uri_of(server, name), write_maloja(home / "maloja_export.json", HISTORY))
        yield name


@pytest.fixture
def history(server: str, loaded: str) -> Iterator[str]:
    """Return the URI of a database that holds HISTORY."""
    with new_database(server, loaded) as name:
        yield uri_of(server, name)


@pytest.fixture
def role(history: str) -> Iterator[str]:
    """Return a role that may do what Koito does, and has no rights on our objects."""
    with koito_role(history) as name:
        yield name


@pytest.fixture
def load_again(history: str, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Return what loads HISTORY once more by force."""
    export = write_maloja(tmp_path / "maloja_export.json", HISTORY)
    return lambda: load(tmp_path / "home", history, export, force=True)
