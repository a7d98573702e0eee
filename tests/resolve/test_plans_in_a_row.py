"""Plans made one after the other on one catalog, before any is written, write together what one plan writes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.load.enrich import enrichment
from etl.resolve.catalog import FIRST_NEW, Catalog
from etl.resolve.planner import Planner
from etl.resolve.requests import AliasRow
from etl.resolve.rows import NewIds
from tests.helpers.examples import examples
from tests.resolve.test_batches import batches_of, make_ids, stored
from tests.resolve.test_resume import REQUESTS_WITH_MBIDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.resolve.requests import ResolutionRequest

pytestmark = pytest.mark.slow

COLUMNS = {
    "enrich_artists": ("artists", "musicbrainz_id"),
    "enrich_releases": ("releases", "musicbrainz_id"),
    "enrich_tracks": ("tracks", "musicbrainz_id"),
    "enrich_durations": ("tracks", "duration"),
}
ALIASES = {
    "enrich_artist_aliases": ("artist_aliases", "artist_id"),
    "enrich_release_aliases": ("release_aliases", "release_id"),
    "enrich_track_aliases": ("track_aliases", "track_id"),
}
CUTS = st.lists(st.integers(0, 14), max_size=4)


def with_aliases(request: ResolutionRequest) -> ResolutionRequest:
    """Return ``request`` with an alias of its track, as Koito's exports have them."""
    alias = AliasRow(entity="track", of=None, alias=f"{request.track} (live)", source="Import", is_primary=False)
    return request._replace(aliases=[alias])


def written(catalog: Catalog, requests: Sequence[ResolutionRequest], cuts: Sequence[int]) -> dict[str, set[str]]:
    """Return the rows by table after all plans: what they create, and what they add to it and to stored entities."""
    planner = Planner(catalog, {})
    tables: dict[str, dict[object, dict[str, Any]]] = {}
    ids = NewIds((), (), ())
    edges = [0, *sorted(cuts), len(requests)]
    for start, end in pairwise(edges):
        planner.begin_plan({})
        for request in requests[start:end]:
            planner.resolve(request)
        ids = make_ids(planner.plan, ids)
        for batch in batches_of(catalog, planner.plan, 10**9, ids):
            for table, rows in batch.tables.items():
                for row in rows:
                    key = row["id"] if "id" in row else tuple(value for name, value in row.items() if name != "source")
                    tables.setdefault(table, {})[key] = {"is_primary": False, **row}
        for statement, changes in enrichment(planner.plan, ids).items():
            add(tables, statement, changes)
    return {table: {str(sorted(row.items())) for row in rows.values()} for table, rows in tables.items()}


def add(tables: dict[str, dict[object, dict[str, Any]]], statement: str, changes: pl.DataFrame) -> None:
    if statement in ALIASES:
        table, column = ALIASES[statement]
        for number, alias, source in changes.select("id", "alias", "source").iter_rows():
            row = {column: number, "alias": alias, "source": source, "is_primary": False}
            tables.setdefault(table, {})[number, alias, False] = row
        return
    table, column = COLUMNS[statement]
    for number, value in changes.select("id", "value").iter_rows():
        tables.setdefault(table, {}).setdefault(number, {"id": number})[column] = value


@examples(65)
@given(REQUESTS_WITH_MBIDS, CUTS, st.booleans(), st.booleans())
def test_plans_in_a_row_write_what_one_plan_writes(
    requests: list[ResolutionRequest], cuts: list[int], has_rows: bool, has_aliases: bool
) -> None:
    if has_aliases:
        requests = [with_aliases(request) for request in requests]
    edges = [min(cut, len(requests)) for cut in cuts]
    whole, divided = (stored() if has_rows else Catalog() for _ in range(2))

    assert written(divided, requests, edges) == written(whole, requests, [])


def test_ids_follow_the_placeholders_of_all_plans() -> None:
    ids = NewIds(artists=[7, 8], releases=[], tracks=[5])
    numbers = pl.Series([3, FIRST_NEW, FIRST_NEW + 1])

    assert ids.real("artists", numbers).to_list() == [3, 7, 8]
