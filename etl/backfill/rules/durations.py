"""Finds the length of a track at MusicBrainz: by its MBID, else by search. Pure but for ``ask``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.backfill.rules.findings import Candidate, Change, Field, Finding, found, missing, unsure
from etl.backfill.rules.identify import agreeing_recordings, is_on_album
from etl.backfill.services import musicbrainz

if TYPE_CHECKING:
    from etl.backfill.rules.entities import Track
    from etl.backfill.services.request import Ask

_SPREAD = 3_000  # milliseconds within which the lengths of several recordings are one


def track_duration(track: Track, ask: Ask, score: int) -> Finding:
    """Look for the duration of ``track``; one of several recordings counts only if they are equally long."""
    if track.mbid:
        length = ask(musicbrainz.length_of_recording(track.mbid))
        return _found(track, length) if length else missing(track, "MusicBrainz does not know its length")
    agreeing = [one for one in agreeing_recordings(track, ask, score) if one.length]
    if not agreeing:
        return missing(track, "MusicBrainz has no recording of this title by this artist whose length it knows")
    on_album = [one for one in agreeing if is_on_album(track, one)]
    lengths = [one.length for one in on_album]
    if lengths and max(lengths) - min(lengths) <= _SPREAD:
        return _found(track, lengths[0])
    why = "recordings on an album of this title differ in length" if on_album else "none is on an album of this title"
    candidates = [
        Candidate(str(one.length // 1000), one.title, ", ".join(one.releases[:3]), one.score, one.note)
        for one in on_album or agreeing
    ]
    return unsure(track, why, candidates)


def _found(track: Track, milliseconds: int) -> Finding:
    seconds = min(milliseconds // 1000, 2**31 - 1)
    return found(track, Change(Field.DURATION, str(seconds))) if seconds else missing(track, "less than a second long")
