"""Compares the listens of a run with each other and with the listens near them in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl
from msgspec.structs import replace

from etl.core.schema import CACHED, DUPLICATES, NEARBY, Outcome, conform, empty
from etl.dedupe import (
    COMPARED,
    END,
    START,
    DedupeResult,
    RecordingService,
    apply_doubles,
    find_doubles,
    reach,
    tracks_in_reach,
    tracks_of_doubles,
)
from etl.extract.row_store import RowStore
from etl.extract.rows import NO_NOT_COUNTED, stacked
from etl.formats import clocks, preferences, service_names, sources_by_client
from etl.load.snapshot import read_hits
from etl.runs.accounting import repeats
from etl.targets import ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.settings import RunSettings
    from etl.extract.rows import Rows
    from etl.targets.base import Connection
    from etl.targets.pool import Pool

_OF_LISTENS = ("file", "row", "lookup_key", "listened_at")
# Formats with times to the minute, or possibly so: spotify-csv is made from account data or extended history.
_COARSE = {"spotify-account": "spotify", "spotify-csv": "spotify", "lastfm-minutes": "lastfm"}


class Comparison(msgspec.Struct, frozen=True):
    """What the comparison must know about a run."""

    user_id: int
    settings: RunSettings
    formats: Mapping[str, str]
    """The format of each file."""
    not_counted: pl.DataFrame
    """Schema NOT_COUNTED."""
    has_ledger: bool

    @property
    def services(self) -> list[RecordingService]:
        """What each source records."""
        return recording_services(self.settings)


def recording_services(settings: RunSettings) -> list[RecordingService]:
    """Return what each source records; plays of a source that records ends are stored by the clock in ``settings``."""
    clients = {source: client for client, source in sources_by_client().items()}
    ends = {source for source, clock in clocks().items() if clock == END}
    titles = service_names()
    return [
        RecordingService(
            name=source,
            client=clients.get(source),
            rank=rank,
            is_whole=source in ends,
            clock=settings.spotify_time if source in ends else START,
            title=titles[source],
        )
        for source, rank in preferences().items()
    ]


def coarse_services(connection: Connection, user_id: int) -> set[str]:
    """Return the services of which an export with times to the minute was loaded."""
    loaded = ledger.formats_loaded(connection, user_id)
    return {service for name, service in _COARSE.items() if name in loaded}


def deduplicate_files(settings: RunSettings, rows: Rows) -> Rows:
    """Return ``rows`` without the duplicates within their files; does not use a database.

    It finds what ``deduplicate`` finds, and what a load finds later: listens of one key in one second.
    """
    run = _comparison(0, settings, rows, has_ledger=False)
    listens = rows.listens.read()
    nearby = empty(NEARBY)
    verdicts = find_doubles(listens.select(COMPARED), run.not_counted, nearby, empty(CACHED), run.services, [])
    found = _apply(run, listens, verdicts, nearby, None)
    ordered = found.listens.sort("file", "row")
    is_repeated = repeats(ordered, "lookup_key", "listened_at")
    repeated = ordered.filter(is_repeated).select(*_OF_LISTENS, outcome=pl.lit(str(Outcome.DUPLICATE_IN_INPUT)))
    duplicates = pl.concat(
        [found.duplicates, conform(pl.concat([empty(DUPLICATES), repeated], how="diagonal"), DUPLICATES)]
    )
    return _without_duplicates(rows, replace(found, listens=ordered.filter(~is_repeated), duplicates=duplicates))


def deduplicate(pool: Pool, user_id: int, settings: RunSettings, rows: Rows, chunk: int, *, has_ledger: bool) -> Rows:
    """Return ``rows`` without duplicates, and with the likely doubles marked or skipped.

    Spilled listens are read back into memory only if some of them may be duplicates. ``chunk`` is how many of them are
    checked for that at a time.
    """
    run = _comparison(user_id, settings, rows, has_ledger=has_ledger)
    if rows.listens.spilled and not pool.control(lambda control: _may_have_duplicates(control, run, rows, chunk)):
        return rows
    listens = rows.listens.read()
    return _without_duplicates(rows, pool.control(lambda control: _find_duplicates(control, run, listens)))


def _comparison(user_id: int, settings: RunSettings, rows: Rows, *, has_ledger: bool) -> Comparison:
    formats = {file.path: file.format.name for file in rows.files if file.format}
    not_counted = stacked(NO_NOT_COUNTED, (file.not_counted for file in rows.files))
    return Comparison(user_id, settings, formats, not_counted, has_ledger)


def _without_duplicates(rows: Rows, found: DedupeResult) -> Rows:
    return replace(
        rows,
        listens=RowStore(found.listens),
        recorded=RowStore(found.recorded),
        skipped=pl.concat([rows.skipped, found.skipped]).sort("file", "row", maintain_order=True),
        duplicates=found.duplicates,
        likely=found.likely,
        evidence=found.evidence,
    )


def _find_duplicates(connection: Connection, run: Comparison, listens: pl.DataFrame) -> DedupeResult:
    """Find out which of ``listens`` (schema NORMALIZED) are recorded already, or probably are."""
    nearby = _read_nearby(connection, run, listens)
    verdicts = _compare(connection, run, listens, nearby)
    tracks = tracks_of_doubles(verdicts, nearby)
    names = connection.query("primary_names", tracks) if len(tracks) else None
    return _apply(run, listens, verdicts, nearby, names)


def _apply(
    run: Comparison, listens: pl.DataFrame, verdicts: pl.DataFrame, nearby: pl.DataFrame, names: pl.DataFrame | None
) -> DedupeResult:
    return apply_doubles(listens, verdicts, nearby, names, drop_doubles=run.settings.doubles == "skip")


def _may_have_duplicates(connection: Connection, run: Comparison, rows: Rows, chunk: int) -> bool:
    """Say whether ``_find_duplicates`` could find anything.

    Within one export, only plays in the same second can be the same, so each chunk can be compared by itself.
    """
    if len(set(run.formats.values())) > 1 or not run.not_counted.is_empty():
        return True
    for one in rows.listens.chunks(chunk):
        listens = one.read(COMPARED)
        if not _compare(connection, run, listens, _read_nearby(connection, run, listens)).is_empty():
            return True
    return False


def _compare(connection: Connection, run: Comparison, listens: pl.DataFrame, nearby: pl.DataFrame) -> pl.DataFrame:
    """Return the verdicts on ``listens`` (schema VERDICTS)."""
    coarse: set[str] = set()
    cached = empty(CACHED)
    if run.has_ledger and not nearby.is_empty():
        coarse = coarse_services(connection, run.user_id)
        met = listens.filter(pl.col("listened_at").dt.epoch("s").is_in(nearby.get_column("second").unique().implode()))
        cached = _cached(connection, met)
    return find_doubles(listens.select(COMPARED), run.not_counted, nearby, cached, run.services, sorted(coarse))


def _cached(connection: Connection, listens: pl.DataFrame) -> pl.DataFrame:
    """Return the keys of ``listens`` that are cached in the database (schema CACHED)."""
    return conform(read_hits(connection, listens.get_column("lookup_key").unique()).select(*CACHED), CACHED)


def _read_nearby(connection: Connection, run: Comparison, listens: pl.DataFrame) -> pl.DataFrame:
    """Return the user's listens near ``listens`` (schema NEARBY).

    Some have no names: they cannot be doubles, and only limit when the next play may have started.
    """
    if listens.is_empty():
        return empty(NEARBY)
    hours = reach(listens, run.services)
    whole = pl.Series([one.client for one in run.services if one.is_whole], dtype=pl.String)
    found = pl.concat(
        [
            _except(connection, run.user_id, hours.near, whole.clear()),
            _except(connection, run.user_id, hours.within, whole),
        ]
    )
    named = found.get_column("track_id")
    is_whole = pl.col("client").is_in(whole.implode()).fill_null(value=False)
    if not found.filter(~is_whole).is_empty() or listens.get_column("ended_at").null_count():
        ends = _of(connection, run.user_id, hours.around, whole)
        named = pl.concat([named, tracks_in_reach(ends, listens)])
        found = pl.concat([found, ends])
    if run.has_ledger and not found.is_empty() and _is_own(connection, run, listens, found):
        found = _without_own(connection, listens, found)
        named = found.get_column("track_id")
    if found.is_empty():
        return empty(NEARBY)
    names = connection.query("names_of_tracks", named.unique())
    each = found.unique().join(names, on="track_id", how="left")
    return conform(each.sort("second", "track_id").select(NEARBY.names()), NEARBY)


def _is_own(connection: Connection, run: Comparison, listens: pl.DataFrame, found: pl.DataFrame) -> bool:
    """Say whether ``listens`` and those ``found`` come from one service: only those in one second are then the same.

    This is by far the most frequent case: an export that has grown is loaded again.
    """
    sources = set(listens.get_column("source").unique())
    clients = set(found.get_column("client").unique())
    own = {one.client for one in run.services if one.name in sources}
    is_exact = not listens.get_column("minute_only").any() and not sources & coarse_services(connection, run.user_id)
    return len(sources) == 1 and clients == own and None not in own and is_exact


def _without_own(connection: Connection, listens: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return those of ``found`` in whose second a listen has another track, or a key that is not cached.

    The load finds all others by track and second, so their names need not be read.
    """
    rows = listens.select("lookup_key", second=pl.col("listened_at").dt.epoch("s"))
    known = rows.join(_cached(connection, listens), on="lookup_key", how="left")
    others = known.join(found, on=["track_id", "second"], how="anti").get_column("second").unique()
    return found.filter(pl.col("second").is_in(others.implode()))


def _except(connection: Connection, user_id: int, hours: pl.Series, clients: pl.Series) -> pl.DataFrame:
    """Return track_id, second and client of the user's listens in ``hours``, except those of ``clients``."""
    return connection.query("nearby_listens", user_id, hours, *_range(hours), clients)


def _of(connection: Connection, user_id: int, hours: pl.Series, clients: pl.Series) -> pl.DataFrame:
    """Return track_id, second and client of the user's listens in ``hours``, only those of ``clients``."""
    return connection.query("nearby_listens_of_clients", user_id, hours, *_range(hours), clients)


def _range(hours: pl.Series) -> tuple[int, int]:
    return (hours.item(0), hours.item(-1)) if len(hours) else (0, -1)
