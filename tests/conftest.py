"""A real PostgreSQL for the tests: the embedded one, or ETL_TEST_DSN; a database of its own for each test."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import HealthCheck, settings

from etl.core.dsn import SQLITE
from etl.targets.postgres.embedded.server import EmbeddedServer
from etl.targets.postgres.migrate import migrate
from etl.targets.sqlite import connection, write_pace
from etl.targets.sqlite.migrate import migrate as migrate_file
from tests.helpers.driver import learn_once
from tests.helpers.examples import examples
from tests.helpers.koito_sqlite import make_koito_file
from tests.helpers.roles import as_loader, new_role
from tests.helpers.support import execute, make_koito

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_HOME = pytest.StashKey[Path]()

# Examples have no deadline, because a busy machine is not a defect (the whole test has one). CI draws the same examples
# every time, as Hypothesis's own profile for CI does: only the order of the tests, whose seed is printed, differs.
_CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ)
settings.register_profile("etl", examples(12, _CALM))
settings.load_profile("etl")

learn_once()

# A test's database need not outlive the machine: 60 ms of processor time less for each that is made and dropped.
_NOT_DURABLE = ("fsync", "full_page_writes", "autovacuum")
_FILE_PRAGMAS, _FILE_PAUSE = connection.PRAGMAS, write_pace.PAUSE
vars(connection)["PRAGMAS"] = (*_FILE_PRAGMAS, "PRAGMA synchronous = OFF")  # of a SQLite file: half of the time less
vars(write_pace)["PAUSE"] = 0.0
_MEMORY = Path("/dev/shm")  # noqa: S108 (it gets a folder with a name of its own)
_ROOM = 2 << 30
_COPY = "" if os.environ.get("ETL_TEST_DSN") else " STRATEGY file_copy"


def _new_home() -> Path:
    """Make the folder of the server: in memory where there is room, as a database is made of hundreds of files."""
    in_memory = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    return Path(tempfile.mkdtemp(prefix="etl-tests-", dir=_MEMORY if in_memory else None))


def pytest_configure(config: pytest.Config) -> None:
    """Choose one home for all workers of a test run; a server's account must reach it, so it is not a tmp_path."""
    worker_input = getattr(config, "workerinput", None)
    if worker_input is None:
        config.stash[_HOME] = _new_home()
    else:
        config.stash[_HOME] = Path(worker_input["etl_home"])


def pytest_configure_node(node: object) -> None:
    """Tell a worker where the home is (a hook of pytest-xdist)."""
    node.workerinput["etl_home"] = str(node.config.stash[_HOME])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server after the last test."""
    if not hasattr(config, "workerinput"):
        EmbeddedServer(config.stash[_HOME]).stop()
        shutil.rmtree(config.stash[_HOME], ignore_errors=True)


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> str:
    """Return the URI of the server's maintenance database."""
    if given := os.environ.get("ETL_TEST_DSN"):
        return given
    uri = EmbeddedServer(pytestconfig.stash[_HOME]).start()
    for setting in _NOT_DURABLE:
        execute(uri, f"ALTER SYSTEM SET {setting} = off")
    execute(uri, "SELECT pg_reload_conf()")
    return uri


def uri_of(server: str, database: str) -> str:
    """Return the URI of another database of the server."""
    base, _, query = server.partition("?")
    parts = urlsplit(base)
    path = urlunsplit(parts._replace(path=f"/{database}"))
    if not parts.netloc:
        path = f"{parts.scheme}:///{database}"
    return f"{path}?{query}" if query else path


@contextmanager
def new_database(server: str, template: str | None = None) -> Iterator[str]:
    """Make a database, as a copy of ``template`` if one is given, give its name, and drop it in the end."""
    name = f"etl_test_{uuid.uuid4().hex[:12]}"
    execute(server, f"CREATE DATABASE {name}" + (f" TEMPLATE {template}{_COPY}" if template else ""))
    yield name
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """Return the name of a database with Koito's tables and ours, to be copied."""
    with new_database(server) as name:
        migrate(uri_of(server, name), standalone=True)
        yield name


@pytest.fixture
def empty_database(server: str) -> Iterator[str]:
    """Return the URI of a database without tables."""
    with new_database(server) as name:
        yield uri_of(server, name)


@pytest.fixture
def postgres_database(server: str, template: str) -> Iterator[str]:
    """Return the URI of a database that is ready to be loaded into, with the user "admin"."""
    with new_database(server, template) as name:
        yield uri_of(server, name)


@pytest.fixture
def database(postgres_database: str) -> str:
    """Return the same; a module whose tests hold for both kinds of database has ``any_database`` in its place."""
    return postgres_database


@pytest.fixture(scope="session")
def plain_role(server: str) -> Iterator[str]:
    """Return the name of a role without privileges."""
    with new_role(server) as name:
        yield name


@pytest.fixture(params=["as sets", "row by row"])
def loader_uri(request: pytest.FixtureRequest, database: str, plain_role: str) -> str:
    """Return ``database`` as a role sees it that may suspend foreign keys, and as one that may not.

    A load writes in two ways: it checks foreign keys itself, as sets, or leaves that to the server, row by row.
    """
    return database if request.param == "as sets" else as_loader(database, plain_role)


@pytest.fixture
def as_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write to SQLite files in this process as users do: durably, with pauses between transactions."""
    monkeypatch.setattr(connection, "PRAGMAS", _FILE_PRAGMAS)
    monkeypatch.setattr(write_pace, "PAUSE", _FILE_PAUSE)


@pytest.fixture(scope="session")
def koito_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with Koito's tables and ours, to be copied."""
    file = make_koito_file(tmp_path_factory.mktemp("koito") / "koito.db")
    migrate_file(file)
    return file


@pytest.fixture
def koito_file(koito_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a file of today's Koito that is ready to be loaded into, with the user "admin"."""
    return f"{SQLITE}{shutil.copy(koito_template, tmp_path_factory.mktemp('koito') / 'koito.db')}"


@pytest.fixture(params=["postgres", "sqlite"])
def any_database(request: pytest.FixtureRequest) -> str:
    """Return the address of a database of each kind that is ready to be loaded into."""
    return str(request.getfixturevalue("postgres_database" if request.param == "postgres" else "koito_file"))


@pytest.fixture(scope="session")
def new_postgres_database(server: str, template: str) -> Callable[[], AbstractContextManager[str]]:
    """Return what makes a database as ``postgres_database`` does, for fixtures that live longer than a test."""

    @contextmanager
    def new() -> Iterator[str]:
        with new_database(server, template) as name:
            yield uri_of(server, name)

    return new


@pytest.fixture(scope="session")
def new_koito_file(
    koito_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], AbstractContextManager[str]]:
    """Return what makes a file as ``koito_file`` does."""

    @contextmanager
    def new() -> Iterator[str]:
        yield f"{SQLITE}{shutil.copy(koito_template, tmp_path_factory.mktemp('koito') / 'koito.db')}"

    return new


def lasting_database(request: pytest.FixtureRequest) -> AbstractContextManager[str]:
    """Return a database of the kind that is the parameter of the fixture ``request``, "postgres" or "sqlite"."""
    name = "new_postgres_database" if request.param == "postgres" else "new_koito_file"
    made: AbstractContextManager[str] = request.getfixturevalue(name)()
    return made


@pytest.fixture
def koito_database(empty_database: str) -> str:
    """Return the URI of a database as Koito leaves it at its first start: its tables, goose's record, one user."""
    make_koito(empty_database)
    return empty_database
