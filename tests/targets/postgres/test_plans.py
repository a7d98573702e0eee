"""No statement that looks at a whole library reads a table once for each row of another.

PostgreSQL turns such a subquery into a hash table only while that fits into ``work_mem``: small libraries hide it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from etl.core.statements import sql_folder
from tests.helpers.support import opened

if TYPE_CHECKING:
    from pathlib import Path

SQL = sql_folder() / "postgres"
OF_LIBRARIES = [*sorted((SQL / "verify").glob("*.sql")), SQL / "undo_preview.sql"]
_READS_ALL = re.compile(r"SubPlan \d+\n\s*->  (?:Parallel )?(?:Seq|CTE) Scan on \w+")


@pytest.mark.parametrize("path", OF_LIBRARIES, ids=lambda path: path.stem)
def test_no_subquery_reads_a_table_for_each_row(postgres_database: str, path: Path) -> None:
    text = re.sub(r"\$\d", "NULL", path.read_text(encoding="utf-8"))
    with opened(postgres_database) as connection:
        returns = "RETURNS SETOF text LANGUAGE plpgsql"
        body = f"BEGIN RETURN QUERY EXECUTE $text$EXPLAIN {text}$text$; END"
        connection.script(f"CREATE FUNCTION pg_temp.plan() {returns} AS $body${body}$body$")
        plan = "\n".join(row[0] for row in connection.query_text("SELECT * FROM pg_temp.plan()").rows())
    assert "Scan" in plan
    assert _READS_ALL.findall(plan) == []
