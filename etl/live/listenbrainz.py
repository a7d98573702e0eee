"""Reads ListenBrainz submissions (bodies of ``/1/submit-listens``) as live listens. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.errors import BrokenFileError, InputError
from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import EXTRACTED, conform
from etl.formats.base import ReadOptions
from etl.formats.listenbrainz_pages import read_pages
from etl.live.listen import validate_frame
from etl.parsers.decoders import json_decoder
from etl.parsers.json_split import UNREADABLE

if TYPE_CHECKING:
    from etl.live.listen import Submitted, ValidListen
    from etl.normalize.listens import Rules

_HINT = (
    'Give {"listen_type":"single","payload":[{"listened_at":SECONDS,'
    '"track_metadata":{"artist_name":"NAME","track_name":"TITLE"}}]}'
)
PLAYING_NOW = "playing_now"


def validate_submissions(data: bytes, rules: Rules) -> list[ValidListen | Submitted]:
    """Return each listen of the bodies in ``data``, in order: ready to be stored, or what is wrong with it.

    Raises ``InputError`` if ``data`` contains no listens.
    """
    try:
        rows = read_submissions(data)
    except BrokenFileError as error:
        raise InputError(f"the input is not a ListenBrainz submission: {error.message}", _HINT) from error
    if rows.is_empty():
        raise InputError("the input has no listens", _HINT)
    return validate_frame(rows, rules)


class Body(msgspec.Struct):
    """The field of a body that says what kind of submission it is."""

    listen_type: str | None = None


def read_submissions(data: bytes) -> pl.DataFrame:
    """Return the rows of all bodies. Columns out: ``EXTRACTED``; rows are numbered from 1 across all bodies.

    A ``playing_now`` body is not a listen yet and has no time: it is skipped, not rejected. Raises ``BrokenFileError``
    if ``data`` contains no listens.
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
    """Return each body by itself; if ``data`` cannot be divided, all of it as one body: reading it will say why."""
    try:
        return [bytes(one) for one in msgspec.json.Decoder(msgspec.Raw).decode_lines(data)] or [data]
    except UNREADABLE:
        return [data]


def _type(body: bytes) -> str | None:
    try:
        return json_decoder(Body).decode(body).listen_type
    except UNREADABLE:
        return None


def _skip(rows: pl.DataFrame) -> pl.DataFrame:
    is_well_formed = pl.col("reject").is_null() | (pl.col("reject") == str(RejectReason.MISSING_TIME))
    return rows.with_columns(
        skip=pl.when(is_well_formed).then(pl.lit(str(SkipReason.NOW_PLAYING))),
        reject=pl.when(~is_well_formed).then("reject"),
        detail=pl.when(~is_well_formed).then("detail"),
    )
