"""Makes up listening histories of any size; the same seed gives the same bytes.

The headline history has 49,050 Maloja scrobbles of 5,589 artists on 2,628 albums. The numbers mean:

* An *artist* is a distinct name after the credits are split ("Main • Feature" is two).
* An *album* is a distinct (title, base artist) that the export names. About 8 % of the scrobbles have no album; each
  of their tracks becomes its own album in the database, which therefore has more albums than the export names.
* A track always has the same credit and album, as in Maloja's own database, so there are as many lookup keys as
  tracks (19,000).

Play counts follow a power law over the tracks. Names come in Latin (plain and accented), Cyrillic, Japanese and
Korean, some end in an emoji; artists, albums and tracks without an album differ by more than case.

    python -m benchmarks.history headline OUT.json
    python -m benchmarks.history spotify 1000000 OUT_DIR
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20_130
FIRST = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())

SINGLES = 0.08  # of the tracks name no album
COLLABORATIONS = 0.11  # of the tracks have two or three artists
GUESTS = 0.36  # of the artists appear on other artists' tracks only
SOLOISTS = 0.27  # of the artists have tracks without an album only
KNOWN_LENGTH = 0.3  # of the tracks have a length
BULLETS = 0.4  # of the collaborations are credited as "Main • Feature"

SPOTIFY_ROWS = 16_000  # in a file
SHORT = 0.25  # of Spotify's rows are not heard for 30 s
PODCASTS = 0.01


@dataclass(frozen=True)
class Size:
    """How many scrobbles a history has, and of how many artists, albums and tracks."""

    plays: int
    artists: int
    albums: int
    tracks: int


HEADLINE = Size(plays=49_050, artists=5_589, albums=2_628, tracks=19_000)


class Track(NamedTuple):
    """A track, written the same in every play. ``artists`` has the base artist first; ``length`` is in seconds."""

    title: str
    artists: tuple[str, ...]
    album: str | None
    length: int
    known_length: bool
    bullet: bool


class Script(NamedTuple):
    """How words of a script are made: their syllables, how many of them, and the text between words."""

    syllables: str
    fewest: int
    most: int
    space: str


SCRIPTS = (
    Script("ba bel da do el fa gri in ka lo ma mi nor o pa ra ri sa set ta un va vi wo ze", 2, 3, " "),
    Script("bjø çe dü é fãs gå hlí łó lé mañ no ö ra rö şi sta tő ví ža žu", 2, 3, " "),
    Script("ба ве го да жи ка ла ми но по ра со ту фе хо ча ши эл ёл яр", 2, 3, " "),
    Script("夜 明 花 海 空 月 風 雪 星 東 京 の アイ ミク カナ リン さくら ゆめ ガラ", 2, 4, ""),
    Script("가 나 달 라 마 별 사 아 자 하 강 민 서 윤 봄 꽃", 2, 3, " "),
)
SCRIPT_WEIGHTS = (62, 16, 9, 9, 4)
EMOJI = ("🌙", "🔥", "✨", "🎧", "🐝", "🖤")
EMOJI_SHARE = 0.02


class Names:
    """Makes names. Those from ``unique`` differ from one another by more than case."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._taken: set[str] = set()

    def any(self) -> str:
        """Return a name of one to four words, which may have been returned before."""
        rng = self._rng
        script = rng.choices(SCRIPTS, SCRIPT_WEIGHTS)[0]
        syllables = script.syllables.split()
        words = (
            "".join(rng.choices(syllables, k=rng.randint(script.fewest, script.most))).capitalize()
            for _ in range(rng.choice((1, 2, 2, 3, 4)))
        )
        name = script.space.join(words)
        return f"{name} {rng.choice(EMOJI)}" if rng.random() < EMOJI_SHARE else name

    def unique(self) -> str:
        """Return a name that this method has not returned before."""
        while True:
            name = self.any()
            if name.casefold() not in self._taken:
                self._taken.add(name.casefold())
                return name


