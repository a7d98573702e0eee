"""Koito's merges and deletes, in the middle of a batch: they go through, nothing dangles, and the load completes."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from etl.load.loader import Sizes
from etl.targets.base import Failure, StatementError
from tests.faults.record import record
from tests.helpers.disturbances import CALM, ROUNDS, disturbance, wait_for
from tests.helpers.koito_actions import (
    album_id,
    artist_id,
    delete_album,
    delete_track,
    merge_albums,
    merge_artists,
    merge_tracks,
    scrobble_live,
    track_id,
    untrue_lookups,
)
from tests.helpers.references import FOREIGN_KEYS, dangling_references
from tests.helpers.support import counts, execute, load, opened, query, scrobble, with_query, write_maloja
from tests.pipeline.test_concurrency import history
from tests.pipeline.test_interruptions import held

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    Edit = Callable[[str], None]

pytestmark = pytest.mark.faults

# Every batch waits here, with all its rows written and nothing committed.
IN_A_BATCH = disturbance("AFTER INSERT ON etl.batches", "PERFORM pg_advisory_xact_lock(42);", each="STATEMENT")
LEFT_OVER = """
SELECT 'track without artist', id FROM tracks t WHERE NOT EXISTS (SELECT FROM artist_tracks l WHERE l.track_id = t.id)
UNION ALL
SELECT 'album without artist', id FROM releases r
WHERE NOT EXISTS (SELECT FROM artist_releases l WHERE l.release_id = r.id)
UNION ALL
SELECT 'artist without name', id FROM artists a WHERE NOT EXISTS (SELECT FROM artist_aliases n WHERE n.artist_id = a.id)
UNION ALL
SELECT 'track without listen', id FROM tracks t WHERE NOT EXISTS (SELECT FROM listens l WHERE l.track_id = t.id)
"""

BEFORE = [
    scrobble(1, ["Ann"], "First", "Debut"),
    scrobble(2, ["Ann"], "Second", "Debut"),
    scrobble(3, ["Ann"], "First", "Hits"),
    scrobble(4, ["Bo"], "First", "Other"),
    scrobble(5, ["Cy"], "Alone", "Solo"),
    scrobble(6, ["Di"], "Gone", "Going"),
]
NEW_TRACK = scrobble(11, ["Ann"], "New", "Debut")
NEW_DUET = scrobble(12, ["Ann", "Bo"], "Duet", "Debut")
NEW_ALBUM = scrobble(13, ["Ann"], "New", "Comeback")
KNOWN_TRACK = scrobble(14, ["Ann"], "First", "Hits")
OF_LONE_ARTIST = scrobble(15, ["Di"], "Back", "Again")


def _artist(uri: str, name: str) -> int:
    return artist_id(uri, name)


# By name: what the batch writes, what Koito's user does during it, and what must be gone then.
EDITS: dict[str, tuple[list[dict[str, Any]], Edit, str]] = {
    "its artist is merged into another": (
        [NEW_TRACK, NEW_ALBUM],
        lambda uri: merge_artists(uri, _artist(uri, "Ann"), _artist(uri, "Bo")),
        "SELECT FROM artists_with_name WHERE name = 'Ann'",
    ),
    "another artist is merged into its own": (
        [NEW_TRACK],
        lambda uri: merge_artists(uri, _artist(uri, "Bo"), _artist(uri, "Ann")),
        "SELECT FROM artists_with_name WHERE name = 'Bo'",
    ),
    "its two artists are merged": (
        [NEW_DUET],
        lambda uri: merge_artists(uri, _artist(uri, "Ann"), _artist(uri, "Bo")),
        "SELECT FROM artists_with_name WHERE name = 'Ann'",
    ),
    "its album is merged into another": (
        [NEW_TRACK, NEW_DUET],
        lambda uri: merge_albums(uri, album_id(uri, "Debut", "Ann"), album_id(uri, "Hits", "Ann")),
        "SELECT FROM releases_with_title WHERE title = 'Debut'",
    ),
    "its track is merged into another": (
        [KNOWN_TRACK],
        lambda uri: merge_tracks(uri, track_id(uri, "First", "Hits", "Ann"), track_id(uri, "First", "Debut", "Ann")),
        "SELECT FROM releases_with_title WHERE title = 'Hits'",
    ),
    "a track of others is deleted": (
        [NEW_TRACK, KNOWN_TRACK],
        lambda uri: delete_track(uri, track_id(uri, "Alone", "Solo", "Cy")),
        "SELECT FROM artists_with_name WHERE name = 'Cy'",
    ),
    "an artist without tracks gets one and is swept": (
        [OF_LONE_ARTIST],
        lambda uri: delete_track(uri, track_id(uri, "Alone", "Solo", "Cy")),
        "SELECT FROM artists_with_name WHERE name = 'Cy'",
    ),
}


def dangling(uri: str) -> list[tuple[str, Any]]:
    """Return dangling references, and unreferenced rows that Koito would have removed."""
    return dangling_references(uri) + query(uri, LEFT_OVER)


def waiting_for_locks(uri: str) -> int:
    found = query(
        uri,
        "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    return int(found[0][0])


def test_rows_that_refer_to_nothing_are_found(tmp_path: Path, home: Path, database: str) -> None:
    load(home, database, write_maloja(tmp_path / "before.json", BEFORE))
    assert dangling(database) == []
    assert len(query(database, FOREIGN_KEYS)) == 17  # 12 of Koito's tables, 3 of the keys', 2 of the ledger's

    gone = "INSERT INTO listens (track_id, listened_at, client, user_id) VALUES (99999, now(), 'x', 77777)"
    execute(database, f"BEGIN; SET LOCAL session_replication_role = replica; {gone}; DELETE FROM etl.runs; COMMIT")

    run, batch = (f"etl.{table}.run_id" for table in ("files", "batches"))
    found = dangling(database)
    assert found[-2:] == [("listens.track_id", "99999"), ("listens.user_id", "77777")]
    assert {place for place, _ in found[:-2]} == {run, batch}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_in_the_middle_of_a_batch_leaves_nothing_dangling(
    tmp_path: Path, home: Path, database: str, loader_uri: str, name: str
) -> None:
    scrobbles, edit, gone = EDITS[name]
    load(home, database, write_maloja(tmp_path / "before.json", BEFORE))
    delete_album(database, album_id(database, "Going", "Di"))
    execute(database, IN_A_BATCH)

    with held(database, "42") as release, ThreadPoolExecutor(2) as threads:
        running = threads.submit(load, home, loader_uri, write_maloja(tmp_path / "more.json", scrobbles), workers=1)
        wait_for(lambda: waiting_for_locks(database) == 1)
        editing = threads.submit(edit, database)
        wait_for(lambda: editing.done() or waiting_for_locks(database) == 2)
        release()
        found = running.result()
        editing.result()
    execute(database, CALM)

    assert (found["exit_code"], found["imbalances"]) == (0, [])
    seconds = ", ".join(str(one["time"]) for one in scrobbles)
    stored = query(database, f"SELECT count(*)::int FROM listens WHERE extract(epoch FROM listened_at) IN ({seconds})")
    assert stored == [(len(scrobbles),)]
    assert dangling(database) == []
    assert untrue_lookups(database) == []
    assert query(database, f"SELECT count(*)::int FROM ({gone}) AS still_there") == [(0,)]
    deleted = len(BEFORE) + len(scrobbles) - counts(database)["listens"]
    again = load(home, database, tmp_path / "before.json", tmp_path / "more.json", force=True)
    assert again["counts"]["inserted"] == deleted


def test_an_edit_does_not_wait_for_ever(tmp_path: Path, home: Path, database: str) -> None:
    load(home, database, write_maloja(tmp_path / "before.json", BEFORE))
    execute(database, "ALTER FUNCTION etl.wait_for_batches() SET lock_timeout = '50ms'")

    with opened(database) as batch:
        batch.query("batch_lock")
        merge_artists(database, artist_id(database, "Ann"), artist_id(database, "Bo"))

    assert query(database, "SELECT name FROM artists_with_name WHERE name = 'Ann'") == []
    assert dangling(database) == []


def test_an_edit_that_a_batch_waits_for_does_not_wait_for_the_batch(tmp_path: Path, home: Path, database: str) -> None:
    # Koito attaches an artist to an album, which the batch wants to do, and only then deletes something.
    load(home, database, write_maloja(tmp_path / "before.json", BEFORE))
    bo, debut = artist_id(database, "Bo"), album_id(database, "Debut", "Ann")

    with opened(database) as koito, ThreadPoolExecutor(1) as threads:
        koito.query_text(f"INSERT INTO artist_releases VALUES ({bo}, {debut}, false) RETURNING release_id")
        running = threads.submit(load, home, database, write_maloja(tmp_path / "more.json", [NEW_DUET]))
        wait_for(lambda: waiting_for_locks(database))
        koito.query_text("DELETE FROM artist_tracks WHERE artist_id = 0 RETURNING track_id")
        koito.commit()
        found = running.result()

    assert (found["exit_code"], found["counts"]["inserted"]) == (0, 1)
    assert dangling(database) == []


# Keeps what is deleted, and in the course of which edit.
WATCH = """
CREATE TABLE gone (listened_at timestamptz, track_id integer, edit text);
CREATE TABLE gone_tracks (track_id integer, release_id integer);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF TG_TABLE_NAME = 'tracks' THEN
        INSERT INTO gone_tracks VALUES (OLD.id, OLD.release_id);
    ELSE
        INSERT INTO gone VALUES (OLD.listened_at, OLD.track_id, current_setting('application_name'));
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER keep BEFORE DELETE ON listens FOR EACH ROW EXECUTE FUNCTION keep();
CREATE TRIGGER keep BEFORE DELETE ON tracks FOR EACH ROW EXECUTE FUNCTION keep();
ALTER TABLE listens ENABLE ALWAYS TRIGGER keep; -- so that an undo suspends foreign keys as it does without it
ALTER TABLE tracks ENABLE ALWAYS TRIGGER keep;
"""
# Listens that went though nobody deleted their track or album.
LOST = """
SELECT g.listened_at, g.edit FROM gone g JOIN gone_tracks t ON t.track_id = g.track_id
WHERE g.edit NOT IN ('track' || t.track_id, 'album' || t.release_id)
"""
PAUSE = "SELECT pg_sleep(random() * 0.01)"
FIRST_SCROBBLE = 1_000_000
"""When the first scrobble is, in seconds after 2020-01-01; each other one is a second later."""
MERGES = {"tracks": merge_tracks, "releases": merge_albums, "artists": merge_artists}


def busy_koito(
    uri: str, chance: random.Random, loading: list[Future[Any]], refused: tuple[Failure, ...] = ()
) -> dict[str, int]:
    """Merge, delete and scrobble at random, as long as loads go on; return how often each of them was done.

    ``refused``: how an edit may fail, because what it is about was removed since the user saw it.
    """
    done = dict.fromkeys(("merges", "deletes", "scrobbles"), 0)
    while not all(load.done() for load in loading):
        what = chance.choice(["merges", "merges", "deletes", "scrobbles"])
        try:
            _edit(uri, chance, what, done["scrobbles"])
        except StatementError as error:
            if error.failure not in refused:
                raise
        else:
            done[what] += 1
    return done


def _edit(uri: str, chance: random.Random, what: str, number: int) -> None:
    if what == "merges":
        table, merge = chance.choice(list(MERGES.items()))
        known = [one for (one,) in query(uri, f"SELECT id FROM {table} ORDER BY id")]
        old, new = chance.sample(known, 2)
        merge(uri, old, new, pause=PAUSE)
    elif what == "deletes":
        name, table, delete = chance.choice([("track", "tracks", delete_track), ("album", "releases", delete_album)])
        known = [one for (one,) in query(uri, f"SELECT id FROM {table} ORDER BY id")]
        chosen = chance.choice(known)
        delete(with_query(uri, f"application_name={name}{chosen}"), chosen, pause=PAUSE)
    else:
        artist = chance.choice(["Live 1", "Live 2"])
        scrobble_live(uri, artist, f"Track {chance.randrange(3)}", "Debut", FIRST_SCROBBLE + number)


@pytest.mark.parametrize("seed", ROUNDS)
def test_a_busy_koito_and_a_load_do_not_disturb_each_other(
    tmp_path: Path, home: Path, database: str, loader_uri: str, seed: int
) -> None:
    chance = random.Random(seed)
    whole = history(300, seed)
    exports = [
        write_maloja(tmp_path / f"{name}.json", part)
        for name, part in (("before", whole[::5]), ("one", whole[:200]), ("two", whole[100:]))
    ]
    load(home, database, exports[0])
    execute(database, WATCH)

    with ThreadPoolExecutor(2) as threads:
        loading = [
            threads.submit(load, home, loader_uri, export, sizes=Sizes(batch=12, round=40)) for export in exports[1:]
        ]
        done = busy_koito(database, chance, loading)
    found = [one.result() for one in loading]

    present = query(database, "SELECT extract(epoch FROM listened_at)::bigint FROM listens")
    removed = query(database, "SELECT extract(epoch FROM listened_at)::bigint FROM gone")
    missing = {one["time"] for one in whole} - {second for (second,) in present + removed}
    lost, loose, untrue = query(database, LOST), dangling(database), untrue_lookups(database)
    record(
        "koito_alive",
        rounds=1,
        **done,
        losses=len(missing) + len(lost),
        duplicates=len(present) - len(set(present)),
        dangling=len(loose) + len(untrue),
        retries=sum(manifest["retries"] for manifest in found),
    )
    found_errors = [(manifest["error"], manifest["exit_code"], manifest["imbalances"]) for manifest in found]
    assert found_errors == [(None, 0, [])] * 2
    assert (missing, lost) == (set(), [])
    assert (loose, untrue) == ([], [])
    assert len(present) == len(set(present))
    again = load(home, database, *exports, force=True)
    assert again["counts"]["inserted"] == len({one["time"] for one in whole} - {second for (second,) in present})
