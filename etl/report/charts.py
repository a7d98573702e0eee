"""Draws numbers as SVG: each chart once for wide screens and once for phones. Pure.

Colours are custom properties of the page's style sheet, so one drawing works in light and dark mode. Every mark has a
title, which browsers show as a tooltip. No chart shows text from an export.
"""

from __future__ import annotations

from datetime import date
from itertools import accumulate, pairwise
from math import ceil
from typing import TYPE_CHECKING

from markupsafe import Markup

from etl.report import svg
from etl.report.text import plural, spaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

WIDTHS = {"wide": 880, "narrow": 334}
"""Widths of the drawings in CSS pixels: those of the page's cards."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LEFT = 42  # pixels for the labels of a vertical axis, in any font
_TOP = 6  # pixels above a plot, for half a label
_PLOT = 190  # pixels
_BOTTOM = _TOP + _PLOT
_LABEL = 62  # pixels between the labels of years or months
_LETTER = 8  # pixels per character of a label, at most
_NAMES = 82  # pixels for the name of a step
_SECONDS = 62  # pixels for the text after the longest bar
_LEAST_SHARE = 0.012  # of the bar; a smaller part could not be seen
_MOST_TICKS = 5  # in addition to 0
_AXIS: dict[str, str | float] = {"fill": "var(--muted)", "font_size": 12}


def accounting(records: Mapping[str, int], label: str) -> Markup:
    """Draw one bar of all ``records``, by outcome; the first is on the left."""
    height, gap = 44, 2
    parts = {name: number for name, number in records.items() if number}
    total = sum(parts.values())
    shares = [max(number / total, _LEAST_SHARE) for number in parts.values()]
    whole = sum(shares)
    edges = [0, *accumulate(share / whole for share in shares)]

    def draw(width: int) -> Iterator[Markup]:
        for (name, number), (begin, end) in zip(parts.items(), pairwise(edges), strict=True):
            size = (end - begin) * (width + gap) - gap
            about = svg.title(f"{spaced(name)}: {plural(number, 'record')}")
            colour = f"var(--{name.replace('_', '-')})"
            yield svg.rect(begin * (width + gap), 0, size, height, about, fill=colour, rx=min(4, size / 2))

    return _drawings(draw, height, label)


def by_month(numbers: Mapping[date, int], noun: str, colour: str, label: str, years: tuple[int, int]) -> Markup:
    """Draw a bar for each month (its first day), over all of ``years``; ``noun`` is what the numbers count."""
    first, last = years
    ticks = ticks_up_to(max(numbers.values()))
    heights = [_BOTTOM - _PLOT * tick / ticks[-1] for tick in ticks]

    def draw(width: int) -> Iterator[Markup]:
        room = width - _LEFT
        marks = _year_marks(first, last, room)
        grid = (svg.line(_LEFT, y, width, y) for y in heights)
        feet = (svg.line(x, _BOTTOM, x, _BOTTOM + 8) for x, _ in marks)
        yield svg.element("g", *grid, *feet, stroke="var(--line)")
        counts = (svg.text(_LEFT - 8, y + 4, shown) for y, shown in zip(heights, _short(ticks), strict=True))
        yield svg.element("g", *counts, **_AXIS, text_anchor="end")
        names = (svg.text(x + 5, _BOTTOM + 20, name) for x, name in marks)
        yield svg.element("g", *names, **_AXIS)
        step = room / (12 * (last - first + 1))
        columns = (
            _month(
                _LEFT + step * (12 * (month.year - first) + month.month - 1),
                step,
                number / ticks[-1],
                f"{month:%B %Y}: {plural(number, noun)}",
            )
            for month, number in numbers.items()
        )
        yield svg.element("g", *columns, fill=colour)

    return _drawings(draw, _BOTTOM + 26, label)


def weekdays_and_hours(listens: Mapping[tuple[int, int], int], label: str, zone: str) -> Markup:
    """Draw listens by weekday (1 to 7) and hour in ``zone`` as a heat map; more listens have a stronger colour."""
    row, below = 30, 24
    most = max(listens.values())

    def draw(width: int) -> Iterator[Markup]:
        gap, every = (4, 2) if width > 500 else (2, 6)
        column = (width - _LEFT + gap) / 24
        days = (svg.text(_LEFT - 8, row * index + 17, name) for index, name in enumerate(WEEKDAYS))
        yield svg.element("g", *days, **_AXIS, text_anchor="end")
        middle = _LEFT + (column - gap) / 2
        hours = (svg.text(middle + column * hour, 7 * row + 14, str(hour)) for hour in range(0, 24, every))
        yield svg.element("g", *hours, **_AXIS, text_anchor="middle")
        for day, name in enumerate(WEEKDAYS):
            for hour in range(24):
                number = listens.get((day + 1, hour), 0)
                about = svg.title(f"{name} {hour:02}:00 to {hour:02}:59 {zone}: {plural(number, 'listen')}")
                colour: dict[str, str | float] = (
                    {"fill": "var(--accent)", "opacity": 0.12 + 0.88 * number / most}
                    if number
                    else {"fill": "var(--empty)"}
                )
                x = _LEFT + column * hour
                yield svg.rect(x, row * day, column - gap, row - 4, about, rx=3, **colour)

    return _drawings(draw, 7 * row + below, label)


def steps(seconds: Mapping[str, float], label: str) -> Markup:
    """Draw the seconds of each step as bars, in the order of ``seconds``."""
    row, bar = 28, 18
    longest = max(*seconds.values(), 0.01)

    def draw(width: int) -> Iterator[Markup]:
        room = width - _NAMES - _SECONDS
        for index, (step, taken) in enumerate(seconds.items()):
            y, size = row * index + (row - bar) / 2, max(1, room * taken / longest)
            shown = f"{taken:,.2f} s"
            yield svg.text(0, y + 14, spaced(step), fill="var(--muted)", font_size=13)
            about = svg.title(f"{spaced(step)}: {shown}")
            yield svg.rect(_NAMES, y, size, bar, about, fill="var(--accent)", rx=min(3, size / 2))
            yield svg.text(_NAMES + size + 8, y + 14, shown, fill="var(--ink)", font_size=13)

    return _drawings(draw, row * len(seconds), label)


def ticks_up_to(most: int) -> list[int]:
    """Return a few round numbers, evenly spaced, from 0 to ``most`` or just above it."""
    scale = 1
    while most > _MOST_TICKS * 5 * scale:
        scale *= 10
    step = next(size * scale for size in (1, 2, 5) if most <= _MOST_TICKS * size * scale)
    return list(range(0, most + step, step))


def _short(numbers: list[int]) -> list[str]:
    """Return the labels of an axis whose last number is the largest."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if numbers[-1] >= 10 * size:
            return [f"{number / size:g}{unit if number else ''}" for number in numbers]
    return [f"{number:,}" for number in numbers]


