"""Libraries for the pages about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.helpers.libraries import Heard, make_library
from tests.report.runs import HOSTILE

if TYPE_CHECKING:
    from etl.library import Library

LOADS = [
    ("20260603T120000Z-undo-cccccc", datetime(2026, 6, 3, 12, tzinfo=UTC), "undo", "complete", *[0] * 7, 5),
    (
        *("20260602T120000Z-auto-bbbbbb", datetime(2026, 6, 2, 12, tzinfo=UTC), "auto", "undone"),
        *(900, 1000, 50, 0, 40, 10, 0, None),
    ),
    (
        *("20260601T120000Z-spotify-aaaaaa", datetime(2026, 6, 1, 12, tzinfo=UTC), "spotify", "unfinished"),
        *(3, *[None] * 7),
    ),
]
"""Rows of a library's ``loads``."""


def hostile_library() -> Library:
    """Return a library whose every name is hostile."""
    heard = [
        Heard(datetime(2010 + place, 3, 4, tzinfo=UTC) + timedelta(seconds=number), (text,), text, text, 60, text)
        for place, text in enumerate(HOSTILE)
        for number in range(place + 1)
    ]
    loads = [(HOSTILE[0], datetime(2026, 6, 3, tzinfo=UTC), HOSTILE[1], HOSTILE[2], *[1] * 8)]
    return make_library(heard, loads=loads)
