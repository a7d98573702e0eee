"""Assigns the aliases in an export to entities, and finds those that an entity lacks. Pure.

An alias belongs to the entity with the request's MBID, else to the one with the request's name. If that entity and the
request both have MBIDs, they are two entities with the same name, and the alias is not added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from etl.core.schema import CANONICAL
from etl.resolve.catalog import CatalogArtist

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from etl.resolve.catalog import Catalog, CatalogEntity, CatalogTrack
    from etl.resolve.requests import AliasRow, ResolutionRequest


class NewAlias(NamedTuple):
    """An alias to add to an ``entity`` (artist, album or track), an existing one or one that the plan creates."""

    entity: str
    number: int
    alias: str
    source: str


class AliasAssigner:
    """Finds the aliases that entities lack, each once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: set[tuple[str, int, str]] = set()

    def assign(
        self, request: ResolutionRequest, aliases: Sequence[AliasRow], track_id: int, made_before: Mapping[str, int]
    ) -> tuple[list[NewAlias], dict[tuple[str, int], str]]:
        """Return which of ``aliases`` the entities of ``request``, whose track is ``track_id``, lack.

        The second value has the sources of new primary names, by entity and id. ``made_before`` has, by entity, the
        first id of those that this request created.
        """
        added: list[NewAlias] = []
        sources: dict[tuple[str, int], str] = {}
        track = self._catalog.tracks.get(track_id)
        if track is None:
            return added, sources
        album = self._catalog.releases.get(track.release)
        titles = (request.album, request.raw_album) if request.album else (request.track, request.raw_track)
        owners: dict[tuple[str, str | None], CatalogEntity | None] = {
            ("track", None): track
            if _is_it(track, request.recording_mbid, (request.track, request.raw_track))
            else None,
            ("album", None): album if album is not None and _is_it(album, request.release_mbid, titles) else None,
        }
        for row in aliases:
            named = (row["entity"], row["of"])
            if named not in owners:
                owners[named] = self._credited_as(request, row["of"], track)
            owner = owners[named]
            if owner is None:
                continue
            if row["alias"] not in _names(owner):
                added += self._unseen(NewAlias(row["entity"], owner.id, row["alias"], row["source"]), owner)
            elif row["is_primary"] and row["source"] != CANONICAL and owner.id >= made_before[row["entity"]]:
                sources[row["entity"], owner.id] = row["source"]
        return added, sources

    def _credited_as(self, request: ResolutionRequest, name: str | None, track: CatalogTrack) -> CatalogArtist | None:
        """Return the artist of ``track`` that ``request`` calls ``name``."""
        if name not in request.artists:
            return None
        position = request.artists.index(name)
        mbids = request.artist_mbids or ()
        mbid = mbids[position] if len(mbids) == len(request.artists) else None
        spellings = (name, request.raw_artists[position] if request.raw_artists else None)
        credited = [self._catalog.artists[number] for number in track.artists if number in self._catalog.artists]
        by_mbid = (artist for artist in credited if mbid and artist.mbid == mbid)
        return next(by_mbid, None) or next((artist for artist in credited if _is_it(artist, mbid, spellings)), None)

    def _unseen(self, alias: NewAlias, owner: CatalogEntity) -> list[NewAlias]:
        if alias[:3] in self._seen:
            return []
        self._seen.add(alias[:3])
        if isinstance(owner, CatalogArtist):
            self._catalog.add_alias(owner, alias.alias)
        return [alias]


def _names(entity: CatalogEntity) -> Sequence[str]:
    return entity.aliases if isinstance(entity, CatalogArtist) else entity.titles


def _is_it(entity: CatalogEntity, mbid: str | None, spellings: Sequence[str | None]) -> bool:
    """Say whether a request with ``mbid`` and one of ``spellings`` means ``entity``."""
    if mbid and entity.mbid:
        return mbid == entity.mbid
    return any(spelling in _names(entity) for spelling in spellings if spelling)
