"""When names, titles and lengths are equal."""

from __future__ import annotations

import pytest

from etl.backfill.rules.match import comparable, comparable_title, same_length


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Guns N’ Roses", "guns n' roses"),
        ("Beyoncé", "BEYONCE\u0301"),
        ("AC/DC", "ac dc"),
        ("Ｐｅｒｆｕｍｅ", "Perfume"),
        ("!!!", "!!!"),
        ("Straße", "STRASSE"),
    ],
)
def test_equal_names(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(("one", "other"), [("!!!", "???"), ("Björk", "Bjork"), ("Ann", "Anna"), ("東京", "京都")])
def test_different_names(one: str, other: str) -> None:
    assert comparable(one) != comparable(other)


def test_titles_without_features_but_with_versions() -> None:
    assert comparable_title("Song (feat. Bo)") == comparable_title("Song feat. Bo & Cy") == comparable_title("song")
    assert comparable_title("Song [ft. Bo]") == comparable_title("Song (featuring Bo)") == comparable_title("song")
    assert comparable_title("Song (Live)") != comparable_title("Song")
    assert comparable_title("(feat. Bo)") == comparable("(feat. Bo)")


@pytest.mark.parametrize("title", ["50 Ft. Queenie", "Live at Ft. Worth", "Song ft. Bo", "Song featuring Bo"])
def test_title_keeps_ft_and_featuring_outside_brackets(title: str) -> None:
    assert comparable_title(title) == comparable(title)


def test_lengths_equal_different_and_unknown() -> None:
    assert [same_length(200, ms) for ms in (200_400, 195_000, 194_900, 206_000, 0)] == [True, True, False, False, None]
    assert same_length(0, 200_000) is None
