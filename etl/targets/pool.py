"""Worker threads with one connection each, and one for the run itself, which may be the only one.

The main thread only waits, so it handles a signal at once and cancels the statements that are running.
"""

from __future__ import annotations

import queue
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from etl.core.signals import signals_deferred, wait_interruptibly

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.targets.base import Connection, Target

T = TypeVar("T")


class Pool:
    """``size`` workers for batches, and one control connection for everything that must run in order."""

    def __init__(
        self, target: Target, connection: Connection, size: int, prepare: Callable[[Connection], None] | None = None
    ) -> None:
        """``prepare`` makes a worker's connection ready; the default is for the batches of a run."""
        self.target = target
        self.size = target.writers(size)
        self._control = connection
        self._prepare = prepare or target.prepare_writer
        self._closed = False
        self._idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._opened: list[Connection] = []
        self._reader: Connection | None = None
        self._planner = ThreadPoolExecutor(1, thread_name_prefix="etl-plan")
        self._controller = ThreadPoolExecutor(1, thread_name_prefix="etl-control")
        self._workers = (
            self._controller if target.has_one_writer else ThreadPoolExecutor(self.size, thread_name_prefix="etl-batch")
        )

    def control(self, task: Callable[[Connection], T]) -> T:
        """Run ``task`` on the run's own connection and return what it returns."""
        return wait_interruptibly(self.control_later(task))

    def control_later(self, task: Callable[[Connection], T]) -> Future[T]:
        """Run ``task`` on the run's own connection, after the tasks submitted before it."""
        with signals_deferred():
            return self._controller.submit(task, self._control)

    def ahead(self, task: Callable[[Connection], T]) -> Future[T]:
        """Run ``task``, which only reads, on a connection that writes no batches, while batches are written."""
        if self.target.has_one_writer:
            with signals_deferred():
                return self._planner.submit(self._on_reader, task)
        return self.control_later(task)

    def _on_reader(self, task: Callable[[Connection], T]) -> T:
        if self._reader is None:
            self._reader = self._control.clone()
            self._opened.append(self._reader)
        return task(self._reader)

    def open_workers(self, count: int) -> None:
        """Begin to open ``count`` of the workers' connections, which otherwise open with their first tasks."""
        for _ in range(count):
            self.submit(lambda _: None)

    def submit(self, task: Callable[[Connection], T]) -> Future[T]:
        """Run ``task`` on a worker's connection, in parallel with others if the target has several."""
        with signals_deferred():
            return self._workers.submit(self._on_worker, task)

    def _on_worker(self, task: Callable[[Connection], T]) -> T:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._open()
        try:
            return task(connection)
        finally:
            self._idle.put(connection)

    def _open(self) -> Connection:
        if self.target.has_one_writer:
            connection = self._control
        else:
            connection = self._control.clone()
            self._opened.append(connection)
        self._prepare(connection)
        return connection

    def end(self) -> None:
        """End the running statements: they fail, and so does every later one. The pool can then only be closed."""
        self._control.cancel_all()

    def close(self) -> None:
        """End what is running and close all connections; uncommitted work is rolled back. May be called twice."""
        if self._closed:
            return
        self._closed = True
        threads = (self._workers, self._controller, self._planner)
        for executor in threads:
            executor.shutdown(wait=False, cancel_futures=True)
        self.end()
        for executor in threads:
            executor.shutdown()
        for connection in (*self._opened, self._control):
            connection.close()
