"""The cost of a statement follows what it is asked about, not the size of Koito's tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from etl.core.statements import sql_folder
from etl.targets.sqlite.connection import connect
from etl.targets.sqlite.describe import KOITO_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

STATEMENTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((sql_folder() / "sqlite").glob("*.sql"))}
KEYS_OF_LISTENS = (
    "keys_of_tracks",
    "undo_lookups",
    "undo_vouch",
)  # look through all keys: an index for them would cost every load
LEFT_OUT = ("backfill_", *KEYS_OF_LISTENS)
PER_LOAD = {name: text for name, text in STATEMENTS.items() if "json_each" in text and not name.startswith(LEFT_OUT)}


@pytest.mark.parametrize("name", PER_LOAD)
def test_no_table_of_koitos_is_read_as_a_whole(file: Path, name: str) -> None:
    text = PER_LOAD[name]
    count = max(int(number) for number in re.findall(r"\?(\d)", text))
    connection = connect(file)
    for stage in ("create_stage", "empty_stage"):
        connection.execute(stage)
    with connection._calling() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {text}", ["[]"] * count)
        plan = [row[3] for row in cursor.fetchall()]
    connection.rollback()
    connection.close()
    tables = {alias: table for table, alias in re.findall(r"\b(?:FROM|JOIN) (\w+) (\w+)\b", text)}
    large = {*KOITO_COLUMNS, "etl_track_lookup"}
    scanned = [found[1] for step in plan if (found := re.match(r"SCAN (\w+)", step))]
    assert [one for one in scanned if tables.get(one, one) in large] == []
    assert [step for step in plan if "idx_listens_user_id" in step] == []


def test_nearby_listens_are_found_by_their_time(file: Path) -> None:
    connection = connect(file)
    with connection._calling() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {STATEMENTS['nearby_listens']}", [1, "[]", 0, 0, "[]"])
        plan = [row[3] for row in cursor.fetchall()]
    connection.close()
    assert any("idx_listens_listened_at (listened_at>? AND listened_at<?)" in step for step in plan), plan
