"""docs/koito.md explains error messages that the program, PostgreSQL or SQLite really has."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "koito.md").read_text(encoding="utf-8")
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "etl").rglob("*.py")))
OF_OTHERS = {
    "disk image is malformed",
    "file is not a database",
    "password authentication failed",
    "Connection refused",
    "permission denied",
}
"""Messages of PostgreSQL and SQLite, which are passed on."""


def explained() -> list[str]:
    """Return the messages in the first column of the table."""
    table = PAGE.partition("## Error messages")[2]
    return [
        message for cell in re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE) for message in cell[1:-1].split("`, `")
    ]


def test_table_has_messages() -> None:
    assert len(explained()) > 15
    assert set(explained()) > OF_OTHERS


@pytest.mark.parametrize("message", [message for message in explained() if message not in OF_OTHERS])
def test_message_is_one_of_the_program(message: str) -> None:
    fixed = [
        part.strip(" ,") for part in re.split(r"\.\.\.|\d+", message.replace("Koito's", "...")) if part.strip(" ,")
    ]
    assert fixed
    assert [part for part in fixed if part not in SOURCES] == []
