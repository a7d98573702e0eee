"""Reads what a client submits to ListenBrainz: bodies of ``/1/submit-listens``, one or several one after the other."""

from __future__ import annotations

import msgspec
import polars as pl

from etl.core.schema import EXTRACTED, RejectReason, SkipReason, conform
from etl.formats.base import ReadOptions
from etl.formats.listenbrainz_pages import read_pages
from etl.parsers.json_split import UNREADABLE

PLAYING_NOW = "playing_now"


class Body(msgspec.Struct):
    """What a body says of its listens."""

    listen_type: str | None = None


def read_bodies(data: bytes) -> pl.DataFrame:
    """Return the rows of all bodies. Columns out: ``EXTRACTED``; rows count from 1 across all.

    A body of the type ``playing_now`` holds no listen yet, so that no time is missing: it is skipped. Raises
    ``BrokenFileError`` for data in which there is no listen to be found.
    """
    frames = []
    before = 0
    for body in _divide(data):
        rows = read_pages(body, ReadOptions())
        if _type(body) == PLAYING_NOW:
            rows = _skip(rows)
        frames.append(rows.with_columns(row=pl.col("row") + before))
        before += rows.height
    return conform(pl.concat(frames), EXTRACTED)


def _divide(data: bytes) -> list[bytes]:
    """Return each body by itself; all as one where that cannot be done, for the reader says why."""
    try:
        return [bytes(one) for one in msgspec.json.Decoder(msgspec.Raw).decode_lines(data)] or [data]
    except UNREADABLE:
        return [data]


def _type(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=Body).listen_type
    except UNREADABLE:
        return None


def _skip(rows: pl.DataFrame) -> pl.DataFrame:
    is_sound = pl.col("reject").is_null() | (pl.col("reject") == str(RejectReason.MISSING_TIME))
    return rows.with_columns(
        skip=pl.when(is_sound).then(pl.lit(str(SkipReason.NOW_PLAYING))),
        reject=pl.when(~is_sound).then("reject"),
        detail=pl.when(~is_sound).then("detail"),
    )
