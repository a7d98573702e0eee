"""Reads a user's library from the database, in one snapshot: tables as frames, and the newest loads."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import duckdb
import msgspec
import polars as pl

from etl.core.errors import DatabaseError
from etl.core.schema import empty
from etl.core.statements import statement
from etl.library.loads import LOADS, NEWEST, with_accounts
from etl.targets import ledger
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.workspace import Workspace
    from etl.targets.base import Connection

logger = logging.getLogger(__name__)

TABLES = ("listens", "tracks", "albums", "artists", "track_artists", "album_artists")
"""The statements of ``sql/<dialect>/library`` that read the library."""
_CALENDAR = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))  # in any zone
_UNKNOWN = ("Etc/Unknown", "Etc/UTC")  # what DuckDB returns on a machine without a configured zone


class Library(msgspec.Struct, frozen=True):
    """The library of one user at one moment."""

    user: str
    zone: str
    """The zone of ``local_time``: an IANA name."""
    frames: Mapping[str, pl.DataFrame]
    """TABLES by name, with the columns of ``etl.targets.results``, and ``loads`` (schema LOADS).

    Listens also have ``album_id``, ``duration`` and ``local_time``, the time that a clock in ``zone`` showed. Tracks
    and albums have ``artist``: the names of their artists, the main one first. Only tracks with listens of the user are
    included; ``listens`` is their number.
    """


def read_library(workspace: Workspace, user: str | None, zone: str) -> Library:
    """Return the library of the Koito user with the name or id ``user``; for None, of the only user.

    The database is closed afterwards. Raises ``DatabaseError`` if the database cannot be reached or does not exist,
    ``SettingsError`` for an unknown user.
    """
    target = find_target(workspace)
    if not target.is_made():
        raise DatabaseError(
            f"there is no database in {workspace.home} yet",
            "Load something first: `etl run --source auto PATH`, or name Koito's database with --dsn",
        )
    connection, database = open_interruptibly(target, read_only=True)
    with closing(Pool(target, connection, 1)) as pool:
        pool.control(target.begin_snapshot)
        user_id, name = pool.control(partial(_find_user, wanted=user))
        frames = pool.control(partial(_read_tables, user_id=user_id))
        recorded = pool.control(partial(_read_loads, user_id=user_id)) if database.has_migrations else None
    frames["listens"] = _with_a_calendar_year(frames["listens"])
    loads = empty(LOADS) if recorded is None else with_accounts(recorded, workspace.runs)
    return Library(name, zone, {**complete(frames, zone), "loads": loads})


def system_zone() -> str:
    """Return the zone of this machine, an IANA name; UTC if it is unknown. DuckDB finds it out."""
    with duckdb.connect() as connection:
        zone = str(connection.sql(statement("duckdb", "system_zone")).fetchall()[0][0])
    return "UTC" if zone in _UNKNOWN else zone


def _find_user(connection: Connection, wanted: str | None) -> tuple[int, str]:
    user_id = ledger.find_user(connection, wanted)
    return user_id, str(connection.query("users").filter(pl.col("id") == user_id).item(0, "username"))


def _read_tables(connection: Connection, user_id: int) -> dict[str, pl.DataFrame]:
    return {name: connection.query(f"library/{name}", *([user_id] if name == "listens" else [])) for name in TABLES}


def _with_a_calendar_year(listens: pl.DataFrame) -> pl.DataFrame:
    """Return ``listens`` without those outside of the years 1 to 9999; log how many these are.

    Another program may have stored milliseconds. Neither pages nor Python have such dates.
    """
    kept = listens.filter(pl.col("listened_at").is_between(*_CALENDAR))
    if gone := listens.height - kept.height:
        logger.warning("listens dated before the year 1 or after 9999 are left out: %s. Correct them in Koito", gone)
    return kept


def _read_loads(connection: Connection, user_id: int) -> pl.DataFrame:
    return connection.query("library/loads", user_id, NEWEST)


def complete(frames: Mapping[str, pl.DataFrame], zone: str) -> dict[str, pl.DataFrame]:
    """Return ``frames`` with the columns that most queries need, computed once: see ``Library``."""
    local = pl.col("listened_at").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    named = {
        f"{entity}s": _with_artists(frames[f"{entity}s"], frames[f"{entity}_artists"], frames["artists"], entity)
        for entity in ("track", "album")
    }
    heard = frames["listens"].group_by("track_id").agg(listens=pl.len().cast(pl.Int64))
    tracks = named["tracks"].join(heard, on="track_id")
    listens = frames["listens"].join(tracks.select("track_id", "album_id", "duration"), on="track_id", how="left")
    return {**frames, **named, "tracks": tracks, "listens": listens.with_columns(local_time=local)}


def _with_artists(entities: pl.DataFrame, credited: pl.DataFrame, artists: pl.DataFrame, entity: str) -> pl.DataFrame:
    key = f"{entity}_id"
    names = credited.join(artists.select("artist_id", "artist"), on="artist_id")
    of_several = pl.col(key).is_duplicated()
    in_order = names.filter(of_several).sort("is_primary", "artist_id", descending=[True, False])
    joined = in_order.group_by(key).agg(pl.col("artist").str.join(", "))
    alone = names.filter(~of_several).select(key, "artist")  # most of them; joining texts takes time
    return entities.join(pl.concat([alone, joined]), on=key, how="left")
