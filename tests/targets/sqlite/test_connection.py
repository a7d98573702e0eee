from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.core.errors import DatabaseError, InternalError
from etl.core.schema import ARTISTS, RELEASES, STAGE, TIME, TRACK_LOOKUP
from etl.targets.base import Failure, StatementError
from etl.targets.results import RESULTS
from etl.targets.sqlite.connection import Mode, SqliteConnection, connect
from etl.targets.sqlite.values import MBID, decode, encode, parameters
from tests.helpers.koito_sqlite import opened_file
from tests.helpers.support import load, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Asks the file at the given path in a process that may reserve 1 GB more than it has.
ASK_IN_ONE_GB = """
import resource, sys
from pathlib import Path
from etl.targets.sqlite.connection import connect
connection = connect(Path(sys.argv[1]))
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 1_000_000_000,) * 2)
print(connection.query_text("SELECT 1 AS a, 'x' AS b, NULL AS c").rows())
"""

ARTIST = pl.DataFrame([(1, None)], schema=ARTISTS, orient="row")


@pytest.fixture
def connection(file: Path) -> Iterator[SqliteConnection]:
    opened = connect(file)
    yield opened
    opened.close()


def rows(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with opened_file(file) as run:
        found: list[tuple[Any, ...]] = run(sql)
    return found


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StatementError):
        connect(tmp_path / "none.db").query_text("SELECT 1")
    assert list(tmp_path.iterdir()) == []


def test_a_query_reserves_little_address_space(file: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ASK_IN_ONE_GB, file], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[(1, 'x', None)]\n", "")


def test_pragmas_of_a_connection_and_its_clone(connection: SqliteConnection) -> None:
    clone = connection.clone()
    for one in (connection, clone):
        for name, value in {"foreign_keys": 1, "busy_timeout": 200, "synchronous": 2}.items():
            assert one.query_text(f"PRAGMA {name}").item() == value
    clone.close()


def test_a_query_outside_a_transaction_sees_what_others_commit(file: Path, connection: SqliteConnection) -> None:
    assert connection.query("users").height == 1
    rows(file, "INSERT INTO users (username, password) VALUES ('second', x'00')")
    assert connection.query("users").height == 2
    assert connection.mode is Mode.NONE


def test_a_read_transaction_sees_one_state(file: Path, connection: SqliteConnection) -> None:
    connection.begin_read()
    rows(file, "INSERT INTO users (username, password) VALUES ('second', x'00')")
    assert connection.query("users").height == 1
    assert connection.data_version() == connection.seen
    connection.commit()
    assert connection.data_version() != connection.seen


def test_own_commits_do_not_change_the_version(connection: SqliteConnection) -> None:
    connection.begin_read()
    connection.append("artists", ARTIST, ARTISTS)
    connection.commit()
    assert connection.data_version() == connection.seen


def test_a_statement_that_writes_has_the_lock_until_the_commit(file: Path, connection: SqliteConnection) -> None:
    connection.execute("ledger_start_run", "run", "maloja", 1)
    assert connection.mode == Mode.WRITE
    assert rows(file, "SELECT run_id FROM etl_runs") == []
    connection.commit()
    assert rows(file, "SELECT run_id FROM etl_runs") == [("run",)]


def test_a_rollback_takes_everything_back(file: Path, connection: SqliteConnection) -> None:
    connection.append("artists", ARTIST, ARTISTS)
    connection.execute("ledger_start_run", "run", "maloja", 1)
    connection.rollback()
    assert rows(file, "SELECT (SELECT count(*) FROM artists) + (SELECT count(*) FROM etl_runs)") == [(0,)]


def test_autocommit_commits_each_statement(file: Path) -> None:
    connection = connect(file, autocommit=True)
    connection.execute("ledger_start_run", "run", "maloja", 1)
    assert rows(file, "SELECT run_id FROM etl_runs") == [("run",)]
    connection.close()


