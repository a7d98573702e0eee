"""A listener who hears one thing at a time, the services that record it, and a database that their exports go to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import polars as pl
from hypothesis import strategies as st

from etl.core.schema import CACHED, NEARBY, NORMALIZED, NOT_COUNTED, conform, empty
from etl.dedupe import END, DedupeResult, RecordingService, apply_doubles, find_doubles
from etl.dedupe.start_ranges import EARLY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row: TypeAlias = dict[str, Any]

SERVICES = (
    RecordingService("koito", None, 0),
    RecordingService("listenbrainz", None, 1),
    RecordingService("lastfm", "lastfm", 2),
    RecordingService("maloja", "maloja", 3),
    RecordingService("spotify", "spotify", 4, is_whole=True, clock=END),
)
NEW_YEAR_2017 = 1_483_228_800
HEARD = 61  # seconds: two plays of one track never end in one minute, which account data could not tell apart
DAY = 86_400


class Track(NamedTuple):
    """A track, as everybody writes it except for case, features and suffixes."""

    artist: str
    title: str
    album: str | None
    length: int


TRACKS = (
    Track("Kari Mo", "Tide", "Shore", 200),
    Track("Kari Mo & LiLa", "Ebb (feat. Ona)", "Shore", 245),
    Track("Mossrose", "Tide", "Tide", 130),
    Track("Nordlicht Kapelle", "Endhaltestelle", None, 212),
)


class Play(NamedTuple):
    """What was heard: from ``start`` to ``end``, ``played`` seconds of it without the pauses."""

    number: int
    track: Track
    start: int
    end: int
    played: int
    seen: frozenset[str]
    """The services that recorded it."""
    late: tuple[int, ...]
    """By how many seconds each service's clock was off."""

    @property
    def is_scrobbled(self) -> bool:
        """Whether it was heard for half its length or four minutes."""
        return self.played >= min(self.track.length / 2, 240)


@dataclass
class Database:
    """What is stored, as the comparison sees it; a listen is a track and a second."""

    services: Sequence[RecordingService] = SERVICES
    listens: dict[tuple[str, str, str, int], Row] = field(default_factory=dict)
    durations: dict[tuple[str, str, str], int] = field(default_factory=dict)
    tracks: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """By lookup key: of one key, the spelling that came first."""
    coarse: set[str] = field(default_factory=set)

    def cached(self) -> pl.DataFrame:
        """Return the tracks of all keys with schema CACHED."""
        numbers = self._numbers()
        known = [(key, numbers[track]) for key, track in self.tracks.items()]
        return pl.DataFrame(known, schema=CACHED, orient="row")

    def _numbers(self) -> dict[tuple[str, str, str], int]:
        return {track: number for number, track in enumerate(dict.fromkeys(self.tracks.values()))}

    def nearby(self) -> pl.DataFrame:
        """Return all listens with schema NEARBY."""
        tracks = self._numbers()
        rows = [
            {
                "track_id": tracks[artist, title, album],
                "second": second,
                "client": row["client"],
                "duration": self.durations.get((artist, title, album), 0),
                "titles": [title],
                "artists": row["artists"],
                "albums": [album],
            }
            for (artist, title, album, second), row in self.listens.items()
        ]
        return pl.DataFrame(rows, schema=NEARBY).sort("second", "track_id")

    def load(self, rows: Sequence[Row], *, drop_doubles: bool = True) -> tuple[DedupeResult, int]:
        """Compare ``rows`` with each other and with what is stored; store what stays; return how much that was."""
        listens = as_listens(rows)
        nearby = self.nearby()
        verdicts = find_doubles(listens, empty(NOT_COUNTED), nearby, self.cached(), self.services, sorted(self.coarse))
        settled = apply_doubles(listens, verdicts, nearby, drop_doubles=drop_doubles)
        before = len(self.listens)
        for row in settled.listens.iter_rows(named=True):
            spelling = ("\x1f".join(row["artists"]), row["track"], row["album"] or row["track"])
            track = self.tracks.setdefault(row["lookup_key"], spelling)
            self.listens.setdefault((*track, int(row["listened_at"].timestamp())), row)
            if row["duration"]:
                self.durations.setdefault(track, row["duration"])
        self.coarse |= {row["source"] for row in rows if row["minute_only"]}
        return settled, len(self.listens) - before


