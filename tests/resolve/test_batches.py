"""Batches can be committed in the order that ``cut`` gives them, and none creates an entity without a listen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etl.load.snapshot import NOTHING_NEW
from etl.resolve.batches import ROWS_PER_KEY, Phase, cut, find_commit_together, needs, resolved_keys
from etl.resolve.catalog import FIRST_NEW, Catalog, CatalogArtist, CatalogRelease, CatalogTrack
from etl.resolve.planner import Plan, Planner
from etl.resolve.requests import ResolutionRequest
from etl.resolve.rows import NewIds, assign_ids, entity_rows
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from etl.resolve.rows import EntityRows

pytestmark = pytest.mark.slow

MBIDS = [f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc"]
MBID = st.none() | st.sampled_from(MBIDS)
REQUEST = st.builds(
    ResolutionRequest,
    key=st.text("xyz", min_size=1, max_size=3),
    artists=st.lists(st.sampled_from(["Ann", "ANN", "Bo", "Cy", "Di"]), min_size=1, max_size=3, unique=True),
    artist_mbids=st.none() | st.lists(MBID, min_size=1, max_size=3),
    track=st.sampled_from(["One", "Two", "Three"]),
    album=st.sampled_from([None, "One", "Hits", "More"]),
    release_mbid=MBID,
    recording_mbid=MBID,
    duration=st.none(),
    raw_artists=st.none(),
    raw_track=st.none(),
    raw_album=st.none(),
)
REQUESTS = st.lists(REQUEST, min_size=1, max_size=14)
SIZE = st.integers(1, 120) | st.just(10**6)
EVERYTHING = 10**9

# Which columns of a table name rows of which table.
REFERENCES = {
    "artist_aliases": {"artist_id": "artists"},
    "release_aliases": {"release_id": "releases"},
    "tracks": {"release_id": "releases"},
    "artist_releases": {"artist_id": "artists", "release_id": "releases"},
    "track_aliases": {"track_id": "tracks"},
    "artist_tracks": {"artist_id": "artists", "track_id": "tracks"},
    "track_lookup": {"artist_id": "artists", "album_id": "releases", "track_id": "tracks"},
}
PRIMARY_KEYS = {
    "artists": ("id",),
    "artist_aliases": ("artist_id", "alias"),
    "releases": ("id",),
    "release_aliases": ("release_id", "alias"),
    "tracks": ("id",),
    "artist_releases": ("artist_id", "release_id"),
    "track_aliases": ("track_id", "alias"),
    "artist_tracks": ("artist_id", "track_id"),
    "track_lookup": ("lookup_key",),
}


@dataclass(frozen=True)
class Batch:
    keys: Sequence[str]
    tables: Mapping[str, list[dict[str, object]]]
    phase: Phase
    before: Sequence[Batch]
    """The batches that are committed by the time that this one is, whatever the others do."""

    @property
    def ids(self) -> set[tuple[str, object]]:
        """The entities that it makes."""
        return {(name, row["id"]) for name in ("artists", "releases", "tracks") for row in self.tables.get(name, [])}

    def pairs(self, table: str, *columns: str) -> set[tuple[object, ...]]:
        return {tuple(row[column] for column in columns) for row in self.tables.get(table, [])}

    def seen(self, table: str, *columns: str) -> set[tuple[object, ...]]:
        """Return what the batch and those before it have in ``columns``."""
        return set().union(*(batch.pairs(table, *columns) for batch in (self, *self.before)))


def stored() -> Catalog:
    """Return a database with two artists, an album of both, and two tracks on it."""
    catalog = Catalog()
    catalog.add_artist(CatalogArtist(1, MBIDS[0], ["Ann"]))
    catalog.add_artist(CatalogArtist(2, None, ["Bo"]))
    catalog.add_release(CatalogRelease(1, None, ("Hits",), [1, 2]))
    catalog.add_track(CatalogTrack(1, None, ("One",), 1, [1, 2], 0))
    catalog.add_track(CatalogTrack(2, MBIDS[1], ("Two",), 1, [1], 0))
    return catalog


STORED = {("artists", 1), ("artists", 2), ("releases", 1), ("tracks", 1), ("tracks", 2)}


def make_plan(catalog: Catalog, requests: Sequence[ResolutionRequest]) -> Plan:
    planner = Planner(catalog, {})
    for request in requests:
        planner.resolve(request)
    return planner.plan


def weights(plan: Plan) -> dict[str, int]:
    """Return how many listens each key has."""
    return {key: 1 + len(key) * position % 4 for position, key in enumerate(plan.resolved)}


def make_ids(plan: Plan, earlier: NewIds = NOTHING_NEW) -> NewIds:
    """Return the ids from 100 on for what ``plan`` and those before it create."""
    return NewIds(
        range(100, 100 + len(earlier.artists) + len(plan.artists)),
        range(100, 100 + len(earlier.releases) + len(plan.releases)),
        range(100, 100 + len(earlier.tracks) + len(plan.tracks)),
    )


def batches_of(catalog: Catalog, plan: Plan, size: int, ids: NewIds | None = None) -> list[Batch]:
    """Cut the plan and make the rows of each batch, in the order of the batches."""
    resolved = resolved_keys(plan, catalog)
    needed = needs(plan, resolved)
    listens = pl.Series([weights(plan)[key] for key in resolved["lookup_key"]], dtype=pl.Int64)
    division = cut(resolved, needed, find_commit_together(catalog, resolved, needed), listens, size)
    ids = ids or make_ids(plan)
    rows = entity_rows(plan, ids, assign_ids(resolved, ids), needed, division)
    of_batch = division.join(resolved, on="position").group_by("batch").agg("lookup_key", pl.col("phase").unique())
    batches: list[Batch] = []
    for number, keys, (phase,) in of_batch.sort("batch").iter_rows():
        before = () if phase == Phase.INDEPENDENT else tuple(batch for batch in batches if batch.phase == Phase.SEED)
        batches.append(Batch(keys, tables(rows[number]), Phase(phase), before))
    return batches


def tables(rows: EntityRows) -> dict[str, list[dict[str, object]]]:
    """Return the rows by table, with the credits that are attached to albums that exist among them."""
    found = {name: frame.to_dicts() for name, frame in rows.tables.items()}
    if rows.attached.height:
        found["artist_releases"] = found.get("artist_releases", []) + rows.attached.to_dicts()
    return found


def row_counts(batches: Sequence[Batch]) -> Counter[tuple[object, ...]]:
    return Counter((name, *row.values()) for batch in batches for name, rows in batch.tables.items() for row in rows)


def dangling(batch: Batch) -> Iterator[tuple[str, object]]:
    """Yield the references to rows that another connection would not see yet."""
    there = STORED.union(batch.ids, *(earlier.ids for earlier in batch.before))
    for name, references in REFERENCES.items():
        for row in batch.tables.get(name, []):
            for column, target in references.items():
                if (target, row[column]) not in there:
                    yield target, row[column]


def orphans(batch: Batch) -> list[tuple[str, object]]:
    """Return the entities that Koito's sweep could take as soon as the batch is committed."""
    on_tracks = {artist for (artist,) in batch.pairs("artist_tracks", "artist_id")}
    with_tracks = {release for (release,) in batch.pairs("tracks", "release_id")}
    with_artists = {release for (release,) in batch.pairs("artist_releases", "release_id")}
    with_listens = {row["track_id"] for row in batch.tables["track_lookup"] if row["lookup_key"] in batch.keys}
    kept = {
        *(("artists", artist) for artist in on_tracks),
        *(("releases", release) for release in with_tracks & with_artists),
        *(("tracks", track) for track in with_listens),
    }
    return sorted(batch.ids - kept, key=str)


