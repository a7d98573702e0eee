"""Finds MBIDs and aliases at MusicBrainz; a person decides what is uncertain. Pure except for ``fetch``.

A name alone proves nothing, because several artists share many names. An artist is certain if one of its albums or
tracks matches, an album if all matches belong to one release group, a track if exactly one recording matches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.backfill.rules.findings import Candidate, Change, Field, Finding, found, not_found, unsure
from etl.backfill.rules.match import is_credited, preferred, same_length, same_name, same_title
from etl.backfill.services import musicbrainz
from etl.core.lists import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.backfill.rules.entities import AlbumEntity, ArtistEntity, TrackEntity
    from etl.backfill.services.musicbrainz_answers import ArtistMatch, RecordingMatch, ReleaseMatch
    from etl.backfill.services.request import Fetch

MIN_SCORE = 90  # of 100: how well a search result matches the query, according to MusicBrainz
_UNKNOWN = "MusicBrainz does not have this MBID"
_NO_MORE = "MusicBrainz has no other alias"


def identify_artist(artist: ArtistEntity, fetch: Fetch, min_score: int) -> Finding:
    """Find the MBID of ``artist`` and the aliases that it lacks; only results of ``min_score`` count."""
    if artist.mbid:
        names = fetch(musicbrainz.artist_names(artist.mbid))
        aliases = _new_aliases(names, artist.names)
        return found(artist, *aliases) if aliases else not_found(artist, _NO_MORE if names else _UNKNOWN)
    results = fetch(musicbrainz.search_artists(artist.names[0]))
    named = [one for one in results if one.score >= min_score and same_name(artist.names[:1], one.names)]
    if not named:
        return not_found(artist, "MusicBrainz has no artist of this name")
    certain = _with_evidence(artist, named, fetch, min_score)
    if len(certain) == 1:
        return found(artist, Change(Field.MBID, certain[0].id), *_new_aliases(certain[0].primary, artist.names))
    why = "none of them made" if not certain else "several of them made"
    candidates = [Candidate(one.id, one.name, score=one.score, note=one.note) for one in certain or named]
    return unsure(artist, f"{len(named)} artists have this name; {why} the album or track", candidates)


def _with_evidence(
    artist: ArtistEntity, named: Sequence[ArtistMatch], fetch: Fetch, min_score: int
) -> Sequence[ArtistMatch]:
    """Return those of ``named`` who made the most played album of ``artist``, or else its most played track."""
    by_album: Sequence[ArtistMatch] = []
    if artist.album:
        releases = fetch(musicbrainz.search_releases(artist.album, artist.names[0]))
        by_album = _credited(named, artist.album, releases, min_score)
    if len(by_album) == 1 or not artist.track:
        return by_album
    recordings = fetch(musicbrainz.search_recordings(artist.track, artist.names[0]))
    return _credited(by_album or named, artist.track, recordings, min_score) or by_album


def _credited(
    artists: Sequence[ArtistMatch], title: str, results: Sequence[ReleaseMatch | RecordingMatch], min_score: int
) -> list[ArtistMatch]:
    """Return those of ``artists`` who are credited with one of ``results`` that has this title."""
    made = {one.id for result in results if _matches_title(title, result, min_score) for one in result.artists}
    return [artist for artist in artists if artist.id in made]


def _matches_title(title: str, result: ReleaseMatch | RecordingMatch, min_score: int) -> bool:
    return result.score >= min_score and same_title([title], result.title)


def identify_album(album: AlbumEntity, fetch: Fetch, min_score: int) -> Finding:
    """Find the MBID of ``album``, and those titles of its release group that it lacks."""
    if album.mbid:
        group = fetch(musicbrainz.group_of_release(album.mbid))
        aliases = _new_aliases(fetch(musicbrainz.titles_of_group(group)) if group else [], album.titles)
        return found(album, *aliases) if aliases else not_found(album, _NO_MORE if group else _UNKNOWN)
    if not album.artists:
        return not_found(album, "the album has no artist")
    matching = _matching_releases(album, fetch, min_score)
    if not matching:
        return not_found(album, "MusicBrainz has no release of this title by this artist")
    best = sorted(preferred(matching, lambda one: one.title == album.titles[0]), key=_release_order)
    if len({one.group for one in matching}) > 1:
        candidates = [Candidate(one.id, one.title, _credit(one), one.score, _release_note(one)) for one in best]
        return unsure(album, "several release groups have this title and artist", candidates)
    titles = fetch(musicbrainz.titles_of_group(best[0].group))
    return found(album, Change(Field.MBID, best[0].id), *_new_aliases(titles, album.titles))


def _matching_releases(album: AlbumEntity, fetch: Fetch, min_score: int) -> list[ReleaseMatch]:
    artist = musicbrainz.VARIOUS_ARTISTS if album.various_artists else album.artists[0]
    mbid = None if album.various_artists else album.artist_mbid
    return [
        one
        for one in fetch(musicbrainz.search_releases(album.titles[0], artist))
        if _matches_title(album.titles[0], one, min_score) and is_credited([artist], mbid, one.artists)
    ]


def identify_track(track: TrackEntity, fetch: Fetch, min_score: int) -> Finding:
    """Find the MBID of ``track``: artist, title, length and album must match as far as they are known."""
    matching = matching_recordings(track, fetch, min_score)
    if not matching:
        return not_found(track, "MusicBrainz has no recording of this title and length by this artist")
    on_album = [one for one in matching if is_on_album(track, one)]
    kept = on_album or matching
    confirmed = on_album or [one for one in kept if same_length(track.duration, one.length)]
    if len(kept) == 1 and confirmed:
        return found(track, Change(Field.MBID, kept[0].id))
    candidates = [Candidate(one.id, one.title, _credit(one), one.score, _recording_note(one)) for one in kept]
    why = "several recordings agree" if len(kept) > 1 else "neither album nor length confirms it"
    return unsure(track, why, candidates)


def matching_recordings(track: TrackEntity, fetch: Fetch, min_score: int) -> list[RecordingMatch]:
    """Return the recordings that match ``track`` in title, artist and, if both are known, length."""
    if not track.artists:
        return []
    return [
        one
        for one in fetch(musicbrainz.search_recordings(track.titles[0], track.artists[0]))
        if _matches_title(track.titles[0], one, min_score)
        and is_credited(track.artists, track.artist_mbid, one.artists)
        and same_length(track.duration, one.length) is not False
    ]


def is_on_album(track: TrackEntity, recording: RecordingMatch) -> bool:
    """Return whether ``recording`` is on a release with the title of one of the track's albums."""
    return any(same_title(track.albums, title) for title in recording.releases)


def _new_aliases(names: list[str], known: Sequence[str]) -> list[Change]:
    return [Change(Field.ALIAS, name) for name in names if name not in known]


def _release_order(release: ReleaseMatch) -> tuple[bool, str, int, str]:
    """Return the key that sorts releases of a group: official ones first, then the earliest, then the best match."""
    return not release.is_official, release.date or "9999", -release.score, release.id


def _credit(result: ReleaseMatch | RecordingMatch) -> str:
    return ", ".join(artist.names[0] for artist in result.artists)


def _release_note(release: ReleaseMatch) -> str:
    return ", ".join(filter(None, (release.group_type, release.date)))


def _recording_note(recording: RecordingMatch) -> str:
    length = f"{recording.length // 60_000}:{recording.length // 1000 % 60:02}" if recording.length else ""
    return ", ".join(filter(None, (length, recording.note, listed(recording.releases, 3))))
