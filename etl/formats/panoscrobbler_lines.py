"""Reads the JSONL export of Pano Scrobbler: one record per line."""

from __future__ import annotations

import msgspec
import polars as pl

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions, finish
from etl.formats.panoscrobbler import CLIENT, FIELDS, HOW_TO_GET, PREFERENCE, SERVICE, rows_of
from etl.parsers import JsonLines


class PanoScrobble(msgspec.Struct, gc=False):
    """A record: a scrobble, or another event."""

    timeMs: int | float | str | None = None  # noqa: N815 (as in the file)
    artist: str | None = None
    track: str | None = None
    album: str | None = None
    durationMs: int | float | str | None = None  # noqa: N815
    event: str | None = None


LAYOUT = JsonLines(PanoScrobble)


def read_lines(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one file. Columns out: ``EXTRACTED``."""
    records = LAYOUT.read(data)
    columns = {name: [_text(getattr(row, name)) for row in records.rows] for name in FIELDS}
    return finish(rows_of(pl.DataFrame(columns, dict.fromkeys(FIELDS, pl.String))), records.broken)


def _text(value: str | float | None) -> str | None:
    return None if value is None else str(value)


def _is_lines(peek: Peek) -> bool:
    return peek.shape == "{" and {"timeMs", "artist", "track"} <= peek.keys


FORMAT = Format(
    name="panoscrobbler-lines",
    source="panoscrobbler",
    title="Pano Scrobbler export (JSONL)",
    file_names=("pano_scrobbler*.jsonl", "scrobbles_log_*.jsonl"),
    how_to_get=HOW_TO_GET.format("JSONL"),
    sample="panoscrobbler/lines",
    recognise=_is_lines,
    read=read_lines,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
)
