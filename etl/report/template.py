"""Fills in the templates of the pages, which are also well-formed XML. Pure.

Every value is sanitized and escaped when it enters a template.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache

import jinja2
from markupsafe import Markup

from etl.core.sanitize import sanitize
from etl.core.schema import FileStatus
from etl.report.text import plural, spaced

_NO_TEXT = re.compile("[\ufffe\uffff]")  # not allowed in XML


def render(template: str, **values: object) -> str:
    """Return the page that ``template`` makes of ``values``, to be written as UTF-8."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("etl.report", "templates"),
        autoescape=True,
        finalize=_safe,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {"count": count, "day": day, "moment": moment, "local": local, "spaced": spaced, "plural": plural}
    environment.filters |= {**filters, "file_status": lambda status: FileStatus(status).label}
    return environment


def _safe(value: object) -> object:
    """Return ``value`` without control characters and without characters that XML does not allow."""
    return value if isinstance(value, Markup) else _NO_TEXT.sub("\ufffd", sanitize(value))


def count(number: float) -> str:
    """Return a number with commas between the thousands."""
    return f"{number:,}"


def day(moment: date) -> str:
    """Return a date in words."""
    return f"{moment.day} {moment:%B %Y}"


def local(moment: datetime) -> str:
    """Return a time without a zone in words."""
    return f"{day(moment)}, {moment:%H:%M}"


def moment(moment: str | datetime) -> str:
    """Return a time (ISO 8601, or UTC) in words."""
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{local(known.astimezone(UTC))} UTC"
