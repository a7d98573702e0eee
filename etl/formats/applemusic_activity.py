"""Reads the play activity in Apple's data download: one row per event; the end of a play is a listen.

Columns vary from year to year and are found by their names. Only old files name the artist. For others it comes from
the files next to the export, or from the album that was played. A row whose artist stays unknown is rejected, and can
be tried again.

``Event Start Timestamp`` is stored: scrobblers record starts, too, and two recorded starts are compared within seconds.
A play of at least 30 s is a listen, or one to the end of the track.
"""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from etl.core.errors import BrokenFileError
from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import TIME
from etl.formats.applemusic_artists import index_artists
from etl.formats.applemusic_companions import DAILY_TRACKS, LIBRARY_TRACKS, SOURCE
from etl.formats.base import (
    FIRST_SECOND,
    Companions,
    Format,
    Peek,
    ReadOptions,
    durations,
    finish,
    first_reason,
    is_blank,
    quoted,
    utc_times,
)
from etl.formats.table_header import SEPARATOR, columns_named, header_of
from etl.parsers import Delimited, Dialect

CLIENT = "applemusic"
# After the scrobblers, which had the artist from the player.
PREFERENCE = 60
HEARD_MS = 30_000

_START, _END, _PLAYED = "Event Start Timestamp", "Event End Timestamp", "Play Duration Milliseconds"
_TITLES = ("Song Name", "Content Name")
_ALBUMS = ("Album Name", "Container Album Name")
_COLUMNS = (
    *(_START, _END, _PLAYED, *_TITLES, *_ALBUMS, "Artist Name", "Container Artist Name", "Container Type"),
    *("Event Type", "Media Type", "Media Duration In Milliseconds", "End Reason Type", "UTC Offset In Seconds"),
)
# Lists of tracks by many artists: the artist of such a list, if any, is not the artist of its tracks.
_LISTS = ("PLAYLIST", "RADIO", "STATION", "MIX")
_ONE_DAY = 86_400
_YEAR_1 = pl.lit(FIRST_SECOND * 1_000_000).cast(TIME)


def _read_header(line: str) -> Dialect:
    header = columns_named(line, _COLUMNS)
    if not _has_plays(header):
        raise BrokenFileError(
            f'it has no columns "{_START}", "{_PLAYED}" and "{_TITLES[0]}"', "Give the download of privacy.apple.com"
        )
    return header


def _has_plays(header: Dialect) -> bool:
    return {_START, _PLAYED} <= set(header.names) and not set(_TITLES).isdisjoint(header.names)


LAYOUT = Delimited(Dialect(_COLUMNS), _read_header, SEPARATOR)


