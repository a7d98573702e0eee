"""Stores a live listen whose key is cached: with one statement, or with one short transaction if it adds more.

Unlike PostgreSQL, SQLite cannot insert into one table and update others in one statement. The transaction holds the
write lock from its beginning, so what it found cannot be merged or deleted before it commits.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from etl.targets.base import StatementError
from etl.targets.results import RESULTS
from etl.targets.sqlite.migrate import migrations

if TYPE_CHECKING:
    from etl.normalize.fast_path import Single
    from etl.targets.sqlite.connection import SqliteConnection

SUBMITTED = RESULTS["submit_cached"]
NOT_CACHED = pl.DataFrame(schema=SUBMITTED)


def submit_cached(connection: SqliteConnection, listen: Single, user: str | None, user_id: int | None) -> pl.DataFrame:
    """See ``etl.targets.base.Target``; ``connection`` is in autocommit."""
    user_id = _find_user(connection, user) if user_id is None else user_id
    if user_id is None:
        return NOT_CACHED
    if not (listen.duration or listen.recording_mbid or listen.release_mbid or listen.artist_mbids):
        to_store = (listen.lookup_key, listen.second, listen.client, user_id)
        for ids in connection.query("submit_listen_by_key", *to_store).rows():
            return pl.DataFrame([(*ids, user_id, True, None, False, False, False)], SUBMITTED, orient="row")
    connection.script("BEGIN IMMEDIATE")
    with ExitStack() as on_error:  # of any kind: the connection stays open for further listens
        on_error.callback(_roll_back, connection)
        stored = _store(connection, listen, user_id)
        connection.script("COMMIT")
        on_error.pop_all()
    return stored


def _find_user(connection: SqliteConnection, user: str | None) -> int | None:
    """Return the user's id; None if there is no such user, or if the file lacks our last migration."""
    found = connection.query("submit_user", user.lower() if user else None, _last_migration())
    return int(found.item()) if found.height else None


def _store(connection: SqliteConnection, listen: Single, user_id: int) -> pl.DataFrame:
    keys = connection.query("lookup_keys", pl.Series([listen.lookup_key]))
    if keys.is_empty():
        return NOT_CACHED
    artist_id, track_id = keys.item(0, "artist_id"), keys.item(0, "track_id")
    inserted = connection.query("submit_listen", track_id, listen.second, listen.client, user_id).height > 0
    title = listen.album or listen.track
    offered = None
    if listen.duration or listen.recording_mbid:
        connection.execute("submit_enrich_track", track_id, listen.duration, listen.recording_mbid)
    if listen.release_mbid:
        connection.execute("submit_enrich_release", track_id, listen.release_mbid, title)
    if listen.artist_mbids:
        columns = {"name": listen.artists, "mbid": listen.artist_mbids}
        offered = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
        connection.execute("submit_enrich_artists", track_id, offered)
    details = (listen.recording_mbid, listen.release_mbid, title, offered)
    return connection.query("submit_cached", artist_id, track_id, listen.second, user_id, inserted, *details)


def _roll_back(connection: SqliteConnection) -> None:
    """Roll back the transaction, unless SQLite has done so, as it does on a full disk."""
    with suppress(StatementError):
        connection.script("ROLLBACK")


@cache
def _last_migration() -> int:
    return migrations()[-1].version
