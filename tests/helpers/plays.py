"""Writes the same plays of the artist Kari Mo as several services export them; times are seconds after NOON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NOON = 1_709_294_400  # 2024-03-01T12:00:00Z


def iso(second: int) -> str:
    return datetime.fromtimestamp(NOON + second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def extended(path: Path, *plays: tuple[int, str, int]) -> Path:
    """Write plays (end, title, seconds played) as Spotify's extended history has them."""
    rows = [
        {
            "ts": iso(end),
            "ms_played": 1000 * seconds,
            "master_metadata_track_name": title,
            "master_metadata_album_artist_name": "Kari Mo",
            "master_metadata_album_album_name": "Shore",
            "spotify_track_uri": "spotify:track:1",
            "reason_end": "fwdbtn",
        }
        for end, title, seconds in plays
    ]
    path.write_text(json.dumps(rows))
    return path


def account(path: Path, *plays: tuple[int, str, int]) -> Path:
    """Write the same plays as account data has them."""
    rows = [
        {
            "endTime": iso(end)[:16].replace("T", " "),
            "artistName": "Kari Mo",
            "trackName": title,
            "msPlayed": 1000 * seconds,
        }
        for end, title, seconds in plays
    ]
    path.write_text(json.dumps(rows))
    return path


def lastfm(path: Path, *scrobbles: tuple[int, str, str]) -> Path:
    """Write scrobbles (second, title, album) as a page of Last.fm's API."""
    tracks = [
        {
            "artist": {"#text": "Kari Mo", "mbid": ""},
            "album": {"#text": album, "mbid": ""},
            "name": title,
            "mbid": "",
            "date": {"uts": str(NOON + second)},
        }
        for second, title, album in scrobbles
    ]
    path.write_text(json.dumps([{"track": tracks, "@attr": {"page": "1"}}]))
    return path


def listenbrainz(path: Path, *listens: tuple[int, str, str | None]) -> Path:
    """Write listens (second, title, album) as ListenBrainz exports them."""
    lines = [
        {
            "listened_at": NOON + second,
            "track_metadata": {
                "artist_name": "Kari Mo",
                "track_name": title,
                **({"release_name": album} if album else {}),
                "additional_info": {"media_player": "Player"},
            },
        }
        for second, title, album in listens
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path
