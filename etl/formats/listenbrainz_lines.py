"""Reads the ListenBrainz export: a zip with a file for each month (``listens/2024/3.jsonl``), one listen per line.

Unpacked, renamed or joined files are read, too. The versions of the export differ only in fields that are not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions
from etl.formats.listenbrainz import PREFERENCE, SERVICE, ListenBrainzListen, is_listens, is_paged, read_listens
from etl.parsers import JsonLines

if TYPE_CHECKING:
    import polars as pl

LAYOUT = JsonLines(ListenBrainzListen)


def read_lines(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file of the export. Columns out: ``EXTRACTED``."""
    return read_listens(LAYOUT.read(data))


def _is_lines(peek: Peek) -> bool:
    return peek.shape == "{" and is_listens(peek) and not is_paged(peek)


FORMAT = Format(
    name="listenbrainz-lines",
    source="listenbrainz",
    title="ListenBrainz export",
    file_names=("listenbrainz_*.zip", "listens*.jsonl", "[1-9].jsonl", "1[0-2].jsonl"),
    how_to_get="listenbrainz.org > Settings > Export data. Give the zip as it is.",
    sample="listenbrainz/lines",
    recognise=_is_lines,
    read=read_lines,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=None,
    preference=PREFERENCE,
    service=SERVICE,
)
