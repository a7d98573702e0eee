"""Submits rows of the tests' own format as live listens."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import EXTRACTED
from etl.live.listen import ValidListen, validate_frame
from etl.live.submit import submit_validated
from tests.helpers.worlds import START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.live.listen import Submitted
    from etl.live.submit import LiveConnection
    from tests.helpers.worlds import Row


def extracted(rows: Sequence[Row]) -> pl.DataFrame:
    """Return ``rows`` (see ``tests.helpers.worlds``) with schema EXTRACTED."""
    full = [
        {**dict.fromkeys(EXTRACTED), **row, "row": number, "listened_at": START + timedelta(seconds=row["listened_at"])}
        for number, row in enumerate(rows, start=1)
    ]
    return pl.DataFrame(full, schema=EXTRACTED)


def submit_rows(live: LiveConnection, rows: Sequence[Row]) -> list[Submitted]:
    """Submit ``rows`` one after the other, all of them good."""
    validated = validate_frame(extracted(rows), live.rules())
    assert all(isinstance(one, ValidListen) for one in validated)
    return [done for one in validated for done in submit_validated(live, [one])]
