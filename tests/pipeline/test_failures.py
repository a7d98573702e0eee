"""Only what fails is lost, what was committed stays, and the next run completes what the first could not."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode
from etl.load import snapshot
from etl.load.loader import Loader, Sizes
from etl.runs.directory import RunDirectory
from etl.targets import ledger
from etl.targets.postgres.connection import PostgresConnection, connect
from tests.helpers.disturbances import CALM, allow_alias, disturbance, forbid_alias, inserted, once, wait_for, waiting
from tests.helpers.support import content, counts, execute, load, query, scrobble, write_maloja
from tests.helpers.worlds import MBIDS, write_plain

if TYPE_CHECKING:
    import polars as pl

    from etl.load.batch_writer import Batch, Written
    from etl.resolve.planner import Plan
    from etl.resolve.rows import NewIds

pytestmark = pytest.mark.faults

SIZES = {
    "all at once": Sizes(),
    "one by one": Sizes(batch=1, round=1),
    "in pieces": Sizes(batch=25, round=7),
    "spilled": Sizes(batch=25, round=7, together=1, chunk=8),
}
each_size = pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
Content = list[tuple[str, str]]


def frame(manifest: dict[str, Any], name: str) -> pl.DataFrame:
    return RunDirectory(Path(manifest["run_dir"])).read_frame(name)


# --- keys that cannot be created -----------------------------------------------------------------------------


@each_size
def test_a_key_that_cannot_be_created_affects_no_other(
    home: Path, database: str, export: Path, sizes: Sizes, scrobbles: list[dict[str, Any]]
) -> None:
    scrobbles[10]["track"]["title"] = "Forbidden"
    write_maloja(export, scrobbles)
    forbid_alias(database, "Forbidden")

    found = load(home, database, export, sizes=sizes)

    assert (found["status"], found["exit_code"]) == ("partial", ExitCode.REJECTS)
    assert found["counts"] == {**found["counts"], "inserted": 35, "unresolved": 1, "resolved": 35, "failed": 1}
    failed = frame(found, "keys").filter(status="failed")
    assert "forbidden" in failed["detail"].item()
    lost = frame(found, "outcome").filter(outcome="unresolved")
    assert (lost["row"].item(), lost["track_id"].item(), lost["detail"].item()) == (11, None, failed["detail"].item())
    assert inserted(database) == 35


@each_size
def test_what_failed_is_loaded_by_the_next_run_once_its_cause_is_gone(
    home: Path, database: str, export: Path, undisturbed: Content, sizes: Sizes
) -> None:
    forbid_alias(database, "Track 2")
    first = load(home, database, export, sizes=sizes)
    allow_alias(database)
    second = load(home, database, export, sizes=sizes)

    assert (first["counts"]["failed"], first["counts"]["inserted"]) == (12, 24)
    assert (second["exit_code"], second["counts"]["inserted"], second["counts"]["cache_hits"]) == (0, 12, 24)
    assert content(database) == undisturbed
    assert inserted(database) == 36


@each_size
def test_an_artist_that_cannot_be_created_affects_only_its_keys(
    home: Path, database: str, export: Path, sizes: Sizes
) -> None:
    forbid_alias(database, "Artist 1", "artist_aliases")

    found = load(home, database, export, sizes=sizes)

    assert (found["counts"]["failed"], found["counts"]["inserted"]) == (9, 27)
    assert counts(database) == {"artists": 4, "releases": 9, "tracks": 27, "listens": 27, "track_lookup": 27}


# --- what Koito does in between -------------------------------------------------------------------------------


TRACK_1 = "DELETE FROM tracks t USING tracks_with_title n WHERE n.id = t.id AND n.title = 'Track 1'"
ARTIST_1 = "DELETE FROM artists a USING artists_with_name n WHERE n.id = a.id AND n.name = 'Artist 1'"


@pytest.mark.parametrize("sizes", [Sizes(), Sizes(batch=3, round=2)], ids=["all at once", "in pieces"])
def test_a_cached_track_that_vanishes_is_resolved_again(
    tmp_path: Path, home: Path, database: str, export: Path, sizes: Sizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(home, database, export)
    more = [scrobble(1_000 + second, ["Artist 1"], f"Track {second % 3}", "Album 1") for second in range(9)]
    vanish = once(lambda: execute(database, TRACK_1))
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


def test_a_cached_track_that_vanishes_between_its_batches_is_loaded_whole(
    tmp_path: Path, home: Path, database: str, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(home, database, export)
    more = [scrobble(1_000 + second, ["Artist 1"], "Track 1", "Album 1") for second in range(9)]
    vanish = once(lambda: execute(database, TRACK_1))
    original = Loader._record

    def then_a_deletion(loader: Loader, batch: Batch, written: Written) -> None:
        original(loader, batch, written)
        vanish()

    monkeypatch.setattr(Loader, "_record", then_a_deletion)
    found = load(home, database, write_maloja(tmp_path / "more.json", more), sizes=Sizes(batch=3), workers=1)

    assert (found["exit_code"], found["imbalances"], found["counts"]["inserted"]) == (0, [], 9)
    assert query(database, "SELECT count(*)::int FROM listens WHERE listened_at >= '2020-01-01T00:16:40Z'") == [(9,)]


def test_a_cached_track_that_vanishes_before_enrichment_counts_once(
    tmp_path: Path, home: Path, database: str, scrobbles: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in scrobbles:
        one["track"]["length"] = None
    load(home, database, write_maloja(tmp_path / "before.json", scrobbles))
    more = [scrobble(1_000, ["Artist 1"], "Track 1", "Album 1", 200), scrobble(1_001, ["Artist 2"], "New", "Album 1")]
    vanish = once(lambda: execute(database, TRACK_1))
    original = Loader.resolve

    def after_a_deletion(loader: Loader, requests: pl.DataFrame) -> None:
        vanish()
        original(loader, requests)

    monkeypatch.setattr(Loader, "resolve", after_a_deletion)
    found = load(home, database, write_maloja(tmp_path / "more.json", more))

    assert (found["exit_code"], found["imbalances"]) == (0, [])
    assert found["counts"] == {**found["counts"], "inserted": 2, "keys": 2, "resolved": 2, "cache_hits": 0}
    assert query(database, "SELECT count(*)::int FROM listens WHERE listened_at >= '2020-01-01T00:16:40Z'") == [(2,)]


def test_two_texts_of_a_track_that_vanishes_between_their_batches(
    tmp_path: Path, home: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [scrobble(second, ["Ann"], title, "Debut") for second, title in enumerate(["Song", "Song  "])]
    load(home, database, write_maloja(tmp_path / "before.json", both))
    execute(database, "UPDATE track_lookup SET lookup_key = replace(lookup_key, 'song', 'other text')")
    load(home, database, write_maloja(tmp_path / "before.json", both), force=True)
    more = [scrobble(1_000 + second, ["Ann"], "Song" if second < 2 else "Other text", "Debut") for second in range(8)]
    vanish = once(lambda: execute(database, "DELETE FROM tracks"))
    original = Loader._record

    def then_a_deletion(loader: Loader, batch: Batch, written: Written) -> None:
        original(loader, batch, written)
        vanish()

    monkeypatch.setattr(Loader, "_record", then_a_deletion)
    found = load(home, database, write_maloja(tmp_path / "more.json", more), sizes=Sizes(batch=3), workers=1)

    assert (found["exit_code"], found["imbalances"], found["counts"]["inserted"]) == (0, [], 8)


def test_files_of_an_unbalanced_run_are_left_to_the_next(
    home: Path, database: str, export: Path, undisturbed: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "inserted_by_run", lambda *_: 35)
        found = load(home, database, export)
    again = load(home, database, export)

    assert (found["status"], found["exit_code"]) == ("failed", ExitCode.UNBALANCED)
    assert len(found["imbalances"]) == 1
    assert (again["exit_code"], again["counts"]["already_present"]) == (0, 36)
    assert content(database) == undisturbed


def test_an_artist_that_vanishes_after_the_plan_is_made_again(
    tmp_path: Path, home: Path, database: str, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(home, database, export)
    more = [scrobble(1_000 + second, ["Artist 1"], f"New {second}", "Album 1") for second in range(3)]
    vanish = once(lambda: execute(database, ARTIST_1))
    original = snapshot.allocate_ids

    def after_a_deletion(connection: PostgresConnection, plan: Plan, made: NewIds) -> NewIds:
        vanish()
        return original(connection, plan, made)

    monkeypatch.setattr(snapshot, "allocate_ids", after_a_deletion)
    found = load(home, database, write_maloja(tmp_path / "more.json", more))

    assert (found["exit_code"], found["imbalances"], found["counts"]["inserted"]) == (0, [], 3)
    assert found["created"] == {"artists": 1, "albums": 1, "tracks": 3}


@pytest.mark.usefixtures("plain")
def test_an_artist_that_koito_creates_during_the_run_is_used(tmp_path: Path, home: Path, database: str) -> None:
    row = {"artists": ["Ann"], "artist_mbids": [MBIDS[0]], "track": "Song", "listened_at": 1}
    koito = connect(database)
    koito.query_text(f"INSERT INTO artists (musicbrainz_id) VALUES ('{MBIDS[0]}') RETURNING id")
    koito.query_text(
        "INSERT INTO artist_aliases SELECT max(id), 'Anna', 'Canonical', true FROM artists RETURNING alias"
    )
    with ThreadPoolExecutor(1) as runs:
        running = runs.submit(load, home, database, write_plain(tmp_path / "plain.json", [row]))
        wait_for(lambda: waiting(database, "transactionid"))
        koito.commit()
        koito.close()
    found = running.result()

    assert found["exit_code"] == 0
    assert (found["counts"]["inserted"], found["created"]["artists"]) == (1, 0)
    assert query(database, "SELECT name FROM artists_with_name") == [("Anna",)]


# --- what passes, and what does not --------------------------------------------------------------------------


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_a_transaction_that_lost_a_conflict_is_tried_again(
    home: Path, database: str, loader_uri: str, export: Path, undisturbed: Content, sqlstate: str
) -> None:
    fails = f"IF nextval('disturbances') <= 2 THEN RAISE 'lost' USING ERRCODE = '{sqlstate}'; END IF;"
    execute(database, disturbance("BEFORE INSERT ON listens", fails))

    found = load(home, loader_uri, export, workers=1)

    assert (found["exit_code"], found["retries"]) == (0, 2)
    assert content(database) == undisturbed
    assert inserted(database) == 36


def test_a_conflict_without_end_ends_the_run(home: Path, database: str, export: Path) -> None:
    execute(database, disturbance("BEFORE INSERT ON listens", "RAISE 'lost' USING ERRCODE = '40001';"))

    found = load(home, database, export)

    assert (found["status"], found["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert found["counts"]["not_reached"] == 36
    assert "Run the same command again" in found["error"]


LOST = {
    "a worker's": "pg_terminate_backend(pg_backend_pid());",
    "all": "pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database();",
    "the run's": """pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND d.datname = current_database();""",
}


@pytest.mark.parametrize("ends", LOST.values(), ids=LOST)
def test_a_lost_connection_ends_the_run_and_the_next_one_completes_it(
    home: Path, database: str, loader_uri: str, export: Path, undisturbed: Content, ends: str
) -> None:
    at_the_third = f"IF nextval('disturbances') = 3 THEN PERFORM {ends} END IF;"
    execute(database, disturbance("BEFORE INSERT ON etl.batches", at_the_third))
    first = load(home, loader_uri, export, sizes=Sizes(batch=20, round=100), workers=1)
    committed = inserted(database)
    execute(database, CALM)
    second = load(home, loader_uri, export)

    assert (first["status"], first["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert first["error"]
    assert json.loads((Path(first["run_dir"]) / "run.json").read_text())["status"] == "failed"
    assert 0 < first["counts"]["inserted"] == committed
    assert first["counts"]["inserted"] + first["counts"]["not_reached"] == 36
    assert (second["exit_code"], second["counts"]["inserted"]) == (0, 36 - committed)
    assert content(database) == undisturbed
    assert inserted(database) == 36


def test_a_connection_lost_while_cached_keys_are_loaded_is_accounted_for(
    tmp_path: Path, home: Path, database: str, export: Path
) -> None:
    load(home, database, export)
    more = [scrobble(1_000 + second, ["Artist 1"], "Track 1", "Album 1") for second in range(12)]
    at_the_third = f"IF nextval('disturbances') = 3 THEN PERFORM {LOST['all']} END IF;"
    execute(database, disturbance("BEFORE INSERT ON etl.batches", at_the_third))

    found = load(home, database, write_maloja(export, more), sizes=Sizes(batch=4), workers=1)

    assert found["exit_code"] == ExitCode.DATABASE
    assert found["counts"] == {**found["counts"], "inserted": 8, "already_present": 0, "not_reached": 4}
    assert inserted(database) == 36 + 8


def test_a_connection_lost_while_the_ledger_is_completed(
    home: Path, database: str, export: Path, undisturbed: Content
) -> None:
    execute(database, disturbance("BEFORE UPDATE OF finished_at ON etl.files", f"PERFORM {LOST['all']}"))
    first = load(home, database, export)
    execute(database, CALM)
    second = load(home, database, export)

    assert (first["status"], first["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert json.loads((Path(first["run_dir"]) / "run.json").read_text())["counts"]["inserted"] == 36
    assert [file["status"] for file in second["files"]] == ["loaded"]
    assert second["counts"]["already_present"] == 36
    assert content(database) == undisturbed
