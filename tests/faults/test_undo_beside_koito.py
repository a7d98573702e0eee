"""Koito merges, deletes and scrobbles while a run is taken back: nothing dangles, and no scrobble is lost."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.core.workspace import Workspace
from etl.load.loader import Sizes
from etl.targets.base import Failure
from etl.verify import verify_database, verify_run
from tests.cli.program import ROOT
from tests.faults.test_koito_edits import FIRST_SCROBBLE, WATCH, busy_koito, dangling
from tests.helpers.disturbances import ROUNDS
from tests.helpers.koito_actions import untrue_lookups
from tests.helpers.replays import run_of
from tests.helpers.support import execute, load, query, scrobble, sqlite_file, write_maloja
from tests.helpers.undos import undo
from tests.pipeline.test_concurrency import history

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

STOP = "DROP TRIGGER keep ON listens; DROP TRIGGER keep ON tracks"


@pytest.mark.parametrize("seed", ROUNDS)
def test_an_undo_next_to_a_busy_koito_leaves_nothing_dangling(
    tmp_path: Path, home: Path, database: str, loader_uri: str, seed: int
) -> None:
    chance = random.Random(seed)
    whole = history(300, seed)
    first = load(home, database, write_maloja(tmp_path / "one.json", whole[:200]), sizes=Sizes(batch=12, round=40))
    load(home, database, write_maloja(tmp_path / "two.json", whole[100:]))
    of_second = seconds(database) - {one["time"] for one in whole[:200]}
    execute(database, WATCH)

    with ThreadPoolExecutor(1) as threads:
        undoing = threads.submit(undo, home, loader_uri, first, batch=4)
        done = busy_koito(database, chance, [undoing], refused=(Failure.MISSING_REFERENCE, Failure.DUPLICATE))
    undone = undoing.result()
    execute(database, STOP)

    deleted = {second for (second,) in query(database, "SELECT extract(epoch FROM listened_at)::bigint FROM gone")}
    assert (undone["exit_code"], undone["error"], undone["imbalances"]) == (0, None, [])
    assert undone["counts"]["removed"] + undone["counts"]["gone_before"] == first["counts"]["inserted"]
    assert min(done["merges"] + done["deletes"], done["scrobbles"]) > 0
    assert dangling(database) == []
    assert untrue_lookups(database) == []
    assert of_second - seconds(database) <= deleted  # no listen of the other run is lost
    assert seconds(database) & {one["time"] for one in whole[:100]} == set()  # merged or not
    assert verify_run(run_of(undone), Workspace(home, database)).exit_code == ExitCode.OK
    scrobbled = {scrobble(FIRST_SCROBBLE + number, ["Live"], "Track")["time"] for number in range(done["scrobbles"])}
    assert scrobbled - seconds(database) <= deleted  # and no scrobble


def seconds(uri: str) -> set[int]:
    return {second for (second,) in query(uri, "SELECT extract(epoch FROM listened_at)::bigint FROM listens")}


SCROBBLER = """
import sys
from pathlib import Path
from time import sleep
from tests.helpers import koito_sqlite_actions as koito
file, number = Path(sys.argv[1]), 0
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    koito.scrobble_deferred(file, f"Live {number % 3}", f"Song {number % 5}", 5_000 + number)
    if number % 7 == 3:
        tracks = [track for (track,) in koito.ask(file, "SELECT id FROM tracks ORDER BY id DESC LIMIT 9")]
        koito.merge_tracks(file, tracks[-1], tracks[0])
    if number % 11 == 5:
        koito.delete_track(file, koito.ask(file, "SELECT max(id) FROM tracks")[0][0])
    number += 1
    sleep(0.005)
print(number, flush=True)
"""
"""A Koito in a process of its own: it stores a play with a deferred BEGIN, and waits 5 s at most for the file."""


def test_an_undo_next_to_a_running_koito_loses_no_scrobble(tmp_path: Path, home: Path, koito_file: str) -> None:
    file, end = sqlite_file(koito_file), tmp_path / "end"
    assert file
    whole = history(300, 1)
    first = load(home, koito_file, write_maloja(tmp_path / "one.json", whole[:200]))
    second = load(home, koito_file, write_maloja(tmp_path / "two.json", whole[100:]))
    command = [sys.executable, "-c", SCROBBLER, str(file), str(end)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as koito:
        assert koito.stdout
        assert koito.stdout.readline() == "ready\n"
        undone = undo(home, koito_file, first, batch=4)
        end.touch()
        reported, problem = koito.communicate(timeout=60)

    assert (koito.returncode, problem) == (0, "")  # a scrobble that waits for 5 s fails
    assert int(reported) > 0
    assert (undone["exit_code"], undone["imbalances"]) == (0, [])
    assert undone["counts"]["removed"] + undone["counts"]["gone_before"] == first["counts"]["inserted"]
    workspace = Workspace(home, koito_file)
    damage = [check.name for check in verify_database(workspace).checks if check.result == "failed"]
    assert damage == []
    assert query(koito_file, "PRAGMA integrity_check") == [("ok",)]
    assert query(koito_file, "PRAGMA foreign_key_check") == []
    assert verify_run(run_of(undone), workspace).exit_code == ExitCode.OK
    again = undo(home, koito_file, second)
    assert (again["exit_code"], again["imbalances"]) == (0, [])
    clients = query(koito_file, "SELECT DISTINCT client FROM listens")
    assert clients == [("koito",)]
