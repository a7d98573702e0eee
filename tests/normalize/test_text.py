"""What cleaning does to a text, which texts it changes, and how case is folded."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.normalize.text import changed_by_cleaning, clean, fold
from tests.helpers.examples import examples

SPECIAL = st.sampled_from(
    [
        *"\0\t\n\r\v\f\x01\x1b\x1c\x1f\x7f\x80\x85\x9f ",
        *"\N{NO-BREAK SPACE}\N{EN QUAD}\N{EM SPACE}\N{LINE SEPARATOR}\N{IDEOGRAPHIC SPACE}",
        *"\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}\N{ANGSTROM SIGN}\N{OHM SIGN}",
        *"\N{COMBINING DIAERESIS}\N{COMBINING ACUTE ACCENT}\N{COMBINING CEDILLA}",
        *"\N{HANGUL CHOSEONG KIYEOK}\N{HANGUL JUNGSEONG A}\N{HANGUL JONGSEONG KIYEOK}\N{GREEK QUESTION MARK}",
        *"aeZ",
    ]
)
# Unassigned characters are left out: Python and Polars know different versions of Unicode.
TEXTS = st.lists(st.text(SPECIAL | st.characters(exclude_categories=["Cs", "Cn"])), max_size=12)


def cleaned(texts: list[str]) -> list[str | None]:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(clean(pl.col("text"))).to_series().to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann", "Ann"),
        ("  Ann  ", "Ann"),
        ("Ann\tLee\r\nBand", "Ann Lee Band"),
        ("Ann \N{NO-BREAK SPACE} Lee", "Ann Lee"),
        ("\N{IDEOGRAPHIC SPACE}Ann\x85", "Ann"),
        ("An\0n", "Ann"),
        ("An\x07n", "Ann"),
        ("Ann \x07 Lee", "Ann Lee"),
        ("Zoe\N{COMBINING DIAERESIS}", "Zoë"),
        ("\N{ANGSTROM SIGN}sa", "Åsa"),
        ("\N{ZERO WIDTH SPACE}", "\N{ZERO WIDTH SPACE}"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", "\N{FULLWIDTH LATIN CAPITAL LETTER A}"),
        ("", None),
        (" \t\N{EM SPACE}", None),
        ("\0\x01", None),
    ],
)
def test_a_text_is_cleaned(text: str, expected: str | None) -> None:
    assert cleaned([text]) == [expected]


def test_null_stays_null() -> None:
    assert pl.DataFrame({"text": [None]}, schema={"text": pl.String}).select(clean(pl.col("text"))).item() is None


@given(TEXTS)
def test_cleaning_twice_changes_nothing(texts: list[str]) -> None:
    once = [text for text in cleaned(texts) if text is not None]
    assert cleaned(once) == once


@given(TEXTS)
def test_clean_text_has_nfc_no_controls_single_spaces(texts: list[str]) -> None:
    for text in cleaned(texts):
        if text is None:
            continue
        assert text
        assert unicodedata.is_normalized("NFC", text)
        assert not [char for char in text if unicodedata.category(char) == "Cc"]
        assert not [char for char in text if char.isspace() and char != " "]
        assert "  " not in text
        assert text.strip() == text


@given(TEXTS)
def test_controls_and_white_space_are_a_blank_text(texts: list[str]) -> None:
    nothing = [all(char.isspace() or unicodedata.category(char) == "Cc" for char in text) for text in texts]
    assert [text is None for text in cleaned(texts)] == nothing


@examples(100)
@given(TEXTS)
def test_changed_by_cleaning_finds_all_changes(texts: list[str]) -> None:
    changed = changed_by_cleaning(pl.Series(texts, dtype=pl.String))
    expected = {text: new for text, new in zip(texts, cleaned(texts), strict=True) if text != new}
    assert changed.height == len(expected)
    assert dict(changed.select("raw", "cleaned").iter_rows()) == expected


@given(TEXTS)
def test_variant_is_the_trimmed_text_without_nul(texts: list[str]) -> None:
    changed = changed_by_cleaning(pl.Series(texts, dtype=pl.String))
    for raw, new, variant in changed.iter_rows():
        trimmed = pl.Series([raw]).str.strip_chars().item()
        if variant is None:
            assert new is None or trimmed == new or "\0" in trimmed
        else:
            assert variant == trimmed != new
            assert new is not None
            assert "\0" not in variant


def test_nulls_are_not_changed() -> None:
    assert changed_by_cleaning(pl.Series([None, "A", None], dtype=pl.String)).height == 0


@pytest.mark.parametrize(
    "same",
    [
        ("Ann", "ANN"),
        ("k", "K", "\N{KELVIN SIGN}"),
        ("s", "S", "\N{LATIN SMALL LETTER LONG S}"),
        ("σ", "ς", "Σ"),
        ("ΑΣ", "ας", "ασ"),
        ("ß", "\N{LATIN CAPITAL LETTER SHARP S}"),
        ("µ", "μ", "Μ"),
        ("Ǆ", "ǅ", "ǆ"),
        ("Ⅳ", "ⅳ"),
        ("ᾈ", "ᾀ"),
        ("Ё", "ё"),
    ],
)
def test_names_that_differ_in_case_only_are_one(same: tuple[str, ...]) -> None:
    assert len({fold(text) for text in same}) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("ß", "ss"),
        ("Straße", "STRASSE"),
        ("\N{LATIN SMALL LIGATURE FI}", "fi"),
        ("İ", "i"),
        ("İ", "i\N{COMBINING DOT ABOVE}"),
        ("ı", "i"),
        ("é", "e"),
    ],
)
def test_names_that_only_full_folding_would_call_the_same_are_two(texts: tuple[str, str]) -> None:
    assert fold(texts[0]) != fold(texts[1])


@given(st.text())
def test_folding_keeps_length_and_is_idempotent(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize("text", ["{}", "a{}b", "{}b", "e{}", "a {}", "a{}{}b"])
def test_no_character_that_cleaning_acts_upon_is_missed(text: str) -> None:
    texts = pl.Series("raw", [text.replace("{}", chr(code)) for code in range(0x3400)])
    cleaned = texts.to_frame().with_columns(cleaned=clean(pl.col("raw")))
    acted_upon = cleaned.filter(pl.col("raw").ne_missing(pl.col("cleaned")))
    assert acted_upon.height > 0
    assert set(changed_by_cleaning(texts)["raw"]) == set(acted_upon["raw"])