def catalogue(size: Size, rng: Random) -> list[Track]:
    """Return ``size.tracks`` tracks of exactly ``size.artists`` artists on exactly ``size.albums`` named albums.

    Raises ``ValueError`` if that is impossible: a credit needs up to three artists, and each album a track.
    """
    names = Names(rng)
    collaborations, singles = round(size.tracks * COLLABORATIONS), round(size.tracks * SINGLES)
    guest_count = min(int(size.artists * GUESTS), collaborations)
    soloist_count = min(int(size.artists * SOLOISTS), singles)
    lead_count = size.artists - guest_count - soloist_count
    if size.artists < 4 or not lead_count <= size.albums <= size.tracks - singles:
        raise ValueError(f"{size} cannot be: {lead_count} artists need an album each, and each album a track")
    artists = [names.unique() for _ in range(size.artists)]
    guests, soloists = artists[:guest_count], artists[guest_count : guest_count + soloist_count]
    leads = artists[guest_count + soloist_count :]

    owners = leads + rng.choices(leads, k=size.albums - len(leads))
    albums = [(names.unique(), owner) for owner in owners]
    homes: list[tuple[str | None, str]] = [*albums, *rng.choices(albums, k=size.tracks - len(albums) - singles)]
    homes += [(None, artist) for artist in soloists + rng.choices(leads, k=singles - len(soloists))]

    shared = set(rng.sample(range(size.tracks), collaborations))
    titles: set[tuple[str, str]] = set()
    tracks = []
    for number, (album, base) in enumerate(homes):
        credit = [base]
        while number in shared and (len(credit) == 1 or (len(credit) == 2 and rng.random() < 0.25)):
            credit.append(guests.pop() if guests else _other(artists, credit, rng))
        title = _title(names, album, titles)
        length = rng.randint(95, 420)
        tracks.append(Track(title, tuple(credit), album, length, rng.random() < KNOWN_LENGTH, rng.random() < BULLETS))
    return tracks


def _other(artists: list[str], credit: list[str], rng: Random) -> str:
    while (artist := rng.choice(artists)) in credit:
        pass
    return artist


def _title(names: Names, album: str | None, titles: set[tuple[str, str]]) -> str:
    """Return a title that is new on its album; without an album, one that is new everywhere."""
    if album is None:
        return names.unique()
    while (album, (title := names.any()).casefold()) in titles:
        pass
    titles.add((album, title.casefold()))
    return title


def played(tracks: int, plays: int, rng: Random) -> list[int]:
    """Return the track of each play: every track once, the rest by a power law, all shuffled."""
    ranked = rng.sample(range(tracks), tracks)
    weights = list(accumulate((rank + 10) ** -0.8 for rank in range(tracks)))
    history = ranked + rng.choices(ranked, cum_weights=weights, k=plays - tracks)
    rng.shuffle(history)
    return history


def moments(plays: int, rng: Random) -> list[int]:
    """Return ``plays`` distinct Unix times, ascending over the twelve years."""
    return sorted(rng.sample(range(FIRST, LAST), plays))


def maloja(size: Size = HEADLINE, seed: int = SEED) -> dict[str, object]:
    """Return a history as Maloja 3.2.3 exports it. Raises ``ValueError`` for an impossible size."""
    rng = Random(seed)
    tracks = catalogue(size, rng)
    history = played(size.tracks, size.plays, rng)
    origins = rng.choices(("client:default", "import:lastfm", "import:spotify", "unknown"), (6, 2, 1, 1), k=size.plays)
    scrobbles = [
        {"time": time, "track": _maloja_track(tracks[index]), "duration": None, "origin": origin}
        for time, index, origin in zip(moments(size.plays, rng), history, origins, strict=True)
    ]
    return {"maloja": {"export_time": LAST}, "scrobbles": scrobbles}


def _maloja_track(track: Track) -> dict[str, object]:
    base, *features = track.artists
    # As YouTube Music's clients credit it: the features by name, then everyone in one text.
    credit = [*features, " • ".join(track.artists)] if features and track.bullet else list(track.artists)
    album = None if track.album is None else {"artists": [base], "albumtitle": track.album}
    length = track.length if track.known_length else None
    return {"artists": credit, "title": track.title, "album": album, "length": length}


