"""Reads from the database what a plan has to see, and takes ids for what it creates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from etl.core.schema import TRACK_LOOKUP, empty
from etl.resolve.catalog import CatalogArtist, CatalogRelease, CatalogTrack
from etl.resolve.requests import Ids, candidate_aliases, distinct_requests, enrichment_candidates, to_resolve
from etl.resolve.rows import NewIds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from etl.resolve.catalog import Catalog
    from etl.resolve.planner import Plan
    from etl.targets.base import Connection

NOTHING_NEW = NewIds((), (), ())


class LookupResult(NamedTuple):
    """What the look-up of listens came to."""

    requests: pl.DataFrame
    """Schema REQUESTS: of all keys."""
    hits: pl.DataFrame
    """Schema TRACK_LOOKUP: the cached keys."""
    to_resolve: pl.DataFrame
    """Schema REQUESTS, in order."""


def look_up(connection: Connection, listens: pl.DataFrame, *, has_lookup: bool) -> LookupResult:
    """Look up the keys of ``listens`` (schema NORMALIZED), and what cached tracks lack of what the listens know."""
    requests = distinct_requests(listens)
    hits = read_hits(connection, requests.get_column("lookup_key").unique()) if has_lookup else empty(TRACK_LOOKUP)
    missing_fields = read_missing_fields(connection, enrichment_candidates(requests, hits))
    return LookupResult(requests, hits, to_resolve(requests, hits, missing_fields))


def read_hits(connection: Connection, keys: pl.Series) -> pl.DataFrame:
    """Return lookup_key, artist_id, album_id and track_id of those ``keys`` that the cache knows."""
    return connection.query("lookup_keys", keys)


def read_missing_fields(connection: Connection, candidates: pl.DataFrame) -> pl.DataFrame:
    """Return what each track of ``candidates`` lacks (requests of cached keys, see ``enrichment_candidates``).

    An MBID that differs from the one that is there counts as lacking, too: the plan does not store it, but tells.
    Columns out: track_id and the booleans duration, recording_mbid, release_mbid, artist_mbids, aliases.
    """
    held = connection.query("held_by_tracks", candidates.get_column("track_id").unique())
    beside = candidates.join(held, on="track_id", suffix="_held")
    missing_fields = beside.group_by("track_id", maintain_order=True).agg(
        duration=(pl.col("duration_held") == 0).any(),
        recording_mbid=_differs("recording_mbid"),
        release_mbid=_differs("release_mbid"),
        artist_mbids=(
            pl.col("artist_mbids_held").list.eval(pl.element().is_null()).list.any()
            | (pl.col("artist_mbids").list.set_difference("artist_mbids_held").list.drop_nulls().list.len() > 0)
        ).any(),
    )
    aliases = candidate_aliases(candidates)
    if aliases.is_empty():
        return missing_fields.with_columns(aliases=pl.lit(value=False))
    unnamed = connection.query("lacking_aliases", aliases).get_column("track_id")
    return missing_fields.with_columns(aliases=pl.col("track_id").is_in(unnamed.implode()))


def _differs(mbid: str) -> pl.Expr:
    held = pl.col(f"{mbid}_held")
    return (held.is_null() | (pl.col(mbid) != held)).any()


def read_catalog(
    catalog: Catalog, connection: Connection, requests: pl.DataFrame, hits: pl.DataFrame, made: NewIds = NOTHING_NEW
) -> None:
    """Add to ``catalog`` the artists, releases and tracks that ``requests`` (schema REQUESTS) may match or hits name.

    What the catalog has already stays as it is, and so does what has an id of ``made``: it is there as new.
    """
    names = _texts(*(requests.get_column(name).explode() for name in ("artists", "raw_artists", "as_one")))
    titles = _texts(*(requests.get_column(name) for name in ("track", "album", "raw_track", "raw_album")))
    recordings = _texts(requests.get_column("recording_mbid"))
    cached = hits.get_column("track_id")
    artists = connection.query("snapshot_artists", names, _texts(requests.get_column("artist_mbids").explode()))
    releases = connection.query(
        "snapshot_releases", titles, _texts(requests.get_column("release_mbid")), recordings, cached
    )
    tracks = connection.query("snapshot_tracks", titles, releases.get_column("id"), recordings, cached)
    for number, mbid, aliases in _unknown(artists, catalog.artists, made.artists):
        catalog.add_artist(CatalogArtist(number, mbid, aliases))
    for number, mbid, release_titles, credited in _unknown(releases, catalog.releases, made.releases):
        catalog.add_release(CatalogRelease(number, mbid, release_titles, credited or []))
    for number, mbid, duration, release, track_titles, credited in _unknown(tracks, catalog.tracks, made.tracks):
        catalog.add_track(CatalogTrack(number, mbid, track_titles, release, credited or [], duration))


def _unknown(rows: pl.DataFrame, known: Mapping[int, object], made: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """Return ``rows``, which begin with an id, without those that the catalog has, by id or as new."""
    own = set(made)
    return (row for row in rows.iter_rows() if row[0] not in known and row[0] not in own)


def hit_ids(hits: pl.DataFrame) -> dict[str, Ids]:
    """Return the ids of each key in ``hits``."""
    return {key: Ids(artist, album, track) for key, artist, album, track in hits.iter_rows()}


def allocate_ids(connection: Connection, plan: Plan, made: NewIds = NOTHING_NEW) -> NewIds:
    """Take ids for what ``plan`` creates; return them after ``made``, those of the plans before it.

    Where nothing but the highest id that is stored tells which are free, those of ``made`` may not be stored yet.
    """
    taken = connection.query("next_ids", len(plan.artists), len(plan.releases), len(plan.tracks))
    ids: dict[str, list[int]] = {}
    for entity, earlier in vars(made).items():
        own = taken.filter(pl.col("entity") == entity).get_column("id").sort().to_list()
        above = max(0, earlier[-1] + 1 - own[0]) if own and earlier else 0
        ids[entity] = [*earlier, *(number + above for number in own)]
    return NewIds(**ids)


def placeholder_ids(plan: Plan) -> NewIds:
    """Return ids for a dry run: negative, so that nobody takes them for real ones."""
    created = (plan.artists, plan.releases, plan.tracks)
    return NewIds(*([-number for number in range(1, len(entities) + 1)] for entities in created))


def _texts(*columns: pl.Series) -> pl.Series:
    """Return the distinct values of ``columns``, without nulls."""
    return pl.concat([column.cast(pl.String).rename("text") for column in columns]).drop_nulls().unique()
