"""Which pictures and covers are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.backfill.rules.entities import AlbumEntity
from etl.backfill.rules.findings import Change, Field, FindingOutcome
from etl.backfill.rules.images import find_album_image, find_artist_image
from etl.backfill.services import coverart, deezer, musicbrainz
from etl.backfill.services.request import Service
from tests.backfill.replies import mbid
from tests.backfill.rules.fakes import ANN, DEBUT, FakeFetch, parsed

if TYPE_CHECKING:
    from etl.backfill.services.request import Request

BASE_URLS = {service: f"https://{service}.example" for service in Service}
BOTH = (Service.COVERART, Service.DEEZER)


def artists_found(*fans: tuple[str, str, int]) -> tuple[Request[Any], Any]:
    """Return Deezer's answer to a search for Ann, from names, URLs and numbers of fans."""
    data = [{"name": name, "picture_xl": url, "nb_fan": number} for name, url, number in fans]
    return parsed(deezer.artist_pictures("Ann"), data=data)


def test_artist_name_must_be_equal_except_for_case() -> None:
    found = find_artist_image(ANN, FakeFetch(artists_found(("Ann Other", "https://x/1", 9), ("ANN", "https://x/2", 0))))
    assert found.changes == (Change(Field.IMAGE, "https://x/2"),)


def test_placeholders_and_invalid_urls_are_ignored() -> None:
    odd = [
        "https://x/artist//1000x1000.jpg",
        "https://x/artist/d41d8cd98f00b204e9800998ecf8427e/1.jpg",
        "",
        "ftp://x/y",
    ]
    finding = find_artist_image(ANN, FakeFetch(artists_found(*(("Ann", url, 1) for url in odd))))
    assert finding.outcome is FindingOutcome.NOT_FOUND


def test_one_of_two_artists_must_be_much_better_known() -> None:
    clear, close = (
        artists_found(("Ann", "https://x/1", 3), ("Ann", "https://x/2", 30)),
        artists_found(("Ann", "https://x/1", 4), ("Ann", "https://x/2", 30)),
    )
    assert find_artist_image(ANN, FakeFetch(clear)).changes == (Change(Field.IMAGE, "https://x/2"),)
    assert find_artist_image(ANN, FakeFetch(close)).outcome is FindingOutcome.UNSURE


def test_aliases_are_tried_if_the_first_name_is_unknown() -> None:
    annie = parsed(deezer.artist_pictures("Annie"), data=[{"name": "Annie", "picture_xl": "https://x/3"}])
    assert find_artist_image(ANN, FakeFetch(annie)).changes == (Change(Field.IMAGE, "https://x/3"),)


def test_cover_from_release_then_group_then_deezer() -> None:
    known = AlbumEntity(1, 9, mbid(3), ["Debut"], ["Ann"], None, various_artists=False)
    group = musicbrainz.group_of_release(mbid(3)), mbid(7)
    of_release = coverart.front_cover("release", mbid(3)), True
    of_group = coverart.front_cover("release-group", mbid(7)), True
    deezers = parsed(
        deezer.album_covers("Ann", "Debut"),
        data=[
            {"title": "Debut (Live)", "cover_xl": "https://x/0", "artist": {"name": "Ann"}},
            {"title": "Debut", "cover_xl": "https://x/1", "artist": {"name": "Bo"}},
            {"title": "DEBUT", "cover_xl": "https://x/2", "artist": {"name": "ann"}},
        ],
    )
    base = BASE_URLS[Service.COVERART]
    for fetch, providers, url in (
        (FakeFetch(of_release, of_group, group, deezers), BOTH, f"{base}/release/{mbid(3)}/front"),
        (FakeFetch(of_group, group, deezers), BOTH, f"{base}/release-group/{mbid(7)}/front"),
        (FakeFetch(group, deezers), BOTH, "https://x/2"),
        (FakeFetch(of_release, deezers), BOTH[::-1], "https://x/2"),
    ):
        assert find_album_image(known, fetch, providers, BASE_URLS).changes == (Change(Field.IMAGE, url),)
    assert (
        find_album_image(known, FakeFetch(deezers), (Service.COVERART,), BASE_URLS).outcome is FindingOutcome.NOT_FOUND
    )
    fetch = FakeFetch(deezers)
    find_album_image(DEBUT, fetch, BOTH, BASE_URLS)
    assert len(fetch.requested) == 1  # the archive needs an MBID
