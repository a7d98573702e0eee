"""Reads plays that scripts write as JSON Lines: one flat object with an artist, a track and a time per line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.formats.base import LASTFM_FOUNDED, Format, ReadOptions, finish
from etl.formats.flat_json import FlatLayout, has_flat_lines
from etl.formats.lastfm import CLIENT, PREFERENCE, SERVICE
from etl.formats.lastfm_csv import rows_of

if TYPE_CHECKING:
    import polars as pl

LAYOUT = FlatLayout(in_lines=True)


def read_lines(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one file. Columns out: ``EXTRACTED``."""
    fields, columns, broken = LAYOUT.read(data)
    return finish(rows_of(fields, columns, options.timezone), broken)


FORMAT = Format(
    name="lastfm-lines",
    source="lastfm",
    title="Plays of a script, one per line (JSON Lines)",
    file_names=("scrobbles-lines*.jsonl",),
    how_to_get="Scripts write it: one object per line, with the same keys as in a list of plays.",
    sample="lastfm/lines",
    recognise=has_flat_lines,
    read=read_lines,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
)
