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
    first = _earliest(listens, ["lookup_key"])
    with_mbids = _earliest(listens.filter(_has_mbids()), ["lookup_key", *_MBIDS])
    with_duration = _earliest(listens.filter(pl.col("duration").is_not_null()), ["lookup_key"])
    found = pl.concat([first, with_mbids, with_duration]).sort("listened_at", "lookup_key", *_CONTENT, nulls_last=True)
    return conform(found.unique(["lookup_key", "listened_at", *_CONTENT], keep="first", maintain_order=True), UNITS)


def _has_mbids() -> pl.Expr:
    listed = pl.col("artist_mbids").list.drop_nulls().list.len() > 0
    return pl.any_horizontal(pl.col("recording_mbid", "release_mbid").is_not_null(), listed)


def _earliest(listens: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """Return the first row of each group by time, then content."""
    keyed = listens.with_columns(
        names=pl.col("artists").list.join("\x1e"),
        mbids=pl.col("artist_mbids").list.eval(pl.element().fill_null("")).list.join("\x1e"),
        raw_names=pl.col("raw_artists").list.join("\x1e"),
    )
    group = ["mbids" if name == "artist_mbids" else name for name in group]
    at_first = keyed.filter(pl.col("listened_at") == pl.col("listened_at").min().over(group))
    ordered = at_first.sort("listened_at", "lookup_key", *_CONTENT, nulls_last=True)
    return ordered.unique(group, keep="first", maintain_order=True)


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
