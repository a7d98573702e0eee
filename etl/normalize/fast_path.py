"""Normalises one listen whose texts need no cleaning, which is the usual case, in 0.1 ms instead of 7. Pure.

It only decides whether a listen needs cleaning; credits and keys are made by the same functions as in ``normalize``.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from etl.core.schema import EXTRACTED
from etl.normalize.credit import split_credit
from etl.normalize.key import lookup_key
from etl.normalize.names import listed_credit
from etl.normalize.text import MAX_NAME_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from etl.normalize.listens import Rules

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MBID = re.compile(r"(?!0{8}-)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLAIN = frozenset(
    {
        "listened_at", "artist", "artists", "artist_mbids", "track", "album", "release_mbid", "release_group_mbid",
        "recording_mbid", "duration", "client",
    }
)  # fmt: skip


class Single(NamedTuple):
    """A normalised live listen: the values for its look-up and for its rows."""

    lookup_key: str
    second: int
    """Since 1970."""
    artist: str | None
    """The credit."""
    artists: list[str]
    artist_mbids: list[str | None]
    """One for each of ``artists``, or none at all."""
    track: str
    album: str | None
    release_mbid: str | None
    recording_mbid: str | None
    duration: int | None
    """In seconds."""
    client: str | None


def normalize_single(row: Mapping[str, Any], earliest: datetime, rules: Rules) -> Single | None:
    """Return ``row`` (columns of EXTRACTED) normalised, or ``None`` if it needs ``normalize``.

    A row needs ``normalize`` if a text or value is not in its final form, if it is not a listen, or if it has aliases.
    """
    artist, track, album, listed = row["artist"], row["track"], row["album"], row["artists"]
    mbids: list[str | None] | None = row["artist_mbids"]
    texts = [artist, track, album, row["client"], *(listed or ())]
    given = [row["release_mbid"], row["release_group_mbid"], row["recording_mbid"], *(mbids or ())]
    if (
        any(row[name] is not None for name in EXTRACTED if name not in _PLAIN and name != "row")
        or not track
        or not (listed or artist)
        or not all(text is None or _is_clean(text) for text in texts)
        or not all(mbid is None or _MBID.fullmatch(mbid) for mbid in given)
        or not _is_timely(row["listened_at"], earliest, rules)
        or (row["duration"] is not None and row["duration"] <= 0)
    ):
        return None
    if listed:
        credit, artists, given_mbids, _ = listed_credit(listed, mbids, None)
    else:
        credit, artists, given_mbids = artist, split_credit(artist, track, rules.separators), mbids
    return Single(
        lookup_key=lookup_key(credit, track, album),
        second=(row["listened_at"] - _EPOCH) // _SECOND,
        artist=artist,
        artists=artists,
        artist_mbids=aligned_mbids(artists, given_mbids),
        track=track,
        album=album,
        release_mbid=row["release_mbid"],
        recording_mbid=row["recording_mbid"],
        duration=row["duration"],
        client=row["client"],
    )


def single_of(row: Mapping[str, Any]) -> Single:
    """Return a row of schema NORMALIZED as a ``Single``."""
    same = {name: row[name] for name in Single._fields if name in row and name != "artist_mbids"}
    mbids = aligned_mbids(row["artists"], row["artist_mbids"])
    return Single(second=(row["listened_at"] - _EPOCH) // _SECOND, artist_mbids=mbids, **same)


def aligned_mbids(artists: Sequence[str], mbids: Sequence[str | None] | None) -> list[str | None]:
    """Return ``mbids`` if there is one for each of ``artists`` and not all are missing, else an empty list."""
    return list(mbids) if mbids and len(mbids) == len(artists) and any(mbids) else []


def _is_clean(text: str) -> bool:
    """Say whether cleaning certainly leaves ``text`` as it is.

    A printable character is not white space (except the space), not a control character, and known to this Python's
    version of Unicode, which may be older than that of Polars.
    """
    return (
        text.isprintable()
        and text == text.strip()
        and text != ""
        and "  " not in text
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
        and len(text.encode()) <= MAX_NAME_BYTES
    )


def _is_timely(moment: datetime | None, earliest: datetime, rules: Rules) -> bool:
    if moment is None or rules.since is not None or rules.until is not None:
        return False
    return moment.tzinfo is not None and earliest <= moment <= rules.now + timedelta(days=1)
