"""Applies Koito's rules of resolution to a snapshot: which ids a request gets, and which rows must be written. Pure.

The rules are sequential: each request sees the entities that earlier ones created. They are those of ``SubmitListen``
in Koito v0.1.7; intended differences are in the README under "How a listen finds its track".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from etl.normalize.text import fold
from etl.resolve.aliases import AliasAssigner
from etl.resolve.catalog import Catalog, CatalogArtist, CatalogRelease, CatalogTrack, FirstNew
from etl.resolve.requests import Ids, ResolutionRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from etl.resolve.aliases import NewAlias

REQUEST_COLUMNS = ("lookup_key", *(name for name in ResolutionRequest._fields if name != "key"))


class Plan(msgspec.Struct):
    """The entities to write, in order of creation, and the ids of each key."""

    first_new: FirstNew = msgspec.field(default_factory=FirstNew)
    """Where the placeholders of this plan's own entities begin."""
    ids: dict[str, Ids] = msgspec.field(default_factory=dict)
    """The ids of every key that this plan, or one before it, has seen."""
    resolved: dict[str, Ids] = msgspec.field(default_factory=dict)
    """The ids of keys that were not cached, and that no earlier plan resolved."""
    artists: list[CatalogArtist] = msgspec.field(default_factory=list)
    releases: list[CatalogRelease] = msgspec.field(default_factory=list)
    """New releases; their ``artists`` are those of their first request, then ``attached`` ones."""
    release_artists: list[list[int]] = msgspec.field(default_factory=list)
    """For each new release, the artists that it was created with."""
    release_keys: list[str] = msgspec.field(default_factory=list)
    """For each new release, the key that created it."""
    tracks: list[CatalogTrack] = msgspec.field(default_factory=list)
    attached: list[tuple[int, int, str]] = msgspec.field(default_factory=list)
    """(artist, release, key): artists that a request adds to an earlier release."""
    artist_mbids: dict[int, str] = msgspec.field(default_factory=dict)
    release_mbids: dict[int, str] = msgspec.field(default_factory=dict)
    track_mbids: dict[int, str] = msgspec.field(default_factory=dict)
    durations: dict[int, int] = msgspec.field(default_factory=dict)
    """The MBIDs and durations to add to existing entities, by id or by the placeholder that an earlier plan gave."""
    aliases: list[NewAlias] = msgspec.field(default_factory=list)
    """Aliases to add; none of them becomes a primary name."""
    sources: dict[tuple[str, int], str] = msgspec.field(default_factory=dict)
    """The source of the primary name of a new (entity, id), if it is not a submitted listen."""
    notes: dict[str, str] = msgspec.field(default_factory=dict)
    """Notes on MBIDs that were not stored, by key."""

    def next_new(self) -> FirstNew:
        """Return the placeholders of the entities that would be created next."""
        first = self.first_new
        return FirstNew(
            first.artists + len(self.artists), first.releases + len(self.releases), first.tracks + len(self.tracks)
        )


