"""Keeps what has become of the keys and listens of a run so far, for the books."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from etl.core.schema import KEYS, TRACK_LOOKUP, KeyStatus, empty

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

FLUSHED_AFTER = 30.0  # seconds: three times the longest wal_writer_delay, when the server has flushed every commit


class Commit(NamedTuple):
    """A batch that was committed."""

    number: int
    at: float
    """On the monotonic clock."""
    keys: pl.Series
    """That it resolved."""
    created: Mapping[str, int]


@dataclass
class LoadResult:
    """What has become of the keys and listens so far."""

    hits: list[pl.DataFrame] = field(default_factory=list)
    resolved: list[pl.DataFrame] = field(default_factory=list)
    """Keys and their ids: lookup_key, artist_id, album_id, track_id."""
    failed: dict[str, str] = field(default_factory=dict)
    """The reason by key."""
    notes: dict[str, str] = field(default_factory=dict)
    """What is remarkable about a key that has its ids."""
    inserted: list[pl.DataFrame] = field(default_factory=list)
    of_other_users: list[pl.DataFrame] = field(default_factory=list)
    """Listens: track_id, listened_at."""
    reached: list[pl.DataFrame] = field(default_factory=list)
    """Track_id and listened_at of all listens in batches that were committed."""
    created: Counter[str] = field(default_factory=Counter)
    """Artists, albums and tracks."""
    left: list[pl.Series] = field(default_factory=list)
    """Ids of tracks that a key stood for before it was resolved again."""
    retries: int = 0
    commits: list[Commit] = field(default_factory=list)
    """Of the batches in ``inserted``, ``of_other_users`` and ``reached``, in their order."""

    def keep(self, kept: AbstractSet[int] | None) -> None:
        """Forget the batches whose numbers are not in ``kept``: the server was lost and has taken their commits back.

        None stands for a server that cannot be asked: only old batches are sure to have reached its disk.
        """
        last = max((commit.at for commit in self.commits), default=0.0)
        sure = [last - one.at > FLUSHED_AFTER if kept is None else one.number in kept for one in self.commits]
        for parts in (self.inserted, self.of_other_users, self.reached):
            parts[:] = [part for part, is_sure in zip(parts, sure, strict=True) if is_sure]
        lost = [commit for commit, is_sure in zip(self.commits, sure, strict=True) if not is_sure]
        self.commits = [commit for commit, is_sure in zip(self.commits, sure, strict=True) if is_sure]
        keys = pl.concat([pl.Series(dtype=pl.String), *(commit.keys for commit in lost)])
        self.resolved = [part.filter(~pl.col("lookup_key").is_in(keys.implode())) for part in self.resolved]
        for commit in lost:
            self.created.subtract(commit.created)

    def forget_known(self, known: pl.DataFrame) -> pl.DataFrame:
        """Forget the hits that ``known`` has (schema TRACK_LOOKUP), and return what is known now, the last of each key.

        Of the parts of a run each need remember only what the ones before it do not.
        """
        columns = TRACK_LOOKUP.names()
        self.hits = [hits.join(known, on=columns, how="anti", maintain_order="left") for hits in self.hits]
        new = pl.concat([known.clear(), *(part.select(columns) for part in (*self.hits, *self.resolved))])
        new = new.unique("lookup_key", keep="last")
        return pl.concat([known.join(new, on="lookup_key", how="anti"), new])

    def _all(self) -> pl.DataFrame:
        """Return them in the order in which they came about: hits, then what was resolved, then failures."""
        columns = ("lookup_key", "artist_id", "album_id", "track_id")
        failed = pl.DataFrame(
            {"lookup_key": list(self.failed), "reason": list(self.failed.values())},
            schema={"lookup_key": pl.String, "reason": pl.String},
        )
        notes = pl.DataFrame(
            {"lookup_key": list(self.notes), "note": list(self.notes.values())},
            schema={"lookup_key": pl.String, "note": pl.String},
        )
        parts = [
            *(part.select(*columns, status=pl.lit(str(KeyStatus.HIT))) for part in self.hits),
            *(part.select(*columns, status=pl.lit(str(KeyStatus.RESOLVED))) for part in self.resolved),
        ]
        found = pl.concat([empty(TRACK_LOOKUP).with_columns(status=pl.lit(None, pl.String)), *parts])
        noted = found.join(notes, on="lookup_key", how="left").rename({"note": "detail"})
        lost = failed.select("lookup_key", status=pl.lit(str(KeyStatus.FAILED)), detail="reason")
        return pl.concat([noted, lost], how="diagonal").select([name for name in KEYS if name in noted.columns])

    def keys(self) -> pl.DataFrame:
        """Return lookup_key, status, detail, artist_id, album_id and track_id of every key that was reached.

        Of a key that was resolved again, because Koito removed its track, the last ones.
        """
        return self._all().unique("lookup_key", keep="last", maintain_order=True)

    def left_tracks(self) -> pl.Series:
        """Return the ids of tracks that a key stood for before it was resolved again."""
        found = self._all()
        again = found.filter(pl.col("lookup_key").is_duplicated() & ~pl.col("lookup_key").is_last_distinct())
        return pl.concat([again.get_column("track_id"), *self.left]).drop_nulls().unique()