def write_maloja(path: Path, size: Size = HEADLINE, seed: int = SEED, *, compact: bool = False) -> None:
    """Write a Maloja export to ``path``: ASCII, indented by three like Maloja's, or ``compact``."""
    with path.open("w", encoding="ascii") as file:
        json.dump(maloja(size, seed), file, indent=None if compact else 3)


def spotify(plays: int, seed: int = SEED) -> Iterator[dict[str, object]]:
    """Yield the rows of an extended Spotify history, ascending, with a track for every eight plays.

    Raises ``ValueError`` for fewer than 128 plays: a history needs four artists.
    """
    rng = Random(seed)
    count = plays // 8
    size = Size(plays, artists=count // 4, albums=count // 6, tracks=count)
    tracks = catalogue(size, rng)
    history = played(count, plays, rng)
    for time, index in zip(moments(plays, rng), history, strict=True):
        yield _spotify_row(time, tracks[index], index, rng)


def _spotify_row(time: int, track: Track, index: int, rng: Random) -> dict[str, object]:
    podcast = rng.random() < PODCASTS
    short = rng.random() < SHORT
    features = track.artists[1:]
    title = f"{track.title} (feat. {' & '.join(features)})" if features else track.title
    heard = rng.randrange(500, 29_500) if short else track.length * 1000
    return {
        "ts": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "platform": rng.choice(("android", "ios", "linux", "not_applicable")),
        "ms_played": heard,
        "conn_country": "DE",
        "ip_addr": "192.0.2.1",
        "master_metadata_track_name": None if podcast else title,
        "master_metadata_album_artist_name": None if podcast else track.artists[0],
        "master_metadata_album_album_name": None if podcast else track.album or track.title,
        "spotify_track_uri": None if podcast else f"spotify:track:{index:022d}",
        "episode_name": f"Episode {index}" if podcast else None,
        "episode_show_name": "A Show About Records" if podcast else None,
        "spotify_episode_uri": f"spotify:episode:{index:022d}" if podcast else None,
        "audiobook_title": None,
        "audiobook_uri": None,
        "audiobook_chapter_uri": None,
        "audiobook_chapter_title": None,
        "reason_start": rng.choice(("trackdone", "clickrow", "fwdbtn")),
        "reason_end": "fwdbtn" if short else "trackdone",
        "shuffle": rng.random() < 0.5,
        "skipped": short,
        "offline": False,
        "offline_timestamp": time - heard // 1000,
        "incognito_mode": False,
    }


def write_spotify(folder: Path, plays: int, seed: int = SEED, *, rows: int = SPOTIFY_ROWS) -> list[Path]:
    """Write an extended Spotify history into ``folder``, ``rows`` rows a file, named as Spotify names them."""
    folder.mkdir(parents=True, exist_ok=True)
    history = spotify(plays, seed)
    paths: list[Path] = []
    while part := list(islice(history, rows)):
        first, last = str(part[0]["ts"])[:4], str(part[-1]["ts"])[:4]
        years = first if first == last else f"{first}-{last}"
        path = folder / f"Streaming_History_Audio_{years}_{len(paths)}.json"
        path.write_text(json.dumps(part, ensure_ascii=False), encoding="utf-8")
        paths.append(path)
    return paths


def main() -> None:
    """Write the history given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description="Write a made-up history.")
    parser.add_argument("--seed", type=int, default=SEED)
    commands = parser.add_subparsers(dest="command", required=True)
    headline = commands.add_parser("headline", help="49,050 Maloja scrobbles, 5,589 artists, 2,628 albums")
    headline.add_argument("out", type=Path)
    headline.add_argument("--compact", action="store_true", help="on one line, not indented as Maloja does it")
    many = commands.add_parser("spotify", help="an extended Spotify history in files of 16,000 rows")
    many.add_argument("plays", type=int)
    many.add_argument("out", type=Path)
    args = parser.parse_args()
    if args.command == "headline":
        write_maloja(args.out, seed=args.seed, compact=args.compact)
        print(args.out)
    else:
        print(*write_spotify(args.out, args.plays, args.seed), sep="\n")


if __name__ == "__main__":
    main()