class Planner:
    """Applies the rules to one request after another; ``plan`` holds what has to be written for them."""

    def __init__(self, catalog: Catalog, hits: Mapping[str, Ids]) -> None:
        self.catalog = catalog
        self.plan = Plan(ids=dict(hits))
        self._aliases = AliasAssigner(catalog)

    def begin_plan(self, hits: dict[str, Ids]) -> None:
        """Begin a new plan, which sees what those before it create; ``hits`` are cached keys that it adds."""
        self.plan = Plan(self.plan.next_new(), self.plan.ids | hits)
        self.catalog.commit_together.clear()  # earlier plans are committed earlier

    def resolve_all(self, requests: pl.DataFrame) -> Plan:
        """Resolve ``requests`` (schema REQUESTS) in their order and return the plan."""
        columns = [requests.get_column(name).to_list() for name in REQUEST_COLUMNS]
        for request in map(ResolutionRequest._make, zip(*columns, strict=True)):
            self.resolve(request)
        return self.plan

    def resolve(self, request: ResolutionRequest) -> None:
        """Find or create the entities of ``request``; for a known key, only add what its entities lack."""
        request = self._with_credit_as_one(request)
        known = self.plan.ids.get(request.key)
        made_before = self._made() if request.aliases else {}
        is_new = known is None
        if known is None:
            by_recording = self._find_recording(request.recording_mbid) if request.recording_mbid else None
            made = len(self.plan.tracks)
            known = by_recording or self._find_or_create(request)
            if known.track >= self.plan.first_new.tracks and len(self.plan.tracks) == made:
                self._keep_together(self.catalog.tracks[known.track])
            self.plan.ids[request.key] = self.plan.resolved[request.key] = known
        if request.aliases:  # before MBIDs are added, because MBIDs decide which entity an alias belongs to
            found, sources = self._aliases.assign(request, request.aliases, known.track, made_before)
            self.plan.aliases += found
            self.plan.sources |= sources
        if request.duration or request.recording_mbid or request.release_mbid or request.artist_mbids:
            self._enrich(request, known)
            if is_new:
                self._note_missed(request, known)
        if is_new and request.as_one:
            self.catalog.missed_names.setdefault(request.as_one[0], []).append(known.track)

    def _with_credit_as_one(self, request: ResolutionRequest) -> ResolutionRequest:
        """Return ``request`` with its whole credit as one artist, if the database or the plan has one of that name."""
        if not request.as_one or request.as_one[0] not in self.catalog.artists_named:
            return request
        return request._replace(artists=request.as_one, raw_artists=None, as_one=None)

    def _note_missed(self, request: ResolutionRequest, ids: Ids) -> None:
        """Record the MBIDs that no entity has: an entity with one of them might have been matched instead."""
        catalog = self.catalog
        given = [("tracks", request.recording_mbid, catalog.track_of_mbid)]
        given.append(("releases", request.release_mbid, catalog.release_of_mbid))
        given += [("artists", mbid, catalog.artist_of_mbid) for mbid in request.artist_mbids or ()]
        for entity, mbid, owners in given:
            if mbid and mbid not in owners:
                catalog.missed.setdefault((entity, mbid), []).append(ids.track)

    def _keep_together(self, track: CatalogTrack) -> None:
        """Require that the keys of ``track`` are committed together: its MBID finds it whatever the artists are."""
        if track.mbid:
            self.catalog.commit_together.append((("tracks", track.id), ("tracks", track.id)))

    def _made(self) -> dict[str, int]:
        """Return the placeholder of the next new entity of each kind."""
        return dict(zip(("artist", "album", "track"), self.plan.next_new(), strict=True))

    def _find_recording(self, mbid: str) -> Ids | None:
        """Return the ids of the track with the recording's MBID, on whatever release; nothing is created."""
        number = self.catalog.track_of_mbid.get(mbid)
        track = self.catalog.tracks.get(number) if number else None
        if track is None or not track.artists:
            return None
        return Ids(track.artists[0], track.release, track.id)

    def _find_or_create(self, request: ResolutionRequest) -> Ids:
        artists = self._credit(request)
        release = self._release(request, artists)
        for artist in artists:
            if artist not in release.artists:
                self.catalog.attach(release, artist)
                self.plan.attached.append((artist, release.id, request.key))
        track = self._track(request, release, artists)
        return Ids(artists[0], release.id, track.id)

    def _credit(self, request: ResolutionRequest) -> list[int]:
        """Return the ids of the request's artists, each once, in order."""
        if len(request.artists) == 1 and not request.artist_mbids:
            return [self._artist(request.artists[0], request.raw_artists[0] if request.raw_artists else None, None)]
        mbids = request.artist_mbids or []
        aligned = len(mbids) == len(request.artists)
        known: list[int] = []
        if mbids and not aligned:
            found = [self.catalog.artist_of_mbid.get(mbid or "") for mbid in mbids]
            known = list(dict.fromkeys(number for number in found if number))
            if all(found) and len(known) >= len(request.artists):
                return known
        ids: list[int] = []
        for position, name in enumerate(request.artists):
            mbid = mbids[position] if aligned else None
            if mbid is None and ids and self._is_credited(name, ids):
                continue
            raw = request.raw_artists[position] if request.raw_artists else None
            number = self._answering(name, known) or self._artist(name, raw, mbid)
            if number not in ids:
                ids.append(number)
        return ids

    def _is_credited(self, name: str, ids: list[int]) -> bool:
        return self._answering(name, ids) is not None

    def _answering(self, name: str, ids: list[int]) -> int | None:
        """Return the first of the artists ``ids`` that has the name ``name``, ignoring case."""
        folded = fold(name) if ids else ""
        return next((number for number in ids if self.catalog.artists[number].has_name(folded)), None)

    def _artist(self, name: str, raw: str | None, mbid: str | None) -> int:
        if mbid and (number := self.catalog.artist_of_mbid.get(mbid)):
            return number
        for spelling in (name, raw):
            for number in self.catalog.artists_named.get(spelling, ()) if spelling else ():
                if not mbid or not self.catalog.artists[number].mbid:
                    if mbid:
                        self._set_artist_mbid(self.catalog.artists[number], mbid)
                    return number
        artist = CatalogArtist(self.plan.first_new.artists + len(self.plan.artists), mbid, [name])
        self.plan.artists.append(artist)
        self.catalog.add_artist(artist)
        return artist.id

    def _release(self, request: ResolutionRequest, artists: list[int]) -> CatalogRelease:
        """Find the release by MBID, else by title and first artist, else create it; a missing title is the track's."""
        title, raw = (request.album, request.raw_album) if request.album else (request.track, request.raw_track)
        if request.release_mbid and (number := self.catalog.release_of_mbid.get(request.release_mbid)):
            return self.catalog.releases[number]
        for spelling in (title, raw):
            number = self.catalog.release_titled.get((spelling, artists[0])) if spelling else None
            if number is not None:
                release = self.catalog.releases[number]
                self._offer_release_mbid(request, release)
                return release
        number = self.plan.first_new.releases + len(self.plan.releases)
        release = CatalogRelease(number, request.release_mbid, (title,), list(artists), bool(request.various_artists))
        self.plan.releases.append(release)
        self.plan.release_artists.append(list(artists))
        self.plan.release_keys.append(request.key)
        self.catalog.add_release(release)
        return release

    def _track(self, request: ResolutionRequest, release: CatalogRelease, artists: list[int]) -> CatalogTrack:
        """Find the track by title on the release, among those with at least these artists, else create it."""
        for spelling in (request.track, request.raw_track):
            for number in self.catalog.tracks_titled.get((spelling, release.id), ()) if spelling else ():
                track = self.catalog.tracks[number]
                if all(artist in track.artists for artist in artists):
                    return track
        track = CatalogTrack(
            id=self.plan.first_new.tracks + len(self.plan.tracks),
            mbid=request.recording_mbid if request.recording_mbid not in self.catalog.track_of_mbid else None,
            titles=(request.track,),
            release=release.id,
            artists=artists,
            duration=request.duration or 0,
        )
        self.plan.tracks.append(track)
        self.catalog.add_track(track)
        return track

    def _enrich(self, request: ResolutionRequest, ids: Ids) -> None:
        """Add the request's MBIDs and duration to entities that have none; nothing is overwritten."""
        track = self.catalog.tracks.get(ids.track)
        if track is None:
            return
        if request.duration and not track.duration:
            track.duration = request.duration
            if track.id < self.plan.first_new.tracks:
                self.plan.durations[track.id] = request.duration
        if request.recording_mbid:
            self._offer_track_mbid(request, track)
        release = self.catalog.releases.get(track.release)
        if request.release_mbid and release is not None and (request.album or request.track) in release.titles:
            self._offer_release_mbid(request, release)
        mbids = request.artist_mbids or []
        if len(mbids) == len(request.artists):
            for name, mbid in zip(request.artists, mbids, strict=True):
                if mbid:
                    self._offer_artist_mbid(request, track, name, mbid)

    def _offer_track_mbid(self, request: ResolutionRequest, track: CatalogTrack) -> None:
        self._offer(request, request.recording_mbid, track, self.catalog.track_of_mbid, self.plan.track_mbids)

    def _offer_release_mbid(self, request: ResolutionRequest, release: CatalogRelease) -> None:
        self._offer(request, request.release_mbid, release, self.catalog.release_of_mbid, self.plan.release_mbids)

    def _offer(
        self,
        request: ResolutionRequest,
        mbid: str | None,
        entity: CatalogTrack | CatalogRelease,
        owners: dict[str, int],
        added: dict[int, str],
    ) -> None:
        """Add ``mbid`` to an entity that has none. If it conflicts, note it instead."""
        if mbid is None or entity.mbid == mbid:
            return
        if entity.mbid is not None or mbid in owners:
            self._note(request, foreign_mbid("recording" if isinstance(entity, CatalogTrack) else "release", mbid))
            return
        entity.mbid = mbid
        self.catalog.own("tracks" if isinstance(entity, CatalogTrack) else "releases", mbid, entity.id)
        if isinstance(entity, CatalogTrack):
            self._keep_together(entity)
        first_new = self.plan.first_new.tracks if isinstance(entity, CatalogTrack) else self.plan.first_new.releases
        if entity.id < first_new:
            added[entity.id] = mbid

    def _offer_artist_mbid(self, request: ResolutionRequest, track: CatalogTrack, name: str, mbid: str) -> None:
        owner = self.catalog.artist_of_mbid.get(mbid)
        if owner in track.artists:
            return
        credited = [self.catalog.artists[number] for number in track.artists if number in self.catalog.artists]
        named = [artist for artist in credited if name in artist.aliases]
        if owner is None and any(artist.mbid is None for artist in named):
            self._set_artist_mbid(next(artist for artist in named if artist.mbid is None), mbid)
        elif named:
            self._note(request, f"artist {mbid} is not the {name} of this track; it was not stored")

    def _set_artist_mbid(self, artist: CatalogArtist, mbid: str) -> None:
        artist.mbid = mbid
        self.catalog.own("artists", mbid, artist.id)
        if artist.id < self.plan.first_new.artists:
            self.plan.artist_mbids[artist.id] = mbid

    def _note(self, request: ResolutionRequest, text: str) -> None:
        self.plan.notes.setdefault(request.key, text)


def foreign_mbid(kind: str, mbid: str | None) -> str:
    """Return the note on an MBID of a ``recording`` or ``release`` that was not stored because of a conflict."""
    name = {"recording": "track", "release": "album"}[kind]
    return f"{kind} {mbid} is another {name}'s or the {name} has another one; it was not stored"
