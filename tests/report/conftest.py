"""Pages are made once, and a drawing is drawn once of the same data: it takes nearly all of a page's time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from etl.report import charts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl


def _once(draw: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Return ``draw``, a pure function, which remembers what it drew."""
    known: dict[tuple[Any, ...], list[str]] = {}

    def drawn(frame: pl.DataFrame, *told: object) -> list[str]:
        of = (*frame.schema.items(), *frame.rows(), *told)
        if of not in known:
            known[of] = draw(frame, *told)
        return known[of]

    return drawn


@pytest.fixture(scope="package", autouse=True)
def _drawn_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for draw in (charts.accounting, charts.by_month, charts.weekdays_and_hours, charts.steps):
            patch.setattr(charts, draw.__name__, _once(draw))
        yield
