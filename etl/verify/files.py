"""Queries the Parquet files of a run with DuckDB, and compares them with its ``run.json``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import msgspec
import polars as pl

from etl.core.errors import InputError
from etl.core.schema import RUN_FILES, conform
from etl.core.statements import statement, statements
from etl.verify.checks import Check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from etl.runs.directory import RunDirectory

STATED_COUNTS = pl.Schema({"file": pl.String, "term": pl.String, "stated": pl.Int64})  # file is null for the whole run
STATED_REASONS = pl.Schema({"term": pl.String, "reason": pl.String, "stated": pl.Int64})

# Listens that the database must have: the row that each comes from, its track and its second (since 1970).
STORED = pl.Schema(
    {
        "file": pl.String,
        "row": pl.Int32,
        "lookup_key": pl.String,
        "track_id": pl.Int32,
        "second": pl.Int64,
        "outcome": pl.String,
    }
)


class RunCheck(NamedTuple):
    """A query of ``sql/duckdb/verify``. Its first comment is a statement; the rows that it returns contradict it."""

    name: str
    about: str
    text: str


class Checksum(NamedTuple):
    """The number of listens, and a sum that depends on each of them but not on their order."""

    listens: int
    checksum: str


class RunFiles(msgspec.Struct, frozen=True):
    """The open files of one run; a query raises ``InputError`` if one of them is damaged."""

    connection: duckdb.DuckDBPyConnection
    run: RunDirectory

    def check(self) -> list[Check]:
        """Check the files against each other and against ``run.json``, with the queries of ``sql/duckdb/verify``."""
        return [Check.of(check.name, check.about, self._query(check.text)) for check in run_checks()]

    def stored_listens(self) -> pl.DataFrame:
        """Return the listens that the run inserted or found present: schema STORED, each (track, second) once."""
        return conform(self._query(statement("duckdb", "stored_listens")), STORED)

    def keys(self) -> pl.Series:
        """Return the lookup keys of the run."""
        keys: pl.DataFrame = self.connection.view("keys").project("lookup_key").pl()
        return keys.to_series()

    def key_changes(self, lookup_now: pl.DataFrame) -> pl.DataFrame:
        """Return the keys whose ids differ from those in ``lookup_now``: today's track_lookup (schema TRACK_LOOKUP)."""
        self.connection.register("lookup_now", lookup_now)
        return self._query(statement("duckdb", "key_changes"))

    def checksum(self, pairs: pl.DataFrame) -> Checksum:
        """Return the checksum of ``pairs`` (track_id, second)."""
        self.connection.register("pairs", pairs)
        return Checksum._make(self._query(statement("duckdb", "listens_checksum")).row(0))

    def _query(self, text: str) -> pl.DataFrame:
        try:
            rows: pl.DataFrame = self.connection.sql(text).pl()
        except duckdb.Error as error:
            raise InputError(f"the Parquet files of run {self.run.run_id} cannot be read: {error}") from error
        return rows


def run_checks() -> list[RunCheck]:
    """Return the queries of ``sql/duckdb/verify``, sorted by name."""
    texts = statements("duckdb", "verify")
    return [RunCheck(name, text.partition("\n")[0].lstrip("- "), text) for name, text in texts.items()]


@contextmanager
def opened(run: RunDirectory, manifest: Mapping[str, Any]) -> Iterator[RunFiles]:
    """Open the files of ``run``; raises ``InputError`` if one is missing or has other columns."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, schema in RUN_FILES.items():
            path = run.path / f"{name}.parquet"
            try:
                found = pl.read_parquet_schema(path)
                connection.from_parquet(str(path)).create_view(name)
            except (OSError, pl.exceptions.PolarsError, duckdb.Error) as error:
                raise InputError(f"run {run.run_id} has no readable {path.name}") from error
            if found != schema:
                raise InputError(f"{path.name} of run {run.run_id} has other columns than it was written with")
        connection.register("stated_counts", _stated_counts(manifest))
        connection.register("stated_reasons", _stated_reasons(manifest))
        connection.execute(statement("duckdb", "counted"))
        yield RunFiles(connection, run)


def _stated_counts(manifest: Mapping[str, Any]) -> pl.DataFrame:
    entries = [(None, manifest["counts"]), *((file["path"], file["counts"]) for file in manifest["files"])]
    rows = [(file, term, stated) for file, counts in entries for term, stated in counts.items()]
    return pl.DataFrame(rows, schema=STATED_COUNTS, orient="row")


def _stated_reasons(manifest: Mapping[str, Any]) -> pl.DataFrame:
    rows = [
        (term, reason, stated)
        for term in ("skipped", "rejected")
        for reason, stated in manifest[f"{term}_by_reason"].items()
    ]
    return pl.DataFrame(rows, schema=STATED_REASONS, orient="row")