def as_listens(rows: Sequence[Row]) -> pl.DataFrame:
    """Return ``rows`` with schema NORMALIZED."""
    return conform(pl.DataFrame(list(rows), schema=NORMALIZED), NORMALIZED)


def _row(source: str, play: Play, time: int, *, artist: str, track: str, album: str | None, **rest: Any) -> Row:  # noqa: ANN401
    return {
        **dict.fromkeys(NORMALIZED),
        "file": f"{source}.json",
        "row": play.number,
        "listened_at": datetime.fromtimestamp(time, UTC),
        "artist": artist,
        "artists": [artist],
        "track": track,
        "album": album,
        "source": source,
        "lookup_key": lookup_key([artist], track, album),
        **rest,
    }


def lookup_key(artists: Sequence[str], track: str, album: str | None) -> str:
    """Return the key that such names have."""
    return "\x1f".join(("\x1e".join(artists), track, album or "")).lower()


def extended(play: Play) -> Row:
    """Return the record in Spotify's extended history, with the start that it has in newer ones."""
    row = old_extended(play)
    return {**row, "started_at": datetime.fromtimestamp(play.start, UTC), "played_ms": row["played_ms"] + 250}


def old_extended(play: Play) -> Row:
    """Return the record in Spotify's extended history of before October 2022."""
    ended = datetime.fromtimestamp(play.end, UTC)
    played = timedelta(seconds=play.played)
    track = play.track
    times: Row = {"ended_at": ended, "started_at": ended - played, "played_ms": 1000 * play.played}
    length = track.length if play.played >= track.length else None
    title = track.title if track == TRACKS[0] else f"{track.title} - Remastered 2011"
    names: Row = {"artist": track.artist, "track": title, "album": track.album}
    return _row("spotify", play, play.end, **names, client="spotify", duration=length, **times)


