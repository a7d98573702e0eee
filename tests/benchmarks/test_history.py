"""The histories of the benchmarks have the promised counts, and the same seed gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.history import HEADLINE, Size, maloja, spotify, write_maloja, write_spotify

if TYPE_CHECKING:
    from pathlib import Path

Played = tuple[tuple[str, ...], str, str | None]  # artists, title, album
Plays = Counter[Played]

SMALL = Size(plays=600, artists=70, albums=33, tracks=240)
SMALL_SHA256 = "2c50eea543efb0429ed3161dfed0db50d28fe13fb1e15eb2d527862abef2d628"


def split(credit: list[str]) -> list[str]:
    """Split a Maloja credit as Koito does: names with a bullet come first, and each name counts once."""
    credit = sorted(credit, key=lambda text: " • " not in text)
    return list(dict.fromkeys(name for text in credit for name in text.split(" • ")))


def credited(scrobble: dict[str, Any]) -> Played:
    track = scrobble["track"]
    return tuple(split(track["artists"])), track["title"], track["album"] and track["album"]["albumtitle"]


@pytest.fixture(scope="module")
def headline() -> list[dict[str, Any]]:
    scrobbles = maloja()["scrobbles"]
    assert isinstance(scrobbles, list)
    return scrobbles


@pytest.fixture(scope="module")
def plays(headline: list[dict[str, Any]]) -> Plays:
    return Counter(map(credited, headline))


def test_headline_has_the_promised_counts(plays: Plays) -> None:
    assert plays.total() == 49_050
    assert len({name for artists, _, _ in plays for name in artists}) == 5_589
    assert len({(album, artists[0]) for artists, _, album in plays if album is not None}) == 2_628
    assert len(plays) == HEADLINE.tracks == 19_000


def test_names_that_must_differ_differ_by_more_than_case(plays: Plays) -> None:
    names = {name for artists, _, _ in plays for name in artists}
    albums = {album for _, _, album in plays if album is not None}
    singles = {title for _, title, album in plays if album is None}
    folded = {name.casefold() for name in names | albums | singles}
    assert len(folded) == len(names) + len(albums) + len(singles)


def test_tracks_of_an_album_have_one_base_artist_and_titles_of_their_own(plays: Plays) -> None:
    named = [(artists[0], title.casefold(), album) for artists, title, album in plays if album is not None]
    assert len({(album, base) for base, _, album in named}) == len({album for _, _, album in named})
    assert len({(album, title) for _, title, album in named}) == len(named)


def test_a_twelfth_of_the_scrobbles_name_no_album(plays: Plays) -> None:
    assert sum(count for (_, _, album), count in plays.items() if album is None) / 49_050 == pytest.approx(
        0.08, abs=0.01
    )


def test_every_ninth_track_has_two_or_three_artists(plays: Plays) -> None:
    sizes = Counter(len(artists) for artists, _, _ in plays)
    assert set(sizes) == {1, 2, 3}
    assert (sizes[2] + sizes[3]) / len(plays) == pytest.approx(0.11, abs=0.001)


def test_some_collaborations_are_one_text(headline: list[dict[str, Any]]) -> None:
    bullets = [s["track"]["artists"] for s in headline if any(" • " in text for text in s["track"]["artists"])]
    shared = [s for s in headline if len(s["track"]["artists"]) > 1]
    assert len(bullets) / len(shared) == pytest.approx(0.4, abs=0.05)
    assert all(" • " in credit[-1] and set(credit[:-1]) <= set(split(credit)[1:]) for credit in bullets)


def test_few_tracks_have_most_plays(plays: Plays) -> None:
    counts = sorted(plays.values(), reverse=True)
    assert counts[len(counts) // 2] <= 2
    assert counts[0] > 100
    assert sum(counts[: len(counts) // 10]) > 0.3 * plays.total()


def test_times_ascend_and_none_is_shared(headline: list[dict[str, Any]]) -> None:
    assert all(before["time"] < after["time"] for before, after in pairwise(headline))


def test_three_in_ten_scrobbles_have_a_length(headline: list[dict[str, Any]]) -> None:
    lengths = [scrobble["track"]["length"] for scrobble in headline]
    assert sum(length is not None for length in lengths) / len(lengths) == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("script", ["LATIN SMALL LETTER O WITH", "CYRILLIC", "CJK", "KATAKANA", "HANGUL", "HONEYBEE"])
def test_names_come_in_many_scripts(plays: Plays, script: str) -> None:
    letters = {letter for artists, _, _ in plays for name in artists for letter in name}
    assert any(unicodedata.name(letter).startswith(script) for letter in letters)


def test_names_are_composed(plays: Plays) -> None:
    texts = {text for artists, title, album in plays for text in (*artists, title, album or "")}
    assert all(unicodedata.is_normalized("NFC", text) and text == text.strip() for text in texts)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "maloja_export.json"
    write_maloja(path, SMALL)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SMALL_SHA256
    write_maloja(path, SMALL, seed=1)
    assert hashlib.sha256(path.read_bytes()).hexdigest() != SMALL_SHA256


@pytest.mark.parametrize("compact", [True, False])
def test_the_file_is_ascii_json_of_the_history(tmp_path: Path, compact: bool) -> None:
    path = tmp_path / "maloja_export.json"
    write_maloja(path, SMALL, compact=compact)
    text = path.read_text(encoding="ascii")
    assert json.loads(text) == maloja(SMALL)
    assert text.startswith('{"maloja"' if compact else '{\n   "maloja"')


@pytest.mark.parametrize(
    "size", [Size(600, 70, 20, 240), Size(600, 70, 230, 240), Size(10, 3, 3, 5)], ids=["albums", "tracks", "artists"]
)
def test_an_impossible_size_is_refused(size: Size) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        maloja(size)


def test_spotify_rows_are_cut_into_files_in_order(tmp_path: Path) -> None:
    paths = write_spotify(tmp_path, 1_000, rows=400)
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    assert [len(part) for part in parts] == [400, 400, 200]
    assert [row for part in parts for row in part] == list(spotify(1_000))
    assert all(path.name.startswith("Streaming_History_Audio_20") for path in paths)


def test_spotify_rows_have_the_promised_shares() -> None:
    rows: list[dict[str, Any]] = list(spotify(8_000))
    tracks = [row for row in rows if row["episode_name"] is None]
    assert all(len(row) == 23 for row in rows)
    assert all(before["ts"] < after["ts"] for before, after in pairwise(rows))
    assert 1 - len(tracks) / len(rows) == pytest.approx(0.01, abs=0.005)
    assert sum(row["ms_played"] < 30_000 for row in rows) / len(rows) == pytest.approx(0.25, abs=0.02)
    assert len({row["spotify_track_uri"] for row in tracks}) == pytest.approx(1_000, rel=0.02)
