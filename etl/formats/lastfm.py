"""Turns Last.fm scrobbles into rows, whichever file they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import polars as pl

from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import NAMES
from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.formats.base import finish, first_reason, is_blank, missing_names, quoted
from etl.formats.lastfm_times import read_times
from etl.normalize.credit import FEATURE_HINT, split_credit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.parsers import Broken, Records

CLIENT = "lastfm"
PREFERENCE = 30
SERVICE = "Last.fm"

_SEPARATORS = compile_separators(DEFAULT_SEPARATORS)

# The fields of a scrobble, as text; blank and null mean the same. ``moment`` and ``words`` are two forms of its time,
# the more exact one first.
FIELDS = pl.Schema(
    dict.fromkeys(
        ("artist", "artist_mbid", "track", "recording_mbid", "album", "release_mbid", "moment", "words"), pl.String
    )
)


class HasMbid(Protocol):
    """An entity that may have an MBID."""

    mbid: Any


class LastfmArtist(msgspec.Struct, gc=False):
    """An artist; the API has ``#text``, with extended=1 ``name``. An ``mbid`` that is not a text is ignored."""

    text: str | None = msgspec.field(default=None, name="#text")
    name: str | None = None
    mbid: Any = None


class LastfmAlbum(msgspec.Struct, gc=False):
    """An album."""

    text: str | None = msgspec.field(default=None, name="#text")
    mbid: Any = None


class Date(msgspec.Struct, gc=False):
    """The start of the play: Unix seconds, and the minute in words."""

    uts: str | int | float | None = None
    text: str | None = msgspec.field(default=None, name="#text")


class Attributes(msgspec.Struct, gc=False):
    """Attributes of the track that is playing now; no other track has them."""

    nowplaying: str | bool | None = None


class LastfmScrobble(msgspec.Struct, gc=False):
    """A ``track`` of the API's user.getRecentTracks."""

    artist: LastfmArtist | None = None
    name: str | None = None
    mbid: Any = None
    album: LastfmAlbum | None = None
    date: Date | None = None
    attributes: Attributes | None = msgspec.field(default=None, name="@attr")

    @property
    def is_playing(self) -> bool:
        """Whether the scrobble is marked as the track that is playing now."""
        return self.attributes is not None and str(self.attributes.nowplaying).strip().lower() in {"true", "1"}


def read_tracks(tracks: Records[LastfmScrobble]) -> pl.DataFrame:
    """Return the rows of the API's tracks. Columns out: ``EXTRACTED``."""
    rows = tracks.rows
    artists = [row.artist or LastfmArtist() for row in rows]
    albums = [row.album or LastfmAlbum() for row in rows]
    dates = [row.date or Date() for row in rows]
    frame = pl.DataFrame(
        {
            "artist": [artist.text or artist.name for artist in artists],
            "artist_mbid": [mbid_of(artist) for artist in artists],
            "track": [row.name for row in rows],
            "recording_mbid": [mbid_of(row) for row in rows],
            "album": [album.text for album in albums],
            "release_mbid": [mbid_of(album) for album in albums],
            "moment": [as_text(date.uts) for date in dates],
            "words": [date.text for date in dates],
        },
        schema=FIELDS,
    )
    # The track that is playing now has no date, with or without the attribute.
    playing = pl.Series([row.is_playing for row in rows], dtype=pl.Boolean)
    undated = pl.Series([row.date is None for row in rows], dtype=pl.Boolean)
    named = ~is_blank("artist") & ~is_blank("track")
    return read_fields(frame.with_columns(is_playing=playing | (undated & named)), tracks.broken, ("uts", "#text"))


def mbid_of(entity: HasMbid) -> str | None:
    """Return the MBID of an artist, album or track."""
    return entity.mbid if isinstance(entity.mbid, str) else None


def as_text(number: str | float | None) -> str | None:
    """Return a number, or the text of one, as text."""
    return None if number is None else str(number)


def read_fields(
    frame: pl.DataFrame, broken: Mapping[int, Broken], times: Sequence[str], per_second: int = 1
) -> pl.DataFrame:
    """Turn columns of text into rows. Columns in: ``FIELDS``, optionally ``is_playing``. Columns out: ``EXTRACTED``.

    ``times`` are the file's own names of ``moment`` and ``words``; ``moment`` counts ``per_second`` units a second.
    """
    if "is_playing" not in frame.columns:
        frame = frame.with_columns(is_playing=pl.lit(value=False))
    frame = frame.with_columns(pl.col("album", "recording_mbid", "release_mbid").replace("", None))
    best, other = read_times(frame["moment"], per_second), read_times(frame["words"])
    frame = frame.with_columns(
        credit_mbids(frame),
        listened_at=pl.coalesce(best["time"], other["time"]),
        minute_only=pl.when(pl.coalesce(best["minute_only"], other["minute_only"])).then(pl.lit(value=True)),
        skip=pl.when("is_playing").then(pl.lit(str(SkipReason.NOW_PLAYING))),
        client=pl.lit(CLIENT),
        written=pl.coalesce(
            pl.when(~is_blank(column)).then(pl.format(f"{name}: {{}}", quoted(pl.col(column))))
            for column, name in zip(("moment", "words"), times, strict=False)
        ),
    )
    rules: list[tuple[pl.Expr, str]] = [
        *missing_names("artist", "track"),
        (pl.col("written").is_null(), RejectReason.MISSING_TIME),
        (pl.col("listened_at").is_null(), RejectReason.BAD_TIME),
    ]
    frame = frame.with_columns(reject=first_reason(rules)).with_columns(
        detail=pl.when(pl.col("reject") == RejectReason.BAD_TIME).then("written")
    )
    return finish(frame, broken)


def credit_mbids(frame: pl.DataFrame) -> pl.Series:
    """Return the column ``artist_mbids`` for the columns artist, track and artist_mbid.

    Last.fm has one MBID for the whole text of a credit, which is split into artists later. If it stays one artist, or
    only the title adds features, the MBID is that of the (base) artist. If the text itself names several artists
    ("A feat. B"), the MBID is dropped: it may belong to either, and if it is in the database, resolving would take its
    artist as the whole credit and lose B. (Koito stores one artist "A feat. B" in this case.)
    """
    hint = pl.any_horizontal(
        pl.col("artist", "track").str.contains(FEATURE_HINT), pl.col("artist").str.contains(DEFAULT_SEPARATORS)
    ).fill_null(value=False)
    known = frame.select("artist", "track", mbid="artist_mbid", hint=hint, row=pl.int_range(pl.len()))
    known = known.filter(~is_blank("mbid"))
    plain = known.filter(~pl.col("hint")).select("row", artist_mbids=pl.concat_list("mbid"))
    hinted = known.filter("hint")
    lists = [
        _split_mbid(artist or "", track or "", mbid)
        for artist, track, mbid in hinted.select("artist", "track", "mbid").iter_rows()
    ]
    split = hinted.select("row").with_columns(pl.Series("artist_mbids", lists, dtype=NAMES))
    every = pl.DataFrame({"row": pl.int_range(frame.height, eager=True)})
    return every.join(pl.concat([plain, split]), on="row", how="left", maintain_order="left")["artist_mbids"]


def _split_mbid(artist: str, track: str, mbid: str) -> list[str | None] | None:
    artists = split_credit(artist, track, _SEPARATORS)
    return [mbid, *[None] * (len(artists) - 1)] if artists[0] == artist.strip() else None