def read_activity(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one file, with the artists that its companions name. Columns out: ``EXTRACTED``."""
    table = LAYOUT.read(data)
    start, end = (utc_times(table.frame[name]).alias(name) for name in (_START, _END))
    written = pl.coalesce(_written("start", _START), _written("end", _END))
    frame = table.frame.with_columns(start.alias("started"), end.alias("ended"), written=written)
    elapsed = (pl.col("ended") - pl.col("started")).dt.total_milliseconds()
    frame = frame.with_columns(
        played=pl.coalesce(_number(_PLAYED), elapsed).fill_null(0),
        track=_first_of(*_TITLES),
        album=_first_of(*_ALBUMS),
        seconds=_number("Media Duration In Milliseconds") / 1000,
        client=pl.lit(CLIENT),
    ).with_columns(listened_at=pl.coalesce("started", _start_from_end()), skip=_skip())
    frame = frame.with_columns(durations("seconds"))
    return finish(_with_rejects(_with_artists(frame, options.companions)), table.broken)


def _written(what: str, column: str) -> pl.Expr:
    return pl.when(~is_blank(column)).then(pl.format(f"{what}: {{}}", quoted(pl.col(column))))


def _number(column: str) -> pl.Expr:
    """Return a column of whole numbers; null for other texts, and beyond what a time can hold."""
    return pl.col(column).str.extract(r"^\s*(-?\d{1,15})(?:\.\d*)?\s*$").cast(pl.Int64)


def _first_of(*columns: str) -> pl.Expr:
    return pl.coalesce(pl.when(~is_blank(column)).then(column) for column in columns)


def _start_from_end() -> pl.Expr:
    """Return the end of a play minus the time played; null if no play can last that long."""
    played = pl.when(pl.col("played").is_between(0, 1000 * _ONE_DAY)).then("played").otherwise(0)
    return (pl.col("ended") - pl.duration(milliseconds=played)).clip(_YEAR_1, None)


def _skip() -> pl.Expr:
    is_other_event = ~is_blank("Event Type") & (pl.col("Event Type").str.strip_chars() != "PLAY_END")
    is_video = ~is_blank("Media Type") & (pl.col("Media Type").str.strip_chars() != "AUDIO")
    to_end = (pl.col("End Reason Type") == "NATURAL_END_OF_TRACK").fill_null(value=False)
    is_heard = (pl.col("played") >= HEARD_MS) | (to_end & (pl.col("played") > 0))
    return first_reason(
        [
            (is_other_event, SkipReason.NOT_A_PLAY),
            (is_video, SkipReason.VIDEO),
            (pl.col("track").is_null() & is_blank("Artist Name"), SkipReason.NOT_A_TRACK),
            (~is_heard, SkipReason.TOO_SHORT),
        ]
    )


def _with_artists(frame: pl.DataFrame, companions: Companions) -> pl.DataFrame:
    """Add ``artist``, and ``candidates``: how many artists have a track of this title in the companions."""
    frame = frame.hstack(_artists_of_companions(frame, companions))
    is_list = pl.col("Container Type").fill_null("").str.contains_any(_LISTS, ascii_case_insensitive=True)
    of_album = pl.when((pl.col("candidates") == 0) & ~is_list & ~is_blank("Container Artist Name"))
    artist = pl.coalesce(_first_of("Artist Name"), "of_companions", of_album.then("Container Artist Name"))
    return frame.with_columns(artist=artist)


def _artists_of_companions(frame: pl.DataFrame, companions: Companions) -> pl.DataFrame:
    """Return ``of_companions``, the artist if it is certain, and ``candidates``; null for rows that need neither."""
    is_open = is_blank("Artist Name") & pl.col("skip").is_null()
    questions = frame.select(
        pl.when(is_open).then("track").alias("title"),
        pl.col("album").fill_null(""),
        *_local_days(),
        pl.col("Container Artist Name").fill_null("").alias("container"),
    )
    distinct = questions.drop_nulls().unique()
    index = index_artists(companions)
    found = [index.candidates(title, album, days, container) for title, album, *days, container in distinct.iter_rows()]
    answers = distinct.with_columns(
        pl.Series("of_companions", [names[0] if len(names) == 1 else None for names in found], dtype=pl.String),
        pl.Series("candidates", list(map(len, found)), dtype=pl.Int64),
    )
    return questions.join(answers, on=questions.columns, how="left", maintain_order="left").select(
        "of_companions", "candidates"
    )


def _local_days() -> list[pl.Expr]:
    """Return the days (yyyymmdd) on which a play may be in the listener's zone: three, or fewer if that is known."""
    offset = _number("UTC Offset In Seconds")
    offset = pl.when(offset.abs() <= _ONE_DAY).then(offset)
    first, last = offset.fill_null(-_ONE_DAY), offset.fill_null(_ONE_DAY)
    moments = {
        "first": pl.col("listened_at") + pl.duration(seconds=first),
        "middle": pl.col("listened_at") + pl.duration(seconds=offset.fill_null(0)),
        "last": pl.coalesce("ended", "listened_at") + pl.duration(seconds=last),
    }
    return [moment.dt.strftime("%Y%m%d").fill_null("").alias(name) for name, moment in moments.items()]


def _with_rejects(frame: pl.DataFrame) -> pl.DataFrame:
    rules: list[tuple[pl.Expr, str]] = [
        (is_blank("track"), RejectReason.MISSING_TRACK),
        (pl.col("written").is_null(), RejectReason.MISSING_TIME),
        (pl.col("listened_at").is_null(), RejectReason.BAD_TIME),
        (is_blank("artist"), RejectReason.ARTIST_UNKNOWN),
    ]
    reject = pl.col("reject")
    several = pl.format("{} artists have a track of this name", "candidates")
    return frame.with_columns(reject=first_reason(rules)).with_columns(
        detail=pl.when(reject == RejectReason.BAD_TIME)
        .then("written")
        .when(reject == RejectReason.ARTIST_UNKNOWN)
        .then(pl.when(pl.col("candidates") > 1).then(several).otherwise(pl.lit("no file next to it names one")))
    )


def _is_activity(peek: Peek) -> bool:
    header = header_of(peek)
    return header is not None and _has_plays(columns_named(header, _COLUMNS))


FORMAT = Format(
    name="applemusic-activity",
    source=SOURCE,
    title="Apple Music play activity",
    file_names=("Apple Music Play Activity*.csv",),
    how_to_get=(
        "privacy.apple.com > Request a copy of your data > Apple Media Services information. It takes up to 7 days; "
        "give the zip as it is: other files in it name the artists."
    ),
    sample="applemusic/activity",
    recognise=_is_activity,
    read=read_activity,
    layout=LAYOUT,
    earliest=datetime(2015, 6, 1, tzinfo=UTC),
    client=CLIENT,
    preference=PREFERENCE,
    service="Apple Music",
    companions=(DAILY_TRACKS, LIBRARY_TRACKS),
)
