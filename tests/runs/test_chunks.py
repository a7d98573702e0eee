"""What became of the chunks of a run merges into what became of the run."""

from __future__ import annotations

import polars as pl

from etl.core.schema import KEYS, OUTCOME, REJECTS, SKIPPED, TRACK_LOOKUP, empty
from etl.runs import accounting, chunks
from tests.helpers.frames import at, listens
from tests.runs.test_accounting import ids, keys_of, pairs

LATEST = empty(TRACK_LOOKUP)


def test_tallies_of_chunks_merge_into_that_of_the_run() -> None:
    frame = pl.concat(
        [
            listens({"row": 3}, {"row": 4, "track": "Two"}, {"row": 5, "track": "Two", "listened_at": at(9)}, file="a"),
            listens({"row": 2, "track": "Two", "listened_at": at(1)}, {"row": 3, "track": "Three"}, file="b"),
        ]
    )
    keys = keys_of(frame, one=1, two=2)
    outcome = accounting.make_outcome(frame, keys, pairs((2, 0), (2, 1)), pairs((2, 9)))
    whole = accounting.tally(outcome, keys)
    parts = [accounting.tally(outcome.filter(pl.col("listened_at") < at(2)), keys)]
    parts += [accounting.tally(outcome.filter(pl.col("listened_at") >= at(2)), keys)]

    merged = chunks.merge_tallies(parts)

    nothing = (empty(SKIPPED), empty(REJECTS))
    assert accounting.count(*nothing, merged, keys) == accounting.count(*nothing, whole, keys)
    assert accounting.count_files(*nothing, merged, keys) == accounting.count_files(*nothing, whole, keys)
    assert sorted(merged.details.rows(), key=str) == sorted(whole.details.rows(), key=str)


def test_a_key_that_one_chunk_resolved_was_resolved_by_the_run() -> None:
    first = ids(("a", "resolved", 1), ("b", "hit", 2), ("d", "hit", 4))
    second = ids(("a", "hit", 1), ("b", "hit", 3), ("c", "failed", None), detail="why")
    third = ids(("c", "resolved", 5), ("d", "failed", None), detail="then")
    merged = chunks.merge_keys([first, second.with_columns(detail=pl.when(status="failed").then("detail")), third])
    assert merged.sort("lookup_key").rows() == [
        ("a", "resolved", None, 1, 1, 1),
        ("b", "hit", None, 3, 3, 3),
        ("c", "resolved", "why", 5, 5, 5),
        ("d", "hit", "then", 4, 4, 4),
    ]
    assert merged.schema == first.schema


def test_a_cached_key_with_the_same_ids_as_before_is_dropped() -> None:
    latest = chunks.update_latest(LATEST, ids(("a", "resolved", 1), ("b", "hit", 2), ("c", "hit", 3)))
    keys = ids(("a", "hit", 1), ("b", "hit", 20), ("d", "hit", 4), ("c", "resolved", 3))
    assert chunks.drop_unchanged(keys, latest)["lookup_key"].to_list() == ["b", "d", "c"]


def test_the_last_ids_of_each_key_are_remembered() -> None:
    latest = chunks.update_latest(LATEST, ids(("a", "resolved", 1), ("b", "hit", 2)))
    latest = chunks.update_latest(latest, ids(("b", "resolved", 20), ("c", "hit", 3)))
    assert sorted(latest["track_id"]) == [1, 3, 20]
    assert latest.schema == TRACK_LOOKUP


def test_a_key_that_failed_in_between_is_not_dropped_from_a_later_chunk() -> None:
    latest = chunks.update_latest(LATEST, ids(("a", "resolved", 1)))
    latest = chunks.update_latest(latest, ids(("a", "failed", None)))
    later = ids(("a", "hit", 1))
    assert chunks.drop_unchanged(later, latest).equals(later)


def test_keys_are_those_of_the_chunk_that_says_something_last() -> None:
    parts = [ids(("a", "resolved", 1), ("b", "hit", 2)), ids(("a", "failed", None)), ids(("a", "hit", 3))]
    found = [dict(keys.select("lookup_key", "track_id").iter_rows()) for keys in chunks.keys_after_each(parts)]
    assert found == [{"a": 1, "b": 2}, {"a": None, "b": 2}, {"a": 3, "b": 2}]


def test_a_single_chunk_is_the_run() -> None:
    only = ids(("a", "resolved", 1))
    tally = accounting.tally(empty(OUTCOME), empty(KEYS))
    assert chunks.merge_keys([only]).equals(only)
    assert [keys.rows() for keys in chunks.keys_after_each([only])] == [only.rows()]
    assert chunks.merge_tallies([tally]) is tally
