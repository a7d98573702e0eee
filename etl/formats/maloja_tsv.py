"""Reads the scrobble files in the data directory of Maloja 1 and 2: tab separated, without header and quotes."""

from __future__ import annotations

import polars as pl

from etl.core.reasons import RejectReason
from etl.formats.base import (
    LASTFM_FOUNDED,
    Format,
    Peek,
    ReadOptions,
    epoch_times,
    finish,
    first_reason,
    is_blank,
    missing_names,
    name_lists,
    quoted,
)
from etl.formats.maloja_export import CLIENT, PREFERENCE, split_credit
from etl.formats.scrobble_rows import wrong_unit
from etl.formats.timed_lines import MALOJA_NAMES, Writer, writer_of
from etl.parsers import Delimited, Dialect

_BETWEEN = "␟"  # U+241F, the symbol for the separator
NOTHING = "-"

# Old versions wrote no duration, the oldest no album. The duration is how long the track was played; it is not read.
LAYOUT = Delimited(Dialect(("time", "artists", "title", "album", None), "\t", quoting=False, at_least=3))


def read_tsv(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file. Columns out: ``EXTRACTED``."""
    table = LAYOUT.read(data)
    names = pl.col("artists", "title", "album")
    frame = table.frame.with_columns(pl.when(names != NOTHING).then(names.str.replace_all(r"\num", "#", literal=True)))
    listed = [split_credit(text.split(_BETWEEN) if text else None) for text in frame["artists"]]
    seconds = frame["time"].str.extract(r"^\s*(\d{1,20})\s*$").cast(pl.Float64)
    frame = frame.with_columns(
        pl.Series("artist", [None if artists is None else ", ".join(artists) for artists in listed], dtype=pl.String),
        name_lists(listed).alias("artists"),
        epoch_times(seconds.to_list()),
        client=pl.lit(CLIENT),
        track="title",
    )
    rejects: list[tuple[pl.Expr, str]] = [
        *missing_names("artist", "track"),
        (is_blank("time"), RejectReason.MISSING_TIME),
        (pl.col("listened_at").is_null(), RejectReason.BAD_TIME),
    ]
    frame = frame.with_columns(reject=first_reason(rejects), skip=pl.lit(None, pl.String)).with_columns(
        detail=pl.when(pl.col("reject") == RejectReason.BAD_TIME).then(
            pl.format("time: {}{}", quoted(pl.col("time")), wrong_unit(pl.col("time")).fill_null(""))
        )
    )
    return finish(frame, table.broken)


def _is_tsv(peek: Peek) -> bool:
    return writer_of(peek) is Writer.MALOJA


FORMAT = Format(
    name="maloja-tsv",
    source="maloja",
    title="Maloja 2 scrobble file",
    file_names=MALOJA_NAMES,
    how_to_get="The folder `scrobbles` in the data directory of Maloja before version 3.",
    sample="maloja/tsv",
    recognise=_is_tsv,
    read=read_tsv,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
)
