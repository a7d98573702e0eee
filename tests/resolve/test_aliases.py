"""Which entities get the aliases in an export, and the sources of new primary names. No database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.resolve.aliases import NewAlias
from etl.resolve.catalog import FIRST_NEW
from tests.helpers.plans import BLUE, RED, World, listen, one_song

if TYPE_CHECKING:
    from etl.resolve.planner import Plan
    from etl.resolve.requests import AliasRow, ResolutionRequest


def alias(entity: str, name: str, source: str = "Manual", *, of: str | None = None, primary: bool = False) -> AliasRow:
    return {"entity": entity, "of": of, "alias": name, "source": source, "is_primary": primary}


def naming(request: ResolutionRequest, *aliases: AliasRow, various: bool | None = None) -> ResolutionRequest:
    return request._replace(aliases=list(aliases), various_artists=various)


ANN = listen("Ann", key="k")
ANNIE = alias("artist", "Annie", of="Ann")


def added(plan: Plan) -> list[tuple[str, int, str]]:
    return [(one.entity, one.number, one.alias) for one in plan.aliases]


def test_new_entities_get_aliases_and_sources() -> None:
    plan = World().plan(
        naming(
            listen("Ann", "Bo"),
            alias("artist", "Ann", "Manual", of="Ann", primary=True),
            alias("artist", "Annie", "MusicBrainz", of="Ann"),
            alias("artist", "Bobby", "Manual", of="Bo"),
            alias("album", "Debut", "Canonical", primary=True),
            alias("album", "Erstling", "MusicBrainz"),
            alias("track", "Song", "Import", primary=True),
            alias("track", "Lied", "Import"),
        )
    )
    assert plan.aliases == [
        NewAlias("artist", FIRST_NEW, "Annie", "MusicBrainz"),
        NewAlias("artist", FIRST_NEW + 1, "Bobby", "Manual"),
        NewAlias("album", FIRST_NEW, "Erstling", "MusicBrainz"),
        NewAlias("track", FIRST_NEW, "Lied", "Import"),
    ]
    assert plan.sources == {("artist", FIRST_NEW): "Manual", ("track", FIRST_NEW): "Import"}
    assert [artist.aliases[0] for artist in plan.artists] == ["Ann", "Bo"]


def test_existing_entities_get_missing_aliases() -> None:
    world = World().artist(1, "Ann", "Annie").release(1, "Debut", 1).track(1, "Song", 1, 1)
    plan = world.plan(
        naming(
            ANN,
            alias("artist", "Ann", "Manual", of="Ann", primary=True),
            ANNIE,
            alias("artist", "A.", of="Ann"),
            alias("album", "Erstling"),
            alias("track", "Lied"),
        )
    )
    assert added(plan) == [("artist", 1, "A."), ("album", 1, "Erstling"), ("track", 1, "Lied")]
    assert plan.sources == {}


def test_primary_name_becomes_an_alias_of_an_entity_with_another() -> None:
    world = World().artist(1, "Ann Wells", mbid=RED).release(1, "Debut", 1, mbid=RED).track(1, "Song", 1, 1, mbid=RED)
    plan = world.plan(
        naming(
            listen("Ann", track="Lied", album="Erstling", mbids=[RED], release=RED, recording=RED),
            alias("artist", "Ann", "Canonical", of="Ann", primary=True),
            alias("album", "Erstling", "Canonical", primary=True),
            alias("track", "Lied", "Canonical", primary=True),
        )
    )
    assert added(plan) == [("artist", 1, "Ann"), ("album", 1, "Erstling"), ("track", 1, "Lied")]
    assert not plan.artists + plan.releases + plan.tracks


def test_new_alias_matches_later_requests() -> None:
    plan = World().plan(naming(ANN, ANNIE), listen("Annie", key="later"))
    assert plan.resolved["later"] == plan.resolved["k"]
    assert len(plan.artists) == 1


def test_lowest_id_of_several_artists_with_an_alias() -> None:
    world = World().artist(1, "Ann").artist(2, "Annie").release(1, "Debut", 1).track(1, "Song", 1, 1)
    plan = world.plan(listen("Annie", key="before"), naming(ANN, ANNIE), listen("Annie", track="Later", key="after"))
    assert [plan.resolved[key].artist for key in ("before", "after")] == [2, 1]


def test_the_same_alias_is_added_once() -> None:
    lied = alias("track", "Lied")
    plan = one_song().plan(naming(ANN, lied, ANNIE), naming(listen("Ann", key="j"), lied, ANNIE))
    assert added(plan) == [("track", 1, "Lied"), ("artist", 1, "Annie")]


def test_first_request_decides_the_source_of_a_name() -> None:
    manual = alias("artist", "Ann", of="Ann", primary=True)
    plan = World().plan(ANN, naming(listen("Ann", key="j"), manual))
    assert plan.sources == {}
    assert plan.aliases == []


def test_cached_key_adds_aliases_to_its_own_track() -> None:
    aliases = (ANNIE, alias("album", "Erstling"), alias("track", "Lied"))
    assert len(added(one_song().hit("k", 1, 1, 1).plan(naming(ANN, *aliases)))) == 3
    moved = one_song().hit("k", 1, 1, 1)
    other = listen("Cy", track="Elsewhere", album="Best of", key="k")
    assert added(moved.plan(naming(other, alias("artist", "Cyril", of="Cy"), *aliases[1:]))) == []


@pytest.mark.parametrize(("held", "given", "is_added"), [(RED, BLUE, False), (RED, RED, True), (RED, None, True)])
def test_of_two_mbids_that_differ_the_alias_is_of_the_other(held: str, given: str | None, is_added: bool) -> None:
    world = World().artist(1, "Ann", mbid=held).release(1, "Debut", 1, mbid=held).track(1, "Song", 1, 1, mbid=held)
    request = listen("Ann", key="k", mbids=[given], release=given, recording=given)
    plan = world.hit("k", 1, 1, 1).plan(naming(request, ANNIE, alias("album", "Erstling"), alias("track", "Lied")))
    assert len(added(plan)) == 3 * is_added


def test_an_alias_of_an_artist_who_is_not_credited_is_dropped() -> None:
    world = one_song().artist(2, "Bo")
    assert added(world.plan(naming(ANN, alias("artist", "Bobby", of="Bo")))) == []


def test_mbid_decides_between_artists_with_one_name() -> None:
    world = World().artist(1, "Ann").artist(2, "Someone", "Ann", mbid=RED)
    world.release(1, "Debut", 1, 2).track(1, "Song", 1, 1, 2).hit("k", 1, 1, 1)
    assert added(world.plan(naming(listen("Ann", key="k", mbids=[RED]), ANNIE))) == [("artist", 2, "Annie")]


def test_artist_known_by_the_raw_text_gets_the_alias() -> None:
    world = World().artist(1, "Zoe\u0308").release(1, "Debut", 1).track(1, "Song", 1, 1)
    request = listen("Zoë", key="k", raw=(["Zoe\u0308"], None, None))
    assert added(world.plan(naming(request, alias("artist", "Zo", of="Zoë")))) == [("artist", 1, "Zo")]


def test_a_track_that_vanished_gets_nothing() -> None:
    assert World().hit("k", 1, 1, 1).plan(naming(ANN, ANNIE)).aliases == []


def test_various_artists_flag_of_new_and_old_albums() -> None:
    plan = one_song().plan(
        naming(listen("Ann", track="Other"), various=True),
        naming(listen("Ann", album="Hits"), various=True),
        naming(listen("Ann", album="Hits", track="Two"), various=False),
        naming(listen("Ann", album="Best of"), various=None),
        naming(listen("Ann", album="Best of", track="Two"), various=True),
    )
    assert [release.various_artists for release in plan.releases] == [True, False]
