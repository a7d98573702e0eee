"""Reads and writes the ledger in the database: runs, files and batches. Also finds known files and the Koito user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

import msgspec
import polars as pl

from etl.core.errors import SettingsError
from etl.core.settings import DEDUPE, UNDO
from etl.targets.base import RETRIED, StatementError
from etl.targets.results import RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from etl.targets.base import Connection

T = TypeVar("T")


ALWAYS, NEVER = "", "never"  # values of ``FileEntry.settled_for`` other than a version
RETRIES = 8  # of a transaction that lost a deadlock or a serialization conflict


class FileEntry(msgspec.Struct, frozen=True):
    """What identifies a file in the ledger: its bytes and the options that change its rows."""

    sha256: str
    format: str
    options: str
    """As JSON; includes ``timezone`` only if it changes the times in the file."""
    spotify_time: str
    timezone: str
    path: str
    settled_for: str
    """The program version for which the file counts as known once it is loaded: ``""`` for all, ``never`` for none.

    For a file that is not read yet, the version that asks.
    """


def find_user(connection: Connection, wanted: str | None) -> int:
    """Return the id of the Koito user with the name or id ``wanted``; if that is empty, of the only user.

    Raises ``SettingsError``, listing the users.
    """
    users = connection.query("users")
    names = ", ".join(users.get_column("username")) or "none"
    if wanted is None:
        if users.height == 1:
            return int(users.item(0, "id"))
        raise SettingsError(f"the database has {users.height} users: {names}", "Choose one with --user")
    found = users.filter((pl.col("username") == wanted.lower()) | (pl.col("id").cast(pl.String) == wanted))
    if found.height > 1:
        ids = ", ".join(f"{row['username']}: {row['id']}" for row in found.iter_rows(named=True))
        raise SettingsError(f'"{wanted}" is the name of one user and the id of another', f"Give an id. {ids}")
    if not found.height:
        raise SettingsError(f'there is no user "{wanted}" in the database', f"Users: {names}")
    return int(found.item(0, "id"))


def is_known(connection: Connection, user_id: int, file: FileEntry) -> bool:
    """Say whether ``file``, which is not read yet, was loaded before, completely and for this version.

    Raises ``SettingsError`` if the same bytes were loaded with another --timezone that changes their times: every play
    would be stored twice.
    """
    wanted = json.loads(file.options)
    for row in connection.query("ledger_known_files", user_id, file.sha256, file.settled_for).iter_rows(named=True):
        options = json.loads(row["options"])
        zone = options.pop("timezone", file.timezone)
        if zone != file.timezone:
            raise SettingsError(
                f"{file.path} has times without a zone and was loaded with --timezone {zone} before "
                f"(run {row['run_id']}): another one would store every play twice",
                f"Use --timezone {zone} again, or undo that run first, with the same --dsn: `etl undo {row['run_id']}`",
            )
        if row["known"] and (row["format"], options) == (file.format, wanted):
            return True
    return False


def check_play_time(connection: Connection, user_id: int, file: FileEntry) -> None:
    """Raise ``SettingsError`` if plays of the user were loaded with another --spotify-time than that of ``file``.

    The service exports the same plays in many files, with different bytes each time. With the other --spotify-time,
    every play that ``file`` shares with an earlier file would be stored twice.
    """
    for run_id, sha256 in connection.query("ledger_other_times", user_id, file.spotify_time).iter_rows():
        rows = connection.query("ledger_known_files", user_id, sha256, file.settled_for).filter(run_id=run_id)
        if rows.height:  # else its listens are gone from the database
            other = rows.item(0, "spotify_time")
            raise SettingsError(
                f"{file.path} has plays that may have been loaded with --spotify-time {other} before (run {run_id}): "
                f"--spotify-time {file.spotify_time} would store them twice",
                f"Use --spotify-time {other} again, or undo that run first: `etl undo {run_id}`",
            )


def formats_loaded(connection: Connection, user_id: int) -> set[str]:
    """Return the formats of the files whose load for a user was finished or started."""
    return set(connection.query("ledger_formats", user_id).get_column("format"))


def hashes_loaded(connection: Connection, user_id: int) -> set[str]:
    """Return the SHA-256 of the files whose load for a user was finished or started."""
    return set(connection.query("ledger_hashes", user_id).get_column("sha256"))


def start_run(connection: Connection, run_id: str, source: str, user_id: int, files: Sequence[FileEntry]) -> None:
    """Record the run and the files that it will load, and commit."""
    connection.execute("ledger_start_run", run_id, source, user_id)
    rows = _rows(files, "sha256", "format", "options", "spotify_time", "path")
    connection.execute("ledger_start_files", user_id, run_id, rows)
    connection.commit()


def finish_run(
    connection: Connection,
    run_id: str,
    status: str,
    exit_code: int,
    files: Sequence[FileEntry],
    records: Sequence[int],
    unresolved: Sequence[int],
    relied_on: Sequence[int],
) -> None:
    """Record that the run's ``files`` are loaded, and commit.

    For each file: its records, its unresolved listens, and how many rows relied on a listen that was stored before.
    """
    rows = _rows(files, "sha256", "format", "options", "settled_for").with_columns(
        pl.Series("records", records, dtype=pl.Int64),
        pl.Series("unresolved", unresolved, dtype=pl.Int64),
        pl.Series("relied_on", relied_on, dtype=pl.Int64),
    )
    connection.execute("ledger_finish_files", run_id, rows)
    connection.execute("ledger_finish_run", run_id, status, exit_code)
    connection.commit()


def settle_files(
    connection: Connection,
    run_id: str,
    origins: Sequence[str],
    files: Sequence[FileEntry],
    unresolved: Sequence[int],
    relied_on: Sequence[int],
) -> None:
    """Record what the replay ``run_id`` leaves unresolved in those of ``files`` that one of ``origins`` loaded last.

    ``relied_on``: the listens of each file that the replay inserted or found, which the file's own run did not.
    """
    rows = _rows(files, "sha256", "format", "options", "settled_for").with_columns(
        pl.Series("unresolved", unresolved, dtype=pl.Int64), pl.Series("relied_on", relied_on, dtype=pl.Int64)
    )
    connection.execute("ledger_settle_files", run_id, pl.Series(origins, dtype=pl.String), rows)


def inserted_by_run(connection: Connection, run_id: str) -> int:
    """Return how many listens the run's batches inserted, by their ledger entries."""
    return int(connection.query("ledger_run_inserted", run_id).item())


