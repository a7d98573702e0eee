"""Reads Koito's own export: listens with everything that Koito knows about their tracks, albums and artists.

The exporter lists names in no order; flags say which one is primary. These names become aliases: names that are not
primary; a primary name whose source is not a submitted listen; and the name of an entity that has an MBID, because it
may be found under another name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason
from etl.core.schema import ALIAS, CANONICAL
from etl.formats.base import (
    LASTFM_FOUNDED,
    Format,
    Peek,
    ReadOptions,
    durations,
    finish,
    first_reason,
    is_blank,
    missing_names,
    name_lists,
    quoted,
    utc_times,
)
from etl.parsers import JsonEnvelope

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VERSION = "1"


class KoitoAlias(msgspec.Struct, gc=False):
    """A name; one of an entity's names should be primary. Exports of Koito with SQLite also have ``id``."""

    alias: str | None = None
    source: str | None = None
    is_primary: bool | None = None


class KoitoTrack(msgspec.Struct, gc=False):
    """A track; ``duration`` is in seconds, 0 if unknown."""

    mbid: str | None = None
    duration: float | None = None
    aliases: list[KoitoAlias] | None = None


class KoitoAlbum(msgspec.Struct, gc=False):
    """An album; the address of its cover is not read."""

    mbid: str | None = None
    aliases: list[KoitoAlias] | None = None
    various_artists: bool | None = None


class KoitoArtist(msgspec.Struct, gc=False):
    """An artist of a track; the exporter never sets ``is_primary``."""

    mbid: str | None = None
    is_primary: bool | None = None
    aliases: list[KoitoAlias] | None = None


class KoitoListen(msgspec.Struct, gc=False):
    """A listen; ``client`` is exported since v0.1.8."""

    listened_at: str | None = None
    client: str | None = None
    track: KoitoTrack | None = None
    album: KoitoAlbum | None = None
    artists: list[KoitoArtist] | None = None


# Koito does not escape the account's name: with a quotation mark or a backslash in it, the file is not JSON.
LAYOUT = JsonEnvelope(KoitoListen, "listens", ("version", VERSION), unescaped="user")


