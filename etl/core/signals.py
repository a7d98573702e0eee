"""Waiting so that a signal is noticed at once, and finishing work that a signal interrupts."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from etl.core.errors import ENDINGS, ExitCode, InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")

LISTEN_EVERY = 0.1  # seconds: how long the main thread waits before it listens for a signal


@contextmanager
def one_interruption() -> Iterator[None]:
    """Turn the KeyboardInterrupt that a library raises by itself (Polars does) into ours."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise InterruptedRunError(ExitCode.INTERRUPTED) from error


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Hear a signal only at the end of the block.

    A signal that is heard while an executor starts a thread leaves a thread that the executor does not know, and a task
    whose future is lost: nobody waits for them.
    """
    heard: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in ENDINGS if callable(signal.getsignal(number))]
    handlers = {number: signal.signal(number, lambda received, _: heard.append(received)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if heard:
            signal.raise_signal(heard[0])


def wait_interruptibly(future: Future[T]) -> T:
    """Return the result of ``future``; a signal that comes while the main thread waits is heard within a moment.

    The system may give a signal to any thread. One that another thread takes does not wake the main one, which alone
    runs Python's handlers.
    """
    while True:
        try:
            return future.result(LISTEN_EVERY)
        except TimeoutError:
            if future.done():
                return future.result()


def wait_once_interrupted(task: Callable[[], T], interrupted: Callable[[InterruptedRunError], None]) -> T:
    """Return what ``task`` returns, in a thread: ``interrupted`` is given a first signal, a second one is raised."""
    with ThreadPoolExecutor(1, "etl-finish") as thread, one_interruption():
        finishing: Future[T] | None = None
        try:
            with one_interruption():
                with signals_deferred():
                    finishing = thread.submit(task)
                return wait_interruptibly(finishing)
        except InterruptedRunError as error:
            interrupted(error)
            return wait_interruptibly(finishing or thread.submit(task))


def retry_on_interrupt(task: Callable[[], T]) -> T:
    """Return what ``task`` returns, in a thread: where Polars ends it for a signal, it is done again from the start.

    The main thread has the signal as well and decides what it means.
    """
    while True:
        try:
            return task()
        except KeyboardInterrupt:
            continue
