"""Turns a plan into rows of Koito's tables, each with the batch that writes it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from etl.core.schema import CANONICAL, ENTITY_TABLES, LOOKUPS, TRACK_LOOKUP
from etl.resolve.catalog import FIRST_NEW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.resolve.planner import Plan

ID_COLUMNS = {"artist": "artist_id", "album": "release_id", "track": "track_id"}
TABLES = {"artist": "artists", "album": "releases", "track": "tracks"}
ATTACHED = pl.Schema({"artist_id": pl.Int32, "release_id": pl.Int32})


class EntityRows(msgspec.Struct, frozen=True):
    """The rows that one batch writes in addition to its listens."""

    tables: Mapping[str, pl.DataFrame] = msgspec.field(default_factory=dict)
    """Rows by table; schemas ENTITY_TABLES, and TRACK_LOOKUP for LOOKUPS."""
    attached: pl.DataFrame = msgspec.field(default_factory=lambda: pl.DataFrame(schema=ATTACHED))
    """Artists to add to existing releases."""


class NewIds(msgspec.Struct, frozen=True):
    """The ids of the new entities of a plan and of those before it, in the order of their placeholders."""

    artists: Sequence[int]
    releases: Sequence[int]
    tracks: Sequence[int]

    def real(self, entity: str, numbers: pl.Series) -> pl.Series:
        """Return ``numbers`` with placeholders replaced by ids (Int32)."""
        ids = pl.Series(getattr(self, entity), dtype=pl.Int32)
        is_new = numbers >= FIRST_NEW
        if not is_new.any():
            return numbers.cast(pl.Int32)
        return numbers.set(is_new, 0).cast(pl.Int32).zip_with(~is_new, ids.gather((numbers - FIRST_NEW).clip(0)))

    def of_plan(self, plan: Plan) -> dict[str, pl.Series]:
        """Return the ids of the entities that ``plan`` itself creates, by entity."""
        return {
            entity: pl.Series("id", getattr(self, entity), dtype=pl.Int32)[first - FIRST_NEW :]
            for entity, first in plan.first_new._asdict().items()
        }


def assign_ids(resolved: pl.DataFrame, ids: NewIds) -> pl.DataFrame:
    """Return ``resolved`` (schema RESOLVED) with the columns of TRACK_LOOKUP, and position."""
    return resolved.select(
        "position",
        "lookup_key",
        ids.real("artists", resolved.get_column("artist")).alias("artist_id"),
        ids.real("releases", resolved.get_column("release")).alias("album_id"),
        ids.real("tracks", resolved.get_column("track")).alias("track_id"),
    )


def entity_rows(
    plan: Plan, ids: NewIds, lookups: pl.DataFrame, needed: pl.DataFrame, batches: pl.DataFrame
) -> dict[int, EntityRows]:
    """Return the rows that each batch writes, by the number of the batch.

    ``lookups`` is what ``assign_ids`` returns, ``needed`` has schema NEEDS, ``batches`` is what ``cut`` returns. The
    first batch that needs a new entity writes it.
    """
    batch_of_key = batches.select("position", "batch")
    homes = needed.join(batch_of_key, on="position").group_by("entity", "number").agg(pl.col("batch").min())
    written = lookups.join(batch_of_key, on="position", maintain_order="left")
    pairs = _attached(plan, ids, written)
    is_new = pairs.get_column("is_new")
    tables = _new_entities(plan, ids, homes)
    tables["artist_releases"] = pl.concat([tables["artist_releases"], pairs.filter(is_new).drop("is_new")])
    tables[LOOKUPS] = written
    schemas = {**ENTITY_TABLES, LOOKUPS: TRACK_LOOKUP}
    parts = {
        name: rows.select(*schemas[name], "batch").partition_by("batch", as_dict=True, include_key=False)
        for name, rows in tables.items()
    }
    extra = pairs.filter(~is_new).select(*ATTACHED, "batch").partition_by("batch", as_dict=True, include_key=False)
    return {
        batch: EntityRows(
            {name: parts[name][batch,] for name in schemas if (batch,) in parts[name]},
            extra.get((batch,), pl.DataFrame(schema=ATTACHED)),
        )
        for batch in batches.get_column("batch").unique()
    }


def _new_entities(plan: Plan, ids: NewIds, homes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the rows of the plan's new artists, releases and tracks, each with its batch."""
    batch = {
        entity: homes.filter(pl.col("entity") == entity).sort("number").get_column("batch")
        for entity in ("artists", "releases", "tracks")
    }
    id_of = ids.of_plan(plan)
    release_of_track = pl.Series([track.release for track in plan.tracks], dtype=pl.Int64)
    return {
        "artists": pl.DataFrame(
            {
                "id": id_of["artists"],
                "musicbrainz_id": pl.Series([artist.mbid for artist in plan.artists], dtype=pl.String),
                "batch": batch["artists"],
            }
        ),
        "artist_aliases": _aliases(
            plan, "artist", id_of["artists"], [one.aliases[0] for one in plan.artists], batch["artists"]
        ),
        "releases": pl.DataFrame(
            {
                "id": id_of["releases"],
                "musicbrainz_id": pl.Series([release.mbid for release in plan.releases], dtype=pl.String),
                "various_artists": pl.Series([one.various_artists for one in plan.releases], dtype=pl.Boolean),
                "batch": batch["releases"],
            }
        ),
        "release_aliases": _aliases(
            plan, "album", id_of["releases"], [one.titles[0] for one in plan.releases], batch["releases"]
        ),
        "artist_releases": _credits("release_id", id_of["releases"], plan.release_artists, batch["releases"], ids),
        "tracks": pl.DataFrame(
            {
                "id": id_of["tracks"],
                "musicbrainz_id": pl.Series([track.mbid for track in plan.tracks], dtype=pl.String),
                "duration": pl.Series([track.duration for track in plan.tracks], dtype=pl.Int32),
                "release_id": ids.real("releases", release_of_track),
                "batch": batch["tracks"],
            }
        ),
        "track_aliases": _aliases(
            plan, "track", id_of["tracks"], [one.titles[0] for one in plan.tracks], batch["tracks"]
        ),
        "artist_tracks": _credits(
            "track_id", id_of["tracks"], [one.artists for one in plan.tracks], batch["tracks"], ids
        ),
    }


