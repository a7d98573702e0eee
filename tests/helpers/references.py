"""Rows of a PostgreSQL database that refer to missing rows, in spite of a foreign key."""

from __future__ import annotations

from tests.helpers.support import query

FOREIGN_KEYS = """
SELECT
    c.conrelid::regclass::text AS child, of_child.attname::text AS child_key,
    c.confrelid::regclass::text AS parent, of_parent.attname::text AS parent_key
FROM pg_constraint c
JOIN pg_attribute of_child ON of_child.attrelid = c.conrelid AND of_child.attnum = c.conkey[1]
JOIN pg_attribute of_parent ON of_parent.attrelid = c.confrelid AND of_parent.attnum = c.confkey[1]
WHERE c.contype = 'f'
"""
"""All of a database: Koito's, ours, and what a test added. Each is of one column."""


def dangling_references(uri: str) -> list[tuple[str, str]]:
    """Return table and column, and the id that is not there, of each row that refers to nothing."""
    dangling = " UNION ALL ".join(
        f"SELECT '{child}.{child_key}' AS place, c.{child_key}::text AS missing FROM {child} c"
        f" WHERE NOT EXISTS (SELECT FROM {parent} p WHERE p.{parent_key} = c.{child_key})"
        for child, child_key, parent, parent_key in query(uri, FOREIGN_KEYS)
    )
    return query(uri, f"{dangling} ORDER BY place, missing")
