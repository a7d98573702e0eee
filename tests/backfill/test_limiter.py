"""The rate of a host holds: in one process, between threads and processes, and when a clock is set back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from etl.backfill.http.limiter import LONGEST_PAUSE, postpone, take
from etl.backfill.http.rate_limit import Slots

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 5), max_size=50), st.sampled_from([0.1, 1.0, 2.5]))
def test_requests_are_at_least_an_interval_apart_however_late_somebody_comes(
    naps: list[float], interval: float
) -> None:
    now, free_at, asked_at = 1_000_000.0, 0.0, [0.0]
    for nap in naps:
        now += nap
        wait, free_at = take(free_at, now, interval)
        assert now + wait - asked_at[-1] >= interval * 0.999_999
        if not wait:
            asked_at.append(now)


def test_who_has_to_wait_waits_no_longer_than_needed() -> None:
    assert take(free_at=100.0, now=99.25, interval=1.0) == (0.75, 100.0)
    assert take(free_at=100.0, now=100.0, interval=1.0) == (0.0, 101.0)
    assert take(free_at=100.0, now=130.0, interval=1.0) == (0.0, 131.0)


def test_nobody_is_asked_during_a_pause() -> None:
    free_at = postpone(0.0, 100.0, 30.0)
    assert take(free_at, 101.0, 1.0) == (29.0, 130.0)
    assert postpone(200.0, 100.0, 30.0) == 200.0
    assert postpone(0.0, 100.0, 1e9) == 100.0 + LONGEST_PAUSE


def test_a_clock_that_was_set_back_does_not_stop_the_work_for_years() -> None:
    assert take(free_at=2_000_000_000.0, now=1_000_000.0, interval=1.0) == (0.0, 1_000_001.0)


def test_a_minute_has_sixty_slots_whoever_takes_them(tmp_path: Path) -> None:
    """Threads, each with slots of its own, as processes have: all of them share one home."""
    clock = Clock()
    with ThreadPoolExecutor(8) as takers:

        def taken_now() -> int:
            return sum(takers.map(lambda _: Slots(tmp_path, clock).take("musicbrainz.org", 1.0) == 0.0, range(16)))

        taken = []
        for _ in range(240):  # a minute in quarters of a second
            taken.append(taken_now())
            clock.now += 0.25
    assert taken == [1, 0, 0, 0] * 60


def test_hosts_do_not_wait_for_each_other_but_share_a_pause_with_other_processes(tmp_path: Path) -> None:
    clock = Clock()
    one, other = Slots(tmp_path, clock), Slots(tmp_path, clock)
    one.postpone("api.deezer.com", 40.0)
    assert [slots.take("musicbrainz.org", 1.0) for slots in (one, other)] == [0.0, 1.0]
    assert other.take("api.deezer.com", 0.2) == 40.0
    clock.now += 60.0
    assert (one.take("api.deezer.com", 0.2), one.take("[::1]:8080/../x", 0.2)) == (0.0, 0.0)
