"""What the tests of faults share: an export and what it loads undisturbed, and a load that takes many batches."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from etl.core.dsn import SQLITE
from tests.conftest import new_database, uri_of
from tests.faults.kills import Case
from tests.faults.undos import Chain, begin_chain
from tests.helpers.roles import as_loader
from tests.helpers.support import content, load, write_maloja
from tests.pipeline.conftest import export, home, scrobbles, undisturbed
from tests.pipeline.test_concurrency import history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["export", "home", "scrobbles", "undisturbed"]


@pytest.fixture(scope="session")
def prepared(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Case]]:
    """Return the name of a database that holds a sixth of a history, to be copied, and the load of all of it."""
    folder = tmp_path_factory.mktemp("prepared")
    whole = history(240, seed=1)
    export = write_maloja(folder / "maloja_export.json", whole)
    with new_database(server, template) as name:
        load(folder, uri_of(server, name), write_maloja(folder / "before.json", whole[::6]))
        with new_database(server, name) as copy:
            load(folder, uri_of(server, copy), export)
            expected = content(uri_of(server, copy))
        yield name, Case("", folder, export, expected)


@pytest.fixture(scope="session")
def prepared_file(koito_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Case]:
    """Return a SQLite file that holds a sixth of a history, to be copied, and the load of all of it."""
    folder = tmp_path_factory.mktemp("prepared-file")
    whole = history(240, seed=1)
    export = write_maloja(folder / "maloja_export.json", whole)
    part, all_of_it = folder / "part.db", folder / "all.db"
    shutil.copy(koito_template, part)
    load(folder, f"{SQLITE}{part}", write_maloja(folder / "before.json", whole[::6]))
    shutil.copy(part, all_of_it)
    load(folder, f"{SQLITE}{all_of_it}", export)
    return part, Case("", folder, export, content(f"{SQLITE}{all_of_it}"))


@pytest.fixture
def new_file_case(prepared_file: tuple[Path, Case], tmp_path: Path) -> Callable[[], AbstractContextManager[Case]]:
    """Return what gives a load of several rounds, each of several batches, into a SQLite file that has some of it."""
    template, load_of_all = prepared_file

    @contextmanager
    def new() -> Iterator[Case]:
        folder = tmp_path / uuid4().hex
        (folder / "koito").mkdir(parents=True)
        file = shutil.copy(template, folder / "koito" / "koito.db")
        yield replace(load_of_all, database=f"{SQLITE}{file}", home=folder / "home")

    return new


@pytest.fixture
def file_case(new_file_case: Callable[[], AbstractContextManager[Case]]) -> Iterator[Case]:
    """Return such a load."""
    with new_file_case() as load_of_all:
        yield load_of_all


@pytest.fixture
def new_case(server: str, prepared: tuple[str, Case], tmp_path: Path) -> Callable[[], AbstractContextManager[Case]]:
    """Return what gives a load of several rounds, each of several batches, into a database that has some of it."""
    template, load_of_all = prepared

    @contextmanager
    def new() -> Iterator[Case]:
        with new_database(server, template) as name:
            yield replace(load_of_all, database=uri_of(server, name), home=tmp_path / uuid4().hex)

    return new


@pytest.fixture
def case(new_case: Callable[[], AbstractContextManager[Case]]) -> Iterator[Case]:
    """Return such a load."""
    with new_case() as load_of_all:
        yield load_of_all


@pytest.fixture(params=["as sets", "row by row", "sqlite"])
def any_loader_case(request: pytest.FixtureRequest) -> Case:
    """Return a load into a database of each kind; into one of PostgreSQL in both ways of ``loader_uri``."""
    found: Case = request.getfixturevalue("file_case" if request.param == "sqlite" else "case")
    if request.param != "row by row":
        return found
    return replace(found, database=as_loader(found.database, request.getfixturevalue("plain_role")))


@pytest.fixture(params=["new_case", "new_file_case"], ids=["postgres", "sqlite"])
def any_new_case(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[Case]]:
    """Return what gives a load into a new database of each kind."""
    found: Callable[[], AbstractContextManager[Case]] = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["case", "file_case"], ids=["postgres", "sqlite"])
def any_case(request: pytest.FixtureRequest) -> Case:
    """Return such a load into a database of each kind."""
    found: Case = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["as sets", "row by row", "sqlite"])
def any_loader_uri(request: pytest.FixtureRequest) -> str:
    """Return a database of each kind; one of PostgreSQL in both ways of ``loader_uri``."""
    uri = str(request.getfixturevalue("koito_file" if request.param == "sqlite" else "postgres_database"))
    return as_loader(uri, request.getfixturevalue("plain_role")) if request.param == "row by row" else uri


@pytest.fixture
def chain(tmp_path: Path, home: Path, any_database: str) -> Chain:
    """Return two runs, the first of which is to be taken back."""
    return begin_chain(tmp_path, home, any_database)


@pytest.fixture
def loader_chain(tmp_path: Path, home: Path, any_loader_uri: str) -> Chain:
    """Return the same; on PostgreSQL in both ways of ``loader_uri``."""
    return begin_chain(tmp_path, home, any_loader_uri)
