"""Notices a server that has stopped answering, and cuts the connections to it, so that waiting threads continue.

libpq limits the time to connect, and TCP detects a lost peer. Neither ends the wait for a peer that accepts everything
and never answers, such as a hung proxy. A late answer may also be fine: another run's lock or a slow disk delays it. So
if an answer is late, the server is asked on a separate connection whether it is still working on it.

The driver does not reveal its socket, so we take the socket that appeared while the connection was opened.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import msgspec

from etl.core.waits import REPEAT, Reminder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Socket: TypeAlias = tuple[int, int, int]
    """File descriptor, device, inode."""
    Answers: TypeAlias = dict[int, str | None]
    """By process id of a backend: None if it is busy; if it waits for us, how far it has got."""

logger = logging.getLogger(__name__)

T = TypeVar("T")

LOG_AFTER = 3.0  # seconds of waiting after which the blocking sessions are logged
CHECK_INTERVAL = 10.0  # seconds until the next check whether a slow statement is blocked
CANCEL_GRACE = 1.0  # seconds for cancelled statements to end before their connections are cut
_BRIEF = 0.002


class CutError(Exception):
    """The connection was cut. The message says why."""


def _open_sockets() -> frozenset[Socket]:
    found = set()
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 (numbers, not paths)
        with suppress(OSError):
            status = os.fstat(int(name))
            if stat.S_ISSOCK(status.st_mode):
                found.add((int(name), status.st_dev, status.st_ino))
    return frozenset(found)


def _shut(descriptor: int, device: int, inode: int) -> None:
    """Shut a socket down, unless its descriptor now belongs to another file."""
    with suppress(OSError):
        copy = os.dup(descriptor)
        status = os.fstat(copy)
        if (status.st_dev, status.st_ino) == (device, inode):
            with socket.socket(fileno=copy) as shared:
                shared.shutdown(socket.SHUT_RDWR)
        else:
            os.close(copy)


class WatchedConnection(msgspec.Struct, eq=False):
    """The record of a connection, for use outside the connection's own thread."""

    pid: int = 0
    """The process id of its backend; 0 while it is being opened."""
    cancel: Callable[[], None] | None = None
    waiting_since: float | None = None
    looked_at: float = 0.0
    progress: str | None = None
    why: str = ""
    """Why it was cut."""
    _before: frozenset[Socket] = msgspec.field(default_factory=_open_sockets)
    _own: frozenset[Socket] | None = None

    def opened(self, pid: int) -> None:
        """Record which backend serves the connection, now that it is open, and which sockets are its own."""
        self._own = _open_sockets() - self._before
        self.pid = pid

    def cut(self, why: str) -> None:
        """Cut the connection: a thread that waits for an answer gets an error at once."""
        self.why = self.why or why
        for own in _open_sockets() - self._before if self._own is None else self._own:
            _shut(*own)


