"""Whether two names, and two lengths, may be the same thing. No network, no database."""

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
def test_names_are_compared_as_people_read_them(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


@pytest.mark.parametrize(("one", "other"), [("!!!", "???"), ("Björk", "Bjork"), ("Ann", "Anna"), ("東京", "京都")])
def test_other_names_are_others(one: str, other: str) -> None:
    assert comparable(one) != comparable(other)


def test_features_are_no_part_of_a_title_but_versions_are() -> None:
    assert comparable_title("Song (feat. Bo)") == comparable_title("Song ft. Bo & Cy") == comparable_title("song")
    assert comparable_title("Song (Live)") != comparable_title("Song")
    assert comparable_title("(feat. Bo)") == comparable("(feat. Bo)")


def test_lengths_agree_within_seconds_and_nothing_is_said_of_unknown_ones() -> None:
    assert [same_length(200, ms) for ms in (200_400, 195_000, 194_900, 206_000, 0)] == [True, True, False, False, None]
    assert same_length(0, 200_000) is None
