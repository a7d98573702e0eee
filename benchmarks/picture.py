"""Draws the curve of ``growth`` as an SVG that is readable on light and dark pages.

python -m benchmarks.picture benchmarks/results/growth-*.json docs/performance.svg
"""

from __future__ import annotations

import argparse
import json
import re
from itertools import pairwise
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.suites.million import NEW
from etl.report import svg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from markupsafe import Markup

WIDTH, HEIGHT = 640, 320
LEFT, TOP, RIGHT, BELOW = 48, 40, 12, 44
KINDS = {
    "": "into an empty database",
    " again": "the same again, --force",
    f"+{NEW}": f"{NEW} new plays after them",
}
COLOURS = ("#2f6fb5", "#c26a1a", "#3d8b57")
GREY = "#7d7d7d"  # has contrast on white and on black
SECONDS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
LEGEND = 210  # pixels for each kind

Curve = dict[int, float]
"""Seconds by plays."""


def curves(summary: Mapping[str, Any]) -> dict[str, Curve]:
    """Return seconds (medians) by plays of each kind of line in a summary of ``growth``."""
    found: dict[str, Curve] = {kind: {} for kind in KINDS}
    for name, line in summary.items():
        if parts := re.fullmatch(r"(\d+)(| again|\+\d+)", name):
            found[parts[2]][int(parts[1])] = line["seconds"]["median"]
    return {kind: dict(sorted(curve.items())) for kind, curve in found.items() if curve}


def picture(found: Mapping[str, Curve]) -> Markup:
    """Return a chart of seconds by plays, both on logarithmic scales, with one line for each kind."""
    plays = sorted({number for curve in found.values() for number in curve})
    slowest = max(second for curve in found.values() for second in curve.values())
    to_x = _scale(plays[0], plays[-1], LEFT, LEFT + WIDTH)
    to_y = _scale(SECONDS[0], slowest, TOP + HEIGHT, TOP)
    rows = {to_y(second): f"{second:g}" for second in SECONDS if second <= slowest}
    columns = {to_x(number): _short(number) for number in plays}
    parts = [*_axes(rows, columns)]
    for index, (kind, curve) in enumerate(found.items()):
        colour = COLOURS[list(KINDS).index(kind)]
        parts.append(_line([(to_x(number), to_y(second)) for number, second in curve.items()], colour))
        parts.append(svg.element("circle", cx=LEFT + 6 + LEGEND * index, cy=14, r=4, fill=colour))
        parts.append(svg.text(LEFT + 16 + LEGEND * index, 18, KINDS[kind], fill=GREY))
    width, height = LEFT + WIDTH + RIGHT, TOP + HEIGHT + BELOW
    return svg.element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        font_family="sans-serif",
        font_size=12,
    )


def _line(points: list[tuple[float, float]], colour: str) -> Markup:
    lines = (svg.line(*one, *other, stroke_width=2) for one, other in pairwise(points))
    dots = (svg.element("circle", cx=x, cy=y, r=4) for x, y in points)
    return svg.element("g", *lines, *dots, stroke=colour, fill=colour)


def _axes(rows: Mapping[float, str], columns: Mapping[float, str]) -> Iterator[Markup]:
    bottom, right = TOP + HEIGHT, LEFT + WIDTH
    across = (svg.line(LEFT, y, right, y) for y in rows)
    down = (svg.line(x, TOP, x, bottom) for x in columns)
    yield svg.element("g", *across, *down, stroke=GREY, stroke_opacity=0.27)
    yield svg.element(
        "g", *(svg.text(LEFT - 8, y + 4, shown) for y, shown in rows.items()), fill=GREY, text_anchor="end"
    )
    below = [svg.text(x, bottom + 18, shown) for x, shown in columns.items()]
    below.append(svg.text(LEFT + WIDTH / 2, bottom + 38, "plays in the history"))
    middle = TOP + HEIGHT / 2
    below.append(svg.text(12, middle, "seconds, whole process", transform=f"rotate(-90 12 {middle:g})"))
    yield svg.element("g", *below, fill=GREY, text_anchor="middle")


def _scale(first: float, last: float, begin: float, end: float) -> Callable[[float], float]:
    """Return a function that maps a number from ``first`` to ``last`` to a pixel, by its logarithm."""
    whole = log(last / first) or 1
    return lambda number: begin + (end - begin) * log(number / first) / whole


def _short(number: int) -> str:
    if number >= 1_000_000:
        return f"{number / 1_000_000:g}M"
    return f"{number / 1_000:g}k" if number >= 1_000 else str(number)


def main() -> None:
    """Draw the picture given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description="Draw the curve of growth.")
    parser.add_argument("result", type=Path)
    parser.add_argument("picture", type=Path)
    args = parser.parse_args()
    summary = json.loads(args.result.read_text(encoding="utf-8"))["summary"]["here"]
    args.picture.write_text(picture(curves(summary)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
