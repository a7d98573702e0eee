"""The ledger in the database: runs, files and batches; which files are known; which user the listens belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from etl.core.errors import SettingsError
from etl.targets.base import Failure, StatementError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from etl.targets.base import Connection

RETRIES = 8  # of a transaction that lost a deadlock or a serialization conflict


@dataclass(frozen=True)
class FileEntry:
    """A file as the ledger tells files apart: its bytes and the options that change its rows."""

    sha256: str
    format: str
    options: str
    spotify_time: str
    path: str


def find_user(connection: Connection, wanted: str | None) -> int:
    """Return the id of the Koito user with the name or id ``wanted``; the only user where none is wanted.

    Raises ``SettingsError``, listing the users.
    """
    users = connection.query("users")
    names = ", ".join(users.get_column("username")) or "none"
    if wanted is None:
        if users.height == 1:
            return int(users.item(0, "id"))
        raise SettingsError(f"the database has {users.height} users: {names}", "Choose one with --user")
    found = users.filter((pl.col("username") == wanted.lower()) | (pl.col("id").cast(pl.String) == wanted))
    if found.height != 1:
        raise SettingsError(f'there is no user "{wanted}" in the database', f"Users: {names}")
    return int(found.item(0, "id"))


def is_known(connection: Connection, user_id: int, file: FileEntry) -> bool:
    """Say whether ``file`` was loaded before with nothing left unresolved.

    Raises ``SettingsError`` for bytes that were loaded under the other --spotify-time: every play would be stored
    twice.
    """
    for row in connection.query("ledger_known_files", user_id, file.sha256).iter_rows(named=True):
        if file.spotify_time and row["spotify_time"] not in ("", file.spotify_time):
            raise SettingsError(
                f"{file.path} was loaded with --spotify-time {row['spotify_time']} before (run {row['run_id']})",
                f"Use --spotify-time {row['spotify_time']} again: another one would store every play twice",
            )
        if row["known"] and (row["format"], row["options"]) == (file.format, file.options):
            return True
    return False


def formats_loaded(connection: Connection, user_id: int) -> set[str]:
    """Return the formats of the files that were loaded for a user, or begun."""
    return set(connection.query("ledger_formats", user_id).get_column("format"))


def start_run(connection: Connection, run_id: str, source: str, user_id: int, files: Sequence[FileEntry]) -> None:
    """Record the run and the files that it is about to load, and commit."""
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
) -> None:
    """Record that the run's ``files`` are loaded, with their records and unresolved listens, and commit."""
    rows = _rows(files, "sha256", "format", "options").with_columns(
        pl.Series("records", records, dtype=pl.Int64), pl.Series("unresolved", unresolved, dtype=pl.Int64)
    )
    connection.execute("ledger_finish_files", run_id, rows)
    connection.execute("ledger_finish_run", run_id, status, exit_code)
    connection.commit()


def settle_files(
    connection: Connection, run_id: str, origins: Sequence[str], files: Sequence[FileEntry], unresolved: Sequence[int]
) -> None:
    """Record what the replay ``run_id`` leaves unresolved of ``files``, where one of ``origins`` loaded them last."""
    rows = _rows(files, "sha256", "format", "options").with_columns(pl.Series("unresolved", unresolved, dtype=pl.Int64))
    connection.execute("ledger_settle_files", run_id, pl.Series(origins, dtype=pl.String), rows)


def inserted_by_run(connection: Connection, run_id: str) -> int:
    """Return how many listens the run's batches say that they inserted."""
    return int(connection.query("ledger_run_inserted", run_id).item())


def retry_on_conflict(connection: Connection, write: Callable[[Connection], None]) -> int:
    """Do ``write``, which commits, again as long as it loses conflicts to other runs; return how often it did."""
    for attempt in range(RETRIES + 1):
        try:
            write(connection)
        except StatementError as error:
            connection.rollback()
            if error.failure is not Failure.TRANSIENT or attempt == RETRIES:
                raise
        else:
            return attempt
    raise AssertionError("unreachable")  # pragma: no cover


def _rows(files: Sequence[FileEntry], *names: str) -> pl.DataFrame:
    return pl.DataFrame(
        {name: [getattr(file, name) for file in files] for name in names}, dict.fromkeys(names, pl.String)
    )
