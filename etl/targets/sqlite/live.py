"""Stores a live listen whose key is cached, in one short transaction of a few statements.

SQLite has no statement that inserts into one table and updates others, as PostgreSQL has. The transaction holds the
write lock from its beginning, so nobody merges or deletes what it found before it commits.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from etl.targets.base import StatementError
from etl.targets.results import RESULTS
from etl.targets.sqlite.migrate import migrations

if TYPE_CHECKING:
    from etl.normalize.fast_path import Single
    from etl.targets.sqlite.connection import SqliteConnection

NOT_CACHED = pl.DataFrame(schema=RESULTS["submit_cached"])


def submit_cached(connection: SqliteConnection, listen: Single, user: str | None, user_id: int | None) -> pl.DataFrame:
    """See ``etl.targets.base.Target``. ``connection`` is in no transaction, and is in none afterwards."""
    user_id = _find_user(connection, user) if user_id is None else user_id
    if user_id is None:
        return NOT_CACHED
    try:
        connection.begin_write()
        stored = _store(connection, listen, user_id)
        connection.commit()
    except StatementError:
        connection.rollback()
        raise
    return stored


def _find_user(connection: SqliteConnection, user: str | None) -> int | None:
    """Return the user's id; None where there is no such user, or the file lacks our last migration."""
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
    beside = (listen.recording_mbid, listen.release_mbid, title, offered)
    return connection.query("submit_cached", artist_id, track_id, listen.second, user_id, inserted, *beside)


@cache
def _last_migration() -> int:
    return migrations()[-1].version
