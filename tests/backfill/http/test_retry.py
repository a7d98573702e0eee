"""Retry-After headers, and the pauses between attempts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from etl.backfill.http.retry import backoff, retry_after


def test_retry_after_is_a_number_or_a_date() -> None:
    now = datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert retry_after("120", now) == 120.0
    assert retry_after(format_datetime(now + timedelta(seconds=90), usegmt=True), now) == 90.0
    assert retry_after(format_datetime(now - timedelta(seconds=90), usegmt=True), now) == 0.0
    assert [retry_after(text, now) for text in (None, "", "soon", "-5", "٣")] == [None] * 5


def test_backoff_doubles_up_to_a_limit_and_is_half_random() -> None:
    assert [backoff(attempt, 2.0, None, 1.0) for attempt in (1, 2, 3, 9)] == [2.0, 4.0, 8.0, 60.0]
    assert [backoff(attempt, 2.0, None, 0.0) for attempt in (1, 2, 3, 9)] == [1.0, 2.0, 4.0, 30.0]
    assert backoff(1, 2.0, 45.0, 0.3) == 45.0
