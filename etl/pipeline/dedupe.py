"""Compares the listens of a run with each other and with what the database holds near them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import NEARBY, conform, empty
from etl.dedupe import Settled, apply_doubles, find_doubles, hours, own_client
from etl.targets import ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.core.settings import RunSettings
    from etl.extract.spill import Window
    from etl.targets.base import Connection

_NEARNESS = ("file", "listened_at", "client", "source", "started_at", "ended_at", "minute_only")


@dataclass(frozen=True)
class Overlap:
    """What the comparison needs to know of a run."""

    user_id: int
    settings: RunSettings
    formats: Mapping[str, str]
    """The format of each file."""
    not_counted: pl.DataFrame
    """Schema PASSED_OVER."""
    has_ledger: bool


def settle_overlap(connection: Connection, run: Overlap, listens: pl.DataFrame) -> Settled:
    """Sort out which of ``listens`` (schema NORMALIZED) are recorded already, or probably are."""
    nearby = read_nearby(connection, run, listens)
    spotify_ends = run.settings.spotify_time == "end"
    doubles = find_doubles(listens, run.formats, run.not_counted, nearby, spotify_ends=spotify_ends)
    return apply_doubles(listens, doubles, nearby, drop_doubles=run.settings.drop_doubles)


def may_have_doubles(connection: Connection, run: Overlap, windows: Sequence[Window]) -> bool:
    """Say whether ``settle_overlap`` could find anything in the listens of all ``windows``."""
    if len(set(run.formats.values())) > 1 or not run.not_counted.is_empty():
        return True
    return any(not read_nearby(connection, run, window.read(_NEARNESS)).is_empty() for window in windows)


def read_nearby(connection: Connection, run: Overlap, listens: pl.DataFrame) -> pl.DataFrame:
    """Return the user's listens near ``listens`` as schema NEARBY, but for those that cannot be doubles."""
    if listens.is_empty():
        return empty(NEARBY)
    near = hours(listens)
    left_out = pl.Series(_alike(connection, run, listens), dtype=pl.String)
    found = connection.query("nearby_listens", run.user_id, near, near.item(0), near.item(-1), left_out)
    if found.is_empty():
        return empty(NEARBY)
    names = connection.query("names_of_tracks", found.get_column("track_id").unique())
    return conform(found.join(names, on="track_id").sort("second", "track_id").select(NEARBY.names()), NEARBY)


def _alike(connection: Connection, run: Overlap, listens: pl.DataFrame) -> list[str]:
    """Return the client whose listens the run's can only be equal to, by track and second, if there is one.

    That is so where all rows come from one service, know their second, and no other format of the service was loaded:
    a run of one service alone is by far the most frequent, and the database then holds mostly listens of that service.
    """
    client = own_client(listens)
    if client is None or listens.get_column("minute_only").any():
        return []
    used = {run.formats[file] for file in listens.get_column("file").unique()}
    loaded = ledger.formats_loaded(connection, run.user_id) if run.has_ledger else set()
    return [client] if not {name for name in loaded - used if name.startswith(f"{client}-")} else []
