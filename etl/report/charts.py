"""Draws frames as SVG with Altair: each chart once for wide screens and once for phones. Pure.

Colours are the custom properties of the page's style sheet, so that one drawing serves light and dark. What a mark
stands for is its title. Nothing here shows text of an export.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias

import altair as alt
import polars as pl
import vl_convert

from etl.report.svg import for_page
from etl.report.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    Drawing: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart

WIDTHS = {"wide": 880, "narrow": 334}
"""In CSS pixels: of the drawings, and of the space that the page has for them."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LABEL = 62  # pixels that the label of a month or year needs
_NAMES = 82  # pixels that the name of a step needs
_LEAST_SHARE = 0.012  # of a bar's width: less could not be seen
_FEW = 4  # ticks at halves would come otherwise
_GAP = 0.004
_BARS_WITH_GAPS = 8  # years: beyond, a month is but a few pixels wide
_CONFIG: dict[str, Any] = {
    "background": None,
    "font": "Liberation Sans",  # comes with the renderer: text is measured alike on every machine
    "view": {"stroke": None},
    "axis": {
        "domainColor": "var(--line)",
        "gridColor": "var(--line)",
        "labelColor": "var(--muted)",
        "labelFontSize": 12,
        "tickColor": "var(--line)",
        "title": None,
    },
    "axisY": {"domain": False, "ticks": False, "labelPadding": 8},
    "axisX": {"grid": False, "labelPadding": 6, "labelFlush": False, "labelOverlap": False},
}


