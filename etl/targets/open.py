"""Finds the target that a workspace names, and opens it in a way that a signal can interrupt."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from etl.core.dsn import SQLITE
from etl.core.errors import InterruptedRunError
from etl.core.signals import wait_interruptibly
from etl.targets.postgres.target import PostgresTarget
from etl.targets.sqlite.target import SqliteTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from etl.core.workspace import Workspace
    from etl.targets.base import Connection, Database, Target

T = TypeVar("T")


def find_target(workspace: Workspace) -> Target:
    """Return the target at the workspace's DSN; nothing is opened yet."""
    kind = SqliteTarget if workspace.dsn.startswith(SQLITE) else PostgresTarget
    return kind(workspace.dsn, workspace.home)


def open_interruptibly(target: Target, *, read_only: bool = False) -> tuple[Connection, Database]:
    """Return what ``target.open`` returns; a signal ends the wait."""
    return run_interruptibly(target, partial(target.open, read_only=read_only), lambda opened: opened[0].close())


def run_interruptibly(target: Target, task: Callable[[], T], close: Callable[[T], None]) -> T:
    """Run ``task`` in a thread and return what it opens: a signal must not interrupt the driver's own Python code.

    After a signal, a server that does not answer is not waited for; a connection that it opens later is closed. A
    server that ``target`` may be starting is waited for.
    """

    def close_late(opening: Future[T]) -> None:
        if opening.exception() is None:
            close(opening.result())

    opener = ThreadPoolExecutor(1, "etl-open")
    opening = opener.submit(task)
    try:
        return wait_interruptibly(opening)
    except (InterruptedRunError, KeyboardInterrupt):
        opening.add_done_callback(close_late)
        raise
    finally:
        opener.shutdown(wait=target.starts_a_server)
