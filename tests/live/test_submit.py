"""What becomes of a live listen, in the database and in its result."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from etl.core.dsn import SQLITE
from etl.core.errors import DatabaseError, ExitCode, SettingsError
from etl.live.listen import Listen
from etl.live.submit import open_live, submit_listen, submit_listenbrainz
from tests.helpers.support import counts, execute, load, query, scrobble, write_maloja
from tests.helpers.worlds import MBIDS, START
from tests.live.rows import submit_rows

if TYPE_CHECKING:
    from pathlib import Path

    from etl.live.submit import LiveConnection

RED, BLUE, GREEN = MBIDS
SONG = Listen("Ann", "Song", START, album="Debut")
NOTHING = dict.fromkeys(("artists", "releases", "tracks", "listens", "track_lookup"), 0)


@pytest.fixture
def database(any_database: str) -> str:
    """Return the DSN of the database that all tests of this module use: PostgreSQL's, then Koito's file."""
    return any_database


def at(second: int, listen: Listen = SONG, **changed: object) -> Listen:
    return replace(listen, listened_at=START + timedelta(seconds=second), **changed)  # type: ignore[arg-type]


def seconds(uri: str) -> list[float]:
    """Return when the stored listens were played, in seconds since START."""
    times = (time for (time,) in query(uri, "SELECT listened_at FROM listens ORDER BY 1"))
    return [(time.timestamp() if isinstance(time, datetime) else time) - START.timestamp() for time in times]


# --- the result ----------------------------------------------------------------------------------------------


def test_the_first_listen_makes_its_entities_and_the_second_finds_them(live: LiveConnection, database: str) -> None:
    first, second, again = (submit_listen(live, one) for one in (SONG, at(1), at(1)))

    assert (first.outcome, first.status) == ("inserted", "resolved")
    assert first.created == {"artists": 1, "albums": 1, "tracks": 1}
    assert first.lookup_key == "ann\x1fsong\x1fdebut"
    assert (second.outcome, second.status, second.created) == ("inserted", "hit", dict.fromkeys(first.created, 0))
    assert (again.outcome, again.detail) == ("already_present", None)
    ids = query(
        database, "SELECT l.artist_id, t.release_id, t.id FROM tracks t JOIN artist_tracks l ON l.track_id = t.id"
    )
    assert ids == [(second.artist_id, second.album_id, second.track_id)]
    assert counts(database)["track_lookup"] == 1
    assert seconds(database) == [0, 1]


def test_an_invalid_listen_is_reported_and_nothing_is_written(live: LiveConnection, database: str) -> None:
    wrong = [
        (replace(SONG, artist=" "), "missing_artist", None),
        (replace(SONG, album="a\udc80"), "bad_encoding", "U+DC80 is half of a surrogate pair"),
        (replace(SONG, track="x" * 2001), "name_too_long", "2001 bytes; at most 2,000 fit"),
        (replace(SONG, listened_at=START.replace(year=1999)), "time_too_early", "1999-01-01T00:00:00Z"),
        (replace(SONG, listened_at=START.replace(year=9999)), "time_in_future", "9999-01-01T00:00:00Z"),
    ]
    for listen, reason, detail in wrong:
        done = submit_listen(live, listen)
        assert (done.outcome, done.reason, done.detail, done.exit_code) == ("rejected", reason, detail, ExitCode.INPUT)
    assert counts(database) == NOTHING


def test_texts_are_cleaned_and_seconds_are_whole_as_in_a_run(live: LiveConnection, database: str) -> None:
    done = submit_listen(live, Listen(" Zoe\u0308 ", "A\tB", START + timedelta(seconds=5, milliseconds=900)))
    assert (done.artist, done.track, done.listened_at) == ("Zoë", "A B", START + timedelta(seconds=5))
    assert seconds(database) == [5]


@pytest.mark.parametrize(
    ("given", "stored"), [(200.9, 200), (0, 0), (0.5, 0), (-1, 0), (2**31, 0), (2**63, 0), (float("nan"), 0), ("x", 0)]
)
def test_a_duration_is_whole_and_likely_or_is_ignored(
    live: LiveConnection, database: str, given: float, stored: int
) -> None:
    assert submit_listen(live, replace(SONG, duration=given)).outcome == "inserted"
    assert submit_listen(live, at(1, duration=given)).outcome == "inserted"
    assert query(database, "SELECT duration FROM tracks") == [(stored,)]


def test_a_time_of_any_zone_is_the_same_moment(live: LiveConnection, database: str) -> None:
    east, none = START.astimezone(timezone(timedelta(hours=9))), START.replace(tzinfo=None)
    for moment, track in ((east, "Song"), (none, "Song"), (east, "Song "), (none, "Song\t")):
        submit_listen(live, replace(SONG, listened_at=moment, track=track))
    assert seconds(database) == [0]


def test_all_listens_of_a_body_are_stored_or_none(live: LiveConnection, database: str) -> None:
    good = b'{"listened_at":%d,"track_metadata":{"artist_name":"Ann","track_name":"Song"}}'
    bad = b'{"listened_at":1700000000,"track_metadata":{"artist_name":"Ann"}}'
    later, sooner = good % 1_700_000_009, good % 1_700_000_001

    refused = submit_listenbrainz(live, b'{"listen_type":"import","payload":[%b,%b]}' % (later, bad))
    assert [(one.row, one.outcome, one.reason) for one in refused] == [
        (1, "unresolved", None),
        (2, "rejected", "missing_track"),
    ]
    assert counts(database) == NOTHING

    stored = submit_listenbrainz(live, b'{"listen_type":"import","payload":[%b,%b,%b]}' % (later, sooner, later))
    assert [(one.row, one.outcome, one.status) for one in stored] == [
        (1, "inserted", "hit"),
        (2, "inserted", "resolved"),  # the earliest makes the track
        (3, "duplicate_in_input", "hit"),
    ]


def test_what_is_playing_is_skipped_without_its_time(live: LiveConnection, database: str) -> None:
    (done,) = submit_listenbrainz(
        live, b'{"listen_type":"playing_now","payload":[{"track_metadata":{"artist_name":"Ann","track_name":"Song"}}]}'
    )
    assert (done.outcome, done.reason, done.exit_code) == ("skipped", "now_playing", ExitCode.OK)
    assert counts(database) == NOTHING


# --- users and databases -------------------------------------------------------------------------------------


def test_the_only_user_is_meant_unless_one_is_named(database: str, tmp_path: Path) -> None:
    execute(database, "INSERT INTO users (username, password) VALUES ('zoe', '')")
    (zoe,) = query(database, "SELECT id FROM users WHERE username = 'zoe'")[0]
    with open_live(database, home=str(tmp_path)) as live, pytest.raises(SettingsError, match="2 users: admin, zoe"):
        submit_listen(live, SONG)
    for second, name in enumerate(("Zoe", str(zoe), "zoe")):
        with open_live(database, home=str(tmp_path), user=name) as live:
            assert submit_listen(live, at(second)).outcome == "inserted"
    with open_live(database, home=str(tmp_path), user="bo") as live, pytest.raises(SettingsError, match='no user "bo"'):
        submit_listen(live, at(9))
    assert query(database, "SELECT DISTINCT user_id, count(*) OVER () FROM listens") == [(zoe, 3)]


def test_a_listen_of_another_user_is_reported(database: str, tmp_path: Path) -> None:
    execute(database, "INSERT INTO users (username, password) VALUES ('zoe', '')")
    for user, detail in (("admin", None), ("zoe", "other_user"), ("admin", None)):
        with open_live(database, home=str(tmp_path), user=user) as live:
            assert submit_listen(live, SONG).detail == detail
            assert submit_listen(live, replace(SONG, duration=9)).detail == detail
            assert submit_listen(live, replace(SONG, artist="ANN ", artists=["Ann"])).detail == detail


@pytest.mark.parametrize("koito", ["koito_database", "new_koito_file"])
def test_a_database_without_our_tables_is_refused_as_by_a_run(
    request: pytest.FixtureRequest, koito: str, tmp_path: Path
) -> None:
    with (
        open_live(str(request.getfixturevalue(koito)), home=str(tmp_path)) as live,
        pytest.raises(DatabaseError, match=r"lacks \d of our migrations. Run `etl db migrate`"),
    ):
        submit_listen(live, SONG)


def test_a_database_of_another_version_is_refused_also_for_a_cached_key(database: str, tmp_path: Path) -> None:
    with open_live(database, home=str(tmp_path)) as live:
        submit_listen(live, SONG)
    table = "etl_migrations" if database.startswith(SQLITE) else "etl.migrations"
    execute(database, f"INSERT INTO {table} (version, name, checksum) VALUES (9999, 'later', '')")
    with open_live(database, home=str(tmp_path)) as live, pytest.raises(DatabaseError, match="migration 9999"):
        submit_listen(live, at(1))
    assert counts(database)["listens"] == 1


# --- what is added to entities that are there ----------------------------------------------------------------


def held(uri: str) -> list[tuple[object, ...]]:
    """Return title, duration and MBIDs of recording, release and first artist of each track."""
    return query(
        uri,
        """
        SELECT t.title, t.duration, CAST(t.musicbrainz_id AS text) AS t, CAST(r.musicbrainz_id AS text) AS r,
            CAST(a.musicbrainz_id AS text) AS a
        FROM tracks_with_title t JOIN releases r ON r.id = t.release_id
        JOIN artist_tracks l ON l.track_id = t.id AND l.is_primary JOIN artists a ON a.id = l.artist_id ORDER BY t.id
        """,
    )


def test_nothing_is_overwritten_and_a_foreign_mbid_is_reported(live: LiveConnection, database: str) -> None:
    full = replace(SONG, duration=200, recording_mbid=RED, release_mbid=RED, artist_mbids=[RED])
    submit_listen(live, SONG)
    assert submit_listen(live, at(1, full)).detail is None
    before = held(database)
    assert before == [("Song", 200, RED, RED, RED)]

    reported = [
        submit_listen(live, at(2, duration=9)).detail,
        submit_listen(live, at(3, recording_mbid=BLUE)).detail,
        submit_listen(live, at(4, release_mbid=BLUE)).detail,
        submit_listen(live, at(5, artist_mbids=[BLUE])).detail,
    ]
    assert reported[0] is None
    assert [text.split()[:2] for text in reported[1:] if text] == [
        ["recording", BLUE],
        ["release", BLUE],
        ["artist", BLUE],
    ]
    assert all("was not stored" in text for text in reported[1:] if text)
    assert held(database) == before
    assert counts(database)["listens"] == 6


def test_an_mbid_that_another_entity_has_is_reported_and_not_stored(live: LiveConnection, database: str) -> None:
    other = Listen("Bo", "Other", START, album="Else", recording_mbid=RED, release_mbid=RED)
    submit_listen(live, replace(other, artists=["Bo"], artist_mbids=[RED]))
    submit_listen(live, SONG)
    reported = [
        submit_listen(live, at(1, recording_mbid=RED)).detail,
        submit_listen(live, at(2, release_mbid=RED)).detail,
        submit_listen(live, at(3, artist_mbids=[RED])).detail,
    ]
    assert [text and text.split()[:2] for text in reported] == [["recording", RED], ["release", RED], ["artist", RED]]
    assert held(database) == [("Other", 0, RED, RED, RED), ("Song", 0, None, None, None)]


def test_the_mbids_of_several_artists_go_to_those_of_their_names(live: LiveConnection, database: str) -> None:
    duet = Listen(None, "Song", START, artists=["Ann", "Bo"])
    submit_listen(live, duet)
    done = submit_listen(live, at(1, duet, artist_mbids=[RED, BLUE]))
    assert (done.status, done.detail) == ("hit", None)
    names = "SELECT name, CAST(musicbrainz_id AS text) FROM artists_with_name ORDER BY name"
    assert query(database, names) == [("Ann", RED), ("Bo", BLUE)]


def test_an_mbid_of_a_name_two_artists_share_is_left_to_the_resolver(live: LiveConnection, database: str) -> None:
    duet = Listen(None, "Song", START, artists=["Ann", "Bo"])
    submit_listen(live, duet)
    execute(
        database,
        "INSERT INTO artist_aliases SELECT id, 'Ann', 'Manual', false FROM artists_with_name WHERE name = 'Bo'",
    )
    done = submit_listen(live, at(1, duet, artist_mbids=[RED, BLUE]))
    assert (done.outcome, done.status, done.detail) == ("inserted", "hit", None)
    names = "SELECT name, CAST(musicbrainz_id AS text) FROM artists_with_name ORDER BY name"
    assert query(database, names) == [("Ann", RED), ("Bo", BLUE)]


# --- next to runs -----------------------------------------------------------------------------------


def ledger_tables(uri: str) -> tuple[str, str]:
    """Return the names of the tables of runs and batches."""
    return ("etl_runs", "etl_batches") if uri.startswith(SQLITE) else ("etl.runs", "etl.batches")


def test_the_ledger_knows_runs_alone_and_their_sums_stay_right(
    live: LiveConnection, database: str, tmp_path: Path
) -> None:
    submit_rows(live, [{"artist": "Ann", "track": "Song", "album": "Debut", "listened_at": 5}])
    runs, batches = ledger_tables(database)
    assert query(database, f"SELECT (SELECT count(*) FROM {runs}) AS a, (SELECT count(*) FROM {batches}) AS b") == [
        (0, 0)
    ]
    file = write_maloja(tmp_path / "m.json", [scrobble(second, ["Ann"], "Song", "Debut") for second in (5, 6)])
    manifest = load(tmp_path / "home", database, file)

    assert manifest["exit_code"] == 0
    assert {name: manifest["counts"][name] for name in ("inserted", "already_present", "cache_hits")} == {
        "inserted": 1,
        "already_present": 1,
        "cache_hits": 1,
    }
    assert query(database, f"SELECT CAST(sum(inserted) AS int) FROM {batches}") == [(1,)]
