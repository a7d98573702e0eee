"""Recognises files of services and programs that are not supported, so that each gets advice that works."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from etl.formats.base import PEEKS, Peek, Refusal, name_matches
from etl.parsers.delimited_split import split_header

if TYPE_CHECKING:
    from collections.abc import Callable

_SCROBBLED = "If you scrobbled these plays, give the export of Last.fm or ListenBrainz instead"
_LIBRARY = "It has play counts and the last play of each track, not each play. " + _SCROBBLED
_DATABASE = b"SQLite format 3\0"
_PLAYLIST_COLUMNS = frozenset(
    {
        *("added at", "added by", "added date", "addedat", "addeddate", "date added", "track uri", "song url"),
        "playlist video creation timestamp",
    }
)
_PLAYLIST_NAMES = frozenset({"playlist", "playlist id", "playlist name", "playlistname"})
_PLAY_COLUMNS = frozenset(
    {
        *("uts", "timestamp", "utc time", "iso time", "datetime", "datetime utc", "date utc", "date uts", "ts"),
        *("endtime", "ms played", "msplayed", "played at", "listened at", "scrobbled at", "date time"),
        *("unixtime", "unix time", "unix timestamp", "timems"),
    }
)
"""Columns that only a history of plays has."""
_PLAYBACK_REPORTING = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\t[0-9a-f-]{32,36}\t[0-9a-f-]{32,36}\t\w+\t")


class _Columns(msgspec.Struct, frozen=True):
    """Recognises a table by its header, ignoring case and the separators between words."""

    every: frozenset[str] = frozenset()
    """The table has all of these."""
    any_of: frozenset[str] = frozenset()
    """It has one of these; if empty, this is not checked."""
    none_of: frozenset[str] = frozenset()
    """It has none of these."""

    def __call__(self, peek: Peek) -> bool:
        names = column_names(peek)
        return (
            bool(names)
            and self.every <= names
            and (not self.any_of or not names.isdisjoint(self.any_of))
            and names.isdisjoint(self.none_of)
        )


@lru_cache(maxsize=PEEKS)
def column_names(peek: Peek) -> frozenset[str]:
    """Return the names in the first line of a table, in lower case and with blanks between words; else an empty set."""
    lines = [line for line in peek.first_lines if not line.startswith(("#", "sep="))]
    is_log = any(line.startswith("#AUDIOSCROBBLER/") for line in peek.first_lines)  # the log of a player has no header
    if peek.shape or is_log or not lines or "\0" in lines[0] or lines[0].startswith("<"):
        return frozenset()
    cells, _ = split_header(lines[0])
    names = frozenset(re.sub(r"[\s_-]+", " ", cell.partition("#")[0] or cell).strip().lower() for cell in cells)
    return names if len(names) > 1 else frozenset()


def is_database(peek: Peek, *tables: bytes) -> bool:
    """Say whether a file is an SQLite database with ``tables``, whose names are at its beginning."""
    return peek.head.startswith(_DATABASE) and all(table in peek.head for table in tables)


def _is_playlist(peek: Peek) -> bool:
    if name_matches(peek.name, ("*.m3u", "*.m3u8", "*.pls", "*.xspf", "*.wpl")):
        return True
    head = peek.head.lstrip()[:200].lower()
    return (
        head.startswith((b"#extm3u", b"[playlist]", b"<?wpl"))
        or b"<playlist " in head
        or _has_added_tracks(peek)
        or _has_playlist_names(peek)
    )


_has_added_tracks = _Columns(any_of=_PLAYLIST_COLUMNS, none_of=_PLAY_COLUMNS | {"catalog"})
_has_playlist_names = _Columns(any_of=_PLAYLIST_NAMES, none_of=_PLAY_COLUMNS | {"date", "time"})


def _is_soundcloud(peek: Peek) -> bool:
    if peek.shape:
        return {"permalink_url", "playback_count"} <= peek.keys and b"soundcloud.com" in peek.head
    names = column_names(peek)
    return bool(names) and "artist" not in names and (b"soundcloud.com/" in peek.head or b"soundcloud:" in peek.head)


def _is_amazon(peek: Peek) -> bool:
    names = column_names(peek)
    named = name_matches(peek.name, ("*amazon*music*.csv", "*amazon*music*.json"))
    return ("asin" in names and not names.isdisjoint({"title", "track", "track name", "artist", "artist name"})) or (
        named and names.isdisjoint(_PLAY_COLUMNS) and not peek.keys & {"listened_at", "uts", "ms_played"}
    )


def _is_jellyfin(peek: Peek) -> bool:
    if is_database(peek, b"PlaybackActivity"):
        return True
    lines = peek.first_lines
    return bool(lines and _PLAYBACK_REPORTING.match(lines[0])) or _has_playback_reporting(peek)


_has_playback_reporting = _Columns(frozenset({"itemtype", "itemname", "playduration"}))


def _is_tautulli(peek: Peek) -> bool:
    keys = peek.keys | column_names(peek)
    named = {"grandparent_title", "rating_key"} <= keys or {"grandparent title", "rating key"} <= keys
    return named or is_database(peek, b"session_history_metadata")


def _is_itunes_library(peek: Peek) -> bool:
    return b"<plist" in peek.head[:500] and (
        b"<key>Tracks</key>" in peek.head or b"<key>Music Folder</key>" in peek.head
    )


def _holds(text: bytes) -> Callable[[Peek], bool]:
    return lambda peek: text in peek.head


def _other(name: str, title: str, recognise: Callable[[Peek], bool], advice: str) -> Refusal:
    """Return the entry of a file that is harmless next to others: a user would not expect it to be loaded."""
    return Refusal(name, name.partition("-")[0], title, recognise, advice, harmless=True)


OTHER_SERVICES = (
    _other(
        "lastfm-loved",
        "Last.fm loved tracks",
        lambda peek: bool(peek.shape) and "lovedtracks" in peek.keys,
        "It lists loved tracks, not when they were played. Export the scrobbles: lastfm.ghan.nl/export",
    ),
    _other(
        "tidal-streaming",
        "Tidal streaming history",
        _Columns(frozenset({"entry date"}), frozenset({"stream duration ms", "track title", "product type"})),
        "It also has streams of only a few seconds, and its times have no zone. " + _SCROBBLED,
    ),
    _other(
        "amazon-music",
        "Amazon Music data",
        _is_amazon,
        "This program does not read it. " + _SCROBBLED,
    ),
    _other(
        "soundcloud-data",
        "SoundCloud data",
        _is_soundcloud,
        "It names uploads, not artists and tracks. " + _SCROBBLED,
    ),
    _other(
        "jellyfin-playback",
        "Jellyfin Playback Reporting",
        _is_jellyfin,
        "It names items without their artists, in the local time of the server. " + _SCROBBLED,
    ),
    _other(
        "navidrome-database",
        "Navidrome database",
        lambda peek: name_matches(peek.name, ("navidrome.db",)) or is_database(peek, b"media_file", b"annotation"),
        "This program does not read it. " + _SCROBBLED,
    ),
    _other(
        "tautulli-history",
        "Tautulli history of Plex",
        _is_tautulli,
        "This program does not read it. " + _SCROBBLED,
    ),
    _other("teal-plays", "teal.fm records", _holds(b"fm.teal."), "This program does not read them. " + _SCROBBLED),
    _other(
        "rocksky-scrobbles",
        "Rocksky records",
        _holds(b"app.rocksky."),
        "This program does not read them. " + _SCROBBLED,
    ),
    _other("itunes-library", "iTunes or Apple Music library (XML)", _is_itunes_library, _LIBRARY),
    _other(
        "spinitron-spins",
        "Spinitron playlist of a radio station",
        _Columns(frozenset({"artist", "song", "release", "label"}), none_of=_PLAY_COLUMNS),
        "It lists what a station broadcast, not what you listened to",
    ),
    _other(
        "discogs-collection",
        "Discogs collection",
        _Columns(frozenset({"catalog", "artist", "title"})),
        "It lists the records that somebody owns, not what was played",
    ),
    _other(
        "playlist-tracks",
        "Playlist",
        _is_playlist,
        "It lists tracks and when they were added, not when they were played. Get the listening history of the service "
        "instead",
    ),
)
"""Recognised before every format: several of these tables have an artist, a track and a date."""
