"""Reads the ListenBrainz export of before August 2024: one JSON array of all listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions
from etl.formats.listenbrainz import PREFERENCE, SERVICE, ListenBrainzListen, is_listens, is_paged, read_listens
from etl.parsers import JsonList

if TYPE_CHECKING:
    import polars as pl

LAYOUT = JsonList(ListenBrainzListen)


def read_array(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one export. Columns out: ``EXTRACTED``."""
    return read_listens(LAYOUT.read(data))


def _is_array(peek: Peek) -> bool:
    return peek.shape == "[" and is_listens(peek) and not is_paged(peek)


FORMAT = Format(
    name="listenbrainz-array",
    source="listenbrainz",
    title="ListenBrainz export of before August 2024",
    file_names=("*_lb-*.json",),
    how_to_get="Made until August 2024. For all listens until today: listenbrainz.org > Settings > Export data.",
    sample="listenbrainz/array",
    recognise=_is_array,
    read=read_array,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=None,
    preference=PREFERENCE,
    service=SERVICE,
)