def idle_credits(batch: Batch) -> set[tuple[object, ...]]:
    """Return the credits on albums whose artist has no track there yet: Koito's sweep takes those too."""
    tracks = batch.seen("tracks", "id", "release_id") | {(1, 1), (2, 1)}
    of_tracks = batch.seen("artist_tracks", "artist_id", "track_id") | {(1, 1), (2, 1), (1, 2)}
    on_release = {(artist, release) for track, release in tracks for artist, other in of_tracks if other == track}
    return batch.pairs("artist_releases", "artist_id", "release_id") - on_release


def request(*artists: str, track: str, album: str, key: str | None = None) -> ResolutionRequest:
    return ResolutionRequest(key or f"{artists} {track} {album}", list(artists), None, track, album, *[None] * 6)


# The second key is the only one in its batch that another batch depends on, by Cy; but its album's credits need Ann,
# whom the first key brings.
GUEST_ON_A_SHARED_ALBUM = [
    request("Ann", "Bo", track="One", album="More"),
    request("Bo", "Cy", track="Two", album="More"),
    request("Cy", track="Three", album="One"),
]
TWO_KEYS = 2 * ROWS_PER_KEY + 4


@examples(65)
@given(REQUESTS, SIZE, st.booleans())
@example(GUEST_ON_A_SHARED_ALBUM, TWO_KEYS, False)
def test_batches_refer_to_committed_rows_only(requests: list[ResolutionRequest], size: int, has_rows: bool) -> None:
    catalog = stored() if has_rows else Catalog()
    plan = make_plan(catalog, requests)
    batches = batches_of(catalog, plan, size)

    assert Counter(key for batch in batches for key in batch.keys) == Counter(list(plan.resolved))
    for batch in batches:
        assert list(dangling(batch)) == []