def _month(x: float, step: float, share: float, about: str) -> Markup:
    """Return a bar whose tooltip shows over the full height of the plot. Wide bars have round corners and gaps."""
    width = step * 0.82 if step > 3 else max(step, 1.5)
    height = max(1, _PLOT * share)
    radius = min(3, width / 3, height) if step > 3 else 0
    left, right = f"q0,{-radius:.2f} {radius:.2f},{-radius:.2f}", f"q{radius:.2f},0 {radius:.2f},{radius:.2f}"
    outline = f"M{x:.2f},{_BOTTOM}v{radius - height:.2f}{left}h{width - 2 * radius:.2f}{right}V{_BOTTOM}z"
    column = svg.rect(x, _TOP, step, _PLOT, fill="transparent")
    return svg.element("g", svg.title(about), column, svg.element("path", d=outline))


def _year_marks(first: int, last: int, room: float) -> list[tuple[float, str]]:
    """Return where years begin (or months, within one year) and their labels, as far as there is room for them."""
    if first == last:
        labels = [f"{date(first, month, 1):%b %Y}" for month in range(1, 13)]
    else:
        labels = [str(year) for year in range(first, last + 1)]
    every = ceil(len(labels) * _LABEL / room)
    marks = [(_LEFT + room * index / len(labels), label) for index, label in enumerate(labels)]
    return [(x, label) for x, label in marks[::every] if x + _LETTER * len(label) <= _LEFT + room]


def _drawings(draw: Callable[[int], Iterator[Markup]], height: float, label: str) -> Markup:
    """Return the drawings that ``draw`` makes for each of WIDTHS; the style sheet shows one of them."""
    return Markup("").join(svg.drawing(name, width, height, label, draw(width)) for name, width in WIDTHS.items())
