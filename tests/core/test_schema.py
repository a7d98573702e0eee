"""The columns that other programs rely on, the words in them, and the gate that every frame passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from etl.core import schema
from etl.core.errors import InternalError
from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import COUNTS, ENTITY_TABLES, RUN_FILES, FileStatus, KeyStatus, Outcome, RunStatus, conform, empty

if TYPE_CHECKING:
    from enum import StrEnum

TIME = pl.Datetime("us", "UTC")
TWO = pl.Schema({"a": pl.Int32, "b": pl.String})

# Written out, not derived: a change here is a change of what the run directory promises.
COLUMNS = {
    "listens": [
        *("file", "row", "listened_at", "artist", "track", "album", "artists", "artist_mbids", "release_mbid"),
        *("release_group_mbid", "recording_mbid", "duration", "client", "source", "lookup_key"),
    ],
    "skipped": ["file", "row", "reason"],
    "rejects": ["file", "row", "offset", "length", "reason", "detail", "record"],
    "keys": ["lookup_key", "listens", "spellings", "status", "detail", "artist_id", "album_id", "track_id"],
    "outcome": ["file", "row", "lookup_key", "track_id", "listened_at", "outcome", "detail", "double_of"],
}
NOT_TEXT: dict[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int32,
    "listened_at": TIME,
    "artists": pl.List(pl.String),
    "artist_mbids": pl.List(pl.String),
    "spellings": pl.List(pl.String),
    "duration": pl.Int32,
    "listens": pl.Int32,
    "artist_id": pl.Int32,
    "album_id": pl.Int32,
    "track_id": pl.Int32,
    "offset": pl.Int64,
    "length": pl.Int64,
}


def two(**columns: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"a": pl.Series([1], dtype=pl.Int32), "b": pl.Series(["x"]), **columns})


def test_a_frame_of_the_schema_passes_as_it_is() -> None:
    assert_frame_equal(conform(two(), TWO), two())


def test_columns_come_in_the_order_of_the_schema_and_others_are_dropped() -> None:
    mixed = two(c=pl.Series([1.5])).select("c", "b", "a")
    assert conform(mixed, TWO).columns == ["a", "b"]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InternalError, match=r"b: missing instead of String$"):
        conform(two().drop("b"), TWO)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (pl.Series([1], dtype=pl.Int64), "Int64"),
        (pl.Series([1], dtype=pl.UInt32), "UInt32"),
        (pl.Series(["1"]), "String"),
        (pl.Series([None]), "Null"),
    ],
)
def test_another_dtype_is_named_and_never_cast(values: pl.Series, found: str) -> None:
    with pytest.raises(InternalError, match=f"a: {found} instead of Int32"):
        conform(two(a=values), TWO)


def test_all_wrong_columns_are_named() -> None:
    with pytest.raises(InternalError, match=r"a: Float64 instead of Int32; b: missing instead of String"):
        conform(pl.DataFrame({"a": [1.0]}), TWO)


@pytest.mark.parametrize(
    "dtype", [pl.Datetime("ns", "UTC"), pl.Datetime("us"), pl.Datetime("us", "Europe/Berlin"), pl.Date]
)
def test_a_time_of_another_unit_or_zone_is_a_defect(dtype: pl.DataType) -> None:
    with pytest.raises(InternalError, match="instead of Datetime"):
        conform(pl.DataFrame(schema={"t": dtype}), pl.Schema({"t": TIME}))


def test_rows_are_not_looked_at() -> None:
    assert conform(two().clear(), TWO).height == 0
    assert empty(TWO).schema == TWO
    assert empty(TWO).height == 0


def test_the_files_of_a_run_have_the_contracts_columns_in_their_order() -> None:
    assert {name: columns.names() for name, columns in RUN_FILES.items()} == COLUMNS


def test_times_are_utc_microseconds_ids_int32_and_all_else_text() -> None:
    for columns in RUN_FILES.values():
        for name, dtype in columns.items():
            assert dtype == NOT_TEXT.get(name, pl.String), name


def test_the_counts_are_those_of_the_contract() -> None:
    rows = ["records", "skipped", "rejected", "duplicate_in_input", "already_present", "inserted", "unresolved"]
    rows.append("not_reached")
    assert list(COUNTS) == [*rows, "keys", "cache_hits", "resolved", "failed", "keys_not_reached"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (KeyStatus, {"hit", "resolved", "failed", "not_reached"}),
        (Outcome, {"inserted", "already_present", "duplicate_in_input", "unresolved", "not_reached"}),
        (FileStatus, {"loaded", "known", "refused", "left_aside"}),
        (RunStatus, {"complete", "partial", "interrupted", "failed", "dry_run"}),
    ],
)
def test_the_words_of_the_contract_are_all_there_are(words: type[StrEnum], expected: set[str]) -> None:
    assert set(words) == expected


@pytest.mark.parametrize("reason", [*SkipReason, *RejectReason], ids=str)
def test_a_reason_has_a_meaning_and_is_a_word_for_programs(reason: SkipReason | RejectReason) -> None:
    assert reason.meaning.strip() == reason.meaning != ""
    assert reason.isidentifier()
    assert reason == reason.lower()


def test_no_two_reasons_mean_the_same() -> None:
    reasons = [*SkipReason, *RejectReason]
    assert len({reason.meaning for reason in reasons}) == len({str(reason) for reason in reasons}) == len(reasons)


def test_every_table_comes_after_those_that_it_refers_to() -> None:
    order = list(ENTITY_TABLES)
    for table, columns in ENTITY_TABLES.items():
        for column in columns:
            entity = {"artist_id": "artists", "album_id": "releases", "release_id": "releases", "track_id": "tracks"}
            if column in entity:
                assert order.index(entity[column]) < order.index(table)


def test_every_schema_of_the_module_makes_an_empty_frame() -> None:
    schemas = [value for value in vars(schema).values() if isinstance(value, pl.Schema)]
    assert len(schemas) > 10
    for columns in schemas:
        assert_frame_equal(conform(empty(columns), columns), empty(columns))
