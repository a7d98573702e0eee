"""Makes catalogs and listens by hand, to test the rules of resolution without a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from etl.core.schema import EXTRACTED
from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.normalize.listens import Rules, normalize
from etl.resolve.catalog import Catalog, CatalogArtist, CatalogRelease, CatalogTrack
from etl.resolve.planner import Plan, Planner
from etl.resolve.requests import Ids, ResolutionRequest, distinct_requests

RED, BLUE, GREEN = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")


@dataclass
class World:
    """A miniature database, and the result of a plan on it."""

    catalog: Catalog = field(default_factory=Catalog)
    hits: dict[str, Ids] = field(default_factory=dict)

    def artist(self, number: int, *names: str, mbid: str | None = None) -> World:
        self.catalog.add_artist(CatalogArtist(number, mbid, list(names)))
        return self

    def release(self, number: int, title: str, *artists: int, mbid: str | None = None) -> World:
        self.catalog.add_release(CatalogRelease(number, mbid, (title,), list(artists)))
        return self

    def track(
        self, number: int, title: str, release: int, *artists: int, mbid: str | None = None, duration: int = 0
    ) -> World:
        self.catalog.add_track(CatalogTrack(number, mbid, (title,), release, list(artists), duration))
        return self

    def hit(self, key: str, artist: int, album: int, track: int) -> World:
        self.hits[key] = Ids(artist, album, track)
        return self

    def plan(self, *listens: ResolutionRequest) -> Plan:
        planner = Planner(self.catalog, self.hits)
        for request in listens:
            planner.resolve(request)
        return planner.plan


def one_song() -> World:
    """Return a world with artist 1, who has album 1 with track 1."""
    return World().artist(1, "Ann").release(1, "Debut", 1).track(1, "Song", 1, 1)


def listen(
    *artists: str,
    track: str = "Song",
    album: str | None = "Debut",
    key: str | None = None,
    mbids: list[str | None] | None = None,
    release: str | None = None,
    recording: str | None = None,
    duration: int | None = None,
    raw: tuple[list[str] | None, str | None, str | None] = (None, None, None),
) -> ResolutionRequest:
    own_key = key or "|".join(str(part) for part in (artists, track, album, mbids, release, recording, duration))
    return ResolutionRequest(own_key, list(artists), mbids, track, album, release, recording, duration, *raw)


def tracks_of(plan: Plan) -> list[int]:
    return [ids.track for ids in plan.resolved.values()]


def plan_of_rows(catalog: Catalog, *rows: dict[str, Any]) -> Plan:
    """Return the plan of rows as a format's reader returns them, one second apart."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    given = [
        {**dict.fromkeys(EXTRACTED), "row": number, "listened_at": start.replace(second=number), **row}
        for number, row in enumerate(rows, start=1)
    ]
    rules = Rules(datetime(2024, 1, 1, tzinfo=UTC), compile_separators(DEFAULT_SEPARATORS))
    extracted = pl.DataFrame(given, schema=EXTRACTED)
    found = normalize(extracted, "file", "test", datetime(2002, 1, 1, tzinfo=UTC), rules)
    assert found.listens.height == len(rows)
    return Planner(catalog, {}).resolve_all(distinct_requests(found.listens))
