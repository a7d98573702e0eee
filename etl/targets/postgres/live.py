"""Stores a live listen whose key is cached, with one of three statements, depending on the listen's fields."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from etl.targets.postgres.migrate import migrations

if TYPE_CHECKING:
    from etl.normalize.fast_path import Single
    from etl.targets.base import Connection


def submit_cached(connection: Connection, listen: Single, user: str | None, user_id: int | None) -> pl.DataFrame:
    """See ``etl.targets.base.Target``."""
    to_store = (listen.lookup_key, listen.second, listen.client, user_id)
    known = (listen.duration, listen.recording_mbid, listen.release_mbid)
    title = listen.album or listen.track
    if user_id is not None and not listen.artist_mbids:
        if not any(known):
            return connection.query("submit_cached", *to_store)
        return connection.query("submit_cached_enriching", *to_store, *known, title)
    artists = (pl.Series(column, dtype=pl.String) for column in (listen.artists, listen.artist_mbids))
    name = user.lower() if user else None
    return connection.query("submit_cached_crediting", *to_store, *known, title, *artists, name, _last_migration())


@cache
def _last_migration() -> int:
    return migrations()[-1].version
