"""Finds the SQL statements: one file each in ``sql/<dialect>/``, installed in the wheel as ``etl/_sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeAlias

from etl.core.errors import InternalError

Dialect: TypeAlias = Literal["postgres", "sqlite", "duckdb", "cache"]
"""``cache`` is the SQLite file in which ``etl backfill`` keeps the answers of services."""


@cache
def sql_folder() -> Path:
    """Return the folder of the dialects: inside the wheel, or next to the package in a checkout."""
    package = Path(str(files("etl")))
    for folder in (package / "_sql", package.parent / "sql"):
        if folder.is_dir():
            return folder
    raise InternalError(f"the folder of SQL statements is missing: {package}/_sql", "Install the package again")


@cache
def statement(dialect: Dialect, name: str) -> str:
    """Return the text of ``sql/<dialect>/<name>.sql``."""
    return (sql_folder() / dialect / f"{name}.sql").read_text(encoding="utf-8")


def statements(dialect: Dialect, group: str) -> dict[str, str]:
    """Return the texts in the folder ``sql/<dialect>/<group>`` by name, sorted by name."""
    paths = sorted((sql_folder() / dialect / group).glob("*.sql"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}
