"""What became of files: a file without rows costs next to nothing."""

from __future__ import annotations

import tracemalloc

from etl.core.schema import FileStatus
from etl.extract.rows import FileResult, concat

FILES = 2_000


def test_a_file_without_rows_takes_less_than_a_kilobyte() -> None:
    FileResult("warm.txt", FileStatus.LEFT_ASIDE)
    tracemalloc.start()
    try:
        files = [FileResult(str(number), FileStatus.LEFT_ASIDE, "is empty") for number in range(FILES)]
        rows = concat(files)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1024 * FILES
    assert (rows.records, rows.listens.height, len(rows.files)) == (0, 0, FILES)
