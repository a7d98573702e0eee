"""Starts the program, as ``etl`` and as ``python -m etl``."""

from __future__ import annotations

import sys

from etl.core.errors import format_error
from etl.core.packages import missing_package


def main() -> None:
    """Run the command line, or say which package it cannot do without."""
    try:
        from etl.cli import main as run_program  # noqa: PLC0415 (its import is what may fail)
    except ModuleNotFoundError as error:
        missing = missing_package(error)
        if missing is None:
            raise
        sys.stderr.write(f"etl: error: {format_error(missing.message, missing.hint)}\n")
        sys.exit(missing.exit_code)
    run_program()


if __name__ == "__main__":
    main()
