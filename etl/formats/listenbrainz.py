"""Turns a listen in ListenBrainz's JSON, the same in all its exports, into a row.

``artist_name`` and ``track_name`` must be texts, or the row is rejected. ListenBrainz does not check any other field,
so none of them rejects a row: a number is read as text and a text of digits as a number if needed, and a value of any
other type (a list for a release, a text for ``additional_info``) is ignored.

The artists are the first of these:

1. ``mbid_mapping.artists``, the server's own credit, with its MBIDs; if each entry has a name and the client did not
   list more artists.
2. ``additional_info.artist_names``, with ``additional_info.artist_mbids`` if there are as many, else with the MBIDs
   that the mapping has for the names.
3. The text ``artist_name``, with ``artist_mbids`` to find the artists by: the client's, else the mapping's.

Koito does the same, except that it joins lists that contradict each other: there, an artist in two spellings counts
twice. The MBIDs of recording, release and release group are the client's if they are valid, else the mapping's, which
may be guesses; ``lastfm_*_mbid`` and MSIDs are ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import polars as pl

from etl.core.reasons import RejectReason, SkipReason
from etl.formats.base import Peek, epoch_times, finish, first_reason, missing_names, name_lists
from etl.formats.scrobble_rows import wrong_unit
from etl.normalize.durations import whole_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.parsers import Records

PREFERENCE = 20
SERVICE = "ListenBrainz"
ENTITIES = ("recording", "release", "release_group")

# A value that clients write instead of an object; PHP, for example, writes an empty object as [].
Loose: TypeAlias = list[Any] | str | int | float | bool | None
Names: TypeAlias = "list[str] | None"

_UUID = r"(?i)^\s*[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\s*$"
_PAGES = re.compile(rb'"(?:payload|listens)"\s*:\s*[\[{]')
_OTHER_KINDS = {"score", "pinned_until", "timestamp"}


class ListenBrainzCredit(msgspec.Struct, gc=False):
    """One artist of a mapping."""

    artist_credit_name: Any = None
    artist_mbid: Any = None


class Mapping(msgspec.Struct, gc=False):
    """The server's own data on a listen."""

    artists: list[ListenBrainzCredit | Loose] | dict[str, Any] | str | int | float | bool | None = None
    artist_mbids: Any = None
    recording_mbid: Any = None
    release_mbid: Any = None
    release_group_mbid: Any = None


class Info(msgspec.Struct, gc=False):
    """The client's data in addition to the names."""

    artist_names: Any = None
    artist_mbids: Any = None
    recording_mbid: Any = None
    release_mbid: Any = None
    release_group_mbid: Any = None
    duration: Any = None
    duration_ms: Any = None
    media_player: Any = None
    submission_client: Any = None


class Metadata(msgspec.Struct, gc=False):
    """The names of a listen, and more data on them."""

    artist_name: str | None = None
    track_name: str | None = None
    release_name: Any = None
    additional_info: Info | Loose = None
    mbid_mapping: Mapping | Loose = None


class ListenBrainzListen(msgspec.Struct, gc=False):
    """A listen; ``listened_at`` is in Unix seconds. The track that is playing has ``playing_now`` and no time."""

    listened_at: int | float | None = None
    playing_now: Any = None
    track_metadata: Metadata | None = None


_NO_METADATA, _NO_INFO, _NO_MAPPING = Metadata(), Info(), Mapping()


def read_listens(listens: Records[ListenBrainzListen]) -> pl.DataFrame:
    """Turn listens into rows. Columns out: ``EXTRACTED``."""
    frame = _to_frame(listens.rows)
    no_time, bad_time = pl.col("time").is_null(), pl.col("listened_at").is_null()
    rejects: list[tuple[pl.Expr, str]] = [
        *missing_names("artist", "track"),
        (no_time, RejectReason.MISSING_TIME),
        (bad_time, RejectReason.BAD_TIME),
    ]
    frame = frame.with_columns(
        *(_trusted(f"{entity}_mbid") for entity in ENTITIES),
        skip=pl.when("playing_now", no_time).then(pl.lit(SkipReason.NOW_PLAYING.value)),
        reject=first_reason(rejects),
    ).with_columns(
        detail=pl.when(pl.col("reject") == RejectReason.BAD_TIME).then(
            pl.format(
                "listened_at: {}{}", "time", wrong_unit(pl.col("time")).fill_null(" is not a Unix time in seconds")
            )
        )
    )
    return finish(frame, listens.broken)


