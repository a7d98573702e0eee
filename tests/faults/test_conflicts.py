"""The ledger's transactions that lose a conflict with another run are repeated without a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers.disturbances import disturbance, inserted
from tests.helpers.support import content, execute, load

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

EVENTS = ["BEFORE INSERT ON etl.runs", "BEFORE INSERT ON etl.files", "BEFORE UPDATE OF finished_at ON etl.files"]


@pytest.mark.parametrize(("event", "sqlstate"), [*zip(EVENTS, ["40001", "40P01", "55P03"], strict=True)])
def test_the_ledger_is_written_in_spite_of_conflicts(
    home: Path, database: str, export: Path, undisturbed: list[tuple[str, str]], event: str, sqlstate: str
) -> None:
    fails = f"IF nextval('disturbances') <= 2 THEN RAISE 'lost' USING ERRCODE = '{sqlstate}'; END IF;"
    execute(database, disturbance(event, fails))

    found = load(home, database, export)
    again = load(home, database, export)

    assert (found["exit_code"], found["counts"]["inserted"], found["imbalances"]) == (0, 36, [])
    assert [file["status"] for file in again["files"]] == ["known"]
    assert content(database) == undisturbed
    assert inserted(database) == 36


@pytest.mark.parametrize("event", EVENTS[:2])
def test_conflicts_of_the_ledger_are_counted(home: Path, database: str, export: Path, event: str) -> None:
    fails = "IF nextval('disturbances') <= 3 THEN RAISE 'lost' USING ERRCODE = '40P01'; END IF;"
    execute(database, disturbance(event, fails))
    assert load(home, database, export)["retries"] == 3
