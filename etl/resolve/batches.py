"""Divides a plan into batches that several connections can write at the same time. Pure.

A foreign key to another connection's uncommitted row fails at once, so only one batch may use a new entity until that
batch is committed. Entities that several batches need are moved into *seeds*: a few keys that create all shared
entities, each with a listen of its own. Seeds are written first, one after the other. All other batches are then
independent of each other, and those that need no seed can start at once.

A run may end between any two batches, and the next run must resolve the rest to the same entities. So keys whose order
decided which of two entities is meant (*commit-together constraints*) go into one batch. If they would be in different
batches, they go into one that precedes all others.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from etl.resolve.catalog import Catalog
    from etl.resolve.planner import Plan

# The rows of a new key in addition to its listens: track, alias, credits, lookup, and a share of artist and release.
ROWS_PER_KEY = 6


class Phase(IntEnum):
    """When a batch of a round may be written."""

    SEED = 0
    """First, in order, one after the other."""
    INDEPENDENT = 1
    """At any time."""
    DEPENDENT = 2
    """At any time after the seeds are committed."""


# The keys that a plan resolved, in its order; ids may be placeholders.
RESOLVED = pl.Schema(
    {
        "position": pl.Int64,
        "lookup_key": pl.String,
        "artist": pl.Int64,
        "release": pl.Int64,
        "track": pl.Int64,
        "owner": pl.Int64,  # the first artist of the release if this plan creates it, else 0
        "maker": pl.Int64,  # the position of the key that creates the release, else its own
    }
)
# The entities that a key needs and that do not exist yet: a table of Koito's, and a placeholder.
NEEDS = pl.Schema({"position": pl.Int64, "entity": pl.String, "number": pl.Int64})


def resolved_keys(plan: Plan, catalog: Catalog) -> pl.DataFrame:
    """Return the keys that ``plan`` resolved (schema RESOLVED)."""
    tracks = [ids.track for ids in plan.resolved.values()]
    releases = [catalog.tracks[track].release for track in tracks]
    positions = {key: position for position, key in enumerate(plan.resolved)}
    first = plan.first_new.releases
    makers = [positions[plan.release_keys[release - first]] if release >= first else None for release in releases]
    owners = [plan.release_artists[release - first][0] if release >= first else 0 for release in releases]
    columns = {
        "position": range(len(tracks)),
        "lookup_key": list(plan.resolved),
        "artist": [ids.artist for ids in plan.resolved.values()],
        "release": releases,
        "track": tracks,
        "owner": owners,
        "maker": makers,
    }
    return pl.DataFrame(columns, schema=RESOLVED).with_columns(maker=pl.coalesce("maker", "position"))


def find_commit_together(catalog: Catalog, resolved: pl.DataFrame, needed: pl.DataFrame) -> pl.DataFrame:
    """Return the keys that must be committed together. Columns out: constraint, position; see ``Catalog``."""
    sides = pl.DataFrame(
        [(number, *entity) for number, both in enumerate(catalog.commit_together) for entity in both],
        schema={"constraint": pl.Int64, "entity": pl.String, "number": pl.Int64},
        orient="row",
    )
    parts = [
        needed.filter(pl.col("entity") == "artists"),
        *(resolved.select("position", entity=pl.lit(f"{one}s"), number=one) for one in ("release", "track")),
    ]
    return sides.join(pl.concat(part.select(NEEDS.names()) for part in parts), on=["entity", "number"]).select(
        "constraint", "position"
    )


def needs(plan: Plan, resolved: pl.DataFrame) -> pl.DataFrame:
    """Return the new entities that each of the ``resolved`` keys needs (schema NEEDS)."""
    credited = pl.DataFrame(
        {
            "track": [track.id for track in plan.tracks for _ in track.artists],
            "number": [artist for track in plan.tracks for artist in track.artists],
        },
        schema={"track": pl.Int64, "number": pl.Int64},
    )
    new = resolved.filter(pl.col("track") >= plan.first_new.tracks)
    parts = {
        "artists": new.select("position", "track").join(credited, on="track"),
        "releases": new.select("position", number="release"),
        "tracks": new.select("position", number="track"),
    }
    first_new = plan.first_new._asdict()
    rows = [
        part.filter(pl.col("number") >= first_new[entity]).select("position", "number", entity=pl.lit(entity))
        for entity, part in parts.items()
    ]
    return pl.concat(rows).select(NEEDS.names())


def cut(
    resolved: pl.DataFrame, needed: pl.DataFrame, commit_together: pl.DataFrame, listens: pl.Series, size: int
) -> pl.DataFrame:
    """Divide the ``resolved`` keys into batches of about ``size`` rows.

    A key is in one batch, and so are keys that must be committed together.

    ``commit_together`` is what ``find_commit_together`` returns; ``listens`` counts the listens of each key, in the
    order of ``resolved``. Columns out: position, batch (from 0, in an order in which they may be committed), phase.
    """
    ordered = resolved.with_columns(weight=listens + ROWS_PER_KEY).sort("owner", "release", "track", "position")
    chunked = ordered.with_columns(chunk=(pl.col("weight").cum_sum() - 1) // size)
    homes = needed.join(chunked.select("position", "chunk", "weight"), on="position")
    seeds = _seeds(chunked, homes)
    undivided = _undivided(chunked, seeds, commit_together)
    chunked_seeds = _chunked_seeds(chunked, seeds.join(undivided, on="position", how="anti"), size)
    seeds = pl.concat([seeds, undivided]).unique()
    seeded = needed.join(seeds, on="position", how="semi").select("entity", "number").unique()
    rest = chunked.join(seeds, on="position", how="anti", maintain_order="left").select("position", "chunk")
    waiting = homes.join(seeds, on="position", how="anti").join(seeded, on=["entity", "number"], how="semi")
    phase = pl.when(pl.col("chunk").is_in(waiting.get_column("chunk").unique().to_list())).then(Phase.DEPENDENT)
    phased = pl.concat(
        [
            undivided.with_columns(chunk=pl.lit(-1, pl.Int64), phase=pl.lit(int(Phase.SEED))),
            chunked_seeds.with_columns(phase=pl.lit(int(Phase.SEED))),
            rest.with_columns(phase=phase.otherwise(Phase.INDEPENDENT).cast(pl.Int32)),
        ]
    )
    return phased.select("position", "phase", batch=pl.struct("phase", "chunk").rank("dense").cast(pl.Int64) - 1)


def _seeds(chunked: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    """Return the positions of keys that together create every entity that more than one chunk needs.

    For each entity, the key with the fewest listens is taken, because other batches wait for the seeds.
    """
    shared = homes.group_by("entity", "number").agg(pl.col("chunk").n_unique() > 1).filter("chunk")
    first = (
        homes.join(shared.select("entity", "number"), on=["entity", "number"], how="semi")
        .sort("weight", "position")
        .unique(["entity", "number"], keep="first", maintain_order=True)
        .select("position")
    )
    return _with_makers(first, chunked)


def _with_makers(positions: pl.DataFrame, chunked: pl.DataFrame) -> pl.DataFrame:
    makers = chunked.join(positions, on="position", how="semi").select(position="maker")
    return pl.concat([positions, makers]).unique()


def _undivided(chunked: pl.DataFrame, seeds: pl.DataFrame, commit_together: pl.DataFrame) -> pl.DataFrame:
    """Return the positions of keys that must be committed together but are in different chunks."""
    sides = commit_together.join(chunked.select("position", "chunk"), on="position")
    positions = seeds.clear()
    while sides.height:
        home = (
            pl.when(pl.col("position").is_in(positions.get_column("position").implode()))
            .then(-1)
            .when(pl.col("position").is_in(seeds.get_column("position").implode()))
            .then(-2 - pl.col("position"))
            .otherwise("chunk")
        )
        divided = sides.group_by("constraint").agg((home.n_unique() > 1).alias("divided")).filter("divided")
        if divided.is_empty():
            break
        more = sides.join(divided, on="constraint", how="semi").select("position")
        positions = _with_makers(pl.concat([positions, more]), chunked)
    return positions


def _chunked_seeds(chunked: pl.DataFrame, seeds: pl.DataFrame, size: int) -> pl.DataFrame:
    """Divide the seeds into chunks; the key that creates a release comes before others that need it."""
    ordered = chunked.join(seeds, on="position", how="semi").sort(pl.col("maker") != pl.col("position"), "position")
    return ordered.select("position", chunk=(pl.col("weight").cum_sum() - 1) // size)
