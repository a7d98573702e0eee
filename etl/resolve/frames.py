"""Turns a plan into the rows of Koito's tables, batch by batch. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from etl.resolve.catalog import FIRST_NEW
from etl.resolve.plan import Ids
from etl.schema import ENTITY_TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.resolve.catalog import Catalog
    from etl.resolve.plan import Plan

CANONICAL = "Canonical"  # the alias source that Koito gives to a name it was sent


_ATTACHED = pl.Schema({"artist_id": pl.Int32, "release_id": pl.Int32})


@dataclass(frozen=True)
class Created:
    """Counts of new entities."""

    artists: int = 0
    albums: int = 0
    tracks: int = 0


@dataclass(frozen=True)
class EntityRows:
    """What one batch writes beside its listens."""

    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    """Rows by table, in an order that foreign keys allow; schemas ENTITY_TABLES."""
    attached: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_ATTACHED))
    """artist_id, release_id of credits on releases that exist."""

    @property
    def created(self) -> Created:
        """How many entities the rows create."""
        heights = {name: frame.height for name, frame in self.tables.items()}
        return Created(heights.get("artists", 0), heights.get("releases", 0), heights.get("tracks", 0))


class Writer:
    """Maps placeholders to ids and gives out each new entity with the first batch that needs it."""

    def __init__(self, plan: Plan, catalog: Catalog, ids: Mapping[str, Sequence[int]]) -> None:
        self._plan = plan
        self._catalog = catalog
        self._ids = ids
        self._written: set[tuple[str, int]] = set()
        self._attached: dict[str, list[tuple[int, int]]] = {}
        for artist, release, key in plan.attached:
            self._attached.setdefault(key, []).append((artist, release))

    def artist(self, number: int) -> int:
        """Return the id of an artist."""
        return number if number < FIRST_NEW else self._ids["artists"][number - FIRST_NEW]

    def release(self, number: int) -> int:
        """Return the id of a release."""
        return number if number < FIRST_NEW else self._ids["releases"][number - FIRST_NEW]

    def track(self, number: int) -> int:
        """Return the id of a track."""
        return number if number < FIRST_NEW else self._ids["tracks"][number - FIRST_NEW]

    def ids(self, found: Ids) -> Ids:
        """Return ``found`` with real ids."""
        return Ids(self.artist(found.artist), self.release(found.album), self.track(found.track))

    def rows(self, keys: Sequence[str]) -> EntityRows:
        """Return the rows of a batch; call it in the order in which batches are committed."""
        rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in ENTITY_TABLES}
        attached: list[tuple[int, int]] = []
        for key in keys:
            ids = self._plan.resolved.get(key)
            if ids is None:  # another run resolved it meanwhile
                continue
            if ids.track >= FIRST_NEW:
                self._add_track(ids.track, rows)
            for artist, release in self._attached.get(key, ()):
                pair = (self.artist(artist), self.release(release))
                if artist < FIRST_NEW and release < FIRST_NEW:
                    attached.append(pair)
                else:
                    rows["artist_releases"].append((*pair, False))
            rows["track_lookup"].append((key, *self.ids(ids)))
        tables = {name: _frame(rows[name], schema) for name, schema in ENTITY_TABLES.items() if rows[name]}
        return EntityRows(tables, pl.DataFrame(attached, schema=_ATTACHED, orient="row"))

    def _add_track(self, number: int, rows: dict[str, list[tuple[object, ...]]]) -> None:
        if not self._is_first("tracks", number):
            return
        track = self._catalog.tracks[number]
        for artist in track.artists:
            if artist >= FIRST_NEW:
                self._add_artist(artist, rows)
        if track.release >= FIRST_NEW:
            self._add_release(track.release, rows)
        track_id = self.track(number)
        rows["tracks"].append((track_id, _uuid(track.mbid), track.duration, self.release(track.release)))
        rows["track_aliases"].append((track_id, track.titles[0], CANONICAL, True))
        for place, artist in enumerate(track.artists):
            rows["artist_tracks"].append((self.artist(artist), track_id, place == 0))

    def _add_artist(self, number: int, rows: dict[str, list[tuple[object, ...]]]) -> None:
        if self._is_first("artists", number):
            artist = self._catalog.artists[number]
            rows["artists"].append((self.artist(number), _uuid(artist.mbid)))
            rows["artist_aliases"].append((self.artist(number), artist.aliases[0], CANONICAL, True))

    def _add_release(self, number: int, rows: dict[str, list[tuple[object, ...]]]) -> None:
        if not self._is_first("releases", number):
            return
        release = self._catalog.releases[number]
        release_id = self.release(number)
        rows["releases"].append((release_id, _uuid(release.mbid), False))
        rows["release_aliases"].append((release_id, release.titles[0], CANONICAL, True))
        for place, artist in enumerate(self._plan.release_artists[number - FIRST_NEW]):
            rows["artist_releases"].append((self.artist(artist), release_id, place == 0))

    def _is_first(self, table: str, number: int) -> bool:
        if (table, number) in self._written:
            return False
        self._written.add((table, number))
        return True


def _frame(rows: Sequence[tuple[object, ...]], schema: pl.Schema) -> pl.DataFrame:
    """Return ``rows`` as a frame; by columns, which takes half the time of by rows."""
    return pl.DataFrame(dict(zip(schema.names(), zip(*rows, strict=True), strict=True)), schema=schema)


def _uuid(mbid: str | None) -> bytes | None:
    return bytes.fromhex(mbid.replace("-", "")) if mbid else None
