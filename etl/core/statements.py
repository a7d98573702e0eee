"""Finds the SQL statements: one file each in ``sql/``, inside the wheel as ``etl/_sql``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from etl.core.errors import InternalError


@cache
def sql_folder() -> Path:
    """Return the folder that holds the statements: the wheel's, or the one beside the package in a checkout."""
    package = Path(str(files("etl")))
    for folder in (package / "_sql", package.parent / "sql"):
        if folder.is_dir():
            return folder
    raise InternalError(f"the folder of SQL statements is missing beside {package}", "Install the package again")


@cache
def statement(name: str) -> str:
    """Return the text of ``sql/<name>.sql``."""
    return (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")
