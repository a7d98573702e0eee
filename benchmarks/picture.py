"""Draws the curve of ``growth`` as an SVG that reads on light and dark pages.

python -m benchmarks.picture benchmarks/results/growth-*.json docs/performance.svg
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from benchmarks.suites.million import NEW

WIDTH, HEIGHT = 640, 320
KINDS = {
    "": "into an empty database",
    " again": "the same again, --force",
    f"+{NEW}": f"{NEW} new plays beside them",
}
COLOURS = ("#2f6fb5", "#c26a1a", "#3d8b57")
GREY = "#7d7d7d"  # has contrast on white and on black


def points(summary: dict[str, Any]) -> pl.DataFrame:
    """Return plays, seconds (medians) and kind of each line of a summary of ``growth``."""
    rows = [
        (int(found[1]), line["seconds"]["median"], KINDS[found[2]])
        for name, line in summary.items()
        if (found := re.fullmatch(r"(\d+)(| again|\+\d+)", name))
    ]
    return pl.DataFrame(rows, schema={"plays": pl.Int64, "seconds": pl.Float64, "kind": pl.String}, orient="row")


def chart(found: pl.DataFrame) -> alt.Chart:
    """Return seconds by plays, both on logarithmic scales, a line for each kind."""
    plays = alt.X("plays:Q", title="plays in the history").scale(type="log", nice=False)
    seconds = alt.Y("seconds:Q", title="seconds, whole process").scale(type="log", domainMin=0.5, nice=False)
    kind = alt.Color("kind:N", title=None, sort=list(KINDS.values())).scale(range=list(COLOURS))
    axis = {"labelColor": GREY, "titleColor": GREY, "gridColor": f"{GREY}44", "domainColor": GREY, "tickColor": GREY}
    drawn: alt.Chart = (
        alt.Chart(found, width=WIDTH, height=HEIGHT)
        .mark_line(point=alt.OverlayMarkDef(size=50), strokeWidth=2)
        .encode(
            x=plays.axis(format="~s", values=sorted(found["plays"].unique())),
            y=seconds.axis(format="~g", values=[0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500]),
            color=kind.legend(orient="top", labelColor=GREY, labelLimit=300, columnPadding=36),
        )
        .configure(background="transparent", font="sans-serif", axis=axis, view={"stroke": None})
    )
    return drawn


def main() -> None:
    """Draw the picture that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description="Draw the curve of growth.")
    parser.add_argument("result", type=Path)
    parser.add_argument("picture", type=Path)
    args = parser.parse_args()
    summary = json.loads(args.result.read_text(encoding="utf-8"))["summary"]["here"]
    svg = vl_convert.vegalite_to_svg(chart(points(summary)).to_dict())
    args.picture.write_text(svg + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