def accounting(parts: pl.DataFrame, label: str) -> list[str]:
    """Draw one bar of all records, cut into ``parts`` (name, records; the first stands on the left)."""
    known = parts.filter(pl.col("records") > 0)
    share = pl.max_horizontal(pl.col("records") / pl.col("records").sum(), _LEAST_SHARE)
    cut = (
        known.with_columns(share=share)
        .with_columns(share=pl.col("share") / pl.col("share").sum())
        .with_columns(end=pl.col("share").cum_sum())
        .with_columns(
            begin=pl.col("end") - pl.col("share"),
            colour=pl.format("var(--{})", pl.col("name").str.replace_all("_", "-")),
            title=pl.format("{}: {}", pl.col("name").str.replace_all("_", " "), _counted("records", "record")),
        )
        .with_columns(stop=pl.when(pl.col("end") < 1 - _GAP).then(pl.col("end") - _GAP).otherwise("end"))
    )
    chart = (
        alt.Chart(cut)
        .mark_rect()
        .encode(
            x=alt.X("begin:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False)),
            x2="stop:Q",
            color=alt.Color("colour:N", scale=None, legend=None),
            description="title:N",
        )
    )
    return _drawn(lambda _: chart, 44, label)


def by_month(
    months: pl.DataFrame, value: str, noun: str, colour: str, label: str, span: tuple[date, date]
) -> list[str]:
    """Draw ``value`` of each month (month: the first day of one) as bars over the whole years of ``span``.

    ``noun`` is what one of them is, as the bars' titles have it.
    """
    first, last = span[0].year, span[1].year
    if first == last:
        ticks, form = [_milliseconds(date(first, month, 1)) for month in range(1, 13)], "%b %Y"
    else:
        ticks, form = [_milliseconds(date(year, 1, 1)) for year in range(first, last + 1)], "%Y"
    domain = [_milliseconds(date(first, 1, 1)), _milliseconds(date(last + 1, 1, 1))]
    gap = 0.15 if last - first < _BARS_WITH_GAPS else 0  # of a bar's width
    begin, end = pl.col("month").dt.epoch("ms"), pl.col("month").dt.offset_by("1mo").dt.epoch("ms")
    bars = months.select(
        value,
        begin=begin,
        end=end - (end - begin) * gap,
        title=pl.format("{}: {}", pl.col("month").dt.strftime("%B %Y"), _counted(value, noun)),
    )
    x_scale = alt.Scale(type="utc", domain=domain, nice=False)

    def chart(width: int) -> Drawing:
        every = -(-len(ticks) * _LABEL // width)
        axis = alt.Axis(values=ticks[::every], format=form, labelAlign="left", labelPadding=4, tickSize=8)
        drawing: Drawing = (
            alt.Chart(bars)
            .mark_rect(color=colour)
            .encode(
                x=alt.X("begin:T", scale=x_scale, axis=axis),
                x2="end:T",
                y=alt.Y(f"{value}:Q", scale=alt.Scale(nice=4), axis=_counts(months.get_column(value))),
                y2=alt.datum(0),
                description="title:N",
            )
        )
        return drawing

    return _drawn(chart, 190, label)


def weekdays_and_hours(hours: pl.DataFrame, label: str) -> list[str]:
    """Draw listens by weekday (1 to 7) and hour as a map of heat: the more, the stronger the colour."""
    grid = pl.DataFrame({"weekday": range(1, 8)}).join(pl.DataFrame({"hour": range(24)}), how="cross")
    typed = hours.select(pl.col("weekday", "hour").cast(pl.Int64), pl.col("listens"))
    cells = grid.join(typed, on=["weekday", "hour"], how="left").with_columns(pl.col("listens").fill_null(0))
    day = pl.col("weekday").replace_strict(dict(enumerate(WEEKDAYS, start=1)))
    hour = pl.col("hour").cast(pl.String).str.zfill(2)
    shown = cells.with_columns(
        day=day,
        strength=pl.when(pl.col("listens") > 0)
        .then(0.12 + 0.88 * pl.col("listens") / pl.col("listens").max())
        .otherwise(0),
        title=pl.format("{} {}:00 to {}:59 UTC: {}", day, hour, hour, _counted("listens", "listen")),
    )

    def chart(width: int) -> Drawing:
        every = 2 if width > 500 else 6
        base = alt.Chart(shown).encode(
            x=alt.X(
                "hour:O",
                scale=alt.Scale(paddingInner=0.12),
                axis=alt.Axis(values=list(range(0, 24, every)), labelAngle=0, ticks=False, domain=False),
            ),
            y=alt.Y("day:O", sort=WEEKDAYS, scale=alt.Scale(paddingInner=0.12), axis=alt.Axis(minExtent=42)),
        )
        empty = base.mark_rect(color="var(--empty)", aria=False)
        full = base.mark_rect(color="var(--accent)").encode(
            opacity=alt.Opacity("strength:Q", scale=None, legend=None), description="title:N"
        )
        return alt.layer(empty, full)

    return _drawn(chart, 210, label)


def steps(timings: pl.DataFrame, label: str) -> list[str]:
    """Draw the seconds of each step as bars, in the order of ``timings`` (step, seconds)."""
    order = timings.get_column("step").to_list()
    bars = timings.with_columns(
        shown=pl.col("seconds").map_elements(lambda seconds: f"{seconds:,.2f} s", pl.String),
    ).with_columns(title=pl.format("{}: {}", "step", "shown"))
    longest = max(*timings.get_column("seconds").to_list(), 0.01)

    def chart(width: int) -> Drawing:
        room = 1 + _LABEL / (width - _NAMES - _LABEL)  # for the text behind the longest bar
        base = alt.Chart(bars).encode(
            x=alt.X("seconds:Q", axis=None, scale=alt.Scale(domain=[0, longest * room])),
            y=alt.Y(
                "step:O",
                sort=order,
                scale=alt.Scale(paddingInner=0.3),
                axis=alt.Axis(labelFontSize=13, minExtent=_NAMES),
            ),
            description="title:N",
        )
        bar = base.mark_bar(color="var(--accent)")
        text = base.mark_text(align="left", dx=6, fontSize=12, color="var(--ink)", aria=False).encode(text="shown:N")
        return alt.layer(bar, text)

    return _drawn(chart, 26 * len(order) + 10, label)


def _counts(numbers: pl.Series) -> alt.Axis:
    """Return an axis for whole numbers, whose labels have room, whatever the reader's fonts are."""
    most = max(numbers.to_list())
    if most < _FEW:
        return alt.Axis(values=list(range(most + 1)), format="d", minExtent=42)
    return alt.Axis(tickCount=4, format=",d" if most < 10_000 else "~s", minExtent=42)


def _counted(column: str, noun: str) -> pl.Expr:
    return pl.col(column).map_elements(lambda number: plural(number, noun), pl.String)


def _milliseconds(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86_400_000


def _drawn(chart: Callable[[int], Drawing], height: int, label: str) -> list[str]:
    """Return the chart as it is drawn for each of WIDTHS."""
    drawings = []
    for name, width in WIDTHS.items():
        sized = chart(width).properties(
            width=width, height=height, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"), padding=0
        )
        spec = {**sized.to_dict(), "config": _CONFIG}
        drawing = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
        drawings.append(for_page(drawing, label, name))
    return drawings