def account(play: Play) -> Row:
    """Return the record in Spotify's account data: the minute in which the play ended, and no album."""
    row = old_extended(play)
    ended = datetime.fromtimestamp(play.end // 60 * 60, UTC)
    times = {"listened_at": ended, "ended_at": ended, "started_at": ended - timedelta(milliseconds=row["played_ms"])}
    unknown = {"album": None, "duration": None, "lookup_key": lookup_key(row["artists"], row["track"], None)}
    return {**row, "file": "account.json", "minute_only": True, **times, **unknown}


def lastfm(play: Play) -> Row:
    """Return a scrobble of Last.fm."""
    track = play.track
    names: Row = {"artist": track.artist, "track": track.title, "album": track.album}
    return _row("lastfm", play, play.start + play.late[0], **names, client="lastfm")


def listenbrainz(play: Play) -> Row:
    """Return a listen of ListenBrainz, whose artists are mapped; before 2017 it may be early by 50 s."""
    time = play.start + (play.late[1] if play.start >= NEW_YEAR_2017 else play.late[4])
    artists = play.track.artist.split(" & ")
    title = play.track.title.split(" (")[0].upper()
    names: Row = {"artist": play.track.artist, "track": title, "album": None}
    key = lookup_key(artists, title, None)
    return _row("listenbrainz", play, time, **names) | {
        "artists": artists,
        "client": "Web Scrobbler",
        "lookup_key": key,
    }


def maloja(play: Play) -> Row:
    """Return a scrobble of Maloja."""
    names: Row = {"artist": play.track.artist, "track": play.track.title, "album": None}
    return _row("maloja", play, play.start + play.late[2], **names, client="maloja")


def koito(play: Play) -> Row:
    """Return a listen of Koito's export."""
    track = play.track
    names: Row = {"artist": track.artist, "track": track.title, "album": track.album}
    return _row("koito", play, play.start + play.late[3], **names, client="Player", duration=track.length)


RECORDERS: dict[str, Callable[[Play], Row]] = {
    "extended": extended,
    "old_extended": old_extended,
    "account": account,
    "lastfm": lastfm,
    "listenbrainz": listenbrainz,
    "maloja": maloja,
    "koito": koito,
}
WHOLE = ("extended", "old_extended", "account")


def recorded(plays: Sequence[Play], service: str) -> list[Row]:
    """Return what ``service`` (a name of RECORDERS) recorded of ``plays``."""
    return [RECORDERS[service](play) for play in plays if is_recorded(play, service)]


def is_recorded(play: Play, service: str) -> bool:
    """Say whether ``service`` recorded a play: Spotify records all, a scrobbler may miss one."""
    return service in WHOLE or (play.is_scrobbled and service in play.seen)


def number_of_plays(plays: Sequence[Play], services: Sequence[str]) -> int:
    """Return how many plays at least one of ``services`` recorded."""
    return sum(any(is_recorded(play, service) for service in services) for play in plays)


# No scrobble of a play has the second in which the one before it ended: of a track on repeat, one could not be stored.
_GAPS = st.one_of(st.just(0), st.integers(8, 30), st.integers(60, 4000), st.integers(DAY // 4, 4 * DAY))
_PAUSES = st.one_of(st.just(0), st.just(0), st.integers(1, 1500), st.integers(3600, DAY // 2))
_OFF = st.sampled_from([-3, -2, -1, 1, 2, 3, 4, 5, 6])
_LATE = st.tuples(_OFF, _OFF, _OFF, _OFF, st.sampled_from([-50, -41, -30, -20, -9, -1, 1, 6]))
_SCROBBLERS = ("lastfm", "listenbrainz", "maloja", "koito")


@st.composite
def histories(draw: st.DrawFn, *, most: int = 14, has_account: bool = False) -> list[Play]:
    """Draw what one person heard, some of it on repeat, from before 2017 or after.

    With account data, which there was not before 2018, nothing is paused: it knows only the minute of a play's end.
    Before 2017, plays begin at least two minutes apart: of a track on repeat, an early time may be that of either.
    """
    begins = [1_600_000_000, 1_700_000_020]
    now = draw(st.sampled_from(begins if has_account else [NEW_YEAR_2017 - 5000, *begins]))
    late = draw(_LATE)
    is_steady = draw(st.booleans())
    plays: list[Play] = []
    for number in range(1, draw(st.integers(1, most)) + 1):
        track = TRACKS[draw(st.sampled_from([0, 0, 0, 1, 2]))]
        played = draw(st.one_of(st.just(track.length), st.integers(HEARD, track.length)))
        now += draw(_GAPS)
        if plays and plays[-1].start < NEW_YEAR_2017 + EARLY:
            now = max(now, plays[-1].start + 2 * EARLY)
        end = now + played + (0 if has_account else draw(_PAUSES))
        seen = frozenset(name for name in _SCROBBLERS if draw(st.integers(0, 4)))
        plays.append(Play(number, track, now, end, played, seen, late if is_steady else draw(_LATE)))
        now = end
    return plays


def in_runs(draw: st.DrawFn, plays: list[Play], services: list[str]) -> list[list[tuple[str, list[Play]]]]:
    """Draw how exports of ``services`` are loaded: at once or in turn, whole, growing, or in parts in any order.

    Parts are cut where nothing was heard for longer than a play lasts: else a track on repeat may be cut in two.
    """
    gaps = [place for place in range(1, len(plays)) if plays[place].start - plays[place - 1].end > 2 * DAY + 600]
    exports: list[tuple[str, list[Play]]] = []
    for service in services:
        kind = draw(st.sampled_from(["whole", "whole", "grown", "parts"]))
        if kind == "grown":
            exports += [(service, plays[: draw(st.integers(0, len(plays)))]), (service, plays)]
        elif kind == "parts" and gaps:
            cut = draw(st.sampled_from(gaps))
            exports += [(service, plays[:cut]), (service, plays[cut:])]
        else:
            exports.append((service, plays))
    exports = draw(st.permutations(exports))
    runs: list[list[tuple[str, list[Play]]]] = [[]]
    for export in exports:
        runs[-1].append(export)
        if draw(st.booleans()):
            runs.append([])
    return [run for run in runs if run]


def rows_of(run: list[tuple[str, list[Play]]]) -> list[Row]:
    """Return the rows of a run's exports, each a file of its own."""
    return [
        row | {"file": f"{number}-{row['file']}"}
        for number, (service, plays) in enumerate(run)
        for row in recorded(plays, service)
    ]
