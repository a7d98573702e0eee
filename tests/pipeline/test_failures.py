"""What fails costs itself alone, what was committed stays, and the next run completes what the first could not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.artifacts import RunDirectory
from etl.database.connection import connect
from etl.errors import ExitCode
from etl.resolve import snapshot
from etl.resolve.rounds import Loader, Sizes
from tests.support import content, counts, execute, load, query, scrobble, write_maloja
from tests.worlds import MBIDS, write_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    Scrobbles = list[dict[str, Any]]

pytestmark = pytest.mark.faults

ETL = Path(sys.executable).with_name("etl")
SIZES = [Sizes(), Sizes(batch=1, round=1), Sizes(batch=25, round=7)]
each_size = pytest.mark.parametrize("sizes", SIZES, ids=["all at once", "one by one", "in pieces"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def scrobbles() -> Scrobbles:
    """Return listens of four artists with an album each, of which they share one."""
    return [
        scrobble(
            100 * artist + 10 * album + track,
            [f"Artist {artist}"] if album else [f"Artist {artist}", "Guest"],
            f"Track {track}",
            f"Album {album}",
            200,
        )
        for artist in range(4)
        for album in range(3)
        for track in range(3)
    ]


@pytest.fixture
def export(tmp_path: Path, scrobbles: Scrobbles) -> Path:
    return write_maloja(tmp_path / "maloja_export.json", scrobbles)


@pytest.fixture
def expected(tmp_path: Path, database: str, export: Path) -> list[tuple[str, str]]:
    """Return the content of the database after an undisturbed load; the database is empty again."""
    load(tmp_path / "undisturbed", database, export)
    found = content(database)
    execute(database, "DELETE FROM artists; DELETE FROM releases; DELETE FROM etl.runs;")
    return found


def inserted(uri: str) -> int:
    """Return what all batches of all runs say, and check that it is what is there."""
    rows = query(uri, "SELECT sum(inserted)::int, (SELECT count(*) FROM listens)::int FROM etl.batches")
    assert rows[0][0] == rows[0][1]
    return int(rows[0][0])


def frame(manifest: dict[str, Any], name: str) -> pl.DataFrame:
    return RunDirectory(Path(manifest["run_dir"])).read_frame(name)


def on_insert(table: str, body: str, *, each: str = "ROW", when: str = "BEFORE") -> str:
    """Return SQL that runs ``body`` whenever something is inserted into ``table``, and a sequence to count with."""
    return f"""
        CREATE SEQUENCE IF NOT EXISTS disturbances;
        CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$;
        CREATE TRIGGER disturb {when} INSERT ON {table} FOR EACH {each} EXECUTE FUNCTION disturb();
    """


CALM = "DROP FUNCTION disturb() CASCADE"


# --- keys that cannot be created -----------------------------------------------------------------------------


@each_size
def test_a_key_that_cannot_be_created_costs_itself_alone(
    home: Path, database: str, export: Path, sizes: Sizes, scrobbles: Scrobbles
) -> None:
    scrobbles[10]["track"]["title"] = "Cursed"
    write_maloja(export, scrobbles)
    execute(database, "ALTER TABLE track_aliases ADD CONSTRAINT cursed CHECK (alias <> 'Cursed')")

    found = load(home, database, export, sizes=sizes)

    assert (found["status"], found["exit_code"]) == ("partial", ExitCode.REJECTS)
    assert found["counts"] == {**found["counts"], "inserted": 35, "unresolved": 1, "resolved": 35, "failed": 1}
    failed = frame(found, "keys").filter(status="failed")
    assert "cursed" in failed["detail"].item()
    lost = frame(found, "outcome").filter(outcome="unresolved")
    assert (lost["row"].item(), lost["track_id"].item(), lost["detail"].item()) == (11, None, failed["detail"].item())
    assert inserted(database) == 35


@each_size
def test_what_failed_is_loaded_by_the_next_run_once_its_cause_is_gone(
    home: Path, database: str, export: Path, expected: list[tuple[str, str]], sizes: Sizes
) -> None:
    execute(database, "ALTER TABLE track_aliases ADD CONSTRAINT cursed CHECK (alias <> 'Track 2')")
    first = load(home, database, export, sizes=sizes)
    execute(database, "ALTER TABLE track_aliases DROP CONSTRAINT cursed")
    second = load(home, database, export, sizes=sizes)

    assert (first["counts"]["failed"], first["counts"]["inserted"]) == (12, 24)
    assert (second["exit_code"], second["counts"]["inserted"], second["counts"]["cache_hits"]) == (0, 12, 24)
    assert content(database) == expected
    assert inserted(database) == 36


@each_size
def test_an_artist_that_cannot_be_created_costs_its_keys_alone(
    home: Path, database: str, export: Path, sizes: Sizes
) -> None:
    execute(database, "ALTER TABLE artist_aliases ADD CONSTRAINT cursed CHECK (alias <> 'Artist 1')")

    found = load(home, database, export, sizes=sizes)

    assert (found["counts"]["failed"], found["counts"]["inserted"]) == (9, 27)
    assert counts(database) == {"artists": 4, "releases": 9, "tracks": 27, "listens": 27, "track_lookup": 27}


@pytest.mark.usefixtures("plain")
def test_a_name_that_only_the_database_refuses_costs_its_key_alone(tmp_path: Path, home: Path, database: str) -> None:
    execute(database, "ALTER TABLE artist_aliases ALTER alias TYPE varchar(20)")
    rows = [{"artist": name, "track": "Song", "listened_at": 1} for name in ("Ann", "x" * 21, "Bo")]

    found = load(home, database, write_plain(tmp_path / "plain.json", rows))

    assert (found["counts"]["inserted"], found["counts"]["unresolved"]) == (2, 1)


# --- what Koito does meanwhile -------------------------------------------------------------------------------


def once(action: Callable[[], None]) -> Callable[[], None]:
    """Return a function that does ``action`` when it is called for the first time."""
    left = [action]
    return lambda: left.pop()() if left else None


@pytest.mark.parametrize("sizes", [Sizes(), Sizes(batch=3, round=2)], ids=["all at once", "in pieces"])
def test_a_cached_track_that_vanishes_is_resolved_again(
    tmp_path: Path, home: Path, database: str, export: Path, sizes: Sizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(home, database, export)
    more = [scrobble(1_000 + second, ["Artist 1"], f"Track {second % 3}", "Album 1") for second in range(9)]
    vanish = once(
        lambda: execute(
            database, "DELETE FROM tracks t USING tracks_with_title n WHERE n.id = t.id AND n.title = 'Track 1'"
        )
    )
    original = Loader.load_hits

    def after_a_deletion(loader: Loader, hits: pl.DataFrame) -> list[str]:
        vanish()
        return original(loader, hits)

    monkeypatch.setattr(Loader, "load_hits", after_a_deletion)
    found = load(home, database, write_maloja(tmp_path / "more.json", more), sizes=sizes)

    assert (found["exit_code"], found["imbalances"]) == (0, [])
    assert (found["counts"]["inserted"], found["created"]["tracks"]) == (9, 1)
    assert (found["counts"]["cache_hits"], found["counts"]["resolved"]) == (2, 1)
    assert query(database, "SELECT count(*)::int FROM listens WHERE listened_at >= '2020-01-01T00:16:40Z'") == [(9,)]


def test_an_artist_that_vanishes_after_the_plan_is_made_again(
    tmp_path: Path, home: Path, database: str, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(home, database, export)
    more = [scrobble(1_000 + second, ["Artist 1"], f"New {second}", "Album 1") for second in range(3)]
    vanish = once(
        lambda: execute(
            database, "DELETE FROM artists a USING artists_with_name n WHERE n.id = a.id AND n.name = 'Artist 1'"
        )
    )
    original = snapshot.take_ids

    def after_a_deletion(*arguments: Any) -> Any:
        vanish()
        return original(*arguments)

    monkeypatch.setattr(snapshot, "take_ids", after_a_deletion)
    found = load(home, database, write_maloja(tmp_path / "more.json", more))

    assert (found["exit_code"], found["imbalances"], found["counts"]["inserted"]) == (0, [], 3)
    assert found["created"] == {"artists": 1, "albums": 1, "tracks": 3}


@pytest.mark.usefixtures("plain")
def test_an_artist_whose_mbid_koito_stores_meanwhile_is_used(tmp_path: Path, home: Path, database: str) -> None:
    row = {"artists": ["Ann"], "artist_mbids": [MBIDS[0]], "track": "Song", "listened_at": 1}
    koito = connect(database)
    koito.read_text(f"INSERT INTO artists (musicbrainz_id) VALUES ('{MBIDS[0]}') RETURNING id")
    koito.read_text("INSERT INTO artist_aliases SELECT max(id), 'Anna', 'Canonical', true FROM artists RETURNING alias")
    with ThreadPoolExecutor(1) as runs:
        running = runs.submit(load, home, database, write_plain(tmp_path / "plain.json", [row]))
        wait_for(lambda: query(database, f"SELECT FROM pg_stat_activity WHERE {WAITS} AND wait_event <> 'advisory'"))
        koito.commit()
        koito.close()
    found = running.result()

    assert found["exit_code"] == 0
    assert (found["counts"]["inserted"], found["created"]["artists"]) == (1, 0)
    assert query(database, "SELECT name FROM artists_with_name") == [("Anna",)]


WAITS = "datname = current_database() AND wait_event_type = 'Lock'"


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- what passes, and what does not --------------------------------------------------------------------------


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_a_transaction_that_lost_a_conflict_is_tried_again(
    home: Path, database: str, export: Path, expected: list[tuple[str, str]], sqlstate: str
) -> None:
    fails = f"IF nextval('disturbances') <= 2 THEN RAISE 'lost' USING ERRCODE = '{sqlstate}'; END IF;"
    execute(database, on_insert("listens", fails))

    found = load(home, database, export, workers=1)

    assert (found["exit_code"], found["retries"]) == (0, 2)
    assert content(database) == expected
    assert inserted(database) == 36


def test_a_conflict_without_end_ends_the_run(home: Path, database: str, export: Path) -> None:
    execute(database, on_insert("listens", "RAISE 'lost' USING ERRCODE = '40001';"))

    found = load(home, database, export)

    assert (found["status"], found["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert "Run the same command again" in found["error"]


LOSES = {
    "a worker's connection": on_insert(
        "etl.batches", "IF nextval('disturbances') = 3 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;"
    ),
    "every connection": on_insert(
        "etl.batches",
        """IF nextval('disturbances') = 3 THEN
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database();
        END IF;""",
    ),
    "the connection of the run": on_insert(
        "etl.batches",
        """IF nextval('disturbances') = 3 THEN
            PERFORM pg_terminate_backend(l.pid) FROM pg_locks l
            WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.database = (
                SELECT oid FROM pg_database WHERE datname = current_database());
        END IF;""",
    ),
}


@pytest.mark.parametrize("loss", LOSES)
def test_a_lost_connection_ends_the_run_and_the_next_one_completes_it(
    home: Path, database: str, export: Path, expected: list[tuple[str, str]], loss: str
) -> None:
    execute(database, LOSES[loss])
    first = load(home, database, export, sizes=Sizes(batch=20, round=100))
    committed = inserted(database)
    execute(database, CALM)
    second = load(home, database, export)

    assert (first["status"], first["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert first["error"]
    assert json.loads((Path(first["run_dir"]) / "run.json").read_text())["status"] == "failed"
    assert first["counts"]["inserted"] + first["counts"]["unresolved"] == 36
    assert 0 < first["counts"]["inserted"] <= committed < 36
    assert (second["exit_code"], second["counts"]["inserted"]) == (0, 36 - committed)
    assert content(database) == expected
    assert inserted(database) == 36


def test_a_connection_that_is_lost_while_the_books_are_closed_leaves_a_manifest(
    home: Path, database: str, export: Path, expected: list[tuple[str, str]]
) -> None:
    ends = "PERFORM pg_terminate_backend(pg_backend_pid());"
    execute(database, on_insert("etl.files", ends).replace("BEFORE INSERT ON", "BEFORE UPDATE OF finished_at ON"))
    first = load(home, database, export)
    execute(database, CALM)
    second = load(home, database, export)

    assert (first["status"], first["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert (Path(first["run_dir"]) / "run.json").exists()
    assert [file["status"] for file in second["files"]] == ["loaded"]
    assert second["counts"]["already_present"] == 36
    assert content(database) == expected


# --- signals -------------------------------------------------------------------------------------------------


@pytest.fixture
def blocked(database: str) -> Iterator[Callable[[], None]]:
    """Let every batch that creates something wait, with what it wrote uncommitted, until the value is called."""
    execute(database, on_insert("track_lookup", "PERFORM pg_advisory_xact_lock(42);", each="STATEMENT", when="AFTER"))
    holder = connect(database)
    holder.read_text("SELECT pg_advisory_lock(42)::text")
    release = once(holder.close)
    yield release
    release()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
    ids=["SIGTERM", "SIGINT", "SIGKILL"],
)
def test_a_run_that_a_signal_ends_is_completed_by_the_next(
    tmp_path: Path,
    home: Path,
    database: str,
    export: Path,
    scrobbles: Scrobbles,
    expected: list[tuple[str, str]],
    number: signal.Signals,
    code: int,
    request: pytest.FixtureRequest,
) -> None:
    # Tracks of the first two artists are cached, so that their listens are committed before the others are created.
    load(home, database, write_maloja(tmp_path / "before.json", scrobbles[:9]))
    export = write_maloja(export, [*scrobbles, scrobble(5_000, ["Artist 0"], "Track 1", "Album 1", 200)])
    release = request.getfixturevalue("blocked")

    process = subprocess.Popen(
        [ETL, "run", "--dsn", database, "--home", home, "--json", export],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: query(database, f"SELECT FROM pg_stat_activity WHERE {WAITS} AND wait_event = 'advisory'"))
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=20)
    after_signal = inserted(database)
    release()
    again = load(home, database, export)

    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    assert after_signal == 10
    if number != signal.SIGKILL:
        assert json.loads(stdout)["counts"]["inserted"] == 1
    assert (again["exit_code"], again["counts"]["inserted"]) == (0, 27)
    assert inserted(database) == 37
