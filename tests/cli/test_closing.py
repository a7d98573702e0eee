"""The last line of a run says how it ended, how much is loaded, and what to do next, if anything."""

from __future__ import annotations

from typing import Any

import pytest

from etl.cli.closing import closing_line, removal_line
from etl.runs.accounting import NO_COUNTS


def manifest(
    status: str, *, code: int = 0, error: str | None = None, files: tuple[str, ...] = ("loaded",), **counts: int
) -> dict[str, Any]:
    settings = {"dry_run": status == "dry_run", "max_rejects": 0}
    entries = [{"status": one} for one in files]
    reported = {**NO_COUNTS, **counts}
    return {
        "status": status,
        "exit_code": code,
        "error": error,
        "files": entries,
        "counts": reported,
        "settings": settings,
    }


@pytest.mark.parametrize(
    ("ended", "line"),
    [
        (manifest("complete", records=3, inserted=3), "3 listens inserted"),
        (manifest("complete", records=1, inserted=1), "1 listen inserted"),
        (
            manifest("interrupted", code=130, records=233_600, skipped=26, inserted=159_278, not_reached=74_296),
            "159,278 of 233,574 listens inserted; run the same command again for the rest",
        ),
        (
            manifest("interrupted", code=143, records=10, inserted=1, already_present=4, not_reached=5),
            "1 of 10 listens (4 more were there before) inserted; run the same command again for the rest",
        ),
        (
            manifest("interrupted", code=129, records=10, inserted=10),
            "10 of 10 listens inserted; run the same command again to complete it",
        ),
        (
            manifest("interrupted", code=130, files=()),
            "nothing was loaded yet, the files were still being read; run the same command again",
        ),
        (
            manifest("failed", code=3, error="the database is lost", records=9, inserted=2, not_reached=7),
            "2 of 9 listens inserted; fix what the error says, then run the same command again for the rest",
        ),
        (
            manifest("failed", code=7, records=9, inserted=2),
            "2 of 9 listens inserted, but the accounting does not balance: run `etl verify`",
        ),
        (
            manifest("partial", code=5, records=9, inserted=7, rejected=2),
            (
                "7 listens inserted, complete except for 2 rejected rows; the exit code is 5 because --max-rejects is 0"
                " (--max-rejects 2 accepts them)"
            ),
        ),
        (
            manifest("partial", code=5, records=9, inserted=7, rejected=1, unresolved=1),
            (
                "7 listens inserted, complete except for 1 rejected row and 1 unresolved listen; therefore the exit "
                "code is 5"
            ),
        ),
        (
            manifest("partial", code=4, files=("loaded", "refused"), records=7, inserted=7),
            "7 listens inserted, complete except for 1 refused file; therefore the exit code is 4",
        ),
        (
            manifest("complete", files=("known", "known")),
            "nothing new, all 2 files were loaded before (--force loads them again)",
        ),
        (manifest("complete", files=()), "nothing new: there are no files"),
        (manifest("dry_run", inserted=2), "2 listens would be inserted; nothing was written to the database"),
    ],
)
def test_closing_line_of_a_run(ended: dict[str, Any], line: str) -> None:
    assert closing_line(ended) == line


def test_an_interrupted_dry_run_is_called_that() -> None:
    ended = manifest("interrupted", code=130, records=3, not_reached=3)
    ended["settings"]["dry_run"] = True
    assert closing_line(ended) == "it was a dry run, so nothing was written to the database"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("complete", "complete"),
        ("dry_run", "dry run"),
        ("interrupted", "interrupted; run the same command again for the rest"),
        ("failed", "failed; run the same command again for the rest"),
    ],
)
def test_closing_line_of_a_removal(status: str, line: str) -> None:
    assert removal_line(manifest(status)) == line
