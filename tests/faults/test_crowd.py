"""Several runs of overlapping exports and live listens at once: every listen once, nothing made twice."""

from __future__ import annotations

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import SCRIPT, environment
from tests.faults.record import record
from tests.helpers.disturbances import ROUNDS
from tests.helpers.koito_actions import key_ids, scrobble_live
from tests.helpers.support import execute, load, query, write_maloja
from tests.pipeline.test_concurrency import TWICE, history

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.faults

Scrobbles = list[dict[str, Any]]


def name_of(one: dict[str, Any]) -> tuple[str, ...]:
    """Return the parts of the key of a scrobble by one artist."""
    track = one["track"]
    return track["artists"][0], track["title"], (track["album"] or {"albumtitle": ""})["albumtitle"]


def play_live(uri: str, known: Scrobbles, runs: Sequence[subprocess.Popen[str]], chance: random.Random) -> set[int]:
    """Store listens as Koito does while ``runs`` go on, and return their times.

    They are ``known`` ones, some of which are in the exports too, and of tracks that no export has.
    """
    times = set()
    left = chance.sample(known, len(known))
    while any(run.poll() is None for run in runs):
        if left and chance.random() < 0.7:
            one = left.pop()
            track = key_ids(uri, *name_of(one))[2]
            insert = f"INSERT INTO listens SELECT {track}, to_timestamp({one['time']}), 'live', min(id) FROM users"
            execute(uri, f"{insert} ON CONFLICT DO NOTHING")
            times.add(one["time"])
        else:
            second = 1_000_000 + len(times)
            scrobble_live(uri, f"Live {chance.randrange(3)}", f"Track {chance.randrange(8)}", "Debut", second)
            times.add(1_577_836_800 + second)
    return times


@pytest.mark.parametrize("seed", ROUNDS)
def test_runs_and_live_listens_at_once_store_every_listen_once(
    tmp_path: Path, home: Path, database: str, seed: int
) -> None:
    chance, whole = random.Random(seed), history(600, seed)
    before = whole[::4]
    load(home, database, write_maloja(tmp_path / "before.json", before))
    cached = {name_of(one) for one in before if len(one["track"]["artists"]) == 1}
    known = [one for one in whole if len(one["track"]["artists"]) == 1 and name_of(one) in cached]
    exports = [
        write_maloja(tmp_path / f"maloja_export_{number}.json", chance.sample(whole, 400))
        for number in range(2 + seed % 7)
    ]

    with ThreadPoolExecutor(len(exports)) as readers:
        runs = [
            subprocess.Popen(
                [SCRIPT, "run", "--dsn", database, "--doubles", "keep", "--json", export],
                env=environment(home),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for export in exports
        ]
        endings = readers.map(lambda run: run.communicate(timeout=120), runs)
        live = play_live(database, known, runs, chance)
        manifests = [json.loads(out) for out, _ in endings]

    in_exports = {one["time"] for export in exports for one in json.loads(export.read_text())["scrobbles"]}
    expected = in_exports | live | {one["time"] for one in before}
    found = query(database, "SELECT extract(epoch FROM listened_at)::bigint, client FROM listens")
    stored, twice = [second for second, _ in found], query(database, TWICE)
    by_ledger = query(database, "SELECT sum(inserted)::int FROM etl.batches")
    record(
        "crowd",
        rounds=1,
        runs=len(runs),
        runs_at_once_max=len(runs),
        live=len(live),
        retries=sum(manifest["retries"] for manifest in manifests),
        losses=len(expected - set(stored)),
        duplicates=len(stored) - len(set(stored)) + len(twice),
    )
    assert [manifest["exit_code"] for manifest in manifests] == [0] * len(runs)
    assert sorted(stored) == sorted(expected)
    assert twice == []
    assert by_ledger == [(sum(client != "live" for _, client in found),)]
