"""Charts: round axis ticks, labels with room, visible parts, escaped text."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.report import charts, svg

MUCH = 10**9


def drawn(chart: str) -> list[ET.Element]:
    """Return the drawings of a chart, the wide one first."""
    return list(ET.fromstring(f"<p>{chart}</p>"))  # noqa: S314 (a chart of ours)


def texts(drawing: ET.Element) -> list[str]:
    return [one.text or "" for one in drawing.iter("text")]


@given(st.integers(1, MUCH))
def test_ticks_are_few_even_and_cover_the_largest_number(most: int) -> None:
    ticks = charts.ticks_up_to(most)
    steps = {after - before for before, after in pairwise(ticks)}
    assert ticks[0] == 0
    assert ticks[-2] < most <= ticks[-1]
    assert len(ticks) <= 6
    assert len(steps) == 1
    assert str(steps.pop()).rstrip("0") in ("1", "2", "5")


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (1, ["0", "1"]),
        (4_321, ["0", "1,000", "2,000", "3,000", "4,000", "5,000"]),
        (12_000, ["0", "5k", "10k", "15k"]),
        (38_000_000, ["0", "10M", "20M", "30M", "40M"]),
    ],
)
def test_large_counts_have_short_labels(most: int, labels: list[str]) -> None:
    for drawing in drawn(charts.by_month({date(2020, 5, 1): most}, "listen", "red", "A chart", (2000, 2001))):
        assert texts(drawing)[: len(labels)] == labels


@given(st.integers(1900, 2100), st.integers(0, 120))
def test_labels_of_years_have_room(first: int, more: int) -> None:
    wide, narrow = drawn(charts.by_month({date(first, 1, 1): 1}, "listen", "red", "A chart", (first, first + more)))
    for drawing, width in ((wide, charts.WIDTHS["wide"]), (narrow, charts.WIDTHS["narrow"])):
        labels = [one for one in drawing.iter("text") if len(one.text or "") >= 4]
        places = [float(one.get("x", "")) for one in labels]
        assert labels
        assert (labels[0].text or "").endswith(str(first))
        assert all(after - before > 50 for before, after in pairwise(places))
        assert max(places) < width - 20


def test_accounting_shows_every_part_within_the_edge() -> None:
    records = {"inserted": MUCH, "already_present": 0, "skipped": 1, "rejected": 1}
    for drawing in drawn(charts.accounting(records, "A bar")):
        edge = float(str(drawing.get("viewBox")).split()[2])
        bars = [(float(one.get("x", "")), float(one.get("width", ""))) for one in drawing.iter("rect")]
        assert len(bars) == 3
        assert min(width for _, width in bars) >= 1
        assert sum(bars[-1]) == pytest.approx(edge)


def test_svg_text_and_attributes_are_escaped() -> None:
    shown = svg.text(0, 1.23456, "</text><script>", text_anchor='"onload="')
    (element,) = drawn(shown)
    assert (element.text, dict(element.items())) == (
        "</text><script>",
        {"x": "0", "y": "1.23", "text-anchor": '"onload="'},
    )
