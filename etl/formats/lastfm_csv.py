"""Reads tables of Last.fm scrobbles with a header, whichever tool wrote them: columns are found by their names.

Of several time columns, each row takes the best one that has a time: one with seconds before one without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.reasons import SkipReason
from etl.formats.base import (
    LASTFM_FOUNDED,
    Format,
    Peek,
    ReadOptions,
    finish,
    is_blank,
)
from etl.formats.lastfm import CLIENT, PREFERENCE, SERVICE, credit_mbids
from etl.formats.lastfm_times import read_times
from etl.formats.scrobble_rows import DATE, TIME_OF_DAY, with_verdicts
from etl.formats.spotify import HEARD_MS
from etl.formats.table_header import COLUMN_ALIASES, SEPARATOR, TIMES, ColumnKind, kind_of_table, read_header
from etl.parsers import Delimited, Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

LAYOUT = Delimited(Dialect(tuple(COLUMN_ALIASES)), read_header, SEPARATOR)
TIME_UNITS = {"date_ms": 1000}  # to a second
IN_UTC = {"utc_time"}  # whatever --timezone is, because the name of the column says UTC


def read_csv(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one table. Columns out: ``EXTRACTED``. Raises ``BrokenFileError`` for unknown columns."""
    table = LAYOUT.read(data)
    return finish(rows_of(table.frame, table.columns, options.timezone), table.broken)


def rows_of(fields: pl.DataFrame, columns: AbstractSet[str], zone: str | None) -> pl.DataFrame:
    """Turn the text columns ``COLUMN_ALIASES`` into rows; the file has only ``columns``, the others are null.

    ``zone`` is that of times without one. Columns out: those of ``EXTRACTED`` that a table knows.
    """
    present = [name for name in TIMES if name in columns]
    kept = present or ["date_time"]
    frame = with_times(with_clock(fields), kept, zone)
    frame = frame.with_columns(credit_mbids(frame)).rename(
        {"album_mbid": "release_mbid", "track_mbid": "recording_mbid"}
    )
    # Tools that write Unix times write them in all rows. Dates come from API pages, where the playing track has none.
    only_dates = bool(present) and set(present) <= {"utc_time", "datetime", "date_time"}
    frame = with_skips(with_verdicts(frame, kept), kept, undated_is_playing=only_dates)
    return frame.with_columns(_played_ms(frame).alias("played_ms"))


def with_clock(frame: pl.DataFrame) -> pl.DataFrame:
    """Join ``date_time``, if it is only a date, with the time of day in ``clock``."""
    if frame["clock"].null_count() == frame.height:
        return frame
    is_date = pl.col("date_time").str.contains(DATE) & pl.col("clock").str.contains(TIME_OF_DAY)
    joined = pl.format("{} {}", pl.col("date_time").str.strip_chars(), pl.col("clock").str.strip_chars())
    return frame.with_columns(date_time=pl.when(is_date).then(joined).otherwise("date_time"))


def with_times(frame: pl.DataFrame, columns: Sequence[str], zone: str | None = None) -> pl.DataFrame:
    """Add ``listened_at``, ``minute_only`` and ``local_time`` from the text ``columns``, the best one first.

    Each row takes the first that has a time with seconds, else the first that has one without.
    """
    read = [
        read_times(frame[name], TIME_UNITS.get(name, 1), are_local=name not in IN_UTC, zone=zone) for name in columns
    ]
    names = range(len(columns))
    numbered = [each.rename({name: f"{name}{n}" for name in each.columns}) for n, each in enumerate(read)]
    found = pl.concat(numbered, how="horizontal")
    seconds = [pl.when(~pl.col(f"minute_only{n}")).then(f"time{n}") for n in names]
    order = [~pl.col(f"minute_only{n}") for n in names] + [pl.col(f"time{n}").is_not_null() for n in names]
    picked = pl.coalesce(
        pl.when(has_time).then(pl.col(f"local_time{n % len(columns)}").fill_null(""))
        for n, has_time in enumerate(order)
    )
    times = [pl.col(f"time{n}") for n in names]
    is_minute = pl.coalesce(seconds).is_null() & pl.coalesce(times).is_not_null()
    return frame.hstack(
        found.select(
            listened_at=pl.coalesce(*seconds, *times),
            minute_only=pl.when(is_minute).then(pl.lit(value=True)),
            local_time=picked.replace("", None),
        )
    )


def with_skips(frame: pl.DataFrame, times: Sequence[str], *, undated_is_playing: bool) -> pl.DataFrame:
    """Add ``client`` and ``skip``: rows that were played for less than 30 s, and the track that is playing now.

    A row without a time is the track playing now if ``undated_is_playing`` is set.
    """
    is_playing = pl.all_horizontal(map(is_blank, times)) & ~is_blank("artist") & ~is_blank("track")
    return frame.with_columns(
        client=pl.lit(CLIENT),
        skip=pl.when(is_playing & undated_is_playing)
        .then(pl.lit(str(SkipReason.NOW_PLAYING)))
        .when(_played_ms(frame) < HEARD_MS)
        .then(pl.lit(str(SkipReason.TOO_SHORT))),
    )


def _played_ms(frame: pl.DataFrame) -> pl.Expr:
    """Return how long each row was played, as a script that reads Spotify may write it; null if unknown."""
    return pl.col("played_ms").cast(pl.Int64, strict=False) if "played_ms" in frame.columns else pl.lit(None, pl.Int64)


def _is_table(peek: Peek) -> bool:
    return kind_of_table(peek) is ColumnKind.LISTENS


FORMAT = Format(
    name="lastfm-csv",
    source="lastfm",
    title="Last.fm table with a header (CSV or TSV)",
    file_names=("recenttracks-*.csv", "lastfmstats-*.csv", "scrobbles.tsv"),
    how_to_get=(
        "lastfm.ghan.nl/export > CSV, or lastfmstats.com > Export. Also read: scrobbles.tsv of the official exporter, "
        "and tables of scripts with columns like artist, track (title, song) and uts (timestamp, utc_time, date)."
    ),
    sample="lastfm/csv",
    recognise=_is_table,
    read=read_csv,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
)