class Watchdog:
    """Watches the connections to one database. ``ask`` asks the server about backends; it may never return."""

    def __init__(
        self,
        patience: float,
        ask: Callable[[WatchedConnection, list[int]], Answers | None],
        blockers: Callable[[WatchedConnection, list[int]], list[str]],
    ) -> None:
        """``patience``: seconds after which an answer is late, and as many again for the server to explain the delay.

        ``blockers`` returns a sentence for each session that keeps backends waiting.
        """
        self._patience = patience
        self._ask = ask
        self._blockers = blockers
        self._reminder: Reminder | None = None
        self._ended = ""
        self._lines: set[WatchedConnection] = set()
        self._changing = threading.Lock()
        self._watcher: threading.Thread | None = None

    @contextmanager
    def opening(self) -> Iterator[WatchedConnection]:
        """Watch a connection that is opened in the block, while it opens and afterwards."""
        line = WatchedConnection()
        with self._changing:
            self._lines.add(line)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._keep_looking, name="etl-watch", daemon=True)
                self._watcher.start()
        try:
            with self.waiting(line):
                yield line
        except BaseException as error:
            self.closed(line)
            if line.why:
                raise CutError(line.why) from error
            raise

    @contextmanager
    def waiting(self, line: WatchedConnection) -> Iterator[None]:
        """Watch the call in the block; raises ``CutError`` if the connection was cut."""
        line.progress = None
        line.waiting_since = time.monotonic()
        try:
            if why := line.why or self._ended:
                raise CutError(why)
            yield
        finally:
            line.waiting_since = None

    def knows(self, pid: int) -> bool:
        """Say whether the backend ``pid`` serves an open connection."""
        with self._changing:
            return any(line.pid == pid for line in self._lines)

    def closed(self, line: WatchedConnection) -> None:
        """Stop watching a connection."""
        with self._changing:
            self._lines.discard(line)

    def end(self) -> None:
        """Refuse new calls, and end the running ones: they are cancelled, or cut if that does not help."""
        self._ended = "the connection is closed"
        for line in self._waiting():
            if line.cancel:
                threading.Thread(target=line.cancel, name="etl-cancel", daemon=True).start()  # it may hang as well
        deadline = time.monotonic() + CANCEL_GRACE
        while self._waiting() and time.monotonic() < deadline:
            time.sleep(_BRIEF)
        for line in self._waiting():
            line.cut(self._ended)

    def _waiting(self) -> list[WatchedConnection]:
        with self._changing:
            return [line for line in self._lines if line.waiting_since is not None]

    def _keep_looking(self) -> None:
        pause = min(1.0, self._patience / 5)
        while True:
            time.sleep(pause)
            with self._changing:
                if not self._lines:
                    self._watcher = None
                    return
            now = time.monotonic()
            waiting = [(line, line.waiting_since or now) for line in self._waiting()]
            late = [(line, since) for line, since in waiting if now - max(since, line.looked_at) > self._patience]
            if late:
                self._look_at(late)
            self._log_blockers([line.pid for line, since in waiting if line.pid and now - since > LOG_AFTER])

    def _log_blockers(self, pids: list[int]) -> None:
        """Log which sessions block the backends ``pids``, which have waited for a while; repeat it later."""
        if not pids:
            self._reminder = None
        elif self._reminder is None or self._reminder.is_due():
            sentences = self._in_time(self._blockers, pids) or []
            for sentence in sentences:
                logger.info("%s", sentence)
            # a statement that is only slow now may be blocked later
            self._reminder = Reminder(REPEAT if sentences else CHECK_INTERVAL)

    def _look_at(self, late: list[tuple[WatchedConnection, float]]) -> None:
        pids = [line.pid for line, _ in late if line.pid]
        answers = self._in_time(self._ask, pids) if pids else {}
        for line, since in late:
            if line.waiting_since != since:  # the answer has arrived
                continue
            waited = f"{time.monotonic() - since:.0f} s"
            if answers is None or not line.pid:
                line.cut(f"the database server has not answered for {waited}")
            elif line.pid not in answers or answers[line.pid] == (line.progress or ""):
                line.cut(f"the connection to the database server has been dead for {waited}")
            else:
                line.progress, line.looked_at = answers[line.pid], time.monotonic()

    def _in_time(self, ask: Callable[[WatchedConnection, list[int]], T | None], pids: list[int]) -> T | None:
        """Return the server's answer to ``ask``; None if there is none in time."""
        answers: list[T | None] = []
        probe = WatchedConnection()
        asking = threading.Thread(target=lambda: answers.append(ask(probe, pids)), name="etl-ask", daemon=True)
        asking.start()
        asking.join(min(self._patience, threading.TIMEOUT_MAX))
        for _ in range(20):  # libpq may be between two attempts to connect
            if asking.is_alive():
                probe.cut("the database server has not answered")
                asking.join(0.05)
        return answers[0] if answers else None
