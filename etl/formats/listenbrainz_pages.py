"""Reads JSON of the ListenBrainz API: saved pages of a user's listens, and submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions
from etl.formats.listenbrainz import PREFERENCE, SERVICE, ListenBrainzListen, is_listens, is_paged, read_listens
from etl.formats.page_totals import of_listenbrainz
from etl.parsers import JsonPages

if TYPE_CHECKING:
    import polars as pl

LAYOUT = JsonPages(ListenBrainzListen, (("payload", "listens"), ("listens",), ("payload",)))


def read_pages(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one or several pages. Columns out: ``EXTRACTED``."""
    return read_listens(LAYOUT.read(data))


def _is_pages(peek: Peek) -> bool:
    return is_paged(peek) and (is_listens(peek) or {"payload", "listens"} <= peek.keys)


FORMAT = Format(
    name="listenbrainz-pages",
    source="listenbrainz",
    title="ListenBrainz API pages",
    file_names=("listenbrainz*.json",),
    how_to_get="Save /1/user/NAME/listens, or what a client submits to /1/submit-listens.",
    sample="listenbrainz/pages",
    recognise=_is_pages,
    read=read_pages,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=None,
    preference=PREFERENCE,
    service=SERVICE,
    totals=of_listenbrainz,
)
