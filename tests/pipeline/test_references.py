"""The references of a batch are checked as sets, like foreign keys; constraints and triggers of others still apply."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from etl.core.failpoints import Point
from etl.core.schema import ENTITY_TABLES, STAGE
from etl.load import batch_writer
from etl.load.batch_writer import Batch, write_batch
from etl.resolve.rows import EntityRows
from etl.targets.base import Failure
from etl.targets.postgres import foreign_keys
from etl.targets.postgres.connection import PostgresConnection, connect
from etl.targets.postgres.errors import PostgresError
from etl.targets.postgres.target import PostgresTarget
from tests.helpers.disturbances import disturbance, wait_for, waiting
from tests.helpers.roles import as_loader
from tests.helpers.support import content, execute, query, scrobble, write_maloja
from tests.helpers.support import load as run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

pytestmark = pytest.mark.slow

WRITTEN = (*ENTITY_TABLES, "track_lookup", "listens")

TARGET = PostgresTarget("", Path())  # opened by nobody


@pytest.fixture
def worker(database: str) -> Iterator[PostgresConnection]:
    """Yield a worker's connection to a database that holds one artist, album and track of id 1."""
    execute(database, "INSERT INTO artists (id) OVERRIDING SYSTEM VALUE VALUES (1)")
    execute(database, "INSERT INTO releases (id) OVERRIDING SYSTEM VALUE VALUES (1)")
    execute(database, "INSERT INTO tracks (id, release_id) OVERRIDING SYSTEM VALUE VALUES (1, 1)")
    connection = connect(database)
    TARGET.prepare_writer(connection)
    yield connection
    connection.close()


def listens(*tracks: int, user: int = 1) -> pl.DataFrame:
    at = pl.datetime_range(
        pl.datetime(2020, 1, 1, time_zone="UTC"), pl.datetime(2020, 1, 2, time_zone="UTC"), "1s", eager=True
    )
    columns = {"track_id": tracks, "listened_at": at.head(len(tracks)), "client": ["x"] * len(tracks)}
    return pl.DataFrame({**columns, "user_id": [user] * len(tracks)}).cast(dict(STAGE))  # type: ignore[arg-type]


def new_track(number: int, release: int) -> EntityRows:
    row = {"id": number, "musicbrainz_id": None, "duration": 0, "release_id": release}
    return EntityRows({"tracks": pl.DataFrame([row], schema=ENTITY_TABLES["tracks"])})


def new_credit(artist: int, release: int) -> EntityRows:
    return EntityRows(attached=pl.DataFrame({"artist_id": [artist], "release_id": [release]}).cast(pl.Int32))


def is_left_to_us(uri: str) -> bool:
    connection = connect(uri)
    try:
        return foreign_keys.suspend_foreign_keys(connection)
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("batch", "gone"),
    [
        (Batch(1, listens(1, 77), ["k"]), "tracks 77"),
        (Batch(1, listens(1, user=9), ["k"]), "users 9"),
        (Batch(1, listens(2), ["k"], new_track(2, 88)), "releases 88"),
        (Batch(1, listens(1), ["k"], new_credit(5, 1)), "artists 5"),
    ],
    ids=["track", "user", "release of a new track", "artist of a release"],
)
def test_what_refers_to_something_that_is_gone_is_not_written(
    database: str, worker: PostgresConnection, batch: Batch, gone: str
) -> None:
    with pytest.raises(PostgresError, match=gone) as raised:
        write_batch(TARGET, worker, None, batch)

    assert (raised.value.sqlstate, raised.value.failure) == ("23503", Failure.MISSING_REFERENCE)
    assert query(database, "SELECT count(*) FROM listens") == [(0,)]


