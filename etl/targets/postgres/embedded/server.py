"""Starts the embedded PostgreSQL server on first use, keeps it running until it is stopped, and reports its status.

Imports nothing heavy, so that ``etl db status`` and a start that finds the server running take milliseconds. The parts
are in ``paths`` (also the lock), ``os_user``, ``binaries``, ``data_dir`` (also the settings) and ``postmaster``.
"""

from __future__ import annotations

import logging
import os
import time
import urllib.parse
from typing import TYPE_CHECKING

import msgspec

from etl.core.errors import DatabaseError
from etl.targets.postgres.embedded import data_dir, paths, postmaster
from etl.targets.postgres.embedded.binaries import usable_binaries
from etl.targets.postgres.embedded.os_user import server_account

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

PATIENCE = 600.0  # seconds; replaying 4 GB of WAL after a crash may take minutes
STOP_PATIENCE = {postmaster.Shutdown.FAST: 60.0, postmaster.Shutdown.IMMEDIATE: 60.0}
ORPHAN_PATIENCE = 60.0  # seconds for backends that outlive a killed postmaster
UNREACHABLE_AFTER = 10.0  # seconds for a server that is ready, but not on our socket
NARRATE_AFTER = 5.0
_POLL = 0.02
_ORPHANS = "is still in use"  # the end of PostgreSQL's message, always in English: see os_user.ENVIRONMENT


class ServerStatus(msgspec.Struct, frozen=True):
    """What ``etl db status`` shows.

    ``running``: it accepts connections. ``pid`` without ``running``: it is starting, recovering or stopping.
    ``version``: of the server that is running, or ran last; None before the first start.
    """

    running: bool
    pid: int | None
    version: str | None
    data: Path
    socket: Path
    uri: str


class _Launch(msgspec.Struct, frozen=True):
    """A postmaster that we started, and the position in the log where its messages begin."""

    pid: int
    log_start: int