def test_a_snapshot_cannot_be_written_to(connection: SqliteConnection) -> None:
    connection.begin_snapshot()
    with pytest.raises(StatementError, match="readonly"):
        connection.execute("ledger_start_run", "run", "maloja", 1)


def test_constraint_errors_are_classified(connection: SqliteConnection) -> None:
    listen = pl.DataFrame([(7, 0, None, 1)], schema={**STAGE, "listened_at": pl.Int64}, orient="row")
    listen = listen.with_columns(pl.col("listened_at").cast(TIME))
    for table, frame, schema, failure in (
        ("artists", pl.concat([ARTIST, ARTIST]), ARTISTS, Failure.DUPLICATE),
        ("listens", listen, STAGE, Failure.MISSING_REFERENCE),
    ):
        with pytest.raises(StatementError) as raised:
            connection.append(table, frame, schema)
        assert raised.value.failure is failure
        connection.rollback()


def test_an_ended_connection_only_closes(file: Path) -> None:
    connection = connect(file)
    connection.append("artists", ARTIST, ARTISTS)
    connection.cancel_all()
    with pytest.raises(StatementError) as raised:
        connection.commit()
    assert raised.value.failure is Failure.LOST
    connection.rollback()
    connection.close()
    assert rows(file, "SELECT count(*) FROM artists") == [(0,)]


def test_what_is_stored_has_koitos_types(file: Path, connection: SqliteConnection) -> None:
    mbid = "aaaaaaaa-0000-4000-8000-000000000000"
    releases = pl.DataFrame([(1, mbid, True), (2, None, False)], schema=RELEASES, orient="row")
    connection.append("releases", releases, RELEASES)
    connection.commit()
    found = rows(file, "SELECT musicbrainz_id, various_artists, typeof(various_artists) FROM releases ORDER BY id")
    assert found == [(mbid, 1, "integer"), (None, 0, "integer")]


def test_times_become_seconds_rounded_down_and_an_unknown_client_is_empty() -> None:
    rows = [(1, -1, None, 1), (1, 1_999_999, "x", 1)]
    frame = pl.DataFrame(rows, schema={**STAGE, "listened_at": pl.Int64}, orient="row")
    encoded = encode(frame.with_columns(pl.col("listened_at").cast(TIME)))
    assert encoded.rows() == [(1, -1, "", 1), (1, 1, "x", 1)]
    assert encoded.schema["listened_at"] == pl.Int64


@pytest.mark.parametrize(
    "dtype", [pl.Datetime("ms"), pl.Date, pl.Float64, pl.UInt64, pl.List(pl.String), pl.Binary, pl.Null]
)
def test_a_type_that_would_be_stored_wrongly_is_refused(dtype: pl.DataType) -> None:
    with pytest.raises(InternalError, match="SQLite cannot store a"):
        encode(pl.DataFrame({"a": pl.Series([None], dtype=dtype)}))
    with pytest.raises(InternalError, match="cannot be given"):
        parameters("name", [pl.Series([None], dtype=dtype)])


def test_an_mbid_of_another_form_is_refused() -> None:
    assert pl.Series(["aaaaaaaa-0000-4000-8000-000000000000"]).str.contains(MBID).all()
    with pytest.raises(InternalError, match="MBID"):
        encode(pl.DataFrame({"musicbrainz_id": ["AAAAAAAA-0000-4000-8000-000000000000"]}))


def test_parameters_are_json_arrays() -> None:
    frame = pl.DataFrame({"id": [1, 2], "name": ['a\u2028"', None]})
    row = parameters("name", [True, None, "x", pl.Series([1, 2]), frame])
    assert row is not None
    assert row.row(0) == (1, None, "x", "[1,2]", '[[1,"a\u2028\\""],[2,null]]')


