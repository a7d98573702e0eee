"""Aliases are cleaned like the names of listens; useless ones are dropped."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from etl.core.schema import ALIAS, ALIASES
from etl.normalize.aliases import clean_aliases
from etl.normalize.text import clean
from tests.helpers.examples import examples
from tests.helpers.frames import listens, normalized

TEXT = st.text(st.sampled_from("ab \t\n\0\u00a0e\u0301é"), max_size=5) | st.just("ü" * 1001)
ROW = st.tuples(
    st.sampled_from(["artist", "album", "track"]), st.none() | TEXT, st.none() | TEXT, st.none() | TEXT, st.booleans()
)


def rows(*aliases: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(zip(ALIAS, alias, strict=True)) for alias in aliases]


def cleaned(*lists: list[dict[str, Any]] | None) -> list[list[tuple[Any, ...]] | None]:
    found = clean_aliases(pl.Series("aliases", lists, dtype=ALIASES))
    assert found.dtype == ALIASES
    assert found.name == "aliases"
    return [None if aliases is None else [tuple(alias.values()) for alias in aliases] for aliases in found]


def plain(text: str | None) -> str | None:
    """Clean one text with the function that cleans the names of listens."""
    found = pl.select(clean(pl.lit(text, pl.String))).item()
    assert found is None or isinstance(found, str)
    return found


@examples(20)
@given(st.lists(st.none() | st.lists(ROW, max_size=4), max_size=4))
def test_aliases_are_cleaned_like_names_and_useless_ones_dropped(lists: list[list[tuple[Any, ...]] | None]) -> None:
    found = cleaned(*(None if one is None else rows(*one) for one in lists))
    for aliases, given_ones in zip(found, lists, strict=True):
        good: dict[tuple[str, str | None, str], tuple[bool, str]] = {}
        for entity, of, alias, source, is_primary in given_ones or ():
            name, origin = plain(alias), plain(source) or "Canonical"
            if name and len(name.encode()) <= 2_000 and len(origin.encode()) <= 2_000:
                mark = (not is_primary, origin)
                key = (entity, plain(of), name)
                good[key] = min(mark, good.get(key, mark))
        assert {alias[:3]: (not alias[4], alias[3]) for alias in aliases or ()} == good
        assert len(aliases or ()) == len(good)
        assert aliases != []


def test_equal_sets_come_out_equal_whatever_their_order() -> None:
    one, two = ("track", None, "Eins", "Import", False), ("artist", "Ann", "Annie", "Manual", False)
    first, second = cleaned(rows(one, two), rows(two, one, one))
    assert first == second == [two, one]


def test_primary_name_stays_of_two_equal_names() -> None:
    assert cleaned(
        rows(("track", None, "One ", "Import", False), ("track", None, "One", "Manual", True)),
    ) == [[("track", None, "One", "Manual", True)]]


def test_a_column_without_aliases_stays_as_it_is() -> None:
    nothing = pl.Series("aliases", [None, None], dtype=ALIASES)
    assert clean_aliases(nothing) is nothing
    assert cleaned() == []


def test_a_listen_keeps_its_aliases_and_the_flag_of_its_album() -> None:
    found = listens(
        {"aliases": rows(("artist", " Ann\t", "An\0nie ", "Manual", False)), "various_artists": True},
        {"aliases": rows(("artist", "Ann", " ", "Manual", False)), "various_artists": False},
    )
    assert found.get_column("various_artists").to_list() == [True, False]
    assert found.get_column("aliases").to_list() == [rows(("artist", "Ann", "Annie", "Manual", False)), None]


def test_alias_that_is_too_long_is_dropped() -> None:
    found = normalized({"aliases": rows(("track", None, "x" * 2_001, "Manual", False))})
    assert found.rejected.is_empty()
    assert found.listens.get_column("aliases").to_list() == [None]