def read_export(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one export. Columns out: ``EXTRACTED``. Raises ``BrokenFileError`` also for a version other than "1"."""
    version = LAYOUT.statement(data)
    if version not in (None, VERSION):
        raise _other_version(f'its version is "{version[:20]}"')
    listens = LAYOUT.read(data)
    if version is None:
        raise _other_version("it does not state its version")
    no_track, no_album = KoitoTrack(), KoitoAlbum()
    rows = listens.rows
    tracks = [row.track or no_track for row in rows]
    albums = [row.album or no_album for row in rows]
    titles = [_primary(track.aliases) for track in tracks]
    album_titles = [_primary(album.aliases) for album in albums]
    credited = [_credited(row.artists) for row in rows]
    listed = [[name for _, name in artists] for artists in credited]
    parts = zip(tracks, titles, albums, album_titles, credited, strict=True)
    known = [
        [*_beyond(track, title, "track"), *_beyond(album, name, "album"), *_of_artists(artists)]
        for track, title, album, name, artists in parts
    ]
    text = pl.String
    frame = pl.DataFrame(
        {
            "time": pl.Series([row.listened_at for row in rows], dtype=text),
            "artists": name_lists(listed),
            "artist_mbids": name_lists([_mbids(artists) for artists in credited]),
            "artist": pl.Series([", ".join(names) or None for names in listed], dtype=text),
            "track": pl.Series(titles, dtype=text),
            "album": pl.Series(album_titles, dtype=text),
            "release_mbid": pl.Series([album.mbid for album in albums], dtype=text),
            "recording_mbid": pl.Series([track.mbid for track in tracks], dtype=text),
            "length": pl.Series([track.duration for track in tracks], dtype=pl.Float64),
            "client": pl.Series([row.client or None for row in rows], dtype=text),
            "various_artists": pl.Series([album.various_artists for album in albums], dtype=pl.Boolean),
            "aliases": alias_lists(known),
        }
    )
    return finish(_with_verdicts(frame), listens.broken)


def _with_verdicts(frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``listened_at``, ``duration``, ``skip``, ``reject`` and ``detail``."""
    frame = frame.with_columns(listened_at=utc_times(frame["time"]))
    rejects: list[tuple[pl.Expr, str]] = [
        *missing_names("artist", "track"),
        (is_blank("time"), RejectReason.MISSING_TIME),
        (pl.col("listened_at").is_null(), RejectReason.BAD_TIME),
    ]
    return frame.with_columns(
        durations("length"),
        skip=pl.lit(None, pl.String),
        reject=first_reason(rejects),
    ).with_columns(
        detail=pl.when(pl.col("reject") == RejectReason.BAD_TIME).then(
            pl.format("listened_at: {}", quoted(pl.col("time")))
        )
    )


def _primary(aliases: list[KoitoAlias] | None) -> str | None:
    """Return the name to use of ``aliases``: the primary one, else one from a submitted listen, else the first."""
    if not aliases:
        return None
    if len(aliases) == 1:
        return aliases[0].alias
    named = [one for one in aliases if one.alias and not one.alias.isspace()]
    chosen = min(named, key=lambda one: (not one.is_primary, one.source != CANONICAL), default=None)
    return chosen.alias if chosen else None


def _credited(artists: list[KoitoArtist] | None) -> list[tuple[KoitoArtist, str]]:
    """Return the artists that have a name, each with its name, the base artist first."""
    named = [(artist, name) for artist in artists or () if (name := _primary(artist.aliases))]
    if len(named) > 1:
        named.sort(key=lambda pair: not pair[0].is_primary)
    return named


def _mbids(artists: Sequence[tuple[KoitoArtist, str]]) -> list[str | None] | None:
    return [artist.mbid for artist, _ in artists] if any(artist.mbid for artist, _ in artists) else None


def _of_artists(artists: Sequence[tuple[KoitoArtist, str]]) -> Iterator[tuple[str | bool | None, ...]]:
    for artist, name in artists:
        yield from _beyond(artist, name, "artist", name)


def _beyond(
    owner: KoitoArtist | KoitoAlbum | KoitoTrack, name: str | None, entity: str, of: str | None = None
) -> Iterator[tuple[str | bool | None, ...]]:
    """Yield the aliases of ``owner`` to keep, as the fields of ALIAS; its primary name is ``name``."""
    for one in owner.aliases or ():
        is_name = one.alias == name
        if one.alias and not (is_name and one.source in (None, CANONICAL) and not owner.mbid):
            yield entity, of, one.alias, one.source, is_name


def alias_lists(values: Sequence[Sequence[tuple[str | bool | None, ...]]]) -> pl.Series:
    """Return ``values``, the aliases of each row, as a column of dtype ALIASES; an empty list becomes null."""
    rows = pl.Series([row for row, aliases in enumerate(values) for _ in aliases], dtype=pl.UInt32)
    flat = pl.DataFrame([alias for aliases in values for alias in aliases], schema=ALIAS, orient="row")
    filled = (
        flat.select(rows.alias("row"), pl.struct(ALIAS.names()).alias("aliases"))
        .group_by("row", maintain_order=True)
        .agg("aliases")
    )
    every = pl.DataFrame({"row": pl.int_range(len(values), dtype=pl.UInt32, eager=True)})
    return every.join(filled, on="row", how="left", maintain_order="left")["aliases"]


def _other_version(what: str) -> BrokenFileError:
    return BrokenFileError(
        f"{what}; only version {VERSION} of Koito's export can be read", "Look for a newer version of this program"
    )


def _is_export(peek: Peek) -> bool:
    if peek.shape != "{" or "listens" not in peek.keys or "track_metadata" in peek.keys:
        return False
    return {"version", "exported_at"} <= peek.keys or {"listened_at", "aliases"} <= peek.keys


FORMAT = Format(
    name="koito-export",
    source="koito",
    title="Koito export",
    file_names=("koito_export*.json",),
    how_to_get="Koito > Settings > Export > Export data.",
    sample="koito/export",
    recognise=_is_export,
    read=read_export,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=None,
    preference=10,
)
