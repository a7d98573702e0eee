"""Reads tables of Last.fm scrobbles with a header, whichever tool wrote them: columns are found by their names.

Of several time columns, each row takes the best one that has a time: one with seconds before one without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import RejectReason, SkipReason
from etl.formats.base import (
    LASTFM_FOUNDED,
    Format,
    Peek,
    ReadOptions,
    finish,
    first_reason,
    is_blank,
    missing_names,
    quoted,
)
from etl.formats.lastfm import CLIENT, PREFERENCE, SERVICE, credit_mbids
from etl.formats.lastfm_times import read_times
from etl.formats.table_header import COLUMN_ALIASES, TIMES, ColumnKind, kind_of_table, read_header
from etl.parsers import Delimited, Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence

LAYOUT = Delimited(Dialect(tuple(COLUMN_ALIASES)), read_header)
TIME_UNITS = {"date_ms": 1000}  # to a second


def read_csv(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one table. Columns out: ``EXTRACTED``. Raises ``BrokenFileError`` for unknown columns."""
    table = LAYOUT.read(data)
    kept = [name for name in TIMES if name in table.columns]
    frame = with_times(table.frame, kept)
    frame = frame.with_columns(credit_mbids(frame)).rename(
        {"album_mbid": "release_mbid", "track_mbid": "recording_mbid"}
    )
    # Tools that write Unix times write them in all rows. Dates come from API pages: there, the playing track has none.
    only_dates = set(kept) <= {"utc_time", "date_time"}
    return finish(with_verdicts(frame, undated_is_playing=only_dates), table.broken)


def with_times(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Add ``listened_at`` and ``minute_only`` from the text ``columns``, and ``written``, their text."""
    read = [read_times(frame[name], TIME_UNITS.get(name, 1)) for name in columns]
    times = [pl.lit(each["time"]) for each in read]
    precise = [pl.lit(each.select(pl.when(~pl.col("minute_only")).then("time")).to_series()) for each in read]
    written = [pl.when(~is_blank(name)).then(pl.format(f"{name}: {{}}", quoted(pl.col(name)))) for name in columns]
    is_minute = pl.coalesce(precise).is_null() & pl.coalesce(times).is_not_null()
    return frame.with_columns(
        listened_at=pl.coalesce(*precise, *times),
        minute_only=pl.when(is_minute).then(pl.lit(value=True)),
        written=pl.coalesce(written),
    )


def with_verdicts(frame: pl.DataFrame, *, undated_is_playing: bool) -> pl.DataFrame:
    """Add ``client``, ``skip``, ``reject`` and ``detail`` to a frame with names, ``listened_at`` and ``written``."""
    undated = pl.col("written").is_null()
    is_playing = pl.lit(undated_is_playing) & undated & ~is_blank("artist") & ~is_blank("track")
    rules: list[tuple[pl.Expr, str]] = [
        *missing_names("artist", "track"),
        (undated, RejectReason.MISSING_TIME),
        (pl.col("listened_at").is_null(), RejectReason.BAD_TIME),
    ]
    return frame.with_columns(
        client=pl.lit(CLIENT),
        skip=pl.when(is_playing).then(pl.lit(str(SkipReason.NOW_PLAYING))),
        reject=first_reason(rules),
    ).with_columns(detail=pl.when(pl.col("reject") == RejectReason.BAD_TIME).then("written"))


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
