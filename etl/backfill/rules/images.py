"""Finds pictures of artists at Deezer, and album covers at the Cover Art Archive and Deezer. Pure except ``fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.backfill.rules.findings import Candidate, Change, Field, Finding, found, not_found, unsure
from etl.backfill.services import coverart, deezer, musicbrainz
from etl.backfill.services.request import Service
from etl.normalize.text import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.backfill.rules.entities import AlbumEntity, ArtistEntity
    from etl.backfill.services.deezer import Picture
    from etl.backfill.services.request import Fetch

_MAX_NAMES = 3  # names of an artist, or artists of an album, that are tried
_FAN_RATIO = 10  # of several artists with one name, the first must have this many times the fans of the second


def find_artist_image(artist: ArtistEntity, fetch: Fetch) -> Finding:
    """Find a picture of ``artist`` by exact name, ignoring case; the primary name is tried first."""
    for name in artist.names[:_MAX_NAMES]:
        pictures = [one for one in fetch(deezer.artist_pictures(name)) if fold(one.name) == fold(name)]
        if pictures:
            return _best_known(artist, sorted(pictures, key=lambda one: -one.fans))
    return not_found(artist, "Deezer has no picture of an artist of this name")


def find_album_image(
    album: AlbumEntity, fetch: Fetch, providers: Sequence[Service], base_urls: Mapping[Service, str]
) -> Finding:
    """Find a cover of ``album``, provider by provider: by MBID at the archive, by artist and title at Deezer."""
    for provider in providers:
        if provider is Service.COVERART:
            path = _archive_path(album.mbid, fetch) if album.mbid else ""
            url = path and f"{base_urls[provider]}{path}"
        else:
            url = _deezer_url(album, fetch)
        if url:
            return found(album, Change(Field.IMAGE, url))
    return not_found(album, "no provider has a cover of an album of this title by this artist")


def _archive_path(release: str, fetch: Fetch) -> str:
    """Return the archive's path of the front cover of a release, else of its group, else an empty text."""
    if fetch(coverart.front_cover("release", release)):
        return coverart.front_cover_path("release", release)
    group = fetch(musicbrainz.group_of_release(release))
    if group and fetch(coverart.front_cover("release-group", group)):
        return coverart.front_cover_path("release-group", group)
    return ""


def _deezer_url(album: AlbumEntity, fetch: Fetch) -> str:
    artists = [musicbrainz.VARIOUS_ARTISTS] if album.various_artists else album.artists[:_MAX_NAMES]
    wanted = {fold(name) for name in artists}
    for artist in artists:
        for cover in fetch(deezer.album_covers(artist, album.titles[0])):
            if fold(cover.name) == fold(album.titles[0]) and fold(cover.artist) in wanted:
                return cover.url
    return ""


def _best_known(artist: ArtistEntity, pictures: Sequence[Picture]) -> Finding:
    """Choose the first of ``pictures``, which are sorted by fans, if its artist is by far the best known."""
    first, *others = pictures
    if not others or first.fans >= _FAN_RATIO * max(1, others[0].fans):
        return found(artist, Change(Field.IMAGE, first.url))
    candidates = [Candidate(one.url, one.name, note=f"{one.fans:,} fans") for one in pictures]
    return unsure(artist, f"Deezer has {len(pictures)} artists of this name", candidates)