def test_foreign_keys_are_suspended_for_a_batch_and_not_for_its_session(
    database: str, worker: PostgresConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "SELECT current_setting('session_replication_role') AS role"
    roles = [worker.query_text(asked).item()]
    monkeypatch.setattr(batch_writer, "failpoint", lambda _: roles.append(worker.query_text(asked).item()))

    write_batch(TARGET, worker, None, Batch(1, listens(1), ["k"]))

    assert (roles[0], roles[-2], roles[-1]) == ("origin", "replica", "origin")
    assert query(database, "SELECT count(*) FROM listens") == [(1,)]


def test_what_is_referred_to_stays_until_the_commit(
    database: str, worker: PostgresConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(1) as pool:
        deleting: list[Future[None]] = []

        def delete_meanwhile(point: Point) -> None:
            if point is not Point.BEFORE_COMMIT:
                return
            deleting.append(pool.submit(execute, database, "DELETE FROM users WHERE id = 1"))
            wait_for(lambda: waiting(database, "transactionid"))

        monkeypatch.setattr(batch_writer, "failpoint", delete_meanwhile)
        written = write_batch(TARGET, worker, None, Batch(1, listens(1), ["k"]))
        monkeypatch.undo()
        deleting[0].result(timeout=30)

    assert written.inserted.height == 1
    assert query(database, "SELECT count(*) FROM listens") == [(0,)]  # they went with their user: none is left over


def test_every_row_that_a_load_leaves_behind_refers_to_something(home: Path, database: str, export: Path) -> None:
    assert is_left_to_us(database)

    assert run(home, database, export)["exit_code"] == 0

    keys = query(
        database,
        """
        SELECT conrelid::regclass::text, attname::text, confrelid::regclass::text
        FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        """,
    )
    assert len(keys) == 15
    for table, column, other in keys:  # a new key looks at all rows
        execute(database, f"ALTER TABLE {table} ADD FOREIGN KEY ({column}) REFERENCES {other}")


def test_a_role_without_the_right_loads_the_same(
    home: Path, database: str, plain_role: str, export: Path, undisturbed: list[tuple[str, str]]
) -> None:
    plain = as_loader(database, plain_role)
    assert not is_left_to_us(plain)

    assert run(home, plain, export)["exit_code"] == 0
    assert content(database) == undisturbed


@pytest.mark.parametrize("table", [*WRITTEN, "etl.batches"])
def test_a_disturbance_leaves_foreign_keys_suspended(database: str, table: str) -> None:
    execute(database, disturbance(f"BEFORE INSERT ON {table}", ""))

    assert is_left_to_us(database)


ADDED = {
    "a trigger on listens": "CREATE TRIGGER mine BEFORE INSERT ON listens FOR EACH ROW EXECUTE FUNCTION mine()",
    "a trigger on batches": "CREATE TRIGGER mine AFTER INSERT ON etl.batches FOR EACH ROW EXECUTE FUNCTION mine()",
    "a rule": "CREATE RULE mine AS ON INSERT TO tracks DO ALSO NOTIFY mine",
    "a foreign key": """
        CREATE TABLE app (name text PRIMARY KEY);
        ALTER TABLE listens ADD FOREIGN KEY (client) REFERENCES app
    """,
    "a deferrable unique constraint": "ALTER TABLE listens ADD UNIQUE (client) DEFERRABLE INITIALLY DEFERRED",
}


@pytest.mark.parametrize("added", ADDED.values(), ids=ADDED)
def test_constraints_and_triggers_of_others_are_respected(database: str, added: str) -> None:
    function = "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"
    assert is_left_to_us(database)

    execute(database, f"{function}; {added}")

    assert not is_left_to_us(database)


def test_a_trigger_that_somebody_added_sees_every_listen(home: Path, database: str, export: Path) -> None:
    execute(
        database,
        """
        CREATE TABLE seen (track_id integer);
        CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO seen VALUES (NEW.track_id); RETURN NEW; END $$;
        CREATE TRIGGER mine AFTER INSERT ON listens FOR EACH ROW EXECUTE FUNCTION mine()
        """,
    )

    run(home, database, export)

    assert query(database, "SELECT count(*) FROM seen") == [(36,)]


def test_a_deferrable_unique_constraint_that_somebody_added_is_kept(home: Path, database: str, export: Path) -> None:
    execute(database, "ALTER TABLE listens ADD CONSTRAINT mine UNIQUE (user_id) DEFERRABLE INITIALLY DEFERRED")

    assert run(home, database, export)["exit_code"] == 5

    assert query(database, "SELECT count(*) FROM listens") == [(1,)]


def test_a_key_is_loaded_although_what_it_refers_to_vanishes(tmp_path: Path, home: Path, database: str) -> None:
    vanishes = "IF nextval('disturbances') <= 6 THEN RAISE foreign_key_violation; END IF;"
    execute(database, disturbance("BEFORE INSERT ON listens", vanishes))
    found = run(home, database, write_maloja(tmp_path / "one.json", [scrobble(1, ["Ann"], "One")]))
    assert (found["exit_code"], found["counts"]["inserted"], found["counts"]["unresolved"]) == (0, 1, 0)
