"""Reads a Spotify history once, with this program or with DuckDB; ``benchmarks.reading`` starts it as a process.

    python -m benchmarks.readers ours PATH       # the extract step of a run, on a folder or a zip
    python -m benchmarks.readers duckdb FOLDER   # DuckDB's read_json of the same fields, into Arrow

Each prints JSON: seconds without start-up and imports, records, and their outcomes. It is separate from the runner
because the peak memory that a child reports is never below the memory of its parent when it was started.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.extract.discover import discover
from etl.extract.extractor import Extractor
from etl.extract.rows import FileResult, gather
from etl.formats import ReadOptions
from etl.formats.spotify_extended import ExtendedPlay
from etl.normalize.listens import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.extract.reader import Decoded

TYPES = {"ms_played": "BIGINT", "offline_timestamp": "DOUBLE"}  # the other fields are texts


class TimedExtractor(Extractor, frozen=True):
    """Records how long it normalises, which is the step after extraction."""

    spent: list[float] = msgspec.field(default_factory=list)

    def normalize(self, decoded: Sequence[Decoded]) -> list[FileResult]:
        """See ``Extractor``."""
        started = time.perf_counter()
        results = super().normalize(decoded)
        self.spent.append(time.perf_counter() - started)
        return results


def ours(path: str) -> dict[str, Any]:
    """Read, hash, decode and normalise every file at ``path``, as ``etl run`` does before it compares and loads."""
    gc.disable()  # as the program does
    rules = Rules(datetime.now(UTC), compile_separators(DEFAULT_SEPARATORS))
    extractor = TimedExtractor("auto", ReadOptions(), rules, lambda *_: False)
    found = discover([path])
    started = time.perf_counter()
    rows = gather(extractor.extract(found), "auto", found.hidden)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds - sum(extractor.spent),
        "normalized": seconds,
        "records": rows.records,
        "listens": rows.listens.height,
        "rejected": rows.rejects.height,
    }


def by_duckdb(folder: str) -> dict[str, Any]:
    """Read the fields that this program reads, with their types given, in as many threads as there are cores."""
    columns = {name: TYPES.get(name, "VARCHAR") for name in ExtendedPlay.__struct_fields__}
    connection = duckdb.connect()
    started = time.perf_counter()
    relation = connection.read_json(f"{folder}/*.json", columns=columns, format="array", ignore_errors=True)
    table = relation.to_arrow_table()
    return {"seconds": time.perf_counter() - started, "records": table.num_rows}


def main() -> None:
    """Run the command given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readers", description="Read a Spotify history once.")
    parser.add_argument("reader", choices=("ours", "duckdb"))
    parser.add_argument("path")
    args = parser.parse_args()
    print(json.dumps((ours if args.reader == "ours" else by_duckdb)(args.path)))


if __name__ == "__main__":
    main()