def _to_frame(rows: Sequence[ListenBrainzListen]) -> pl.DataFrame:
    """Return the columns of ``EXTRACTED`` that listens fill, ``time``, ``playing_now``, and MBIDs of both origins."""
    text = pl.String
    times = [row.listened_at for row in rows]
    names = [row.track_metadata or _NO_METADATA for row in rows]
    infos = [info if isinstance(info := name.additional_info, Info) else _NO_INFO for name in names]
    mappings = [known if isinstance(known := name.mbid_mapping, Mapping) else _NO_MAPPING for name in names]
    credited = [artists_of(info, mapping) for info, mapping in zip(infos, mappings, strict=True)]
    columns = {
        "listened_at": epoch_times(times),
        "time": pl.Series([None if time is None else str(time)[:40] for time in times], dtype=text),
        "playing_now": pl.Series([row.playing_now is True for row in rows], dtype=pl.Boolean),
        "artist": pl.Series([name.artist_name for name in names], dtype=text),
        "artists": name_lists([artists for artists, _ in credited]),
        "artist_mbids": name_lists([mbids for _, mbids in credited]),
        "track": pl.Series([name.track_name for name in names], dtype=text),
        "album": pl.Series([as_text(name.release_name) for name in names], dtype=text),
        "duration": pl.Series([_duration(info) for info in infos], dtype=pl.Int32),
        "client": pl.Series([_client(info) for info in infos], dtype=text),
    }
    for entity in ENTITIES:
        field = f"{entity}_mbid"
        columns[f"own_{field}"] = pl.Series([as_text(getattr(info, field)) for info in infos], dtype=text)
        columns[f"mapped_{field}"] = pl.Series([as_text(getattr(known, field)) for known in mappings], dtype=text)
    return pl.DataFrame(columns)


def artists_of(info: Info, mapping: Mapping) -> tuple[Names, Names]:
    """Return the artists that a listen lists, and MBIDs: those of the artists or of the credit (see the module).

    An unknown MBID is "".
    """
    own_names, own_mbids = _texts(info.artist_names), _texts(info.artist_mbids)
    names, mbids = _mapped_artists(mapping)
    if names and len(names) >= max(_distinct(own_names), _distinct(own_mbids)):
        return names, mbids
    if not any(name.strip() for name in own_names):
        return None, own_mbids or _texts(mapping.artist_mbids) or None
    if len(own_mbids) > len(own_names):
        return [name for name in own_names if name.strip()], own_mbids
    known = {name.lower(): mbid for name, mbid in zip(names, mbids, strict=True)}
    aligned = own_mbids if len(own_mbids) == len(own_names) else [""] * len(own_names)
    listed = [
        (name, mbid or known.get(name.lower(), ""))
        for name, mbid in zip(own_names, aligned, strict=True)
        if name.strip()
    ]
    return [name for name, _ in listed], [mbid for _, mbid in listed] if any(mbid for _, mbid in listed) else None


def _texts(value: object) -> list[str]:
    """Return the texts of a list, with "" for any other value; an empty list if there is no text."""
    texts = [as_text(item) or "" for item in as_list(value)]
    return texts if any(texts) else []


def _distinct(texts: list[str]) -> int:
    return len(texts) if len(texts) < 2 else len({text.strip().lower() for text in texts} - {""})


def _mapped_artists(mapping: Mapping) -> tuple[list[str], list[str]]:
    """Return names and MBIDs of the mapping's artists; empty lists if a name is missing."""
    names: list[str] = []
    mbids: list[str] = []
    for artist in as_list(mapping.artists):
        name = as_text(artist.artist_credit_name) if isinstance(artist, ListenBrainzCredit) else None
        if name is None or not name.strip():
            return [], []
        names.append(name)
        mbids.append(as_text(artist.artist_mbid) or "")
    return names, mbids


def as_text(value: object) -> str | None:
    """Return a text, or the text of a number; ``None`` for anything else."""
    if value is None or isinstance(value, str):
        return value
    return str(value)[:40] if isinstance(value, int | float) and not isinstance(value, bool) else None


def as_list(value: object) -> list[Any]:
    """Return a list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def _duration(info: Info) -> int | None:
    return whole_seconds(info.duration, 1) or whole_seconds(info.duration_ms, 1000)


def _client(info: Info) -> str | None:
    player = as_text(info.media_player)
    return player if player and player.strip() else as_text(info.submission_client)


def _trusted(field: str) -> pl.Expr:
    """Return the client's MBID if it is valid, else the mapping's."""
    own = pl.col(f"own_{field}")
    return pl.when(own.str.contains(_UUID)).then(own).otherwise(f"mapped_{field}").alias(field)


def is_listens(peek: Peek) -> bool:
    """Say whether a file has listens; feedback, pins and public dumps have some of the same keys."""
    others = peek.keys & _OTHER_KINDS
    return peek.shape != "" and "track_metadata" in peek.keys and ("listened_at" in peek.keys or not others)


def is_paged(peek: Peek) -> bool:
    """Say whether the listens are in pages: the key of a page comes before those of its listens."""
    page, listen = _PAGES.search(peek.head), peek.head.find(b'"track_metadata"')
    return page is not None and (listen < 0 or page.start() < listen)
