"""Finds what the pages of an API state about the whole history. Pure: bytes in, numbers out."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from etl.core.reasons import RejectReason
from etl.parsers.records import Broken, Record, Records
from etl.parsers.utf8 import to_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LASTFM_JSON = re.compile(rb'"@attr"\s*:\s*(\{[^{}]*"totalPages"[^{}]*\})')
_LASTFM_XML = re.compile(rb"<recenttracks\s([^<>]*)>")
_ATTRIBUTE = re.compile(rb"""(\w+)\s*=\s*["']([^"'<>]*)["']""")
_USER = re.compile(rb'"user_id"\s*:\s*"((?:[^"\\]|\\.){1,200})"')
_OLDEST = re.compile(rb'"oldest_listen_ts"\s*:\s*(\d{1,11})\b')
_LISTENED = re.compile(rb'"listened_at"\s*:\s*(\d{1,11})\b')
_MOST_PAGES = 100_000
_MALOJA = re.compile(rb'"pagination"\s*:\s*(\{[^{}]*\})')


class PageTotals(NamedTuple):
    """What a page states about itself and its history."""

    page: int
    """Its number, from 1."""
    per_page: int
    """How many plays a full page has."""
    total_pages: int | None
    """How many pages there are; None if the page only says whether another one follows."""
    total: int | None
    """How many plays there are."""
    user: str = ""
    """The user of the history. It distinguishes histories, and is written to no file."""
    has_next: bool = False
    """Whether another page follows."""
    at: int = 0
    """The position of this statement, in bytes of the text as UTF-8."""

    def plays(self, page: int) -> int | None:
        """Return how many plays the page with the number ``page`` has; None if that is unknown."""
        if self.total_pages is None or self.total is None:
            return None
        before = self.per_page * (page - 1)
        return max(0, min(self.per_page, self.total - before))


class FirstPlay(NamedTuple):
    """When a history begins according to its pages, which are not numbered, and how far back these pages go."""

    oldest: int
    """The time of its first play, in Unix seconds."""
    earliest: int
    """The time of the first play in the file."""
    user: str
    """See ``PageTotals``."""


def of_lastfm_json(data: bytes) -> list[PageTotals]:
    """Return the totals of pages of Last.fm's API in JSON: its ``@attr``, whose numbers are texts."""
    body = to_utf8(data).body
    return list(_of_lastfm((match.start(), _decoded(match[1])) for match in _LASTFM_JSON.finditer(body)))


def of_lastfm_xml(data: bytes) -> list[PageTotals]:
    """Return the totals of pages of Last.fm's API in XML: the attributes of ``recenttracks``."""
    body = to_utf8(data).body
    return list(_of_lastfm((match.start(), _attributes(match[1])) for match in _LASTFM_XML.finditer(body)))


def of_maloja(data: bytes) -> list[PageTotals]:
    """Return the totals of a page of Maloja's API, which counts from 0 and says only whether another one follows."""
    match = _MALOJA.search(to_utf8(data).body)
    fields = _decoded(match[1]) if match else {}
    page, per_page = _number(fields.get("page")), _number(fields.get("perpage"))
    if page is None or not per_page or page >= _MOST_PAGES:
        return []
    return [PageTotals(page + 1, per_page, None, None, has_next=bool(fields.get("next_page")))]


def name_error_pages(records: Records[Record], totals: Sequence[PageTotals]) -> Records[Record]:
    """Return ``records`` with error responses that say which page they replace, and how many plays that page has.

    An error response replaces the page that follows the one before it. ``totals`` are those of the other pages, in
    order.
    """
    broken = dict(records.broken)
    errors = [(records.spans[row][0], row) for row, why in broken.items() if why.reason is RejectReason.ERROR_PAGE]
    for at, row in errors:
        before = next((page for page in reversed(totals) if page.at < at), None)
        if before is None:
            continue
        page = before.page + sum(before.at < other <= at for other, _ in errors)
        plays = 0 if any(other.page == page for other in totals) else before.plays(page)
        missing = f"; up to {plays:,} plays are missing" if plays else ""
        broken[row] = Broken(
            RejectReason.ERROR_PAGE, f"page {page} holds an error response: {broken[row].detail}{missing}"
        )
    return replace(records, broken=broken)


def of_listenbrainz(data: bytes) -> list[FirstPlay]:
    """Return how far back pages of ListenBrainz's API go; empty if they are of several users, or do not say it."""
    body = to_utf8(data).body
    users = set(_USER.findall(body))
    oldest, times = ([int(time) for time in pattern.findall(body)] for pattern in (_OLDEST, _LISTENED))
    if len(users) != 1 or not oldest or not times:
        return []
    return [FirstPlay(min(oldest), min(times), users.pop().decode("utf-8", "replace"))]


def _of_lastfm(found: Iterator[tuple[int, Mapping[str, Any]]]) -> Iterator[PageTotals]:
    for at, fields in found:
        page, per_page = _number(fields.get("page")), _number(fields.get("perPage"))
        pages, total = _number(fields.get("totalPages")), _number(fields.get("total"))
        if page and per_page and pages and total is not None and max(page, pages) <= _MOST_PAGES:
            user = str(fields.get("user", "")).lower()
            yield PageTotals(page, per_page, pages, total, user, page < pages, at)


def _decoded(text: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found


def _attributes(text: bytes) -> dict[str, str]:
    return {name.decode(): unescape(value.decode("utf-8", "replace")) for name, value in _ATTRIBUTE.findall(text)}


def _number(value: object) -> int | None:
    """Return a whole number that may be written as text; None for anything else, and for an implausible number."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
