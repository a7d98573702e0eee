"""The rate of a host holds for threads and processes, and when a clock is set back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from etl.backfill.http.rate_limit import LONGEST_PAUSE, RateLimiter, postponed, try_acquire

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """A clock that stops until a test moves it."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 5), max_size=50), st.sampled_from([0.1, 1.0, 2.5]))
def test_requests_are_at_least_an_interval_apart(naps: list[float], interval: float) -> None:
    now, free_at, asked_at = 1_000_000.0, 0.0, [0.0]
    for nap in naps:
        now += nap
        wait, free_at = try_acquire(free_at, now, interval)
        assert now + wait - asked_at[-1] >= interval * 0.999_999
        if not wait:
            asked_at.append(now)


def test_nobody_waits_longer_than_needed() -> None:
    assert try_acquire(free_at=100.0, now=99.25, interval=1.0) == (0.75, 100.0)
    assert try_acquire(free_at=100.0, now=100.0, interval=1.0) == (0.0, 101.0)
    assert try_acquire(free_at=100.0, now=130.0, interval=1.0) == (0.0, 131.0)


def test_no_request_during_a_pause() -> None:
    free_at = postponed(0.0, 100.0, 30.0)
    assert try_acquire(free_at, 101.0, 1.0) == (29.0, 130.0)
    assert postponed(200.0, 100.0, 30.0) == 200.0
    assert postponed(0.0, 100.0, 1e9) == 100.0 + LONGEST_PAUSE


def test_clock_that_was_set_back_blocks_nobody() -> None:
    assert try_acquire(free_at=2_000_000_000.0, now=1_000_000.0, interval=1.0) == (0.0, 1_000_001.0)


def test_sixty_requests_a_minute_for_all_together(tmp_path: Path) -> None:
    """Each thread has a rate limiter of its own, as processes have; all share one folder."""
    clock = Clock()
    with ThreadPoolExecutor(8) as threads:

        def acquired_now() -> int:
            return sum(
                threads.map(lambda _: RateLimiter(tmp_path, clock).acquire("musicbrainz.org", 1.0) == 0.0, range(16))
            )

        acquired = []
        for _ in range(240):  # a minute in quarters of a second
            acquired.append(acquired_now())
            clock.now += 0.25
    assert acquired == [1, 0, 0, 0] * 60


def test_hosts_are_independent_and_processes_share_a_pause(tmp_path: Path) -> None:
    clock = Clock()
    one, other = RateLimiter(tmp_path, clock), RateLimiter(tmp_path, clock)
    one.postpone("api.deezer.com", 40.0)
    assert [limiter.acquire("musicbrainz.org", 1.0) for limiter in (one, other)] == [0.0, 1.0]
    assert other.acquire("api.deezer.com", 0.2) == 40.0
    clock.now += 60.0
    assert (one.acquire("api.deezer.com", 0.2), one.acquire("[::1]:8080/../x", 0.2)) == (0.0, 0.0)
