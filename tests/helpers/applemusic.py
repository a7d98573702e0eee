"""Makes the files of Apple Music's download: the play activity, and the files that name the artists."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ACTIVITY = "Apple Music Play Activity.csv"
DAILY = "Apple Music - Play History Daily Tracks.csv"
LIBRARY = "Apple Music Library Tracks.json"
START = datetime(2024, 2, 3, 12, tzinfo=UTC)


def played(title: str, minutes: int = 0, /, **columns: object) -> dict[str, object]:
    """Return a row of a play to the end of a track, ``minutes`` after START; columns are named with underscores."""
    start = START + timedelta(minutes=minutes)
    return {
        "Song Name": title,
        "Event Type": "PLAY_END",
        "Media Type": "AUDIO",
        "Event Start Timestamp": _written(start),
        "Event End Timestamp": _written(start + timedelta(seconds=200)),
        "Play Duration Milliseconds": 200_000,
        "Media Duration In Milliseconds": 200_000,
        "End Reason Type": "NATURAL_END_OF_TRACK",
        "UTC Offset In Seconds": 0,
        "Album Name": "",
        "Container Artist Name": "",
        "Container Type": "",
        **{name.replace("_", " "): value for name, value in columns.items()},
    }


def _written(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def table(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Return rows as Apple writes them: a header with the columns of all rows, commas, and quotes where needed."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def daily(*tracks: tuple[str, str]) -> bytes:
    """Return the daily tracks: description ("Artist - Title") and day (yyyymmdd) of each."""
    return table(
        [{"Country": "x", "Date Played": day, "Hours": "1, 2", "Track Description": name} for name, day in tracks]
    )


def library(*tracks: Mapping[str, Any]) -> bytes:
    """Return a library of tracks (Title, Artist, Album)."""
    return json.dumps([{"Content Type": "Song", "Track Identifier": 1, **track} for track in tracks]).encode()