def test_rows_have_the_declared_types_whatever_comes_first(file: Path, connection: SqliteConnection) -> None:
    with opened_file(file) as run:
        run("BEGIN")
        for number in range(1500):
            run("INSERT INTO artists (id) VALUES (?1)", number + 1)
            run("INSERT INTO artist_aliases VALUES (?1, ?2, 'x', 1)", number + 1, str(number))
        run("UPDATE artists SET musicbrainz_id = 'aaaaaaaa-0000-4000-8000-000000000000' WHERE id = 1500")
        run("COMMIT")
    names = pl.Series([str(number) for number in range(1500)])
    found = connection.query("snapshot_artists", names, pl.Series([], dtype=pl.String))
    assert found.schema == RESULTS["snapshot_artists"]
    assert found.row(-1) == (1500, "aaaaaaaa-0000-4000-8000-000000000000", ["1499"])
    assert found.get_column("mbid").null_count() == 1499


def test_an_empty_result_has_the_declared_types(connection: SqliteConnection) -> None:
    found = connection.query("lookup_keys", pl.Series(["none"]))
    assert found.schema == TRACK_LOOKUP
    assert found.is_empty()


def test_lists_times_and_booleans_are_read_back(connection: SqliteConnection) -> None:
    with connection._calling() as cursor:
        cursor.execute("""SELECT '["a", null]' AS names, '[1]' AS ids, -1 AS at, 1 AS is_it, NULL AS text""")
        table = cursor.fetch_arrow_table()
    lists: dict[str, pl.DataType] = {"names": pl.List(pl.String), "ids": pl.List(pl.Int32)}
    schema = pl.Schema({**lists, "at": TIME, "is_it": pl.Boolean(), "text": pl.String()})
    found = decode(table, schema)
    assert found.schema == schema
    assert found.with_columns(pl.col("at").dt.epoch("s")).row(0) == (["a", None], [1], -1, True, None)


def test_an_id_of_over_32_bits_is_refused(file: Path, connection: SqliteConnection) -> None:
    rows(file, f"INSERT INTO users (id, username, password) VALUES ({2**31}, 'zoe', x'00')")
    with pytest.raises(DatabaseError, match="holds a number that is too large"):
        connection.query("users")


def test_a_text_that_is_not_utf8_is_refused_by_name(file: Path, connection: SqliteConnection) -> None:
    rows(file, "INSERT INTO users (username, password) VALUES (CAST(x'ff' AS TEXT), x'00')")
    with pytest.raises(Exception, match="not UTF-8"):
        connection.query("users")


def test_after_a_full_disk_the_connection_goes_on(file: Path, connection: SqliteConnection) -> None:
    pages = connection.query_text("PRAGMA page_count").item()
    connection.script(f"PRAGMA max_page_count = {pages + 3}")
    many = pl.DataFrame({"id": pl.Series(range(1, 20_001), dtype=pl.Int32)}).with_columns(
        musicbrainz_id=pl.lit(None, pl.String)
    )
    with pytest.raises(StatementError) as raised:
        connection.append("artists", many, ARTISTS)
    assert raised.value.failure is Failure.FULL
    assert raised.value.hint.startswith("Free some space")
    connection.rollback()
    assert connection.mode is Mode.NONE
    connection.append("artists", ARTIST, ARTISTS)
    connection.commit()
    assert rows(file, "SELECT count(*) FROM artists") == [(1,)]


def test_a_run_that_meets_a_full_disk_says_so_and_is_completed(file: Path, tmp_path: Path) -> None:
    export = write_maloja(tmp_path / "maloja_export.json", [scrobble(n, [f"A{n}"], "T") for n in range(3000)])
    uri = f"sqlite:///{file}"
    script = SqliteConnection.script

    def limited(self: SqliteConnection, text: str) -> None:
        if text == "BEGIN IMMEDIATE":
            script(self, "PRAGMA max_page_count = 120")
        script(self, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteConnection, "script", limited)
        full = load(tmp_path / "home", uri, export)
    assert (full["status"], full["exit_code"]) == ("failed", 3)
    assert full["counts"]["inserted"] == rows(file, "SELECT count(*) FROM listens")[0][0]

    assert load(tmp_path / "home", uri, export)["status"] == "complete"
    assert rows(file, "SELECT count(*), (SELECT count(*) FROM artists) FROM listens") == [(3000, 3000)]
