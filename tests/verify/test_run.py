"""``etl verify RUN`` passes for untouched runs, however they ended, and names exactly what was changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.core.errors import ExitCode
from etl.load.loader import Sizes
from etl.runs.directory import RunDirectory
from etl.targets.postgres.migrate import migrate
from etl.verify import Result
from tests.cli.program import SAMPLES, etl
from tests.helpers.disturbances import CALM, allow_alias, disturbance, forbid_alias
from tests.helpers.replays import replay
from tests.helpers.services import Listen, write
from tests.helpers.support import execute, load, query, scrobble, write_maloja
from tests.verify.conftest import HISTORY, STORED, Run, findings, rows, verified

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[pl.DataFrame], pl.DataFrame]

OK, FAILED, NOT_CHECKED = Result.OK, Result.FAILED, Result.NOT_CHECKED


# --- runs that nobody touched ----------------------------------------------------------------------------------


def test_a_run_of_every_format_passes_every_check(home: Path, database: str) -> None:
    manifest = load(home, database, SAMPLES)
    verdict = verified(home, database, manifest)

    assert manifest["counts"]["skipped"]
    assert findings(verdict) == {}
    listens = verdict.about["listens"]
    assert listens["then"] == manifest["counts"]["inserted"]
    assert listens["expected"] == listens["found"]
    assert listens["found"]["checksum"] != "0"


def test_a_run_that_found_everything_present_passes(run: Run) -> None:
    for manifest in (run.load_again(force=True), run.manifest):
        verdict = verified(run.home, run.uri, manifest)
        assert (findings(verdict), verdict.about["listens"]["found"]["listens"]) == ({}, STORED)


def test_a_dry_run_is_checked_without_a_database(home: Path, database: str, export: Path) -> None:
    manifest = load(home, database, export, dry_run=True)
    verdict = verified(home, "postgresql:///nowhere?host=/nowhere", manifest)

    assert findings(verdict) == dict.fromkeys(("ledger", "listens", "changes"), NOT_CHECKED)
    assert verdict.exit_code == ExitCode.OK


def test_a_partial_run_and_its_replay_both_pass(tmp_path: Path, home: Path, database: str) -> None:
    forbid_alias(database, "Duet")
    first = load(home, database, write_maloja(tmp_path / "maloja_export.json", HISTORY))
    partial = verified(home, database, first)
    allow_alias(database)
    second = replay(home, database, first)

    assert first["counts"]["unresolved"] == 1
    assert findings(partial) == {}
    for manifest, held in ((first, STORED - 1), (second, 1)):
        verdict = verified(home, database, manifest)
        assert (findings(verdict), verdict.about["listens"]["found"]["listens"]) == ({}, held)


def test_a_run_that_lost_its_connection_passes_for_what_it_committed(home: Path, database: str, export: Path) -> None:
    lose = "IF nextval('disturbances') = 3 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;"
    execute(database, disturbance("BEFORE INSERT ON etl.batches", lose))
    first = load(home, database, export, sizes=Sizes(batch=20, round=100), workers=1)
    execute(database, CALM)
    second = load(home, database, export)

    assert (first["status"], first["exit_code"]) == ("failed", ExitCode.DATABASE)
    assert first["counts"]["inserted"] > 0
    assert findings(verified(home, database, first)) == {}
    assert findings(verified(home, database, second)) == {}


def test_a_killed_run_is_reported_as_unfinished_and_the_next_run_passes(
    home: Path, database: str, export: Path
) -> None:
    killed = etl("run", "--dsn", database, export, home=home, env={"ETL_FAULT": "before_manifest"})
    (directory,) = (RunDirectory(path) for path in (home / "runs").iterdir())
    left = verified(home, database, {"run_dir": directory.path})
    resumed = load(home, database, export, force=True)

    assert killed.code == -9
    assert left.about["status"] == "unfinished"
    assert findings(left) == dict.fromkeys(("files", "ledger", "listens"), NOT_CHECKED)
    reasons = {check.name: check.reason for check in left.checks}
    assert "its batches inserted 36 listens" in reasons["ledger"]
    assert "36 of the 36 listens" in reasons["listens"]
    assert left.exit_code == ExitCode.OK
    assert (resumed["counts"]["inserted"], resumed["counts"]["already_present"]) == (0, 36)
    assert findings(verified(home, database, resumed)) == {}


def test_listens_recorded_by_two_services_are_looked_for_where_they_are(
    tmp_path: Path, home: Path, database: str
) -> None:
    first = load(home, database, write(tmp_path, "lastfm", [Listen(1_577_837_800, ("Ann",), "First", None)]))
    other = write_maloja(
        tmp_path / "maloja.json", [scrobble(1_000, ["Ann"], "First", "Other"), scrobble(9, ["Bo"], "X")]
    )
    second = load(home, database, other)

    assert second["counts"]["already_present"] == 1
    assert verified(home, database, second).about["listens"]["then"] == 2
    assert findings(verified(home, database, second)) == {}

    execute(database, "DELETE FROM listens WHERE client = 'lastfm'")

    for manifest in (first, second):
        verdict = verified(home, database, manifest)
        assert findings(verdict) == {"listens": FAILED}
        assert [row["row"] for row in rows(verdict, "listens")] == [1]


def test_a_track_that_koito_removes_during_the_run_is_accounted_for(home: Path, database: str, export: Path) -> None:
    # The first batch's tracks are gone when the second is written, so that their keys are resolved again.
    remove = """
        IF nextval('disturbances') = 2 THEN
            DELETE FROM tracks t USING track_lookup k WHERE k.track_id = t.id AND k.lookup_key ~ 'track 1';
        END IF;
    """
    load(home, database, export)
    execute(database, "DELETE FROM listens")
    execute(database, disturbance("BEFORE INSERT ON etl.batches", remove))
    manifest = load(home, database, export, force=True, sizes=Sizes(batch=12, round=100), workers=1)
    execute(database, CALM)
    verdict = verified(home, database, manifest)

    assert (manifest["exit_code"], manifest["imbalances"]) == (0, [])
    assert [check for check, result in findings(verdict).items() if result is FAILED] == []


# --- what was changed ------------------------------------------------------------------------------------------


def _set(**values: Any) -> Change:  # noqa: ANN401
    """Return a function that changes the first row."""
    is_first = pl.int_range(pl.len()) == 0

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        changed = [
            pl.when(is_first).then(pl.lit(value, frame.schema[name])).otherwise(name).alias(name)
            for name, value in values.items()
        ]
        return frame.with_columns(changed)

    return change


def _without_first(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.slice(1)


def _twice_first(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame.head(1), frame])


def _one_more(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame, pl.DataFrame({"file": ["x"], "row": [1], "reason": ["podcast"]}, frame.schema)])


# What is changed in which Parquet file, and the checks that do not hold then.
ALTERATIONS: dict[str, tuple[str, Change, set[str]]] = {
    "a lost outcome": ("outcome", _without_first, {"counts", "keys", "rows"}),
    "an outcome twice": ("outcome", _twice_first, {"counts", "keys", "pairs", "rows"}),
    "an outcome of another kind": ("outcome", _set(outcome="already_present"), {"counts"}),
    "an outcome at another track": ("outcome", _set(track_id=999), {"keys"}),
    "an outcome at another time": ("outcome", _set(listened_at=datetime(1999, 1, 1, tzinfo=UTC)), {"listens", "rows"}),
    "a duplicate of nothing": ("outcome", _set(outcome="duplicate_in_input"), {"counts", "pairs"}),
    "a lost listen": ("listens", _without_first, {"rows"}),
    "a listen of another key": ("listens", _set(lookup_key="x"), {"rows"}),
    "a lost key": ("keys", _without_first, {"counts", "keys"}),
    "a key of another state": ("keys", _set(status="hit"), {"counts"}),
    "a key with another number of listens": ("keys", _set(listens=7), {"keys"}),
    "another reason": ("rejects", _set(reason="bad_time"), {"reasons"}),
    "a lost reject": ("rejects", _without_first, {"counts", "reasons"}),
    "a skip too many": ("skipped", _one_more, {"counts", "reasons"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_parquet_file_is_found(files: Run, name: str) -> None:
    file, change, expected = ALTERATIONS[name]
    directory = RunDirectory(files.path)
    directory.write_frame(file, change(directory.read_frame(file)))
    verdict = files.verify()

    assert findings(verdict) == dict.fromkeys(expected, FAILED)
    assert all(rows(verdict, check) for check in expected)
    assert verdict.exit_code == ExitCode.UNBALANCED


@pytest.mark.parametrize("damage", ["gone", "garbage", "half", "other columns"])
def test_a_parquet_file_that_cannot_be_read_is_found(files: Run, damage: str) -> None:
    path = files.path / "outcome.parquet"
    match damage:
        case "gone":
            path.unlink()
        case "garbage":
            path.write_bytes(b"garbage")
        case "half":  # the end, which says what is where, is whole
            path.write_bytes(bytes(100) + path.read_bytes()[100:])
        case _:
            pl.DataFrame({"file": ["x"]}).write_parquet(path)
    verdict = files.verify()

    found = findings(verdict)
    assert (found.pop("files"), verdict.exit_code) == (FAILED, ExitCode.UNBALANCED)
    assert set(found.values()) == {NOT_CHECKED}
    assert "ledger" not in found


def test_a_file_that_the_run_could_not_write_is_not_an_error(run: Run) -> None:
    (run.path / "keys.parquet").unlink()
    _tell(run, error="keys.parquet cannot be written: No space left on device", status="failed", exit_code=2)
    execute(run.uri, "UPDATE etl.runs SET finished_at = NULL")

    verdict = run.verify()

    assert findings(verdict)["files"] is NOT_CHECKED
    assert verdict.exit_code == ExitCode.OK


def _tell(run: Run, **changes: Any) -> None:  # noqa: ANN401
    """Change ``run.json``."""
    path = run.path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_counts_that_were_changed_in_run_json_are_found(files: Run) -> None:
    _tell(files, counts=files.manifest["counts"] | {"inserted": 8})
    verdict = files.verify()

    assert findings(verdict) == dict.fromkeys(("counts", "sums", "ledger"), FAILED)
    assert rows(verdict, "counts") == [{"file": None, "term": "inserted", "run_json": 8, "parquet": 9}]
    assert rows(verdict, "ledger") == [{"what": "inserted", "run_json": "8", "ledger": "9"}]


SUM = "inserted, in the ledger's run and its batches"
LEDGER = {
    "inserted": ("UPDATE etl.batches SET inserted = inserted - 1 WHERE batch = 1", {"inserted", SUM}),
    "created": ("UPDATE etl.batches SET artists = artists + 1 WHERE batch = 1", {"created artists"}),
    "the sum": ("UPDATE etl.runs SET inserted = 1", {SUM}),
    "status": ("UPDATE etl.runs SET status = 'complete', exit_code = 0", {"status", "exit_code"}),
    "the end": ("UPDATE etl.runs SET finished_at = NULL", {"status"}),
    "records": ("UPDATE etl.files SET records = 1", {"records of {export}"}),
    "unresolved": ("UPDATE etl.files SET unresolved = 1", {"unresolved of {export}"}),
    "a file that is not finished": ("UPDATE etl.files SET finished_at = NULL", {"{export}"}),
    "a file that is gone": ("DELETE FROM etl.files", {"{export}"}),
    "the run": ("DELETE FROM etl.runs", {"run"}),
}  # fmt: skip


@pytest.mark.parametrize("name", LEDGER)
def test_a_changed_ledger_is_found(run: Run, name: str) -> None:
    change, expected = LEDGER[name]
    execute(run.uri, change)
    verdict = run.verify()

    assert findings(verdict) == {"ledger": FAILED}
    assert {row["what"] for row in rows(verdict, "ledger")} == {one.format(export=run.export) for one in expected}


def test_a_listen_missing_from_an_existing_track_is_found(run: Run) -> None:
    ((track, second),) = query(
        run.uri,
        """
        SELECT l.track_id, extract(epoch FROM l.listened_at)::bigint
        FROM listens l JOIN track_lookup k USING (track_id) WHERE k.lookup_key ~ '^bo.alone'
        """,
    )
    execute(run.uri, f"DELETE FROM listens WHERE track_id = {track}")
    verdict = run.verify()

    assert findings(verdict) == {"listens": FAILED}
    ((found),) = rows(verdict, "listens")
    assert (found["row"], found["track_id"], found["second"]) == (6, track, second)
    assert (found["file"], found["outcome"]) == (str(run.export), "inserted")
    numbers = verdict.about["listens"]
    assert (numbers["missing"], numbers["expected"]["listens"], numbers["found"]["listens"]) == (1, 9, 8)
    assert numbers["expected"]["checksum"] != numbers["found"]["checksum"]


def test_a_listen_at_another_second_is_found(run: Run) -> None:
    execute(
        run.uri,
        "UPDATE listens SET listened_at = listened_at + interval '1 s' WHERE listened_at = '2020-01-01 00:00:01Z'",
    )

    assert [row["row"] for row in rows(run.verify(), "listens")] == [1]


def test_another_database_does_not_know_the_run(files: Run, empty_database: str) -> None:
    migrate(empty_database, standalone=True)
    verdict = verified(files.home, empty_database, files.manifest)

    assert {name for name, result in findings(verdict).items() if result is FAILED} == {"ledger"}
    assert rows(verdict, "ledger")[0]["ledger"] == "not in the ledger"