class EmbeddedServer:
    """The PostgreSQL server whose data is in ``<home>/postgres``. Safe to use from several processes at once."""

    def __init__(self, home: Path) -> None:
        """``home`` need not exist."""
        self._places = paths.Places.of(home)
        self._log_start: int | None = None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._places.data

    @property
    def uri(self) -> str:
        """The libpq URI, whether the server runs or not. It names the port, so that PGPORT cannot change it."""
        folder = urllib.parse.quote(os.fsencode(self._places.socket), safe="")
        return f"postgresql:///postgres?host={folder}&user=postgres&port=5432"

    def is_made(self) -> bool:
        """Say whether the server was ever started in this home."""
        with paths.file_errors(self._places):
            return self._places.data.is_dir()

    def start(self) -> str:
        """Start the server unless it is running, wait until it accepts connections, and return its URI.

        Raises ``SettingsError`` for a home that cannot be used, ``DatabaseError`` if the server does not start.
        """
        with paths.file_errors(self._places):
            if self._log_start is None:
                self._log_start = data_dir.log_size(self._places)
            if not self._is_ready():
                paths.make_folders(self._places)
                with paths.locked(self._places) as lock:
                    self._bring_up(lock)
        return self.uri

    def stop(self) -> bool:
        """Stop the server, cutting its connections, and return whether it was running. Cleans up after a dead one."""
        places = self._places
        with paths.file_errors(places):
            if not places.data.is_dir():
                return False
            with paths.locked(places):
                record = self._live()
                if record is not None:
                    self._end(record)
                if os.path.lexists(places.socket):
                    paths.check_socket_folder(places, places.data.stat().st_uid)
                postmaster.clear_remains(places)
                paths.remove_short_socket_folder(places)
        return record is not None

    def journal_size(self) -> int:
        """Return the size of the journal (WAL), whose files are reused, in bytes."""
        return sum(file.stat().st_size for file in self._places.data.glob("pg_wal/*") if file.is_file())

    def full_disk(self) -> DatabaseError | None:
        """Return an error that says that the disk is full, if the server's log has reported it since ``start``."""
        said = data_dir.read_log(self._places, self._log_start or 0)
        return self._full_disk(said)

    def _full_disk(self, said: str) -> DatabaseError | None:
        line = data_dir.full_disk_line(said)
        if line is None:
            return None
        return DatabaseError(
            f"the disk of the embedded server is full ({self._places.data}): {line}",
            "Free some space there, then run the same command again; committed batches stay",
        )

    def status(self) -> ServerStatus:
        """Return the server's status; changes nothing."""
        with paths.file_errors(self._places):
            record = self._live()
            return ServerStatus(
                running=record is not None and self._is_ready(),
                pid=record.pid if record else None,
                version=data_dir.served_version(self._places),
                data=self._places.data,
                socket=self._places.socket,
                uri=self.uri,
            )

    def _is_ready(self) -> bool:
        """Whether the server accepts connections."""
        return self._answer().accepts

    def _answer(self) -> postmaster.ServerAnswer:
        """Return how the server answers a connection, if it is alive and reports that it is ready.

        Listening alone proves nothing: the children of a killed postmaster keep its socket open for a moment.
        """
        record = self._live()
        if record is None or record.state != "ready" or not self._places.socket.exists():
            return postmaster.ServerAnswer(listens=False, accepts=False)
        paths.check_socket_folder(self._places, self._places.data.stat().st_uid)
        return postmaster.connect_once(self._places.socket)

    def _live(self) -> postmaster.PidFile | None:
        """Return the content of the pid file if its process is really this data folder's postmaster."""
        record = postmaster.read_pid_file(self._places.data)
        return record if record and postmaster.is_alive(record, self._places.data) else None

    def _bring_up(self, lock: int) -> None:
        """Under the lock: launch a postmaster unless one is alive, and wait while it starts.

        One that is alive but not ready is starting, recovering or stopping, as a killed caller may have left it.
        """
        begun = time.monotonic()
        launched: _Launch | None = None
        announced = False
        while not (answer := self._answer()).accepts:
            waited = time.monotonic() - begun
            record = self._live()
            if record is None and not (launched and postmaster.runs_on(launched.pid, str(self._places.data))):
                if launched:
                    self._explain_end(launched, waited)
                launched = self._launch(lock)
            self._check_patience(record, waited, answer)
            if waited > NARRATE_AFTER and not announced:
                logger.info(
                    "Waiting for the embedded PostgreSQL server: after a crash it replays its journal first%s",
                    f' ("{answer.reason}")' if answer.reason else "",
                )
                announced = True
            time.sleep(_POLL)
        if launched:
            logger.info("Started the embedded PostgreSQL server; it stays up until `etl db stop`")

    def _launch(self, lock: int) -> _Launch:
        places = self._places
        account = server_account(places.data)
        paths.open_to(account, places)
        paths.make_socket_folder(places, account)
        binaries = usable_binaries(places.root, account)
        data_dir.prepare_data(places, account, binaries, lock)
        data_dir.write_settings(places, binaries.version)
        postmaster.clear_remains(places)
        log_start = data_dir.log_size(places)
        return _Launch(postmaster.launch(places, account, binaries), log_start)

    def _explain_end(self, launched: _Launch, waited: float) -> None:
        """Raise for a postmaster that did not start, or wait a little for backends of the last one to end."""
        said = data_dir.read_log(self._places, launched.log_start)
        if _ORPHANS in said and waited < ORPHAN_PATIENCE:
            time.sleep(10 * _POLL)
            return
        if full := self._full_disk(said):
            raise full
        raise DatabaseError(
            f"The embedded PostgreSQL server did not start:\n{data_dir.tail(said)}", f"See {self._places.log} for more"
        )

    def _check_patience(
        self, record: postmaster.PidFile | None, waited: float, answer: postmaster.ServerAnswer
    ) -> None:
        if record and record.state == "ready" and waited > UNREACHABLE_AFTER and not self._answer().listens:
            raise DatabaseError(
                f"The embedded PostgreSQL server, process {record.pid}, does not listen in {self._places.socket}",
                "Stop it with `etl db stop` and try again",
            )
        if waited > PATIENCE:
            raise DatabaseError(
                f"The embedded PostgreSQL server is not ready after {waited:.0f} s"
                + (f': it answers "{answer.reason}"' if answer.reason else ""),
                f"See the end of {self._places.log}",
            )

    def _end(self, record: postmaster.PidFile) -> None:
        """Shut the postmaster of ``record`` down, and wait until it is gone.

        A shutdown that takes too long, as on a full disk, is followed by an immediate one: what was committed is
        replayed at the next start.
        """
        for shutdown, patience in STOP_PATIENCE.items():
            postmaster.shut_down(record.pid, shutdown)
            begun = time.monotonic()
            while time.monotonic() - begun < patience:
                if not postmaster.runs_on(record.pid, record.data):
                    return
                time.sleep(_POLL)
        waited = sum(STOP_PATIENCE.values())
        raise DatabaseError(
            f"The embedded PostgreSQL server (process {record.pid}) has not stopped after {waited:.0f} s",
            f"See the end of {self._places.log}",
        )
