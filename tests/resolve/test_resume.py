"""If a run ends after some batches of a plan, planning the rest resolves to the same entities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.resolve.batches import Phase
from etl.resolve.catalog import Catalog, CatalogArtist, CatalogRelease, CatalogTrack
from etl.resolve.planner import Plan, Planner
from etl.resolve.requests import Ids, ResolutionRequest
from tests.helpers.examples import examples
from tests.resolve.test_batches import MBID, Batch, batches_of, make_plan, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

pytestmark = pytest.mark.slow

Rows = dict[str, list[dict[str, Any]]]
SMALL = st.integers(1, 40)
"""Rows of a batch: one key or a few."""


def _request(artists: list[str], track: str, album: str | None, **mbids: Any) -> ResolutionRequest:  # noqa: ANN401
    fields = {**dict.fromkeys(ResolutionRequest._fields), "artists": artists, "track": track, "album": album, **mbids}
    return ResolutionRequest(**{**fields, "key": f"{'+'.join(artists)}|{track}|{album}"})


def _divided(track: str, album: str | None) -> ResolutionRequest:
    """Return a request for a credit of two artists that is one artist's where there is one of that name."""
    whole = _request(["Ann ft. Bo"], track, album)
    return whole._replace(artists=["Ann", "Bo"], as_one=["Ann ft. Bo"])


PLAIN = {
    "artists": st.lists(st.sampled_from(["Ann", "Bo", "Cy", "Ann ft. Bo"]), min_size=1, max_size=3, unique=True),
    "track": st.sampled_from(["One", "Two"]),
    "album": st.sampled_from([None, "One", "Hits", "More"]),
}
GIVEN = {
    "artist_mbids": st.none() | st.lists(MBID, min_size=1, max_size=3),
    "release_mbid": MBID,
    "recording_mbid": MBID,
    "duration": st.sampled_from([None, 100, 200]),
}
DIVIDED = st.builds(_divided, PLAIN["track"], PLAIN["album"])
REQUESTS = st.lists(st.builds(_request, **PLAIN) | DIVIDED, min_size=1, max_size=14)
REQUESTS_WITH_MBIDS = st.lists(st.builds(_request, **PLAIN, **GIVEN) | DIVIDED, min_size=1, max_size=14)


def committed(batches: Sequence[Batch], chance: st.DataObject) -> list[Batch]:
    """Draw batches that may be committed when a run ends: seeds in order, others after what they wait for."""
    seeds = [batch for batch in batches if batch.phase == Phase.SEED]
    done = seeds[: chance.draw(st.integers(0, len(seeds)), label="seeds")]
    open_phases = (Phase.INDEPENDENT, Phase.DEPENDENT) if len(done) == len(seeds) else (Phase.INDEPENDENT,)
    others = [batch for batch in batches if batch.phase in open_phases]
    return done + [batch for batch in others if chance.draw(st.booleans(), label=str(batch.keys))]


def database(has_rows: bool) -> Catalog:
    return stored() if has_rows else Catalog()


def reopen(has_rows: bool, batches: Iterable[Batch]) -> tuple[Catalog, dict[str, Ids]]:
    """Return the catalog and the hits that a run finds after ``batches`` were committed."""
    catalog = database(has_rows)
    hits: dict[str, Ids] = {}
    rows: Rows = {}
    for batch in batches:
        for table, more in batch.tables.items():
            rows.setdefault(table, []).extend(more)

    def get(table: str, column: str, value: int) -> list[dict[str, Any]]:
        return [row for row in rows.get(table, []) if row[column] == value]

    for row in sorted(rows.get("artists", []), key=lambda row: row["id"]):
        names = [alias["alias"] for alias in get("artist_aliases", "artist_id", row["id"])]
        catalog.add_artist(CatalogArtist(row["id"], _mbid(row), names))
    for row in sorted(rows.get("releases", []), key=lambda row: row["id"]):
        titles = [alias["alias"] for alias in get("release_aliases", "release_id", row["id"])]
        credited = [link["artist_id"] for link in get("artist_releases", "release_id", row["id"])]
        catalog.add_release(CatalogRelease(row["id"], _mbid(row), titles, credited))
    for link in get("artist_releases", "release_id", 1) if has_rows else ():
        if link["artist_id"] not in catalog.releases[1].artists:
            catalog.attach(catalog.releases[1], link["artist_id"])
    for row in sorted(rows.get("tracks", []), key=lambda row: row["id"]):
        titles = [alias["alias"] for alias in get("track_aliases", "track_id", row["id"])]
        links = sorted(get("artist_tracks", "track_id", row["id"]), key=lambda link: not link["is_primary"])
        credited = [link["artist_id"] for link in links]
        catalog.add_track(CatalogTrack(row["id"], _mbid(row), titles, row["release_id"], credited, row["duration"]))
    for row in rows.get("track_lookup", []):
        hits[row["lookup_key"]] = Ids(row["artist_id"], row["album_id"], row["track_id"])
    return catalog, hits


def _mbid(row: dict[str, Any]) -> str | None:
    mbid: str | None = row["musicbrainz_id"]
    return mbid


def outcome(catalog: Catalog, plan: Plan) -> object:
    """Return what the keys refer to, without ids; and every album."""

    def artist(number: int) -> object:
        found = catalog.artists[number]
        return found.aliases[0], found.mbid

    def album(number: int) -> object:
        found = catalog.releases[number]
        return found.titles[0], found.mbid, sorted(map(str, map(artist, found.artists)))

    def track(number: int) -> object:
        found = catalog.tracks[number]
        credited = sorted(map(str, map(artist, found.artists)))
        return found.titles[0], found.mbid, found.duration, credited, album(found.release)

    keys = {key: (artist(ids.artist), album(ids.album), track(ids.track)) for key, ids in plan.ids.items()}
    return (
        keys,
        sorted(map(str, map(artist, catalog.artists))),
        sorted(map(str, map(album, catalog.releases))),
        sorted(map(str, map(track, catalog.tracks))),
    )


def check(requests: list[ResolutionRequest], size: int, has_rows: bool, chance: st.DataObject) -> None:
    whole = database(has_rows)
    plan = make_plan(whole, requests)
    batches = batches_of(whole, plan, size)
    catalog, hits = reopen(has_rows, committed(batches, chance))
    planner = Planner(catalog, hits)
    for one in requests:
        planner.resolve(one)
    assert outcome(catalog, planner.plan) == outcome(whole, plan)


@examples(65)
@given(REQUESTS, SMALL, st.booleans(), st.data())
def test_rest_of_an_interrupted_plan_resolves_equally(
    requests: list[ResolutionRequest], size: int, has_rows: bool, data: st.DataObject
) -> None:
    check(requests, size, has_rows, data)


@examples(65)
@given(REQUESTS_WITH_MBIDS, SMALL, st.booleans(), st.data())
def test_mbids_lead_to_the_same_in_what_is_left_of_a_plan(
    requests: list[ResolutionRequest], size: int, has_rows: bool, data: st.DataObject
) -> None:
    check(requests, size, has_rows, data)
