"""Compares the listens of a run with each other and with what the database holds near them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import NEARBY, NOT_COUNTED, conform, empty
from etl.dedupe import Settled, apply_doubles, find_doubles, hours, own_client
from etl.extract.row_store import RowStore
from etl.targets import ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.settings import RunSettings
    from etl.extract.rows import Rows
    from etl.targets.base import Connection
    from etl.targets.pool import Pool

_NEARNESS = ("file", "listened_at", "client", "source", "started_at", "ended_at", "minute_only")


@dataclass(frozen=True)
class Comparison:
    """What the comparison needs to know about a run."""

    user_id: int
    settings: RunSettings
    formats: Mapping[str, str]
    """The format of each file."""
    not_counted: pl.DataFrame
    """Schema NOT_COUNTED."""
    has_ledger: bool


def deduplicate(pool: Pool, user_id: int, settings: RunSettings, rows: Rows, window: int, *, has_ledger: bool) -> Rows:
    """Return ``rows`` without duplicates, and with the likely doubles marked or skipped.

    Listens on disk are read back into memory, if some of them may be duplicates: ``window`` of them at a time are
    looked at to find out.
    """
    formats = {file.path: file.format.name for file in rows.files if file.format}
    not_counted = pl.concat([empty(NOT_COUNTED), *(file.not_counted for file in rows.files)])
    run = Comparison(user_id, settings, formats, not_counted, has_ledger)
    if rows.listens.spilled and not pool.control(lambda control: _may_have_duplicates(control, run, rows, window)):
        return rows
    listens = rows.listens.read()
    found = pool.control(lambda control: _compare(control, run, listens))
    return replace(
        rows,
        listens=RowStore(found.listens),
        recorded=RowStore(found.recorded),
        skipped=pl.concat([rows.skipped, found.skipped]).sort("file", "row", maintain_order=True),
        duplicates=found.aside,
        likely=found.likely,
    )


def _compare(connection: Connection, run: Comparison, listens: pl.DataFrame) -> Settled:
    """Sort out which of ``listens`` (schema NORMALIZED) are recorded already, or probably are."""
    nearby = _read_nearby(connection, run, listens)
    spotify_ends = run.settings.spotify_time == "end"
    doubles = find_doubles(listens, run.formats, run.not_counted, nearby, spotify_ends=spotify_ends)
    return apply_doubles(listens, doubles, nearby, drop_doubles=run.settings.drop_doubles)


def _may_have_duplicates(connection: Connection, run: Comparison, rows: Rows, window: int) -> bool:
    """Say whether ``_compare`` could find anything."""
    if len(set(run.formats.values())) > 1 or not run.not_counted.is_empty():
        return True
    windows = rows.listens.windows(window)
    return any(not _read_nearby(connection, run, one.read(_NEARNESS)).is_empty() for one in windows)


def _read_nearby(connection: Connection, run: Comparison, listens: pl.DataFrame) -> pl.DataFrame:
    """Return the user's listens near ``listens`` (schema NEARBY), except those that cannot be duplicates."""
    if listens.is_empty():
        return empty(NEARBY)
    near = hours(listens)
    left_out = pl.Series(_own_clients(connection, run, listens), dtype=pl.String)
    found = connection.query("nearby_listens", run.user_id, near, near.item(0), near.item(-1), left_out)
    if found.is_empty():
        return empty(NEARBY)
    names = connection.query("names_of_tracks", found.get_column("track_id").unique())
    return conform(found.join(names, on="track_id").sort("second", "track_id").select(NEARBY.names()), NEARBY)


def _own_clients(connection: Connection, run: Comparison, listens: pl.DataFrame) -> list[str]:
    """Return the client whose listens the run's can only equal by track and second, if there is one.

    There is one where all rows come from one service, know their second, and no other format of the service was loaded.
    A run of one service alone is by far the most frequent, and the database then holds mostly listens of that service.
    """
    client = own_client(listens)
    if client is None or listens.get_column("minute_only").any():
        return []
    used = {run.formats[file] for file in listens.get_column("file").unique()}
    loaded = ledger.formats_loaded(connection, run.user_id) if run.has_ledger else set()
    return [client] if not {name for name in loaded - used if name.startswith(f"{client}-")} else []
