"""Points at which a test can have the program end itself: inert without a plan, which comes from the environment."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import SettingsError
from etl.core.failpoints import Fault, Point, failpoint, plan
from etl.core.workspace import find_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def planned(fault: Fault | None) -> Iterator[list[int]]:
    """Execute a plan in this process and yield the signals that it sent."""
    sent: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: sent.append(number))
    plan(fault)
    try:
        yield sent
    finally:
        plan(None)
        signal.signal(signal.SIGUSR1, before)


def test_a_process_ends_itself_at_the_visit_that_is_planned() -> None:
    with planned(Fault(Point.AFTER_COMMIT, 3, signal.SIGUSR1)) as sent:
        for visit in range(1, 6):
            failpoint(Point.BEFORE_COMMIT)
            failpoint(Point.AFTER_COMMIT)
            assert len(sent) == (visit >= 3)


def test_without_a_plan_nothing_happens() -> None:
    with planned(None) as sent:
        for point in Point:
            failpoint(point)
    assert sent == []


def test_the_visits_of_an_earlier_plan_do_not_count() -> None:
    with planned(Fault(Point.AFTER_COMMIT, 2, signal.SIGUSR1)) as sent:
        failpoint(Point.AFTER_COMMIT)
        plan(Fault(Point.AFTER_COMMIT, 2, signal.SIGUSR1))
        failpoint(Point.AFTER_COMMIT)
    assert sent == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", None),
        ("before_commit", Fault(Point.BEFORE_COMMIT)),
        ("before_commit:2", Fault(Point.BEFORE_COMMIT, 2, signal.SIGKILL)),
        ("after_stage:7:SIGTERM", Fault(Point.AFTER_STAGE, 7, signal.SIGTERM)),
    ],
)
def test_the_environment_names_point_visit_and_signal(text: str, fault: Fault | None) -> None:
    assert find_workspace(None, None, {"ETL_FAULT": text}).fault == fault


@pytest.mark.parametrize("text", ["nowhere", "before_commit:often", "before_commit:1:SIGSOMETHING"])
def test_an_invalid_fault_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=text) as caught:
        find_workspace(None, None, {"ETL_FAULT": text})
    assert "before_commit" in caught.value.hint
