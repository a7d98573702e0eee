"""docs/reliability.md has every section and figure that the tests of faults record, and zeros where it must."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.faults.record import FILE, read_records, record
from tests.faults.report import PAGE, harm, render
from tests.faults.sections import LOSSES, SECTIONS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.record import Figures

PROMISED = [*LOSSES.values(), SECTIONS["koito_alive"].figures["dangling"], SECTIONS["privacy"].figures["traces"]]


def nothing() -> dict[str, Figures]:
    return {name: dict.fromkeys(section.figures, 0) for name, section in SECTIONS.items()}


def shape(page: str) -> list[str]:
    """Return the lines of a page without their numbers."""
    return re.sub(r"\d[\d.,]*", "0", page).splitlines()


def test_the_page_has_the_sections_and_figures_that_are_recorded() -> None:
    assert shape(PAGE.read_text(encoding="utf-8")) == shape(render(nothing())), (
        "docs/reliability.md is behind the tests: it says how to write it again"
    )


def test_the_page_says_that_nothing_was_lost_or_stored_twice() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for label in PROMISED:
        found = re.findall(rf"^\| {re.escape(label)} \| (.+) \|$", page, re.MULTILINE)
        assert found
        assert set(found) == {"0"}


def test_figures_are_summed_and_of_the_longest_times_the_longest_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILE, str(tmp_path / "faults.jsonl"))
    for seconds in (0.5, 2.25, 1.0):
        record("signals", hits=2, seconds_max=seconds)
    record("crowd", losses=1)

    found = read_records(tmp_path / "faults.jsonl")

    assert found == {"signals": {"hits": 6, "seconds_max": 2.25}, "crowd": {"losses": 1}}
    assert harm(found) == {"crowd.losses": 1}


def test_without_a_file_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    record("crowd", losses=1)

    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_is_not_on_the_page_cannot_be_recorded() -> None:
    with pytest.raises(AssertionError):
        record("crowd", surprises=1)
    with pytest.raises(KeyError):
        record("surprises", crowd=1)


def test_a_page_without_all_figures_is_refused() -> None:
    found = nothing()
    del found["crowd"]["live"]
    with pytest.raises(SystemExit, match=r"not recorded: crowd\.live;"):
        render(found)


def test_titles_and_labels_are_distinguished() -> None:
    assert Counter(section.title for section in SECTIONS.values()).most_common(1)[0][1] == 1
    for section in SECTIONS.values():
        assert len(set(section.figures.values())) == len(section.figures)
