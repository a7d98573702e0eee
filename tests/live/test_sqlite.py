"""Live listens into Koito's file, which Koito changes and locks in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.dsn import SQLITE
from etl.core.errors import DatabaseError, ExitCode
from etl.core.workspace import Workspace
from etl.library import read_library
from etl.live.listen import Listen
from etl.live.submit import open_live, submit_listen
from etl.targets.base import StatementError
from etl.targets.sqlite.connection import SqliteConnection
from tests.helpers.koito_sqlite import opened_file
from tests.helpers.koito_sqlite_actions import act, ask, delete_track, merge_tracks, purge, scrobble
from tests.helpers.support import load, write_maloja
from tests.helpers.support import scrobble as scrobble_of
from tests.helpers.worlds import MBIDS, START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from etl.live.submit import LiveConnection

RED, BLUE, GREEN = MBIDS
SONG = Listen("Ann", "Song", START, album="Debut")
NO_ROOM = "BEGIN SELECT RAISE(ABORT, 'no room'); END"


@pytest.fixture
def file(koito_file: str) -> Path:
    """Return a file that is ready to be loaded into."""
    return Path(koito_file.removeprefix(SQLITE))


@pytest.fixture
def live(koito_file: str, tmp_path: Path) -> Iterator[LiveConnection]:
    """Return a connection for live listens to ``file``."""
    with open_live(koito_file, home=str(tmp_path / "home")) as connection:
        yield connection


def at(second: int, **changed: object) -> Listen:
    return replace(SONG, listened_at=START + timedelta(seconds=second), **changed)  # type: ignore[arg-type]


def listens(file: Path) -> list[int]:
    """Return the tracks of the listens, in the order of time."""
    return [track for (track,) in ask(file, "SELECT track_id FROM listens ORDER BY listened_at")]


def test_a_cached_listen_and_all_that_it_adds_are_stored_with_koitos_types(live: LiveConnection, file: Path) -> None:
    submit_listen(live, SONG)
    full = at(1, duration=200, recording_mbid=RED, release_mbid=BLUE, artist_mbids=[GREEN], client="phone")
    done = submit_listen(live, full)

    assert (done.outcome, done.status, done.detail) == ("inserted", "hit", None)
    assert ask(file, "SELECT duration, musicbrainz_id FROM tracks") == [(200, RED)]
    assert ask(file, "SELECT musicbrainz_id FROM releases UNION ALL SELECT musicbrainz_id FROM artists") == [
        (BLUE,),
        (GREEN,),
    ]
    types = "SELECT typeof(listened_at), typeof(client), client FROM listens ORDER BY listened_at"
    assert ask(file, types) == [("integer", "text", ""), ("integer", "text", "phone")]


def test_a_cached_listen_is_stored_as_a_whole_or_not_at_all(live: LiveConnection, file: Path) -> None:
    submit_listen(live, SONG)
    act(file, f"CREATE TRIGGER full BEFORE UPDATE ON tracks {NO_ROOM}")
    with pytest.raises(StatementError, match="no room"):
        submit_listen(live, at(1, duration=200))
    assert len(listens(file)) == 1
    act(file, "DROP TRIGGER full")
    assert submit_listen(live, at(1, duration=200)).outcome == "inserted"
    assert ask(file, "SELECT duration FROM tracks") == [(200,)]


def test_an_error_of_any_kind_ends_the_transaction(
    live: LiveConnection, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    submit_listen(live, SONG)
    with monkeypatch.context() as patched:
        patched.setattr(SqliteConnection, "execute", interrupted)
        with pytest.raises(KeyboardInterrupt):
            submit_listen(live, at(1, recording_mbid=RED))
    assert submit_listen(live, at(2, recording_mbid=RED)).outcome == "inserted"
    assert submit_listen(live, at(3)).outcome == "inserted"
    assert listens(file) == [1, 1, 1]  # of the seconds 0, 2 and 3


@pytest.mark.parametrize("stored", [2**31, 2**63 - 1])
def test_a_duration_of_over_32_bits_in_the_file_does_no_harm(
    live: LiveConnection, koito_file: str, file: Path, tmp_path: Path, stored: int
) -> None:
    submit_listen(live, at(1, duration=100))
    act(file, f"UPDATE tracks SET duration = {stored}")
    assert submit_listen(live, at(2, duration=100)).outcome == "inserted"
    assert submit_listen(live, at(3, recording_mbid=RED, duration=100)).outcome == "inserted"
    assert read_library(Workspace(tmp_path / "home", koito_file), None, "UTC").frames["listens"].height == 3
    play = scrobble_of(4000, ["Ann"], "Song", "Debut", 100)
    load(tmp_path / "home", koito_file, write_maloja(tmp_path / "a.json", [play]))
    assert ask(file, "SELECT count(*), max(duration) FROM listens JOIN tracks ON tracks.id = track_id") == [(4, stored)]


def test_a_key_that_cannot_be_written_is_reported_with_its_reason(live: LiveConnection, file: Path) -> None:
    act(file, "CREATE TRIGGER full BEFORE INSERT ON tracks BEGIN INSERT INTO tracks (release_id) VALUES (NULL); END")
    done = submit_listen(live, SONG)
    assert (done.outcome, done.status, done.exit_code) == ("unresolved", "failed", ExitCode.REJECTS)
    assert "NOT NULL" in (done.detail or "")
    act(file, "DROP TRIGGER full")
    assert submit_listen(live, SONG).outcome == "inserted"


def test_a_listen_waits_while_koito_writes(live: LiveConnection, file: Path) -> None:
    submit_listen(live, SONG)
    with opened_file(file) as koito, ThreadPoolExecutor(1) as other:
        koito("BEGIN IMMEDIATE")
        submitted = other.submit(submit_listen, live, at(1))
        assert not submitted.done()
        koito("INSERT INTO artists (id) VALUES (900)")
        koito("COMMIT")
        assert submitted.result().outcome == "inserted"


def test_a_listen_follows_a_merge(live: LiveConnection, file: Path) -> None:
    old, new = submit_listen(live, SONG), submit_listen(live, at(1, track="Song (Remaster)"))
    assert old.track_id is not None
    assert new.track_id is not None
    merge_tracks(file, old.track_id, new.track_id)
    done = submit_listen(live, at(2))
    assert (done.outcome, done.status, done.track_id) == ("inserted", "hit", new.track_id)
    assert listens(file) == [new.track_id] * 3


def test_a_deleted_track_is_recreated_although_its_id_was_reused(live: LiveConnection, file: Path) -> None:
    old = submit_listen(live, SONG)
    assert old.track_id is not None
    delete_track(file, old.track_id)
    scrobble(file, "Bo", "Else", "Other", 1_600_000_000)
    assert ask(file, "SELECT id FROM tracks") == [(old.track_id,)]
    done = submit_listen(live, at(1))
    assert (done.outcome, done.status) == ("inserted", "resolved")
    assert done.track_id != old.track_id
    assert ask(file, "SELECT title FROM tracks_with_title ORDER BY id") == [("Other",), ("Song",)]


def test_a_purge_is_noticed(live: LiveConnection, file: Path) -> None:
    submit_listen(live, SONG)
    purge(file)
    assert submit_listen(live, at(1)).status == "resolved"
    assert len(listens(file)) == 1


def test_a_missing_file_is_refused_and_not_created(tmp_path: Path) -> None:
    missing = tmp_path / "koito.db"
    with pytest.raises(DatabaseError, match="does not exist"), open_live(str(missing), home=str(tmp_path)):
        pass
    assert not missing.exists()
