"""The result of a load is derived from its log, wherever the load ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest

from etl.core.schema import TIME, TRACK_LOOKUP
from etl.load.batch_writer import LISTEN_PAIRS
from etl.load.load_log import CommittedBatch, Entry, KeyFailure, LoadLog, RunStart, StepResult, StepStart
from etl.load.result import KEY_IDS, LoadResult, loaded_keys, summarize
from etl.targets.base import Failure, StatementError
from tests.helpers.frames import at

GONE = StatementError("gone", Failure.MISSING_REFERENCE)


def ids(**tracks: int) -> pl.DataFrame:
    """Return keys with their ids."""
    return pl.DataFrame([(key, track, track, track) for key, track in tracks.items()], TRACK_LOOKUP, orient="row")


def pairs(*rows: tuple[int, int]) -> pl.DataFrame:
    """Return listens: track id, seconds after 2020."""
    full = [(track, at(second)) for track, second in rows]
    return pl.DataFrame(full, {"track_id": pl.Int32, "listened_at": TIME}, orient="row")


def batch(
    number: int = 1,
    resolved: pl.DataFrame | None = None,
    reached: pl.DataFrame | None = None,
    inserted: pl.DataFrame | None = None,
    **created: int,
) -> CommittedBatch:
    reached = pairs() if reached is None else reached
    new = reached if inserted is None else inserted
    return CommittedBatch(number, ids() if resolved is None else resolved, reached, new, pairs(), created, retries=1)


def statuses(result: LoadResult) -> dict[str, tuple[str, int | None]]:
    rows = result.keys.select("lookup_key", "status", "track_id").rows()
    return {key: (status, track) for key, status, track in rows}


def test_nothing_was_loaded_by_an_empty_log() -> None:
    result = summarize([])
    assert result.keys.schema == KEY_IDS
    assert result.reached.schema == LISTEN_PAIRS
    assert (result.keys.height, result.reached.height, result.retries, len(result.replaced_tracks)) == (0, 0, 0, 0)
    assert loaded_keys([]).rows() == []


def test_batches_of_all_steps_add_up() -> None:
    log: list[Entry] = [
        RunStart(2),
        StepStart(ids(a=1)),
        batch(1, reached=pairs((1, 0), (1, 1)), inserted=pairs((1, 0))),
        StepResult({}),
        StepStart(ids()),
        batch(2, ids(b=2), pairs((2, 0)), artists=1, tracks=1),
        batch(3, ids(c=3), pairs((3, 0)), tracks=1),
        StepResult({}, {"c": "a remark"}),
    ]
    result = summarize(log)
    assert statuses(result) == {"a": ("hit", 1), "b": ("resolved", 2), "c": ("resolved", 3)}
    assert result.keys["detail"].to_list() == [None, None, "a remark"]
    assert (result.reached.height, result.inserted.height) == (4, 3)
    assert dict(result.created) == {"artists": 1, "tracks": 2}
    assert result.retries == 5
    assert loaded_keys(log)["lookup_key"].to_list() == ["a", "b", "c"]


def test_a_listen_that_koito_moved_before_the_rest_was_written_is_inserted() -> None:
    log: list[Entry] = [
        StepStart(ids()),
        batch(1, ids(a=1, b=2), pairs((1, 0), (2, 5))),
        StepResult({"a": StatementError("moved", Failure.STALE_SNAPSHOT)}),
        StepStart(ids(a=3)),
        batch(2, ids(), pairs((3, 0), (3, 1), (3, 2)), inserted=pairs((3, 1))),
        StepResult({}),
    ]
    result = summarize(log)
    assert sorted(result.inserted.rows()) == sorted(pairs((3, 0), (3, 1), (2, 5)).rows())
    assert result.reached.height == 5


def test_a_listen_that_koito_removed_is_inserted_again_and_counts_twice() -> None:
    log: list[Entry] = [
        StepStart(ids()),
        batch(1, ids(a=1), pairs((1, 0))),
        StepResult({"a": GONE}),
        StepStart(ids()),
        batch(2, ids(a=2), pairs((2, 0))),
        StepResult({}),
    ]
    result = summarize(log)
    assert sorted(result.inserted.rows()) == sorted(pairs((1, 0), (2, 0)).rows())  # one of them was removed


def test_a_step_that_did_not_end_counts_what_it_committed() -> None:
    log: list[Entry] = [StepStart(ids(a=1)), batch(1, ids(b=2), pairs((2, 0)), tracks=1)]
    result = summarize(log)
    assert statuses(result) == {"a": ("hit", 1), "b": ("resolved", 2)}
    assert result.inserted.rows() == pairs((2, 0)).rows()
    assert result.created["tracks"] == 1


def test_a_key_with_a_failed_batch_is_not_loaded() -> None:
    log: list[Entry] = [
        StepStart(ids(a=1, b=2)),
        batch(1, ids(c=3), pairs((3, 0))),
        StepResult({"b": GONE, "c": GONE}),
    ]
    assert statuses(summarize(log)) == {"a": ("hit", 1)}
    assert loaded_keys(log)["lookup_key"].to_list() == ["a"]
    assert sorted(summarize(log).replaced_tracks) == [2, 3]
    assert summarize(log).inserted.height == 1


def test_a_key_that_is_resolved_again_has_its_last_ids() -> None:
    log: list[Entry] = [
        StepStart(ids(a=1)),
        StepResult({"a": GONE}),
        StepStart(ids()),
        batch(1, ids(a=5)),
        StepResult({}),
        StepStart(ids()),
        batch(2, ids(a=7)),
        StepResult({}),
    ]
    assert statuses(summarize(log)) == {"a": ("resolved", 7)}
    assert sorted(summarize(log).replaced_tracks) == [1, 5]


def test_a_key_that_cannot_be_loaded_has_its_reason() -> None:
    log: list[Entry] = [
        StepStart(ids()),
        StepResult({"a": GONE}, {"a": "a remark"}),
        KeyFailure("a", "no such artist"),
    ]
    result = summarize(log)
    assert statuses(result) == {"a": ("failed", None)}
    assert result.keys["detail"].to_list() == ["no such artist"]


@pytest.mark.parametrize("threads", [2, 8])
def test_no_entry_is_lost_when_many_threads_append(threads: int) -> None:
    log = LoadLog()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda number: log.append(RunStart(number)), range(200)))
    assert sorted(entry.retries for entry in log.entries() if isinstance(entry, RunStart)) == list(range(200))
