"""Reads what a plan needs from the database, and allocates ids for what the plan creates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from msgspec.structs import asdict

from etl.core.schema import TRACK_LOOKUP, empty
from etl.resolve.catalog import CatalogArtist, CatalogRelease, CatalogTrack
from etl.resolve.requests import Ids, candidate_aliases, distinct_requests, enrichment_candidates, to_resolve
from etl.resolve.rows import NewIds

if TYPE_CHECKING:
    from etl.resolve.catalog import Catalog
    from etl.resolve.planner import Plan
    from etl.targets.base import Connection

NOTHING_NEW = NewIds((), (), ())


class LookupResult(NamedTuple):
    """What looking up the keys of listens found."""

    requests: pl.DataFrame
    """The requests of all keys (schema REQUESTS)."""
    hits: pl.DataFrame
    """The cached keys (schema TRACK_LOOKUP)."""
    to_resolve: pl.DataFrame
    """The requests to resolve (schema REQUESTS), in order."""


def look_up(connection: Connection, listens: pl.DataFrame, *, has_lookup: bool) -> LookupResult:
    """Look up the keys of ``listens`` (schema NORMALIZED), and which fields of the listens their cached tracks lack."""
    requests = distinct_requests(listens)
    hits = read_hits(connection, requests.get_column("lookup_key").unique()) if has_lookup else empty(TRACK_LOOKUP)
    missing_fields = read_missing_fields(connection, enrichment_candidates(requests, hits))
    return LookupResult(requests, hits, to_resolve(requests, hits, missing_fields))


def read_hits(connection: Connection, keys: pl.Series) -> pl.DataFrame:
    """Return lookup_key, artist_id, album_id and track_id of those ``keys`` that are cached."""
    return connection.query("lookup_keys", keys)


def read_missing_fields(connection: Connection, candidates: pl.DataFrame) -> pl.DataFrame:
    """Return which fields each track of ``candidates`` lacks (requests of cached keys, see ``enrichment_candidates``).

    An MBID that differs from the stored one counts as missing too: the plan does not store it, but reports it.
    Columns out: track_id and the booleans duration, recording_mbid, release_mbid, artist_mbids, aliases.
    """
    held = connection.query("fields_of_tracks", candidates.get_column("track_id").unique())
    compared = candidates.join(held, on="track_id", suffix="_held")
    missing_fields = compared.group_by("track_id", maintain_order=True).agg(
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
    unnamed = connection.query("missing_aliases", aliases).get_column("track_id")
    return missing_fields.with_columns(aliases=pl.col("track_id").is_in(unnamed.implode()))


def _differs(mbid: str) -> pl.Expr:
    held = pl.col(f"{mbid}_held")
    return (held.is_null() | (pl.col(mbid) != held)).any()


def read_catalog(catalog: Catalog, connection: Connection, requests: pl.DataFrame, hits: pl.DataFrame) -> None:
    """Add to ``catalog`` what ``requests`` (schema REQUESTS) may match, and the tracks of ``hits``."""
    names = _texts(*(requests.get_column(name).explode() for name in ("artists", "raw_artists", "as_one")))
    titles = _texts(*(requests.get_column(name) for name in ("track", "album", "raw_track", "raw_album")))
    recordings = _texts(requests.get_column("recording_mbid"))
    cached = hits.get_column("track_id")
    artists = connection.query("snapshot_artists", names, _texts(requests.get_column("artist_mbids").explode()))
    releases = connection.query(
        "snapshot_releases", titles, _texts(requests.get_column("release_mbid")), recordings, cached
    )
    tracks = connection.query("snapshot_tracks", titles, releases.get_column("id"), recordings, cached)
    for number, mbid, aliases in artists.iter_rows():
        catalog.add_artist(CatalogArtist(number, mbid, aliases))
    for number, mbid, release_titles, credited in releases.iter_rows():
        catalog.add_release(CatalogRelease(number, mbid, release_titles, credited or []))
    for number, mbid, duration, release, track_titles, credited in tracks.iter_rows():
        catalog.add_track(CatalogTrack(number, mbid, track_titles, release, credited or [], duration))


def hit_ids(hits: pl.DataFrame) -> dict[str, Ids]:
    """Return the ids of each key in ``hits``."""
    return {key: Ids(artist, album, track) for key, artist, album, track in hits.iter_rows()}


def allocate_ids(connection: Connection, plan: Plan, made: NewIds = NOTHING_NEW) -> NewIds:
    """Allocate ids for what ``plan`` creates; return them after ``made``, the ids of the plans before it.

    Some databases derive free ids from the highest stored id alone, and the ids in ``made`` may not be stored yet.
    """
    taken = connection.query("next_ids", len(plan.artists), len(plan.releases), len(plan.tracks))
    ids: dict[str, list[int]] = {}
    for entity, earlier in asdict(made).items():
        own = taken.filter(pl.col("entity") == entity).get_column("id").sort().to_list()
        above = max(0, earlier[-1] + 1 - own[0]) if own and earlier else 0
        ids[entity] = [*earlier, *(number + above for number in own)]
    return NewIds(**ids)


def placeholder_ids(plan: Plan) -> NewIds:
    """Return ids for a dry run: negative, so that they cannot be mistaken for real ones."""
    created = (plan.artists, plan.releases, plan.tracks)
    return NewIds(*([-number for number in range(1, len(entities) + 1)] for entities in created))


def _texts(*columns: pl.Series) -> pl.Series:
    """Return the distinct values of ``columns``, without nulls."""
    return pl.concat([column.cast(pl.String).rename("text") for column in columns]).drop_nulls().unique()
