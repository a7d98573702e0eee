"""Pure look-ups over the listens of a run: its distinct keys, the units to resolve, hits and misses (anti-join)."""

from __future__ import annotations

import polars as pl

from etl.schema import NORMALIZED, conform

_MBIDS = ("recording_mbid", "release_mbid", "artist_mbids")  # Koito stores no MBID of a release group

# What decides between rows of one second: their content, never their file or row.
_CONTENT = (
    "artist", "track", "album", "names", "recording_mbid", "release_mbid", "mbids", "duration",
    "raw_names", "raw_track", "raw_album",
)  # fmt: skip

# One thing to resolve. The first unit of a key makes its track; later ones can only add an MBID or a duration.
_UNIT_COLUMNS = (
    "lookup_key", "listened_at", "artists", "artist_mbids", "track", "album", "release_mbid", "recording_mbid",
    "duration", "raw_artists", "raw_track", "raw_album",
)  # fmt: skip
UNITS = pl.Schema({name: NORMALIZED[name] for name in _UNIT_COLUMNS})


def units(listens: pl.DataFrame) -> pl.DataFrame:
    """Return the units of ``listens`` (schema NORMALIZED): schema UNITS, in the order in which they are resolved.

    A unit is the earliest listen of a distinct (key, MBIDs), or the earliest of its key that has a duration: all
    others could add nothing. Ties are broken by content, so the order of files and rows does not matter.
    """
    numbered = listens.with_row_index("place")
    groups = [
        _earliest(numbered, ["lookup_key"]),
        _earliest(numbered.filter(_has_mbids()), ["lookup_key", *_MBIDS]),
        _earliest(numbered.filter(pl.col("duration").is_not_null()), ["lookup_key"]),
    ]
    places = pl.concat([group.get_column("place") for group in groups]).unique().to_frame()
    found = _in_order(numbered.join(places, on="place", how="semi"))
    columns = UNITS.names()
    return conform(found.select(columns).unique(columns, keep="first", maintain_order=True), UNITS)


def _has_mbids() -> pl.Expr:
    listed = pl.col("artist_mbids").list.drop_nulls().list.len() > 0
    return pl.any_horizontal(pl.col("recording_mbid", "release_mbid").is_not_null(), listed)


def _earliest(listens: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """Return the first row of each group by time, then content."""
    first = listens.group_by(group).agg(pl.col("listened_at").min())
    at_first = listens.join(first, on=[*group, "listened_at"], how="semi", nulls_equal=True)
    if at_first.height == first.height:
        return at_first
    return _in_order(at_first).unique(group, keep="first", maintain_order=True)


def _in_order(listens: pl.DataFrame) -> pl.DataFrame:
    """Sort by time, key and content; content matters only where time and key are equal."""
    if not listens.select("listened_at", "lookup_key").is_duplicated().any():
        return listens.sort("listened_at", "lookup_key")
    keyed = listens.with_columns(
        names=pl.col("artists").list.join("\x1e"),
        mbids=pl.col("artist_mbids").list.eval(pl.element().fill_null("-")).list.join("\x1e"),
        raw_names=pl.col("raw_artists").list.join("\x1e"),
    )
    return keyed.sort("listened_at", "lookup_key", *_CONTENT, nulls_last=True)


def misses(found: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """Return the units of keys that the cache does not know: the anti-join of ``found`` with ``hits``."""
    return found.join(hits.select("lookup_key"), on="lookup_key", how="anti", maintain_order="left")


def offers(found: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """Return the units of cached keys that know an MBID or a duration, with the ``track_id`` of their hit."""
    rich = found.filter(_has_mbids() | pl.col("duration").is_not_null())
    return rich.join(hits.select("lookup_key", "track_id"), on="lookup_key", how="inner", maintain_order="left")


def to_resolve(found: pl.DataFrame, hits: pl.DataFrame, lacking: pl.DataFrame) -> pl.DataFrame:
    """Return the units to resolve, in order: the misses, and offers of what a cached track lacks.

    ``lacking``: track_id and the booleans duration, recording_mbid, release_mbid, artist_mbids.
    """
    numbered = found.with_row_index("place")
    wanted = offers(numbered, hits).join(lacking, on="track_id", how="inner", suffix="_lacking")
    useful = pl.any_horizontal(
        pl.col(name).is_not_null() & pl.col(f"{name}_lacking")
        for name in ("duration", "recording_mbid", "release_mbid", "artist_mbids")
    )
    places = pl.concat([misses(numbered, hits).select("place"), wanted.filter(useful).select("place")])
    return numbered.join(places, on="place", how="semi", maintain_order="left").drop("place")
