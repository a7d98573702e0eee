"""Nothing reaches the driver with a dtype that it would crash on or send as something else; no value is SQL text."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from etl.core.errors import InternalError
from etl.core.schema import ENTITY_TABLES, NAMES, PARAMETERS, STAGE, TIME, TRACK_LOOKUP, conform
from tests.helpers.support import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

ETL = Path(__file__).parents[3] / "etl"
TABLES = {**ENTITY_TABLES, "track_lookup": TRACK_LOOKUP, "etl_stage": STAGE}
DTYPES = (
    pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Int128(), pl.UInt8(), pl.UInt32(), pl.UInt64(), pl.Float32(),
    pl.Float64(), pl.Boolean(), pl.String(), pl.Binary(), pl.Date(), pl.Time(), pl.Datetime("us"),
    pl.Datetime("ms", "UTC"), pl.Datetime("ns", "UTC"), TIME, pl.Duration(), pl.Categorical(), pl.Enum(["a"]),
    pl.Decimal(10, 2), pl.Null(), NAMES, pl.Struct({"a": pl.Int32()}), pl.Array(pl.Int32(), 2),
    pl.Object(),
)  # fmt: skip


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of methods called ``name`` in the package, each with the file that it is in."""
    for path in sorted(ETL.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                yield str(path.relative_to(ETL)), node


# --- frames ----------------------------------------------------------------------------------------------------


def test_each_dialect_hands_frames_to_its_driver_in_one_place() -> None:
    ingests = dict(calls("adbc_ingest"))
    assert list(ingests) == ["targets/postgres/connection.py", "targets/sqlite/connection.py"]
    assert len(list(calls("adbc_ingest"))) == 2
    for (file, ingest), encode in zip(ingests.items(), ("_encoded", "encode"), strict=True):
        assert isinstance(ingest.args[1], ast.Name)
        source = (ETL / file).read_text(encoding="utf-8")
        assert source.index(f"{ingest.args[1].id} = {encode}(conform(frame, schema))") < source.index(".adbc_ingest(")


def test_every_table_is_filled_by_the_schema_of_its_name() -> None:
    appended = [(file, ast.unparse(call.args[2])) for file, call in calls("append") if len(call.args) == 3]
    assert set(appended) == {
        ("load/batch_writer.py", "schema"),  # of ENTITY_TABLES.items()
        ("load/batch_writer.py", "STAGE"),
        ("targets/postgres/target.py", "TRACK_LOOKUP"),
        ("targets/sqlite/target.py", "LOOKUP_STAGE"),
    }


@pytest.mark.parametrize("table", TABLES)
def test_a_column_of_another_dtype_is_an_internal_error_that_names_it(shared_database: str, table: str) -> None:
    schema = TABLES[table]
    with opened(shared_database) as connection:
        for column, right in schema.items():
            for wrong in DTYPES:
                if wrong == right:
                    continue
                frame = pl.DataFrame(schema={**schema, column: wrong})
                with pytest.raises(InternalError) as caught:
                    connection.append(table, frame, schema)
                assert f"{column}: {wrong} instead of {right}" in caught.value.message
        assert connection.query_text("SELECT 1 AS one").item() == 1
    assert conform(schema.to_frame(), schema).schema == schema


# --- parameters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype not in PARAMETERS], ids=str)
def test_a_parameter_of_another_dtype_is_an_internal_error_that_names_it(
    shared_database: str, dtype: pl.DataType
) -> None:
    with opened(shared_database) as connection:
        with pytest.raises(InternalError) as caught:
            connection.query("lookup_keys", pl.Series([], dtype=dtype))
        assert caught.value.message.startswith("lookup_keys cannot be given $1: ")
        assert connection.query_text("SELECT 1 AS one").item() == 1


def test_a_number_that_no_column_can_hold_does_not_crash_the_driver(shared_database: str) -> None:
    with opened(shared_database) as connection, pytest.raises(InternalError, match=r"\$1: Int128"):
        connection.query("ledger_known_files", 2**70, "x")


def test_the_text_of_a_statement_comes_from_a_file_and_never_from_values() -> None:
    executed = [
        (file, ast.unparse(call.args[0]))
        for file, call in calls("execute")
        if file.startswith("targets/postgres/") and ast.unparse(call.func) == "cursor.execute"
    ]
    assert set(executed) == {
        ("targets/postgres/backends.py", "statement('postgres', 'open_session')"),
        ("targets/postgres/backends.py", "statement('postgres', 'repair_session')"),
        ("targets/postgres/backends.py", "statement('postgres', 'busy_backends')"),
        ("targets/postgres/blockers.py", "statement('postgres', 'blockers')"),
        ("targets/postgres/connection.py", "statement('postgres', name)"),
        ("targets/postgres/connection.py", "sql"),  # query_text, of tests and benchmarks
    }
    read = {ast.unparse(call.args[0]) for _, call in calls("read_text") if call.args}
    assert read <= {"'ascii'", "'utf-8'"}  # of files: no code reads rows by a text of its own
    scripts = {ast.unparse(call.args[0]) for file, call in calls("script") if "sqlite" not in file}
    assert {text for text in scripts if not text.startswith("statement('postgres', '")} == {
        "'BEGIN'",
        "'COMMIT'",
        "migration.text",
    }
    for name in ("query", "execute"):
        for file, call in calls(name):
            if file.startswith(("targets/", "load/")):
                assert not any(isinstance(part, ast.JoinedStr) for part in call.args), (file, ast.unparse(call))
