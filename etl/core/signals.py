"""Waits in a way that notices signals at once, and finishes work that a signal interrupts."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from etl.core.errors import SIGNAL_EXIT_CODES, ExitCode, InterruptedRunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

T = TypeVar("T")

SIGNAL_POLL = 0.1  # seconds between two moments at which the waiting main thread handles signals


@contextmanager
def one_interruption() -> Iterator[None]:
    """Turn the KeyboardInterrupt that a library such as Polars raises itself into our own error."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise InterruptedRunError(ExitCode.INTERRUPTED) from error


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Handle a signal only at the end of the block.

    If a signal is handled while an executor starts a thread, the executor does not know that thread, and a task
    loses its future: no code would wait for them.
    """
    heard: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in SIGNAL_EXIT_CODES if callable(signal.getsignal(number))]
    handlers = {number: signal.signal(number, lambda received, _: heard.append(received)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if heard:
            signal.raise_signal(heard[0])


def wait_interruptibly(future: Future[T]) -> T:
    """Return the result of ``future``; a signal that arrives while the main thread waits is handled within a moment.

    The system may deliver a signal to any thread. If another thread gets it, the main thread does not wake up, and only
    the main thread runs Python's signal handlers.
    """
    while True:
        try:
            return future.result(SIGNAL_POLL)
        except TimeoutError:
            if future.done():
                return future.result()


def wait_once_interrupted(task: Callable[[], T], interrupted: Callable[[InterruptedRunError], None]) -> T:
    """Run ``task`` in a thread and return its result. A first signal goes to ``interrupted``, a second is raised."""
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
    """Return the result of ``task``; if Polars ends it because of a signal, run it again. To be called in a thread.

    The main thread gets the signal too, and decides what to do about it.
    """
    while True:
        try:
            return task()
        except KeyboardInterrupt:
            continue
