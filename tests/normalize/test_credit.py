"""Splitting a credit into artists: Koito's rules without its defects."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.normalize.credit import FEATURE_HINT, as_one_artist, distinct, distinct_positions, split_credit
from etl.normalize.text import fold
from tests.helpers.examples import examples

DEFAULT = compile_separators(DEFAULT_SEPARATORS)

# Where Koito's ParseArtists gives another result, the comment says which.
CREDITS = [
    ("Carly Rae Jepsen feat. Rufus Wainwright", ["Carly Rae Jepsen", "Rufus Wainwright"]),  # the feature first
    ("Mimi (feat. HATSUNE MIKU & KAFU)", ["Mimi", "HATSUNE MIKU", "KAFU"]),  # the features first
    ("Mimi [feat. HATSUNE MIKU, KAFU]", ["Mimi", "HATSUNE MIKU", "KAFU"]),  # the features first
    ("Earth, Wind & Fire", ["Earth, Wind & Fire"]),
    ("Simon and Garfunkel", ["Simon and Garfunkel"]),
    ("A ft. B", ["A", "B"]),  # not recognised
    ("A featuring B", ["A", "B"]),  # not recognised
    ("A FEAT. B", ["A", "B"]),  # the feature first
    ("A feat.B", ["A", "B"]),  # not recognised
    ("A (with B)", ["A (with B)"]),
    ("A feat. B (Remix)", ["A feat. B (Remix)"]),
    ("Defeat. Club", ["Defeat. Club"]),  # "Club", "De"
    ("Loft. Band", ["Loft. Band"]),
    ("A featuringB", ["A featuringB"]),
    ("Featuring", ["Featuring"]),
    ("half·alive", ["half·alive"]),
    ("Magnify Tokyo · Kanade Ishihara", ["Magnify Tokyo", "Kanade Ishihara"]),
    ("A · B feat. C", ["A", "B", "C"]),  # "C" first
    ("A feat. B · C", ["A", "B", "C"]),  # the features first
    ("A feat. B feat. C", ["A", "B", "C"]),  # "B feat. C", "A"
    ("A feat. B and C", ["A", "B", "C"]),  # the features first
    ("A feat. Brandy, Monica", ["A", "Brandy", "Monica"]),  # "Br", "y"
    ("A feat. half·alive", ["A", "half", "alive"]),  # the features first
    ("A feat. Band of Sand", ["A", "Band of Sand"]),  # "B", "of S"
    ("A (feat. B) [feat. C] feat. D", ["A", "B", "C", "D"]),  # the features first
    ("feat. B", ["B"]),
    ("10 Ft. Ganja Plant", ["10 Ft. Ganja Plant"]),
    ("Six Ft. Ditch", ["Six Ft. Ditch"]),
    ("twenty-five ft. Club", ["twenty-five ft. Club"]),
    ("One Hundred and 5½ Ft. Tall", ["One Hundred and 5½ Ft. Tall"]),
    ("A Thousand Featuring Zeros", ["A Thousand Featuring Zeros"]),
    ("Featuring Yourself", ["Featuring Yourself"]),
    ("ft. B", ["ft. B"]),
    ("A featuring", ["A featuring"]),
    ("A ft. &", ["A ft. &"]),
    ("A ft. !!!", ["A", "!!!"]),
    ("(A) ft. B", ["(A)", "B"]),
    ("A (feat. B) (feat. C)", ["A", "B", "C"]),  # "B", "A (feat. C)"
    ("A ft. B (Remix)", ["A ft. B (Remix)"]),
    ("Ft. Worth ft. B", ["Ft. Worth", "B"]),
    ("Featuring Yourself featuring B", ["Featuring Yourself", "B"]),
    ("10 Ft. Ganja Plant ft. B", ["10 Ft. Ganja Plant", "B"]),
    ("10 Ft. Ganja Plant feat. B", ["10 Ft. Ganja Plant", "B"]),  # "B" first
    ("A feat. 10 Ft. Ganja Plant", ["A", "10 Ft. Ganja Plant"]),  # the feature first
    ("A ft. B, Six Ft. Ditch and C", ["A", "B", "Six Ft. Ditch", "C"]),
    ("A (ft. B featuring C)", ["A", "B", "C"]),
    ("A feat. B, ft. C", ["A", "B", "C"]),  # the features first
    ("A · 10 Ft. Ganja Plant", ["A", "10 Ft. Ganja Plant"]),
    ("Maroon 5 ft. B", ["Maroon 5", "B"]),
    ("The Sixes ft. B", ["The Sixes", "B"]),
    ("1,000 Ft. Tall", ["1,000 Ft. Tall"]),
    ("and ft. B", ["and", "B"]),
    ("(feat. )", ["(feat. )"]),
    ("feat.", ["feat."]),
    ("·", ["·"]),
]  # fmt: skip

TITLES = [
    ("T (feat. Anderson .Paak)", ["Anderson .Paak"]),  # "erson .Paak"
    ("T (feat. Brandy, Monica)", ["Brandy", "Monica"]),  # "Br", "y"
    ("T [Ft. B] (Remix)", ["B"]),
    ("T feat. B & C", ["B", "C"]),
    ("T (Featuring B & C)", ["B", "C"]),
    ("Song (Ft. Guest)", ["Guest"]),
    ("Song ft. Guest Two", []),
    ("50 Ft. Queenie", []),
    ("Live at Ft. Worth", []),
    ("Attack of the 50 ft. Woman (Live)", []),
    ("Medley featuring Autumn Leaves", []),
    ("20 Ft. Tall (feat. 10 Ft. Ganja Plant)", ["10 Ft. Ganja Plant"]),
    ("T (feat. A)", []),
    ("T (feat. a)", []),
    ("T (Feat B)", []),
    ("T (with B)", []),
    ("B · C", []),
    ("Sand, Brandy and Defeat. Club", []),
]  # fmt: skip

# Names without anything that splits a feature; folded, each is another one.
PLAIN = st.sampled_from(["Ann", "Bo", "Sandy Band", "Brandy", "Defeat", "ΑΣ", "Straße", "李", "Loft", "Андрей"])
BASE = PLAIN | st.sampled_from(["and", "half·alive", "Earth, Wind & Fire", "Defeat. Club"])
PIECES = st.lists(
    st.sampled_from(
        ["A", "b", "Brandy", " ", " ", "and", "&", ",", "·", " · ", "feat.", "Ft.", "featuring", "(", ")", "[", "]"]
    )
).map("".join)
TEXT = PIECES | st.text(max_size=12)


@pytest.mark.parametrize(("artist", "expected"), CREDITS, ids=[artist for artist, _ in CREDITS])
def test_a_credit_gives_its_artists_the_base_artist_first(artist: str, expected: list[str]) -> None:
    assert split_credit(artist, "x", DEFAULT) == expected


@pytest.mark.parametrize(("title", "expected"), TITLES, ids=[title for title, _ in TITLES])
def test_features_are_read_from_the_title_too(title: str, expected: list[str]) -> None:
    assert split_credit("A", title, DEFAULT) == ["A", *expected]


def test_each_separator_splits_the_whole_credit_as_in_koito() -> None:
    both = compile_separators(r"\s*//\s*;;\s+·\s+")
    assert split_credit("A // B · C", "", both) == ["A", "B · C", "A // B", "C"]
    assert split_credit("A · B", "", both) == ["A", "B"]
    assert split_credit("A // B", "", both) == ["A", "B"]
    assert split_credit("A // B", "", DEFAULT) == ["A // B"]


def test_a_separator_may_hold_groups_and_empty_parts_are_none() -> None:
    assert compile_separators(";;") == ()
    assert [pattern.pattern for pattern in compile_separators("a;;;;b;;")] == ["a", "b"]
    assert split_credit("A vs B", "", compile_separators(r"\s+(vs)\s+")) == ["A", "B"]
    assert split_credit("A/B x/ C", "", compile_separators(r"( x)?/")) == ["A", "B", "C"]
    assert split_credit("vs", "", compile_separators("vs")) == ["vs"]


def test_invalid_regular_expression_is_an_error() -> None:
    with pytest.raises(re.error):
        compile_separators("a;;(")


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["Ann", "ANN", "ann"], ["Ann"]),
        (["LISA", "LiSA"], ["LISA"]),
        (["Straße", "STRASSE"], ["Straße", "STRASSE"]),
        (["K", "\N{KELVIN SIGN}"], ["K"]),
        (["ΣΑΣ", "σας"], ["ΣΑΣ"]),
        ([" Bo ", "Bo", "", "  "], ["Bo"]),
        ([], []),
    ],
)
def test_a_name_counts_once_whatever_its_case(names: list[str], kept: list[str]) -> None:
    assert distinct(names) == kept


def test_distinct_positions() -> None:
    assert distinct_positions([None, "A", "", "a", "B", None, " A"]) == [1, 4]


@given(TEXT, TEXT)
def test_names_are_trimmed_never_blank_and_each_is_another_one(artist: str, title: str) -> None:
    names = split_credit(artist, title, DEFAULT)
    if artist.strip():
        assert names
        assert all(names)
    assert [name.strip() for name in names] == names
    assert len({fold(name) for name in names}) == len(names)


@given(TEXT.filter(str.strip), TEXT)
def test_the_title_only_adds_artists(artist: str, title: str) -> None:
    alone = split_credit(artist, "", DEFAULT)
    assert split_credit(artist, title, DEFAULT)[: len(alone)] == alone


@given(
    bases=st.lists(BASE, min_size=1, max_size=3, unique=True),
    features=st.lists(PLAIN, min_size=1, max_size=3, unique=True),
    joint=st.sampled_from([", ", " & ", " and ", " · ", ",", "&"]),
    form=st.sampled_from(["feat. {}", "ft. {}", "featuring {}", "(feat. {})", "[Ft. {}]", "(Featuring {} )"]),
    in_title=st.booleans(),
)
def test_no_base_artist_and_no_feature_is_lost(
    bases: list[str], features: list[str], joint: str, form: str, in_title: bool
) -> None:
    credit, feature = " · ".join(bases), form.format(joint.join(features))
    is_of_title = in_title and form not in ("ft. {}", "featuring {}")
    artist, title = (credit, f"Title {feature}") if is_of_title else (f"{credit} {feature}", "Title")
    assert split_credit(artist, title, DEFAULT) == distinct([*bases, *features])


@given(TEXT, st.sampled_from(["ft.", "Ft.", "featuring", "FEATURING"]), TEXT)
def test_a_title_is_never_cut_by_unbracketed_ft_or_featuring(before: str, word: str, after: str) -> None:
    if re.search(r"feat\.|[(\[]", f"{before}{after}", re.IGNORECASE):
        return
    assert split_credit("A", f"{before} {word} {after}", DEFAULT) == ["A"]


@given(
    number=st.sampled_from(["10", "5.5", "½", "six", "Twenty One", "a hundred", "NINETY-NINE"]),
    word=st.sampled_from(["ft.", "Ft.", "featuring"]),
    name=PLAIN,
)
def test_a_length_is_part_of_a_name_wherever_it_stands(number: str, word: str, name: str) -> None:
    length = f"{number} {word} {name}"
    assert split_credit(length, "T", DEFAULT) == [length]
    assert split_credit(f"A · {length}", "T", DEFAULT) == ["A", length]
    assert split_credit(f"A ft. {length}", "T", DEFAULT) == ["A", length]
    assert split_credit("A", f"T (feat. B, {length})", DEFAULT) == ["A", "B", length]


@pytest.mark.parametrize(
    ("artist", "title", "artists"),
    [
        ("Ann ft. Bo", "T", ["Ann ft. Bo"]),
        ("Ann featuring Bo", "T (feat. Cy)", ["Ann featuring Bo", "Cy"]),
        ("Ann ft. Bo", "T ft. Cy", ["Ann ft. Bo"]),
        ("Ann", "T ft. Cy", None),
        ("10 Ft. Ganja Plant", "T", None),
        ("Ann feat. Bo", "T", None),
        ("Ann (ft. Bo)", "T", None),
        ("Ann ft. Bo feat. Cy", "T", None),
        ("Ann ft. Bo [ft. Cy]", "T", None),
    ],
)
def test_as_one_artist(artist: str, title: str, artists: list[str] | None) -> None:
    assert as_one_artist(artist, title) == artists


@given(TEXT.filter(str.strip), TEXT)
def test_whole_credit_is_one_name_only_where_it_is_divided(artist: str, title: str) -> None:
    whole = as_one_artist(artist, title)
    if whole is not None:
        assert whole[0] == artist.strip()
        assert len(split_credit(artist, title, ())) > 1


def test_a_credit_of_many_features_is_read_in_one_go() -> None:
    names = [f"N{number}" for number in range(2000)]
    assert split_credit(" ft. ".join(names), "", DEFAULT) == names


@given(st.text().map(str.strip).filter(bool))
def test_a_single_name_stays_as_it_is(name: str) -> None:
    if re.search(r"feat\.|ft\.|featuring|\s·\s", name, re.IGNORECASE):
        return
    assert split_credit(name, "", DEFAULT) == [name]


@given(PIECES.filter(lambda credit: len(re.findall(r"[(\[]", credit)) < 2))
def test_splitting_is_idempotent_for_plain_credits(credit: str) -> None:
    once = split_credit(credit, "", DEFAULT)
    if len(once) == 1:
        assert split_credit(once[0], "", DEFAULT) == once


@examples(17)
@given(st.lists(st.tuples(PIECES.filter(str.strip), PIECES), max_size=20))
def test_the_cheap_check_finds_every_text_with_a_feature(credits_: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(credits_, schema={"artist": pl.String, "title": pl.String}, orient="row")
    hinted = frame.select(pl.any_horizontal(pl.all().str.contains(FEATURE_HINT))).to_series()
    for (artist, title), hint in zip(credits_, hinted, strict=True):
        assert hint or split_credit(artist, title, ()) == [artist.strip()]
