"""Finds pictures: of artists at Deezer, of albums at the Cover Art Archive and at Deezer. Pure but for ``ask``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.backfill.rules.findings import Candidate, Change, Field, Finding, found, missing, unsure
from etl.backfill.services import coverart, deezer, musicbrainz
from etl.backfill.services.request import Service
from etl.normalize.text import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.backfill.rules.entities import Album, Artist
    from etl.backfill.services.deezer import Picture
    from etl.backfill.services.request import Ask

_NAMES = 3  # of an artist that are tried, and artists of an album
_CLEARLY = 10  # so many times the fans of the next artist of that name


def artist_image(artist: Artist, ask: Ask) -> Finding:
    """Look for a picture of ``artist`` by exact name (but for case), the primary one first."""
    for name in artist.names[:_NAMES]:
        pictures = [one for one in ask(deezer.artist_pictures(name)) if fold(one.name) == fold(name)]
        if pictures:
            return _clearest(artist, sorted(pictures, key=lambda one: -one.fans))
    return missing(artist, "Deezer has no picture of an artist of this name")


def album_image(album: Album, ask: Ask, providers: Sequence[Service], addresses: Mapping[Service, str]) -> Finding:
    """Look for a cover of ``album``, provider by provider: by release MBID and group, or by artist and title."""
    for provider in providers:
        if provider is Service.COVERART:
            path = _front(album.mbid, ask) if album.mbid else ""
            url = path and f"{addresses[provider]}{path}"
        else:
            cover = _deezer_cover(album, ask)
            url = cover.url if cover else ""
        if url:
            return found(album, Change(Field.IMAGE, url))
    return missing(album, "no provider has a cover of an album of this title by this artist")


def _front(release: str, ask: Ask) -> str:
    """Return the path of the front cover of a release, else of its group, below the archive's address."""
    if ask(coverart.front("release", release)):
        return coverart.front_path("release", release)
    group = ask(musicbrainz.group_of_release(release))
    if group and ask(coverart.front("release-group", group)):
        return coverart.front_path("release-group", group)
    return ""


def _deezer_cover(album: Album, ask: Ask) -> Picture | None:
    artists = [musicbrainz.VARIOUS_ARTISTS] if album.various_artists else album.artists[:_NAMES]
    wanted = {fold(name) for name in artists}
    for artist in artists:
        for cover in ask(deezer.album_covers(artist, album.titles[0])):
            if fold(cover.name) == fold(album.titles[0]) and fold(cover.artist) in wanted:
                return cover
    return None


def _clearest(artist: Artist, pictures: Sequence[Picture]) -> Finding:
    """Choose among artists of one name, the one with the most fans first: that one if it is clearly meant."""
    first, *others = pictures
    if not others or first.fans >= _CLEARLY * max(1, others[0].fans):
        return found(artist, Change(Field.IMAGE, first.url))
    candidates = [Candidate(one.url, one.name, note=f"{one.fans:,} fans") for one in pictures]
    return unsure(artist, f"Deezer has {len(pictures)} artists of this name", candidates)
