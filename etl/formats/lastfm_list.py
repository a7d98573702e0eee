"""Reads lists of plays that scripts write as JSON: flat objects with an artist, a track and a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.formats.base import LASTFM_FOUNDED, Format, ReadOptions, finish
from etl.formats.flat_json import FlatLayout, has_flat_list
from etl.formats.lastfm import CLIENT, PREFERENCE, SERVICE
from etl.formats.lastfm_csv import rows_of

if TYPE_CHECKING:
    import polars as pl

LAYOUT = FlatLayout()


def read_list(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one list. Columns out: ``EXTRACTED``."""
    fields, columns, broken = LAYOUT.read(data)
    return finish(rows_of(fields, columns, options.timezone), broken)


FORMAT = Format(
    name="lastfm-list",
    source="lastfm",
    title="List of plays of a script (JSON)",
    file_names=("scrobbles-list*.json",),
    how_to_get=(
        "Scripts write it: a list of objects with keys like artist, track (title, song, name) and uts (timestamp, "
        "date, time), without objects in them."
    ),
    sample="lastfm/list",
    recognise=has_flat_list,
    read=read_list,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
)
