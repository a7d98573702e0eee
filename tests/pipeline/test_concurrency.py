"""Concurrent runs store nothing twice and lose nothing; one run writes its batches in parallel."""

from __future__ import annotations

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from etl.load.loader import Sizes
from tests.cli.program import SCRIPT
from tests.helpers.disturbances import ROUNDS, disturbance, inserted, wait_for
from tests.helpers.koito_actions import CLEAN_ORPHANS
from tests.helpers.support import content, execute, load, query, scrobble, write_maloja
from tests.helpers.worlds import wipe

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.faults
each_round = pytest.mark.parametrize("seed", ROUNDS)

# What nothing in Koito's schema forbids: two artists of one name, two albums of one title and artist, and so on.
TWICE = """
SELECT 'artist', name FROM artists_with_name GROUP BY name HAVING count(*) > 1
UNION ALL
SELECT 'album', r.title || ' by ' || a.name
FROM releases_with_title r
JOIN artist_releases l ON l.release_id = r.id AND l.is_primary
JOIN artists_with_name a ON a.id = l.artist_id
GROUP BY r.title, a.name HAVING count(*) > 1
UNION ALL
SELECT 'track', title || ' on ' || release_id || ' by ' || credits
FROM (
    SELECT t.title, t.release_id, string_agg(CAST(l.artist_id AS text), ',' ORDER BY l.artist_id) AS credits
    FROM tracks_with_title t JOIN artist_tracks l ON l.track_id = t.id GROUP BY t.id, t.title, t.release_id
) AS credited
GROUP BY title, release_id, credits HAVING count(*) > 1
"""


def history(size: int, seed: int) -> list[dict[str, Any]]:
    """Return scrobbles that share artists, albums and tracks all over, each at a second of its own."""
    chance = random.Random(seed)
    artists = [f"Artist {number}" for number in range(30)]
    return [
        scrobble(
            second,
            chance.sample(artists, chance.choice([1, 1, 1, 2, 3])),
            f"Track {chance.randrange(8)}",
            chance.choice([None, "Debut", "Best of", "Live"]),
            chance.choice([None, 180 + second]),
        )
        for second in range(size)
    ]


def write_parts(folder: Path, scrobbles: Sequence[dict[str, Any]], share: float) -> list[Path]:
    """Write four exports that overlap, each with a ``share`` of the scrobbles in an order of its own."""
    parts = []
    for number in range(4):
        chance = random.Random(number)
        part = chance.sample(scrobbles, round(len(scrobbles) * share))
        parts.append(write_maloja(folder / f"maloja_export_{number}.json", part))
    return parts


def unloaded(uri: str) -> list[tuple[Any, ...]]:
    """Return the advisory locks and the other connections that the database still has."""
    return query(
        uri,
        """
        SELECT 'lock', l.pid::text FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND d.datname = current_database()
        UNION ALL
        SELECT 'connection', pid::text FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        """,
    )


@each_round
def test_four_processes_with_overlapping_exports_create_nothing_twice(
    tmp_path: Path, home: Path, database: str, seed: int
) -> None:
    exports = write_parts(tmp_path, history(1_000, seed), share=0.6)
    union = {scrobble["time"] for export in exports for scrobble in scrobbles_of(export)}

    processes = [
        subprocess.Popen(
            [SCRIPT, "run", "--dsn", database, "--home", home, "--json", export],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for export in exports
    ]
    endings = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]

    assert [code for _, code in endings] == [0] * 4, endings
    assert query(database, TWICE) == []
    assert inserted(database) == len(union)
    assert query(database, "SELECT count(*)::int FROM etl.files WHERE finished_at IS NOT NULL") == [(4,)]
    wait_for(lambda: not unloaded(database))  # backends need a moment to notice that their client has gone


def scrobbles_of(export: Path) -> list[dict[str, Any]]:
    scrobbles: list[dict[str, Any]] = json.loads(export.read_text())["scrobbles"]
    return scrobbles


