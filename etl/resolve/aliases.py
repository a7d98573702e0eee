"""Assigns the aliases in an export to entities, and finds those that an entity lacks. Pure.

An alias belongs to the entity with the request's MBID, else to the one with the request's name, unless both have MBIDs:
these are two entities with the same name.
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


class AliasKeeper:
    """Collects the aliases that entities lack in ``added``, and the sources of new primary names in ``sources``."""

    def __init__(self, catalog: Catalog, added: list[NewAlias], sources: dict[tuple[str, int], str]) -> None:
        self._catalog = catalog
        self._added = added
        self._sources = sources
        self._seen: set[tuple[str, int, str]] = set()

    def keep(
        self, request: ResolutionRequest, aliases: Sequence[AliasRow], track_id: int, made_before: Mapping[str, int]
    ) -> None:
        """Add to the entities of ``request``, whose track is ``track_id``, those of ``aliases`` that they lack.

        ``made_before`` has, by entity, the first id of those that this request created.
        """
        track = self._catalog.tracks.get(track_id)
        if track is None:
            return
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
            if (owner := owners[named]) is not None:
                self._keep(row, owner, is_new=owner.id >= made_before[row["entity"]])

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

    def _keep(self, row: AliasRow, owner: CatalogEntity, *, is_new: bool) -> None:
        entity, alias, source = row["entity"], row["alias"], row["source"]
        names = owner.aliases if isinstance(owner, CatalogArtist) else owner.titles
        if alias in names:
            if is_new and row["is_primary"] and source != CANONICAL:
                self._sources[entity, owner.id] = source
        elif (entity, owner.id, alias) not in self._seen:
            self._seen.add((entity, owner.id, alias))
            self._added.append(NewAlias(entity, owner.id, alias, source))
            if isinstance(owner, CatalogArtist):
                self._catalog.add_alias(owner, alias)


def _is_it(entity: CatalogEntity, mbid: str | None, spellings: Sequence[str | None]) -> bool:
    """Say whether a request with ``mbid`` and one of ``spellings`` means ``entity``."""
    if mbid and entity.mbid:
        return mbid == entity.mbid
    names = entity.aliases if isinstance(entity, CatalogArtist) else entity.titles
    return any(spelling in names for spelling in spellings if spelling)
