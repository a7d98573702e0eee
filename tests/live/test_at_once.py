"""Live listens from several threads and processes, next to runs: nothing twice, nothing lost."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from etl.live.listen import Listen
from etl.live.submit import open_live, submit_listen
from tests.cli.program import SCRIPT
from tests.helpers.support import content, counts, load, query, scrobble, write_maloja
from tests.helpers.worlds import START, wipe
from tests.pipeline.test_concurrency import TWICE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

# Two artists with albums of one title, and tracks that several of the albums have; a second each.
HISTORY = [
    scrobble(100 + number, [f"Artist {number % 2}"], f"Track {number % 3}", f"Album {number % 4 // 2}", 200)
    for number in range(24)
]


@pytest.fixture
def database(any_database: str) -> str:
    """Return the address of PostgreSQL's database, then of Koito's file."""
    return any_database


def body(scrobbles: list[dict[str, Any]]) -> bytes:
    """Return ``scrobbles`` as a client submits them to ListenBrainz."""
    listens = [
        {
            "listened_at": one["time"],
            "track_metadata": {
                "artist_name": one["track"]["artists"][0],
                "track_name": one["track"]["title"],
                "release_name": one["track"]["album"]["albumtitle"],
                "additional_info": {"duration": 200, "media_player": "maloja"},
            },
        }
        for one in scrobbles
    ]
    return json.dumps({"listen_type": "import", "payload": listens}).encode()


def test_processes_that_submit_during_a_run_give_the_same_result(database: str, tmp_path: Path) -> None:
    load(tmp_path / "alone", database, write_maloja(tmp_path / "all.json", HISTORY))
    expected = content(database)
    wipe(database)

    chance = random.Random(7)
    parts = [chance.sample(HISTORY, len(HISTORY)) for _ in range(3)]
    processes = [
        subprocess.Popen(
            [SCRIPT, "submit", "--dsn", database, "--home", tmp_path / f"home-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(len(parts))
    ]
    with ThreadPoolExecutor(len(parts)) as waiting:
        said = [waiting.submit(process.communicate, body(part)) for process, part in zip(processes, parts, strict=True)]
        manifest = load(tmp_path / "other", database, write_maloja(tmp_path / "other.json", parts[0]))
        results = [json.loads(line) for one in said for line in one.result()[0].splitlines()]

    assert [process.returncode for process in processes] == [0] * len(parts)
    assert manifest["exit_code"] == 0
    assert content(database) == expected
    reported = Counter(one["outcome"] for one in results)
    assert reported["inserted"] + manifest["counts"]["inserted"] == len(HISTORY)
    assert set(reported) <= {"inserted", "already_present"}
    assert (
        sum(one["created"]["tracks"] for one in results) + manifest["created"]["tracks"] == counts(database)["tracks"]
    )


def test_one_new_listen_from_many_threads_is_stored_once(database: str, tmp_path: Path) -> None:
    def submit(number: int) -> list[tuple[str, int | None]]:
        with open_live(database, home=str(tmp_path)) as live:
            listens = [Listen("Ann", f"Song {song}", START, duration=number + 1) for song in range(5)]
            return [(done.outcome, done.track_id) for done in (submit_listen(live, one) for one in listens)]

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(submit, range(4)))

    for of_song in zip(*results, strict=True):
        assert Counter(outcome for outcome, _ in of_song) == {"inserted": 1, "already_present": 3}
        assert len({track for _, track in of_song}) == 1
    assert counts(database) == {"artists": 1, "releases": 5, "tracks": 5, "listens": 5, "track_lookup": 5}
    assert query(database, TWICE) == []
