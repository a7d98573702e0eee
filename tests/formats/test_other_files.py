"""Files of other services, and files that are not exports, are named in the reason."""

from __future__ import annotations

import pytest

from etl.formats import FORMATS, REFUSALS, Refusal, peek_at, recognise
from etl.parsers.error_response import error_response

PLAYBACK = (
    b"2021-03-04 20:11:07.1234567\t0f8fad5bd9cb469fa16570867728950e\t7c9e6679742540de944be07fc1f90ae7\tAudio\t"
    b"Ann - Song\tDirectPlay\tWeb\tFirefox\t205\n"
)
LAST_FM_ERROR = b'{"error":8,"message":"Operation failed","links":[]}'
SERVICES = {
    "lastfm-loved": [b'{"lovedtracks":{"track":[{"name":"Song","date":{"uts":"1"},"artist":{"name":"Ann"}}]}}'],
    "tidal-streaming": [
        b"artist_name,track_title,entry_date,stream_duration_ms,product_type\nAnn,Song,01/02/2024 10:11,200000,T\n"
    ],
    "amazon-music": [b"timestamp,asin,title,artistName\n2024,B0,Song,Ann\n"],
    "soundcloud-data": [b"Time,Track URL\n2024-01-02,https://soundcloud.com/ann/song\n"],
    "jellyfin-playback": [PLAYBACK, b"DateCreated,UserId,ItemId,ItemType,ItemName,PlayDuration\n"],
    "tautulli-history": [b'{"response":{"data":{"data":[{"grandparent_title":"Ann","title":"x","rating_key":1}]}}}'],
    "teal-plays": [
        b'{"value":{"$type":"fm.teal.alpha.feed.play","trackName":"Song","playedTime":"2024-01-01T00:00:00Z"}}'
    ],
    "rocksky-scrobbles": [b'[{"$type":"app.rocksky.scrobble","title":"Song","artist":"Ann"}]'],
    "itunes-library": [
        b'<?xml version="1.0"?>\n<plist version="1.0"><dict><key>Tracks</key><dict></dict></dict></plist>'
    ],
    "spinitron-spins": [b"Date,Time,Artist,Song,Release,Label\n2024-01-02,10:00,Ann,Song,Disc,Label\n"],
    "discogs-collection": [
        b"Catalog#,Artist,Title,Label,Format,Rating,Released,release_id,CollectionFolder,Date Added\n"
    ],
    "playlist-tracks": [
        b'"Track URI","Track Name","Artist Name(s)","Album Name","Added At"\n"x","Song","Ann","Disc","2024"\n',
        b"Track name, Artist name, Album, Playlist name, Type, ISRC\nSong,Ann,Disc,Mine,Playlist,X\n",
        b"title;artist;album;isrc;addedDate\nSong;Ann;Disc;X;2024-01-02 10:00:00\n",
        b"Song URL,Song Title,Album Title,Artist Names\nhttps://x,Song,Disc,Ann\n",
        b"#EXTM3U\n#EXTINF:200,Ann - Song\nsong.mp3\n",
        b"[playlist]\nFile1=song.mp3\n",
        b'<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"></playlist>',
    ],
}
FILES = {
    "error-answer": [LAST_FM_ERROR, b'{"code": 404, "error": "Cannot find user"}', b'{"error":"unauthorized"}'],
    "web-page-under-another-name": [b"\n<!DOCTYPE html><title>504</title>", b"<html><body>Log in</body></html>"],
    "media": [b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n", b"\0\0\0\x20ftypM4A ", b"ID3\x04"],
    "archive": [
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07\x01",
        b"\xfd7zXZ\x00",
        b"BZh91AY",
        b"\x28\xb5\x2f\xfd",
        b"\x1f\x8b\x08",
    ],
    "database": [b"SQLite format 3\0" + bytes(80)],
}


@pytest.mark.parametrize(("name", "data"), [(name, data) for name in SERVICES for data in SERVICES[name]])
def test_a_file_of_another_service_is_named_and_harmless(name: str, data: bytes) -> None:
    for content in (data, b"\xef\xbb\xbf" + data, data.decode().encode("utf-16")):
        peek = peek_at("any name", content)
        known = recognise(peek)
        assert isinstance(known, Refusal)
        assert (known.name, known.harmless) == (name, True)
        assert [kind.name for kind in REFUSALS if kind.recognise(peek)] == [name]
        assert "rename" not in known.reason(peek)


@pytest.mark.parametrize(("name", "data"), [(name, data) for name in FILES for data in FILES[name]])
def test_a_file_that_is_not_an_export_is_named(name: str, data: bytes) -> None:
    for file_name in ("any name", "recenttracks-ann-1700000000.json", "scrobbles.csv", "StreamingHistory0.json"):
        known = recognise(peek_at(file_name, data))
        assert isinstance(known, Refusal)
        assert known.name == name


@pytest.mark.parametrize(
    ("file_name", "data", "name"),
    [
        ("plays.xlsx", b"PK\x03\x04[Content_Types].xml", "spreadsheet"),
        ("plays.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet"),
        ("plays.ods", b"PK\x03\x04mimetype", "spreadsheet"),
        ("letter.docx", b"PK\x03\x04[Content_Types].xml", "media"),
        ("archive_browser.html", b"<!doctype html>", "web-page"),
        ("mix.m3u8", b"song.mp3\n", "playlist-tracks"),
        ("navidrome.db", b"", "navidrome-database"),
        ("Amazon Music - plays.csv", b"what,when\nx,y\n", "amazon-music"),
    ],
)
def test_a_file_that_is_named_by_its_ending(file_name: str, data: bytes, name: str) -> None:
    known = recognise(peek_at(file_name, data))
    assert isinstance(known, Refusal)
    assert (known.name, known.harmless) == (name, True)


def test_a_play_at_another_service_does_not_make_its_record_foreign() -> None:
    listen = (
        b'{"listened_at":1700000000,"track_metadata":{"artist_name":"Ann","track_name":"Song","additional_info":'
        b'{"origin_url":"https://soundcloud.com/ann/song","music_service":"rocksky.app"}}}\n'
    )
    table = b"uts,artist,track,added at,playlist\n1700000000,Ann,Song,2024,Mine\n"
    for data, name in ((listen, "listenbrainz-lines"), (table, "lastfm-csv")):
        known = recognise(peek_at("any name", data))
        assert known in FORMATS
        assert known is not None
        assert known.name == name


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (LAST_FM_ERROR, "error 8: Operation failed"),
        (b' {"message": "User\\nrequired", "error": 17} ', "error 17: User required"),
        (b'{"code": 404, "error": "Cannot find user: x"}', "error 404: Cannot find user: …"),
        (b'{"error": {"status": 401, "message": "The access token expired"}}', "error 401: The access token expired"),
        (b'{"status": "error", "error": {"type": "missing", "desc": "No such key"}}', "error: No such key"),
        (b'{"error": true}', "error"),
        (
            b'<?xml version="1.0"?><lfm status="failed"><error code="6">User not found</error></lfm>',
            "error 6: User not found",
        ),
        (b'<lfm status="failed"></lfm>', "error"),
    ],
)
def test_what_an_error_response_says(answer: bytes, said: str) -> None:
    assert error_response(answer) == said


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{",
        b'{"error": ""}',
        b'{"error": null, "message": "ok"}',
        b'{"message": "hello"}',
        b'{"error": 1, "recenttracks": {"track": []}}',
        b'<lfm status="ok"><recenttracks/></lfm>',
        b"[" * 100_000,
        b'{"error": "\xff"}',
    ],
)
def test_what_is_not_an_error_response(document: bytes) -> None:
    assert error_response(document) is None
