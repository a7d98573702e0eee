"""Finds the length of a track at MusicBrainz: by its MBID, else by search. Pure except for ``fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.backfill.rules.findings import Candidate, Change, Field, Finding, found, not_found, unsure
from etl.backfill.rules.identify import is_on_album, matching_recordings
from etl.backfill.services import musicbrainz
from etl.core.lists import listed

if TYPE_CHECKING:
    from etl.backfill.rules.entities import TrackEntity
    from etl.backfill.services.musicbrainz_answers import RecordingMatch
    from etl.backfill.services.request import Fetch

_MAX_SPREAD = 3_000  # milliseconds between the shortest and the longest of several recordings
_MAX_SECONDS = 2**31 - 1


def find_duration(track: TrackEntity, fetch: Fetch, min_score: int) -> Finding:
    """Find the duration of ``track``; several recordings count only if they are equally long."""
    if track.mbid:
        length = fetch(musicbrainz.length_of_recording(track.mbid))
        return _found(track, length) if length else not_found(track, "MusicBrainz does not have its length")
    matching = [one for one in matching_recordings(track, fetch, min_score) if one.length]
    if not matching:
        return not_found(track, "MusicBrainz has no recording of this title by this artist with a length")
    on_album = [one for one in matching if is_on_album(track, one)]
    lengths = [one.length for one in on_album]
    if lengths and max(lengths) - min(lengths) <= _MAX_SPREAD:
        return _found(track, lengths[0])
    why = "recordings on an album of this title differ in length" if on_album else "none is on an album of this title"
    return unsure(track, why, [_candidate(one) for one in on_album or matching])


def _found(track: TrackEntity, milliseconds: int) -> Finding:
    seconds = min(milliseconds // 1000, _MAX_SECONDS)
    return (
        found(track, Change(Field.DURATION, str(seconds))) if seconds else not_found(track, "less than a second long")
    )


def _candidate(recording: RecordingMatch) -> Candidate:
    seconds, releases = str(recording.length // 1000), listed(recording.releases, 3)
    return Candidate(seconds, recording.title, releases, recording.score, recording.note)