class UndoableRun(msgspec.Struct, frozen=True):
    """The ledger's entry of a run that is to be undone."""

    user_id: int
    source: str
    inserted: int
    """Listens that its batches inserted."""
    undone_by: str | None
    """The id of the undo that has begun to undo it."""
    is_undone: bool
    """Whether that undo has finished."""


def find_undoable(connection: Connection, run_id: str) -> UndoableRun | None:
    """Return the ledger's entry of a run; None if there is none."""
    row = next(connection.query("undo_run", run_id).iter_rows(named=True), None)
    return UndoableRun(**row) if row else None


def committed_batches(connection: Connection, run_id: str) -> list[int]:
    """Return the numbers of the batches that a run has committed."""
    return connection.query("undo_batches", run_id).get_column("batch").to_list()


def start_undo(connection: Connection, run_id: str, undone_run: str, user_id: int) -> pl.DataFrame:
    """Record that the undo ``run_id`` begins, and commit; return the files that are no longer known.

    Columns out: sha256, format, path.
    """
    connection.execute("ledger_start_run", run_id, UNDO, user_id)
    connection.execute("undo_mark_run", undone_run, run_id)
    forgotten = connection.query("undo_forget_files", undone_run, run_id)
    connection.commit()
    return forgotten


def start_dedupe(connection: Connection, run_id: str, user_id: int, *, forget: bool) -> pl.DataFrame:
    """Record that the dedupe ``run_id`` begins, and commit; return the user's files, which are no longer known.

    Columns out: sha256, format, path. Their next load finds out which of their rows rely on a listen of another file,
    because an undo of that file's run needs this. Without ``forget`` (nothing will be removed) they stay known.
    """
    connection.execute("ledger_start_run", run_id, DEDUPE, user_id)
    nothing = pl.DataFrame(schema=RESULTS["dedupe_forget_files"])
    forgotten = connection.query("dedupe_forget_files", user_id, run_id) if forget else nothing
    connection.commit()
    return forgotten


def mark_undone(connection: Connection, run_id: str, undone_by: str) -> None:
    """Record that the run ``undone_by`` has undone ``run_id``, and commit."""
    connection.execute("undo_mark_run", run_id, undone_by)
    connection.commit()


def listens_reached(connection: Connection, run_id: str) -> int:
    """Return how many listens the batches of a run tried to remove."""
    return int(connection.query("undo_reached", run_id).item())


def listens_removed(connection: Connection, run_id: str) -> int:
    """Return how many listens the batches of a run removed, by their ledger entries."""
    return int(connection.query("undo_removed", run_id).item())


def retry_on_conflict(connection: Connection, write: Callable[[Connection], object]) -> int:
    """Call ``write``, which commits, until it loses no conflict to another run; return how often it was repeated."""
    return attempts_on_conflict(connection, write)[1]


def attempts_on_conflict(connection: Connection, write: Callable[[Connection], T]) -> tuple[T, int]:
    """Do the same as ``retry_on_conflict``, and also return what ``write`` returns."""
    for attempt in range(RETRIES + 1):
        try:
            return write(connection), attempt
        except StatementError as error:
            connection.rollback()
            if error.failure not in RETRIED or attempt == RETRIES:
                raise
    raise AssertionError("unreachable")  # pragma: no cover


def _rows(files: Sequence[FileEntry], *names: str) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [getattr(file, name) for file in files] for name in names}, dict.fromkeys(names, pl.String)
    )
