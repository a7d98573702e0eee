"""Files that look like a listening history are refused by name, with advice."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from etl.formats import Refusal, peek_at, recognise

if TYPE_CHECKING:
    from pathlib import Path

TECHNICAL = (
    b'[{"timestamp_utc":"2024-01-01T00:00:00Z","context_time":1,"context_receiver_service_timestamp":2,'
    b'"context_application_version":"8","message_page":"x"}]'
)


@pytest.mark.parametrize(
    ("data", "refusal", "advice"),
    [
        (b"Artist;Playcount\nA;7\n", "lastfm-top-list", "lastfm.ghan.nl"),
        (b"rank,artist,track,scrobbles\n1,A,t,7\n", "lastfm-top-list", "lastfm.ghan.nl"),
        (b"week of,artist name,album,Plays,date\n1,A,L,7,2\n", "lastfm-top-list", "lastfm.ghan.nl"),
        (b'{"toptracks":{"track":[{"name":"t","playcount":"7"}]}}', "lastfm-top-list", "lastfm.ghan.nl"),
        (b'{"weeklyartistchart":{"artist":[{"name":"A","playcount":"7"}]}}', "lastfm-top-list", "lastfm.ghan.nl"),
        (b"1301911200\tA\tt\tL\n1301911201\tA\tt\n", "table-of-unknown-order", "exported_tracks.txt"),
        (TECHNICAL, "spotify-technical-log", "extended streaming history"),
    ],
)
def test_unsupported_file_by_content(data: bytes, refusal: str, advice: str) -> None:
    for content in (data, b"\xef\xbb\xbf" + data, data.decode().encode("utf-16")):
        known = recognise(peek_at("any name", content))
        assert isinstance(known, Refusal)
        assert known.name == refusal
        assert advice in known.advice


@pytest.mark.parametrize(
    ("tables", "refusal"),
    [
        (("artists", "artist_aliases", "tracks", "track_aliases", "listens"), "koito-database"),
        (("scrobbles", "tracks", "artists", "trackartists"), "maloja-backup"),
        (("PlaybackActivity", "other"), "jellyfin-playback"),
        (("media_file", "annotation"), "navidrome-database"),
        (("session_history", "session_history_metadata"), "tautulli-history"),
        (("notes",), "database"),
    ],
)
def test_a_database_is_known_by_its_tables(tmp_path: Path, tables: tuple[str, ...], refusal: str) -> None:
    path = tmp_path / "data.sqlite"
    connection = sqlite3.connect(path)
    for table in tables:
        connection.execute(f"CREATE TABLE {table} (id integer)")
    connection.commit()
    connection.close()
    known = recognise(peek_at(path.name, path.read_bytes()))
    assert isinstance(known, Refusal)
    assert known.name == refusal
    assert "xport" in known.advice


@pytest.mark.parametrize("name", ["koito.db", "KOITO.DB"])
def test_unreadable_database_is_recognised_by_name(name: str) -> None:
    known = recognise(peek_at(name, b""))
    assert isinstance(known, Refusal)
    assert known.name == "koito-database"


@pytest.mark.parametrize(
    "data",
    [
        b"title,year,rating\nx,1999,5\n",
        b"artist,genre\nA,ambient\n",
        b"# a comment\na,b\n",
        b"SQLite format 4",
        b"Artist,Track,Album,Time of day\n"[:0],
    ],
)
def test_other_tables_are_not_recognised(data: bytes) -> None:
    assert recognise(peek_at("any name.csv", data)) is None
