"""The frames that become files."""

from __future__ import annotations

import polars as pl
import pytest

from etl.backfill.rules.frames import for_spreadsheets


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+44", "-", "@peace", "\t=1", "\r=1"])
def test_formulas_become_text_for_spreadsheets(name: str) -> None:
    assert for_spreadsheets(pl.DataFrame({"name": [name]})).item() == f"'{name}"


def test_other_cells_stay_as_they_are_for_spreadsheets() -> None:
    frame = pl.DataFrame({"name": ["a=b", "", None, " -"], "id": [-1, 2, None, 4]})
    assert for_spreadsheets(frame).equals(frame)