@each_round
def test_runs_of_one_history_that_take_turns_leave_what_one_run_leaves(
    tmp_path: Path, home: Path, database: str, seed: int
) -> None:
    scrobbles = history(300, seed)
    exclusive = load(home, database, write_maloja(tmp_path / "alone.json", scrobbles))
    expected = content(database)
    wipe(database)
    exports = write_parts(tmp_path, scrobbles, share=1)

    with ThreadPoolExecutor(4) as runs:
        found = list(runs.map(lambda export: load(home, database, export, sizes=Sizes(batch=40, round=25)), exports))

    assert [manifest["exit_code"] for manifest in found] == [0] * 4
    assert content(database) == expected
    assert sum(manifest["counts"]["inserted"] for manifest in found) == exclusive["counts"]["inserted"] == 300
    assert {name: sum(manifest["created"][name] for manifest in found) for name in exclusive["created"]} == exclusive[
        "created"
    ]
    assert inserted(database) == 300


def test_runs_that_share_artists_and_albums_create_none_twice(tmp_path: Path, home: Path, database: str) -> None:
    # No key is in two exports, so that nothing in the schema is in the way; and there is time enough between a plan
    # and its commit.
    execute(database, disturbance("AFTER INSERT ON artists", "PERFORM pg_sleep(0.2);", each="STATEMENT"))
    exports = [
        write_maloja(
            tmp_path / f"maloja_export_{run}.json",
            [scrobble(10 * run + artist, [f"Artist {artist}"], f"Track {run}", "Debut") for artist in range(5)],
        )
        for run in range(4)
    ]

    with ThreadPoolExecutor(4) as runs:
        found = list(runs.map(lambda export: load(home, database, export), exports))

    assert [manifest["exit_code"] for manifest in found] == [0] * 4
    assert query(database, TWICE) == []
    assert query(database, "SELECT count(*)::int FROM artists") == [(5,)]
    assert inserted(database) == 20


@each_round
def test_koito_finds_nothing_to_sweep_while_a_run_writes(tmp_path: Path, home: Path, database: str, seed: int) -> None:
    export = write_maloja(tmp_path / "maloja_export.json", history(300, seed))
    exclusive = load(tmp_path / "undisturbed", database, export)
    expected = content(database)
    wipe(database)
    swept: list[int] = []

    with ThreadPoolExecutor(1) as runs:
        running = runs.submit(load, home, database, export, sizes=Sizes(batch=12, round=60))
        while not running.done():
            execute(database, f"BEGIN; {CLEAN_ORPHANS} COMMIT;")
            swept.append(1)
    found = running.result()

    assert len(swept) > 1
    assert (found["exit_code"], found["created"]) == (0, exclusive["created"])
    assert content(database) == expected


def test_two_backends_of_one_run_write_at_once(tmp_path: Path, home: Path, database: str) -> None:
    # A batch waits, with its rows written, until another one is as far; where batches came one after the other, none
    # would ever be met.
    execute(
        database,
        """
        CREATE TABLE met (backends integer NOT NULL);
        CREATE FUNCTION wait_for_company() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            company integer;
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(42);
            FOR attempt IN 1..300 LOOP
                SELECT count(DISTINCT pid) INTO company FROM pg_locks
                WHERE locktype = 'advisory' AND objid = 42 AND granted AND database = (
                    SELECT oid FROM pg_database WHERE datname = current_database());
                IF company > 1 THEN
                    INSERT INTO met VALUES (company);
                    PERFORM pg_sleep(0.05);
                    EXIT;
                END IF;
                EXIT WHEN EXISTS (SELECT FROM met);
                PERFORM pg_sleep(0.01);
            END LOOP;
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER wait_for_company AFTER INSERT ON etl.batches
        FOR EACH STATEMENT EXECUTE FUNCTION wait_for_company();
        ALTER TABLE etl.batches ENABLE ALWAYS TRIGGER wait_for_company; -- so that the load still suspends foreign keys
        """,
    )
    unrelated = [scrobble(number, [f"Artist {number}"], "Song", "Debut") for number in range(12)]

    found = load(home, database, write_maloja(tmp_path / "a.json", unrelated), workers=2, sizes=Sizes(batch=1))

    assert found["exit_code"] == 0
    assert query(database, "SELECT DISTINCT backends FROM met") == [(2,)]
    assert query(database, "SELECT count(DISTINCT backend)::int FROM etl.batches") == [(2,)]
    wait_for(lambda: not unloaded(database))  # backends need a moment to notice that their client has gone
