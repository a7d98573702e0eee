"""Finds likely doubles in the database and removes the poorer listen of each, as a run that can be undone."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from etl.core import failpoints
from etl.core.schema import LIKELY_DOUBLES, LISTENS, NEARBY, conform
from etl.core.settings import DEDUPE
from etl.core.signals import one_interruption
from etl.dedupe import stored_doubles
from etl.normalize.key import BETWEEN_ARTISTS, lookup_keys
from etl.pipeline.dedupe import coarse_services, recording_services
from etl.pipeline.removal import RemovalRun, execute, preview_removal, simulate, wait_for_runs
from etl.runs.insertions import INSERTED
from etl.targets import ledger
from etl.targets.open import find_target, open_interruptibly
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from etl.core.settings import RunSettings
    from etl.core.workspace import Workspace
    from etl.runs.directory import RunDirectory
    from etl.targets.base import Connection

DATABASE = "database"
"""The ``file`` of the listens in the files of the run; their ``row`` counts them in order of time."""


class Doubles(msgspec.Struct, frozen=True):
    """The likely doubles of a library."""

    listens: pl.DataFrame
    """The listens to remove, as an export would have them: schema LISTENS."""
    tracks: pl.Series
    """Their tracks."""
    pairs: pl.DataFrame
    """Schema LIKELY_DOUBLES: the listen that each is a double of, and why."""
    of_clients: list[dict[str, Any]]
    """For each pair of clients (removed, kept), how many listens of one are doubles of the other (listens)."""
    looked_at: int
    """How many listens were compared."""


@dataclass(frozen=True)
class _Dedupe(RemovalRun):
    """The removal of a library's doubles."""

    doubles: Doubles = field(kw_only=True)

    @property
    def source(self) -> str:
        return DEDUPE

    def start(self, connection: Connection, run_id: str) -> pl.DataFrame:
        return ledger.start_dedupe(connection, run_id, self.user_id, forget=not self.listens.is_empty())

    def write(self, directory: RunDirectory) -> None:
        """Write what `etl undo` needs to load the listens again."""
        directory.write_frame("listens", self.doubles.listens)
        directory.write_frame("likely_doubles", self.doubles.pairs)

    def ended(self, directory: RunDirectory) -> None:
        """Do nothing: no other run needs to know."""

    def about(self) -> dict[str, Any]:
        return {"looked_at": self.doubles.looked_at, "doubles": self.doubles.of_clients}


def dedupe(
    workspace: Workspace, settings: RunSettings, *, dry_run: bool = True, batch: int | None = None
) -> dict[str, Any]:
    """Remove the likely doubles of a user's library and return the manifest, which is also ``run.json``.

    Only ``user`` and ``spotify_time`` of ``settings`` are used. With ``dry_run``, nothing is removed. Raises
    ``EtlError`` if the run cannot begin.
    """
    failpoints.plan(workspace.fault)
    with one_interruption():
        target = find_target(workspace)
        connection, _ = open_interruptibly(target)
        with closing(Pool(target, connection, 1)) as pool:
            user_id = pool.control(lambda control: ledger.find_user(control, settings.user))
            if not dry_run:
                wait_for_runs(pool)
            doubles = pool.control(lambda control: _find(control, pool, settings, user_id))
            run = _Dedupe(workspace, pool, user_id, _as_inserted(doubles), doubles=doubles)
            if dry_run:
                return simulate(run, pool.control(lambda control: preview_removal(run, control)))
            return execute(run, batch)


def _find(connection: Connection, pool: Pool, settings: RunSettings, user_id: int) -> Doubles:
    """Compare all listens of the user, in one state of the database."""
    connection.rollback()
    pool.target.begin_snapshot(connection)
    try:
        coarse = coarse_services(connection, user_id)
        listens = connection.query("library_listens", user_id)
        names = connection.query("names_of_tracks", listens.get_column("track_id").unique())
        library = conform(listens.join(names, on="track_id", how="left", maintain_order="left"), NEARBY)
        found = stored_doubles(library, recording_services(settings), sorted(coarse))
        going = library[found.get_column("listen")]
        tracks = going.get_column("track_id").unique()
        details = connection.query("details_of_tracks", tracks)
        details = details.join(connection.query("keys_of_tracks", tracks), on="track_id", how="left")
        kept = library[found.get_column("of")]
        names_kept = connection.query("primary_names", kept.get_column("track_id").unique())
    finally:
        connection.rollback()
    rows = _as_listens(going, details)
    named = kept.join(names_kept, on="track_id", how="left", maintain_order="left")
    partners = named.select(
        double_of=pl.format("database!{}:{}", "track_id", "second"),
        of_listened_at=_time(),
        of_artist="artist",
        of_track="track",
    )
    reasons = found.select("service", "of_service", "seconds_apart", "evidence")
    pairs = rows.select("file", "row", "listened_at", "artist", "track").hstack(partners).hstack(reasons)
    ordered = conform(pairs.select(LIKELY_DOUBLES.names()), LIKELY_DOUBLES)
    return Doubles(rows, going.get_column("track_id"), ordered, _by_client(going, kept), library.height)


def _time() -> pl.Expr:
    return pl.from_epoch("second").dt.cast_time_unit("us").dt.replace_time_zone("UTC")


def _as_listens(going: pl.DataFrame, details: pl.DataFrame) -> pl.DataFrame:
    """Return rows of NEARBY as schema LISTENS, with the names and MBIDs that the database has.

    Each gets a key by which a load found its track, so that an undo of that load finds the listen too.
    """
    named = going.select("track_id", "second", "client").join(details, on="track_id", how="left", maintain_order="left")
    credit = pl.col("artists").list.join(BETWEEN_ARTISTS)
    rows = named.with_columns(
        file=pl.lit(DATABASE),
        row=pl.int_range(1, pl.len() + 1, dtype=pl.Int32),
        listened_at=_time(),
        artist=pl.col("artists").list.join(", "),
        release_group_mbid=pl.lit(None, pl.String),
        source=pl.lit(DATABASE),
        made_key=lookup_keys(named.select(credit.alias("credit"), "track", "album")),
    ).with_columns(
        lookup_key=pl.coalesce("lookup_key", "made_key"),
    )
    return conform(rows.select(LISTENS.names()), LISTENS)


def _as_inserted(doubles: Doubles) -> pl.DataFrame:
    """Return the listens by their tracks, as schema INSERTED. They have no key, so they are looked for nowhere else."""
    rows = doubles.listens.select("file", "row", "listened_at", lookup_key=pl.lit(None, pl.String))
    return conform(rows.with_columns(doubles.tracks.alias("track_id")), INSERTED)


def _by_client(going: pl.DataFrame, kept: pl.DataFrame) -> list[dict[str, Any]]:
    pairs = pl.DataFrame({"removed": going.get_column("client"), "kept": kept.get_column("client")})
    return (
        pairs.group_by("removed", "kept")
        .agg(listens=pl.len())
        .sort("listens", "removed", "kept", descending=[True, False, False])
        .to_dicts()
    )
