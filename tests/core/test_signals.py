"""A signal that comes while work is handed to a thread is heard, and the work is waited for."""

from __future__ import annotations

import itertools
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode, InterruptedRunError
from etl.core.signals import signals_deferred, wait_once_interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Raise for SIGINT as the program does."""

    def interrupt(*_: object) -> None:
        raise InterruptedRunError(ExitCode.INTERRUPTED)

    before = signal.signal(signal.SIGINT, interrupt)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def signal_in_submit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send SIGINT within each ``submit``, after the thread has its task."""
    submit = ThreadPoolExecutor.submit

    def interrupted(self: ThreadPoolExecutor, *task: Any) -> Future[Any]:  # noqa: ANN401 (as it comes)
        future = submit(self, *task)
        signal.raise_signal(signal.SIGINT)
        return future

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)


@pytest.mark.usefixtures("signal_in_submit")
def test_work_is_waited_for_if_a_signal_comes_while_it_is_handed_over() -> None:
    heard: list[InterruptedRunError] = []
    numbers = itertools.count(1)

    assert wait_once_interrupted(lambda: next(numbers), heard.append) == 1
    assert (next(numbers), len(heard)) == (2, 1)


def test_a_deferred_signal_is_handled_once_at_the_end_of_the_block() -> None:
    done = []

    def block() -> None:
        with signals_deferred():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            done.append("the rest of the block")

    with pytest.raises(InterruptedRunError):
        block()
    assert done
    with pytest.raises(InterruptedRunError):
        signal.raise_signal(signal.SIGINT)


def test_other_threads_may_defer_signals_and_change_no_handler() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with signals_deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
