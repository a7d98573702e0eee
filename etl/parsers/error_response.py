"""Recognises an API's error response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import msgspec

from etl.core.reasons import RejectReason
from etl.parsers.json_split import UNREADABLE
from etl.parsers.records import Broken, Record, Records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.parsers.utf8 import Span, Text

_KEYS = frozenset(
    {
        "code",
        "desc",
        "description",
        "detail",
        "error",
        "error_description",
        "links",
        "message",
        "status",
        "type",
        "value",
    }
)
_TEXTS = ("message", "error_description", "desc", "description", "detail", "error", "value", "type")
"""The keys that may have the message, the best first."""
_NUMBERS = ("error", "code", "status")
_LONGEST = 64 * 1024
_SHOWN = 120
_ACCOUNT = re.compile(r"(\busers?\b[^:]*:).+", re.IGNORECASE)  # an account's name never leaves its file
_FAILED = re.compile(rb"""<lfm\s[^<>]*status\s*=\s*["']failed["']""")
_ERROR = re.compile(rb"<error[\s>].*?</error\s*>", re.DOTALL)


def error_response(document: bytes) -> str | None:
    """Return the message of the error response ``document``; ``None`` for any other document.

    JSON: an object with ``error`` and otherwise only keys that describe it, as Last.fm, ListenBrainz, Spotify, Maloja
    and Koito answer. XML: Last.fm's ``<lfm status="failed">``.
    """
    text = document.strip()
    if not text or len(text) > _LONGEST:
        return None
    if text.startswith(b"<"):
        return _of_xml(text) if _FAILED.search(text) else None
    if not text.startswith(b"{"):
        return None
    try:
        return _of_json(msgspec.json.decode(text))
    except UNREADABLE:
        return None


def mark_error_responses(records: Records[Record], text: Text, spans: Sequence[Span]) -> Records[Record]:
    """Return ``records``, which have the bounds ``spans``, with the error responses among them marked as broken."""
    blank = [type(row)() for row in records.rows[:1]]
    found = {
        row: said
        for row, (start, end) in enumerate(spans, start=1)
        if row not in records.broken
        and records.rows[row - 1] in blank
        and (said := error_response(text.body[start:end]))
    }
    broken = {**records.broken, **{row: Broken(RejectReason.ERROR_PAGE, said) for row, said in found.items()}}
    return Records(records.rows, broken, {**records.spans, **{row: spans[row - 1] for row in found}})


def error_element(element: ET.Element) -> str:
    """Return the message of an ``error`` element of Last.fm's XML."""
    return _said(element.get("code"), element.text or "")


def _of_json(answer: Any) -> str | None:  # noqa: ANN401 (any JSON value)
    if not isinstance(answer, dict) or not answer.get("error") or not answer.keys() <= _KEYS:
        return None
    parts = [answer, answer["error"]] if isinstance(answer["error"], dict) else [answer]
    given = [(key, value) for part in parts for key, value in part.items()]
    numbers = [str(value) for key, value in given if key in _NUMBERS and type(value) is int]
    texts = [value for key in _TEXTS for name, value in given if name == key and isinstance(value, str)]
    return _said(numbers[0] if numbers else None, texts[0] if texts else "")


def _of_xml(text: bytes) -> str:
    found = _ERROR.search(text)
    try:
        element = ET.fromstring(found[0].decode()) if found else None  # noqa: S314 (no DOCTYPE, so no entities)
    except (ET.ParseError, UnicodeDecodeError):
        element = None
    return error_element(element) if element is not None else _said(None, "")


def _said(number: str | None, text: str) -> str:
    words = _ACCOUNT.sub(r"\1 …", " ".join(text.split()))
    if len(words) > _SHOWN:
        words = f"{words[:_SHOWN]}…"
    return ": ".join(filter(None, (f"error {number}" if number else "error", words)))