def _aliases(plan: Plan, entity: str, ids: pl.Series, names: Sequence[str], batch: pl.Series) -> pl.DataFrame:
    """Return the primary names of new entities, which are ``names``, and their aliases in the plan."""
    column, first = ID_COLUMNS[entity], first_new(plan, entity)
    named = pl.DataFrame({column: ids, "alias": pl.Series(names, dtype=pl.String), "batch": batch})
    named = named.with_columns(source=pl.lit(CANONICAL), is_primary=pl.lit(value=True))
    if plan.sources:
        sources = [plan.sources.get((entity, first + position), CANONICAL) for position in range(len(names))]
        named = named.with_columns(pl.Series("source", sources, dtype=pl.String))
    if not plan.aliases:  # most formats have none
        return named
    aliases = alias_rows(plan, entity).filter(pl.col("number") >= first)
    positions = aliases.get_column("number") - first
    rows = aliases.select(
        ids.gather(positions).alias(column), "alias", batch.gather(positions), "source", is_primary=pl.lit(value=False)
    )
    return pl.concat([named, rows])


def alias_rows(plan: Plan, entity: str) -> pl.DataFrame:
    """Return the plan's aliases of artists, albums or tracks. Columns out: number (as in the plan), alias, source."""
    rows = [alias[1:] for alias in plan.aliases if alias.entity == entity]
    return pl.DataFrame(rows, schema={"number": pl.Int64, "alias": pl.String, "source": pl.String}, orient="row")


def first_new(plan: Plan, entity: str) -> int:
    """Return the placeholder of the first artist, album or track that ``plan`` creates."""
    first: int = getattr(plan.first_new, TABLES[entity])
    return first


def _credits(
    column: str, owners: pl.Series, credited: Sequence[Sequence[int]], batch: pl.Series, ids: NewIds
) -> pl.DataFrame:
    """Return one row per artist of each of ``owners``; the first artist is the primary one."""
    positions = pl.Series([position for position, artists in enumerate(credited) for _ in artists], dtype=pl.UInt32)
    artists = pl.Series([artist for artists in credited for artist in artists], dtype=pl.Int64)
    return pl.DataFrame(
        {
            "artist_id": ids.real("artists", artists),
            column: owners.gather(positions),
            "is_primary": positions.is_first_distinct(),
            "batch": batch.gather(positions),
        }
    )


def _attached(plan: Plan, ids: NewIds, written: pl.DataFrame) -> pl.DataFrame:
    """Return the plan's ``attached`` artists with the batch of their key; ``is_new`` if artist or release is new."""
    rows = pl.DataFrame(
        plan.attached, schema={"artist": pl.Int64, "release": pl.Int64, "lookup_key": pl.String}, orient="row"
    ).join(written.select("lookup_key", "batch"), on="lookup_key", maintain_order="left")
    return rows.select(
        ids.real("artists", rows.get_column("artist")).alias("artist_id"),
        ids.real("releases", rows.get_column("release")).alias("release_id"),
        pl.lit(value=False).alias("is_primary"),
        "batch",
        is_new=(pl.col("artist") >= plan.first_new.artists) | (pl.col("release") >= plan.first_new.releases),
    )
