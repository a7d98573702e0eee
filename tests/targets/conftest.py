"""What the tests of this folder share: databases that are there already, and homes for embedded servers."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from etl.core.dsn import SQLITE
from tests.conftest import new_database, uri_of
from tests.helpers.koito_actions import koito_role
from tests.helpers.support import load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


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
def kind() -> str:
    """Return the kind of the databases; a module that tests both kinds has a fixture with parameters in its place."""
    return "postgres"


@pytest.fixture(scope="module")
def new_library(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str | None], AbstractContextManager[str]]:
    """Return what makes a database that is ready to be loaded into, or a copy of the one at an address."""

    @contextmanager
    def new(source: str | None) -> Iterator[str]:
        if kind == "sqlite":
            template = Path(source.removeprefix(SQLITE)) if source else request.getfixturevalue("koito_template")
            yield f"{SQLITE}{shutil.copy(template, tmp_path_factory.mktemp('library') / 'koito.db')}"
            return
        server = request.getfixturevalue("server")
        name = urlsplit(source).path.removeprefix("/") if source else request.getfixturevalue("template")
        with new_database(server, name) as copy:
            yield uri_of(server, copy)

    return new


@pytest.fixture(scope="module")
def loaded(
    new_library: Callable[[str | None], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Return the address of a database into which HISTORY was loaded, to be copied."""
    home = tmp_path_factory.mktemp("loaded")
    with new_library(None) as uri:
        load(home, uri, write_maloja(home / "maloja_export.json", HISTORY))
        yield uri


@pytest.fixture
def history(loaded: str, new_library: Callable[[str | None], AbstractContextManager[str]]) -> Iterator[str]:
    """Return the address of a database that holds HISTORY."""
    with new_library(loaded) as uri:
        yield uri


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