@examples(65)
@given(REQUESTS, SIZE, st.booleans())
@example(GUEST_ON_A_SHARED_ALBUM, TWO_KEYS, False)
def test_no_batch_brings_an_entity_without_a_listen_of_its_own(
    requests: list[ResolutionRequest], size: int, has_rows: bool
) -> None:
    catalog = stored() if has_rows else Catalog()

    for batch in batches_of(catalog, make_plan(catalog, requests), size):
        assert orphans(batch) == []
        assert idle_credits(batch) == set()


@given(REQUESTS, SIZE, st.booleans())
def test_the_rows_are_the_same_wherever_the_plan_is_cut(
    requests: list[ResolutionRequest], size: int, has_rows: bool
) -> None:
    def rows_at(size: int) -> Counter[tuple[object, ...]]:
        catalog = stored() if has_rows else Catalog()
        return row_counts(batches_of(catalog, make_plan(catalog, requests), size))

    assert rows_at(size) == rows_at(EVERYTHING)


@given(REQUESTS, SIZE)
def test_no_row_is_written_twice(requests: list[ResolutionRequest], size: int) -> None:
    catalog = Catalog()
    batches = batches_of(catalog, make_plan(catalog, requests), size)

    for table, columns in PRIMARY_KEYS.items():
        keys = [tuple(row[column] for column in columns) for batch in batches for row in batch.tables.get(table, [])]
        assert len(keys) == len(set(keys))


@given(REQUESTS, SIZE)
def test_first_artist_of_a_credit_is_the_primary_one(requests: list[ResolutionRequest], size: int) -> None:
    catalog = Catalog()
    plan = make_plan(catalog, requests)
    batches = batches_of(catalog, plan, size)

    firsts = {
        "artist_tracks": [(track.artists[0], track.id) for track in plan.tracks],
        "artist_releases": [
            (artists[0], release.id) for artists, release in zip(plan.release_artists, plan.releases, strict=True)
        ],
    }
    for table, owned in firsts.items():
        primary = [row for batch in batches for row in batch.tables.get(table, []) if row["is_primary"]]
        positions = [tuple(value for name, value in row.items() if name.endswith("_id")) for row in primary]
        assert sorted(positions) == sorted(
            (artist - FIRST_NEW + 100, owner - FIRST_NEW + 100) for artist, owner in owned
        )


@given(REQUESTS, SIZE)
def test_size_of_batches(requests: list[ResolutionRequest], size: int) -> None:
    catalog = Catalog()
    plan = make_plan(catalog, requests)
    resolved = resolved_keys(plan, catalog)
    together = find_commit_together(catalog, resolved, needs(plan, resolved)).join(resolved, on="position")[
        "lookup_key"
    ]

    for batch in batches_of(catalog, plan, size):
        if not together.is_in(batch.keys).any():
            rows = sorted(weights(plan)[key] + ROWS_PER_KEY for key in batch.keys)
            assert sum(rows[:-1]) < size


@examples(10)
@given(st.permutations([request(name, track="One", album="More") for name in "ABCDEFGH"]))
def test_keys_that_share_nothing_are_all_free(requests: list[ResolutionRequest]) -> None:
    catalog = Catalog()
    batches = batches_of(catalog, make_plan(catalog, requests), 1)

    assert [(batch.phase, len(batch.keys)) for batch in batches] == [(Phase.INDEPENDENT, 1)] * len(requests)


def test_keys_of_one_artist_wait_for_one_of_them_only() -> None:
    requests = [request("Ann", track=f"Track {number}", album=f"Album {number}") for number in range(8)]
    catalog = Catalog()
    batches = batches_of(catalog, make_plan(catalog, requests), 1)

    assert [batch.phase for batch in batches] == [Phase.SEED] + [Phase.DEPENDENT] * 7


def test_keys_of_tracks_that_exist_wait_for_nothing() -> None:
    catalog = stored()
    plan = make_plan(catalog, [request("Ann", track="One", album="Hits"), request("Bo", track="One", album="Hits")])

    assert [batch.phase for batch in batches_of(catalog, plan, 1)] == [Phase.INDEPENDENT, Phase.INDEPENDENT]
