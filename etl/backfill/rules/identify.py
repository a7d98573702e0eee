"""Finds MBIDs and further names at MusicBrainz; what is not certain is left to a person. Pure but for ``ask``.

A name alone proves nothing: MusicBrainz has several artists of many names. An artist is certain if an album or a track
of the database agrees, an album if all that agrees is one release group, a track if one recording alone agrees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.backfill.rules.findings import Candidate, Change, Field, Finding, found, missing, unsure
from etl.backfill.rules.match import is_credited, narrowed, same_length, same_name, same_title
from etl.backfill.services import musicbrainz

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.backfill.rules.entities import Album, Artist, Track
    from etl.backfill.services import musicbrainz_answers as answers
    from etl.backfill.services.request import Ask

SCORE = 90  # of 100, by which MusicBrainz says how near an entity is to what was searched for
_UNKNOWN = "MusicBrainz does not know this MBID"
_NO_MORE = "MusicBrainz has no further name"


def identify_artist(artist: Artist, ask: Ask, score: int) -> Finding:
    """Look for the MBID of ``artist``, and for names that it lacks; ``score``: the least that counts."""
    if artist.mbid:
        names = ask(musicbrainz.artist_names(artist.mbid))
        aliases = _aliases(names, artist.names)
        return found(artist, *aliases) if aliases else missing(artist, _NO_MORE if names else _UNKNOWN)
    searched = ask(musicbrainz.search_artists(artist.names[0]))
    named = [one for one in searched if one.score >= score and same_name(artist.names[:1], one.names)]
    if not named:
        return missing(artist, "MusicBrainz has no artist of this name")
    certain = _with_evidence(artist, named, ask, score)
    if len(certain) == 1:
        return found(artist, Change(Field.MBID, certain[0].id), *_aliases(certain[0].primary, artist.names))
    why = "none of them has" if not certain else "several of them have"
    candidates = [Candidate(one.id, one.name, score=one.score, note=one.note) for one in certain or named]
    return unsure(artist, f"{len(named)} artists of this name; {why} an album or track of this one", candidates)


def _with_evidence(artist: Artist, named: Sequence[answers.Artist], ask: Ask, score: int) -> Sequence[answers.Artist]:
    """Return those of ``named`` who made the most played album of ``artist``; if that does not tell, track."""
    by_album: Sequence[answers.Artist] = []
    if artist.album:
        releases = ask(musicbrainz.search_releases(artist.album, artist.names[0]))
        made = {one.id for release in releases if _agrees(artist.album, release, score) for one in release.artists}
        by_album = [one for one in named if one.id in made]
    if len(by_album) == 1 or not artist.track:
        return by_album
    recordings = ask(musicbrainz.search_recordings(artist.track, artist.names[0]))
    made = {one.id for each in recordings if _agrees(artist.track, each, score) for one in each.artists}
    return [one for one in by_album or named if one.id in made] or by_album


def _agrees(title: str, item: answers.Release | answers.Recording, score: int) -> bool:
    return item.score >= score and same_title([title], item.title)


def identify_album(album: Album, ask: Ask, score: int) -> Finding:
    """Look for the MBID of ``album``, and for titles of its release group that it lacks."""
    if album.mbid:
        group = ask(musicbrainz.group_of_release(album.mbid))
        aliases = _aliases(ask(musicbrainz.titles_of_group(group)) if group else [], album.titles)
        return found(album, *aliases) if aliases else missing(album, _NO_MORE if group else _UNKNOWN)
    if not album.artists:
        return missing(album, "the album has no artist")
    artist = musicbrainz.VARIOUS_ARTISTS if album.various_artists else album.artists[0]
    mbid = None if album.various_artists else album.artist_mbid
    agreeing = [
        one
        for one in ask(musicbrainz.search_releases(album.titles[0], artist))
        if _agrees(album.titles[0], one, score) and is_credited([artist], mbid, one.artists)
    ]
    if not agreeing:
        return missing(album, "MusicBrainz has no release of this title by this artist")
    best = sorted(narrowed(agreeing, lambda one: one.title == album.titles[0]), key=_preference)
    if len({one.group for one in agreeing}) > 1:
        candidates = [Candidate(one.id, one.title, _credit(one), one.score, _release_note(one)) for one in best]
        return unsure(album, "several release groups have this title and artist", candidates)
    titles = ask(musicbrainz.titles_of_group(best[0].group))
    return found(album, Change(Field.MBID, best[0].id), *_aliases(titles, album.titles))


def identify_track(track: Track, ask: Ask, score: int) -> Finding:
    """Look for the MBID of ``track``: artist, title, length and album must agree as far as they are known."""
    agreeing = agreeing_recordings(track, ask, score)
    if not agreeing:
        return missing(track, "MusicBrainz has no recording of this title and length by this artist")
    on_album = [one for one in agreeing if is_on_album(track, one)]
    kept = on_album or agreeing
    proven = on_album or [one for one in kept if same_length(track.duration, one.length)]
    if len(kept) == 1 and proven:
        return found(track, Change(Field.MBID, kept[0].id))
    candidates = [Candidate(one.id, one.title, _credit(one), one.score, _recording_note(one)) for one in kept]
    why = "several recordings agree" if len(kept) > 1 else "neither album nor length confirms it"
    return unsure(track, why, candidates)


def agreeing_recordings(track: Track, ask: Ask, score: int) -> list[answers.Recording]:
    """Return the recordings that agree with ``track`` in title, artist and, where both are known, length."""
    if not track.artists:
        return []
    return [
        one
        for one in ask(musicbrainz.search_recordings(track.titles[0], track.artists[0]))
        if _agrees(track.titles[0], one, score)
        and is_credited(track.artists, track.artist_mbid, one.artists)
        and same_length(track.duration, one.length) is not False
    ]


def is_on_album(track: Track, recording: answers.Recording) -> bool:
    """Say whether ``recording`` is on a release that has the title of the track's album."""
    return any(same_title(track.albums, title) for title in recording.releases)


def _aliases(names: list[str], known: Sequence[str]) -> list[Change]:
    return [Change(Field.ALIAS, name) for name in names if name not in known]


def _preference(release: answers.Release) -> tuple[bool, str, int, str]:
    """Return what orders the releases of a group: official ones, then the earliest, then the nearest."""
    return not release.is_official, release.date or "9999", -release.score, release.id


def _credit(item: answers.Release | answers.Recording) -> str:
    return ", ".join(one.names[0] for one in item.artists)


def _release_note(release: answers.Release) -> str:
    return ", ".join(filter(None, (release.group_type, release.date)))


def _recording_note(recording: answers.Recording) -> str:
    length = f"{recording.length // 60_000}:{recording.length // 1000 % 60:02}" if recording.length else ""
    return ", ".join(filter(None, (length, recording.note, *recording.releases[:3])))
