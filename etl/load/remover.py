"""Removes listens that a run inserted, batch by batch, with the tracks, albums and artists that have no listens left.

Each batch is one transaction with its row in the ledger. It also removes the entities that it leaves unused, so that
none remain wherever the undo ends.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.failpoints import Point, failpoint
from etl.core.schema import TRACK_LOOKUP
from etl.load.batch_writer import RETRIES
from etl.targets.base import RETRIED, StatementError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.targets.base import Connection, Target

ENTITIES = ("artists", "albums", "tracks")
_PAIR = ["track_id", "second"]


class Removal(msgspec.Struct, frozen=True):
    """What to remove, and for which user."""

    undone_run: str
    """The run that inserted the listens."""
    run_id: str
    """The undo itself, which is in the ledger."""
    user_id: int


class Removed(msgspec.Struct):
    """What has been removed so far."""

    places: list[int] = msgspec.field(default_factory=list)
    """The ``place`` of each listen that was found."""
    reached: int = 0
    """How many listens were looked for."""
    touched: dict[str, set[int]] = msgspec.field(default_factory=lambda: defaultdict(set))
    """The artists, albums and tracks of all listens that were looked for: ids by entity."""
    entities: dict[str, set[int]] = msgspec.field(default_factory=lambda: defaultdict(set))
    """The artists, albums and tracks that were removed: ids by entity."""
    retries: int = 0

    def add(self, other: Removed) -> None:
        """Add what a batch removed."""
        self.places += other.places
        self.reached += other.reached
        self.retries += other.retries
        for entity in ENTITIES:
            self.touched[entity] |= other.touched[entity]
            self.entities[entity] |= other.entities[entity]

    def removed(self) -> dict[str, int]:
        """Return how many entities were removed."""
        return {entity: len(self.entities[entity]) for entity in ENTITIES}

    def kept(self) -> dict[str, int]:
        """Return how many entities are kept because something else uses them."""
        return {entity: len(self.touched[entity] - self.entities[entity]) for entity in ENTITIES}


class Preview(msgspec.Struct, frozen=True):
    """What an undo would do."""

    places: Sequence[int]
    """The ``place`` of each listen that was found."""
    removed: Mapping[str, int]
    kept: Mapping[str, int]


def locate(connection: Connection, undone_run: str, user_id: int, rows: pl.DataFrame) -> pl.DataFrame:
    """Return those of ``rows`` (place, lookup_key, track_id, second) that the database has: place, track_id, second.

    If the track of a listen was merged, the listen is found under the track that its key refers to now.
    """
    states = connection.query("absent_listens", rows.select("place", "lookup_key", *_PAIR), undone_run)
    moved = states.filter(state="merged").select("place", track_id="track_now")
    moved = moved.join(rows.select("place", "second"), on="place")
    found = pl.concat([rows.select("place", *_PAIR).join(states, on="place", how="anti"), moved])
    found = found.unique(_PAIR, keep="first", maintain_order=True)
    present = connection.query("present_listens", found.select(_PAIR)).filter(user_id=user_id)
    own = present.select("track_id", second=pl.col("listened_at").dt.epoch("s"))
    return found.join(own, on=_PAIR, how="semi", maintain_order="left")


def preview(connection: Connection, undone_run: str, user_id: int, rows: pl.DataFrame) -> Preview:
    """Return what removing ``rows`` would do. The transaction of ``connection`` must see one state of the database."""
    found = locate(connection, undone_run, user_id, rows)
    tracks = _tracks(connection, rows, found).to_frame()
    counts = tracks.join(found.group_by("track_id").len(), on="track_id", how="left", maintain_order="left")
    counts = counts.select("track_id", pl.col("len").fill_null(0).cast(pl.Int64)).sort("track_id")
    entities = connection.query("undo_preview", counts)
    removed, kept = (dict(entities.select("entity", name).iter_rows()) for name in ("removed", "kept"))
    return Preview(found.get_column("place").to_list(), removed, kept)


def remove_batch(target: Target, connection: Connection, removal: Removal, number: int, rows: pl.DataFrame) -> Removed:
    """Remove ``rows`` and the entities that they leave unused, and commit. Rolls back and raises ``StatementError``."""
    for attempt in range(RETRIES + 1):
        try:
            target.begin_round(connection, exclusive=True)
            target.begin_batch(connection)
            removed = _remove(target, connection, removal, number, rows)
            failpoint(Point.BEFORE_COMMIT)
            connection.commit()
            failpoint(Point.AFTER_COMMIT)
        except StatementError as error:
            connection.rollback()
            if error.failure not in RETRIED or attempt == RETRIES:
                raise
        else:
            removed.retries = attempt
            return removed
    raise AssertionError("unreachable")  # pragma: no cover


def _remove(target: Target, connection: Connection, removal: Removal, number: int, rows: pl.DataFrame) -> Removed:
    found = locate(connection, removal.undone_run, removal.user_id, rows)
    held = _by_entity(connection.query("undo_hold", _tracks(connection, rows, found)))
    target.release_lookups(connection, found.select(_PAIR), _keys(rows))
    pairs = connection.query("undo_listens", found.select(_PAIR), removal.user_id)
    failpoint(Point.AFTER_STAGE)
    gone = {"tracks": connection.query("undo_tracks", held["tracks"]).get_column("id")}
    gone["albums"] = connection.query("undo_albums", held["albums"]).get_column("id")
    left = held["albums"].filter(~held["albums"].is_in(gone["albums"].implode()))
    connection.execute("undo_credits", left, held["artists"])
    connection.execute("undo_main_artists", left)
    gone["artists"] = connection.query("undo_artists", held["artists"]).get_column("id")
    connection.execute("undo_record_batch", removal.run_id, number, rows.height, pairs.height)
    removed = pairs.select("track_id", second=pl.col("listened_at").dt.epoch("s"))
    return Removed(
        found.join(removed, on=_PAIR, how="semi").get_column("place").to_list(),
        rows.height,
        defaultdict(set, {entity: set(ids) for entity, ids in held.items()}),
        defaultdict(set, {entity: set(ids) for entity, ids in gone.items()}),
    )


def _tracks(connection: Connection, rows: pl.DataFrame, found: pl.DataFrame) -> pl.Series:
    """Return the tracks that the listens were ``found`` under, were inserted under, or have by their key."""
    keys = connection.query("lookup_keys", _keys(rows))
    tracks = [frame.get_column("track_id") for frame in (found, rows, keys)]
    return pl.concat([pl.Series("track_id", dtype=TRACK_LOOKUP["track_id"]), *tracks]).unique().sort()


def _keys(rows: pl.DataFrame) -> pl.Series:
    return rows.get_column("lookup_key").drop_nulls().unique()


def _by_entity(rows: pl.DataFrame) -> dict[str, pl.Series]:
    return {entity: rows.filter(entity=entity).get_column("id") for entity in ENTITIES}
