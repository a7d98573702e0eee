"""The cost of a statement depends on its parameters, not on the size of Koito's tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from etl.core.statements import sql_folder
from etl.targets.sqlite.connection import connect
from etl.targets.sqlite.describe import KOITO_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

SQL = sql_folder() / "sqlite"
STATEMENTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(SQL.glob("*.sql"))}
LOOK_FOR_NULL = [path for path in sorted(SQL.rglob("*.sql")) if "musicbrainz_id IS NULL" in path.read_text("utf-8")]
KEYS_OF_LISTENS = (
    "keys_of_tracks",
    "undo_lookups",
    "undo_vouch",
)  # look through all keys: an index for them would cost every load
LEFT_OUT = ("backfill_", *KEYS_OF_LISTENS)
PER_LOAD = {
    name: text
    for name, text in STATEMENTS.items()
    if re.search(r"json_each|FROM temp\.", text) and not name.startswith(LEFT_OUT)
}


def plan_of(file: Path, text: str) -> list[str]:
    """Return the steps by which SQLite carries out a statement."""
    count = max((int(number) for number in re.findall(r"\?(\d)", text)), default=0)
    connection = connect(file)
    for stage in ("create_stage", "empty_stage", "create_lookup_stage", "empty_lookup_stage"):
        connection.execute(stage)
    with connection._calling() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {text}", ["[]"] * count)
        plan = [str(row[3]) for row in cursor.fetchall()]
    connection.rollback()
    connection.close()
    return plan


@pytest.mark.parametrize("path", LOOK_FOR_NULL, ids=lambda path: path.stem)
def test_rows_without_an_mbid_are_not_listed_for_each_other_row(file: Path, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    steps = [re.match(r"SEARCH (\w+) .*\(musicbrainz_id=", step) for step in plan_of(file, text)]
    by_mbid = [found[1] for found in steps if found]
    assert [alias for alias in by_mbid if not re.search(rf"(?<!\+)\b{alias}\.musicbrainz_id (?:=|IN)", text)] == []


@pytest.mark.parametrize("name", PER_LOAD)
def test_no_table_of_koitos_is_read_as_a_whole(file: Path, name: str) -> None:
    text = PER_LOAD[name]
    plan = plan_of(file, text)
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
