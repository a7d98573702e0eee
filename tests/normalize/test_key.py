"""The lookup key. Keys live in users' databases: the values written out here must never change."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.normalize.key import BETWEEN_ARTISTS, MAX_KEY_BYTES, lookup_key, lookup_keys
from tests.helpers.frames import listens

GOLDEN = [
    (
        ("Rick Astley", "Never Gonna Give You Up", "Whenever You Need Somebody"),
        "rick astley\x1fnever gonna give you up\x1fwhenever you need somebody",
    ),
    (("LISA", "MONEY", "LALISA"), "lisa\x1fmoney\x1flalisa"),
    (("LiSA", "紅蓮華", None), "lisa\x1f紅蓮華\x1f"),
    (("A", "T", "Al"), "a\x1ft\x1fal"),
    (("A\x1eB", "T", "Al"), "a\x1eb\x1ft\x1fal"),
    (("Zoë", "Été", "Ça"), "zoë\x1fété\x1fça"),
    (("ΑΣ", "ΟΔΥΣΣΕΥΣ", "ΣΊΣΥΦΟΣ"), "ας\x1fοδυσσευς\x1fσίσυφος"),
    (("İstanbul", "Iğdır", "ISPARTA"), "i̇stanbul\x1fiğdır\x1fisparta"),
    (("Straße", "STRASSE", "GROẞ"), "straße\x1fstrasse\x1fgroß"),
    (("\N{KELVIN SIGN}", "\N{ANGSTROM SIGN}", "\N{ROMAN NUMERAL FOUR}"), "k\x1få\x1f\N{SMALL ROMAN NUMERAL FOUR}"),
    (("Кино", "ГРУППА КРОВИ", "45"), "кино\x1fгруппа крови\x1f45"),
    (("AC/DC", "T.N.T.", "''"), "ac/dc\x1ft.n.t.\x1f''"),
    (("\N{LATIN CAPITAL LETTER D WITH SMALL LETTER Z WITH CARON}", "Ａ", "🎵"), "ǆ\x1fａ\x1f🎵"),
    (
        ("A\x1e" + "B" * 10, "x" * 1_990, "AL"),
        "sha256:63959fb6d88fb5505ea92255b238da2cc2dacf382093c6c6a52d9f146280bdb2",
    ),
    (("Ann", "ß" * 1_000, None), "sha256:78338abc18a0e315ac4cb1b38b50f6af41a16d212080acab44736e8a6cc7e2a2"),
]

PART = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
CREDIT = st.lists(PART, min_size=1, max_size=3).map(BETWEEN_ARTISTS.join)
TEXTS = st.tuples(CREDIT, PART, st.none() | PART)


def keys_of(*texts: tuple[str, str, str | None]) -> list[str]:
    schema = {"credit": pl.String, "track": pl.String, "album": pl.String}
    return lookup_keys(pl.DataFrame(texts, schema=schema, orient="row")).to_list()


@pytest.mark.parametrize(("texts", "key"), GOLDEN, ids=[key[:40] for _, key in GOLDEN])
def test_keys_never_change(texts: tuple[str, str, str | None], key: str) -> None:
    assert keys_of(texts) == [key]
    assert lookup_key(*texts) == key


@given(TEXTS | st.tuples(st.text(max_size=3), st.text(max_size=3).map(lambda text: text * 400), st.none()))
def test_one_key_alone_is_the_same(texts: tuple[str, str, str | None]) -> None:
    assert lookup_key(*texts) == keys_of(texts)[0]


def test_no_rows_give_no_keys() -> None:
    assert keys_of() == []


def test_the_key_of_a_row_does_not_depend_on_other_rows() -> None:
    assert keys_of(*(texts for texts, _ in GOLDEN)) == [key for _, key in GOLDEN]


def test_a_missing_album_is_an_empty_part() -> None:
    assert keys_of(("A", "T", None), ("A", "T", "")) == ["a\x1ft\x1f"] * 2


def test_fields_are_separated() -> None:
    keys = keys_of(("A", "B", "C"), ("A B", "C", None), ("A", "B C", None), ("A", "BC", None), ("AB", "C", None))
    assert len(set(keys)) == 5


def test_a_key_of_more_than_2000_bytes_is_a_digest_of_all_of_it() -> None:
    fits = MAX_KEY_BYTES - len("a\x1f\x1f")
    longest, longer, other = keys_of(
        ("a", "x" * fits, None), ("a", "x" * (fits + 1), None), ("a", "x" * fits + "y", None)
    )
    assert longest == f"a\x1f{'x' * fits}\x1f"
    assert longer == "sha256:" + hashlib.sha256(f"a\x1f{'x' * (fits + 1)}\x1f".encode()).hexdigest()
    assert other != longer


def test_bytes_count_not_characters() -> None:
    assert keys_of(("a", "é" * 998, None))[0].startswith("a\x1f")
    assert keys_of(("a", "é" * 999, None))[0].startswith("sha256:")


def test_a_digest_ignores_case_as_the_key_does() -> None:
    upper, lower = keys_of(("ANN", "X" * 1_000, "Y" * 1_000), ("ann", "x" * 1_000, "y" * 1_000))
    assert upper == lower


@given(TEXTS, TEXTS)
def test_keys_are_equal_if_all_parts_are_ignoring_case(
    one: tuple[str, str, str | None], other: tuple[str, str, str | None]
) -> None:
    first, second = keys_of(one, other)
    lower = pl.Series([*one, *other], dtype=pl.String).fill_null("").str.to_lowercase().to_list()
    assert (first == second) == (lower[:3] == lower[3:])


def test_text_credit_and_listed_artist_have_one_key() -> None:
    made = listens({"artist": "Ann"}, {"artist": None, "artists": ["Ann"]}, {"artist": "x", "artists": ["ANN", "ann"]})
    assert made.get_column("lookup_key").to_list() == ["ann\x1fone\x1f"] * 3


def test_all_listed_artists_are_part_of_the_key_in_their_order() -> None:
    made = listens(
        {"artists": ["A"]}, {"artists": ["A", "B"]}, {"artists": ["B", "A"]}, {"artist": "A · B"}, {"artist": "A, B"}
    )
    keys = made.get_column("lookup_key").to_list()
    assert keys == [f"{credit}\x1fone\x1f" for credit in ("a", "a\x1eb", "b\x1ea", "a · b", "a, b")]


def test_both_unicode_forms_and_all_white_space_give_one_key() -> None:
    made = listens(
        {"artist": "Zoë", "track": "Été d'or", "album": "Å"},
        {"artist": "Zoe\N{COMBINING DIAERESIS}", "track": " E\u0301te\u0301\td'or ", "album": "\N{ANGSTROM SIGN}"},
        {"artist": "ZOË", "track": "ÉTÉ\N{NO-BREAK SPACE} D'OR\0", "album": "A\N{COMBINING RING ABOVE}\x07"},
    )
    assert made.get_column("lookup_key").unique().to_list() == ["zoë\x1fété d'or\x1få"]


def test_mbids_are_not_in_the_key() -> None:
    mbid = "aaaaaaaa-0000-4000-8000-000000000000"
    made = listens({}, {"recording_mbid": mbid, "release_mbid": mbid, "artist_mbids": [mbid]})
    assert made.get_column("lookup_key").n_unique() == 1
