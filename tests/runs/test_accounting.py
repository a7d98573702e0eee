"""What became of every listen, the counts of a run and its files, and the messages if they do not add up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.schema import COUNTS, DUPLICATES, KEYS, OUTCOME, REJECTS, SKIPPED, TIME, Outcome, empty
from etl.runs import accounting
from tests.helpers.frames import at, listens

IDS = pl.Schema({name: KEYS[name] for name in KEYS if name not in ("listens", "spellings")})
LAST_SECOND = 2**32 - 1
PARTS = ("skipped", "rejected", "duplicate_in_input", "already_present", "inserted", "unresolved", "not_reached")


def codes(*pairs: tuple[int, int]) -> list[int]:
    """Return the codes of (track id, Unix second)."""
    frame = pl.DataFrame(pairs, schema={"track": pl.Int32, "second": pl.Int64}, orient="row")
    time = (pl.col("second") * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return frame.select(accounting.pair_code(pl.col("track"), time)).to_series().to_list()


def ids(*rows: tuple[str, str, int | None], detail: str | None = None) -> pl.DataFrame:
    """Return the keys that were reached: key, status, track id."""
    return pl.DataFrame([(key, status, detail, n, n, n) for key, status, n in rows], schema=IDS, orient="row")


def pairs(*rows: tuple[int, int]) -> pl.DataFrame:
    """Return listens in the database: track id, seconds after 2020."""
    full = [(track, at(second)) for track, second in rows]
    return pl.DataFrame(full, schema={"track_id": pl.Int32, "listened_at": TIME}, orient="row")


def keys_of(frame: pl.DataFrame, **tracks: int) -> pl.DataFrame:
    """Return the keys of ``frame``, resolved to these ids by title in lower case."""
    rows = [(f"ann\x1f{title}\x1f", "resolved", number) for title, number in tracks.items()]
    return accounting.make_keys(accounting.spellings(accounting.spelled(frame)), ids(*rows))


def outcomes(
    frame: pl.DataFrame, keys: pl.DataFrame, inserted: pl.DataFrame, others: pl.DataFrame | None = None
) -> list[Any]:
    """Return file, row, outcome and detail of each listen."""
    made = accounting.make_outcome(frame, keys, inserted, pairs() if others is None else others)
    assert made.schema == OUTCOME
    return made.select("file", "row", "outcome", "detail").rows()


def test_pairs_of_track_and_second_have_distinct_codes_up_to_the_limits() -> None:
    last = 2**31 - 1
    pairs_ = [(track, second) for track in (-last, -1, 1, 2, last) for second in (0, 1, LAST_SECOND - 1, LAST_SECOND)]
    assert len(set(codes(*pairs_))) == len(pairs_)
    assert codes((last, LAST_SECOND)) == [2**63 - 1]
    assert datetime.fromtimestamp(LAST_SECOND, UTC).year == 2106


@given(st.sets(st.tuples(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(0, LAST_SECOND)), max_size=30))
def test_different_pairs_have_different_codes(found: set[tuple[int, int]]) -> None:
    assert len(set(codes(*found))) == len(found)


def test_spellings_are_collected_by_key() -> None:
    frame = listens({}, {"track": "ONE"}, {}, {"album": "Hits"}, {"artists": ["Ann", "Bo"], "artist": "Ann & Bo"})
    assert accounting.spellings(accounting.spelled(frame)).rows() == [
        ("ann\x1ebo\x1fone\x1f", 1, ["Ann & Bo / One / "]),
        ("ann\x1fone\x1f", 3, ["Ann / ONE / ", "Ann / One / "]),
        ("ann\x1fone\x1fhits", 1, ["Ann / One / Hits"]),
    ]


def test_keys_have_their_status_and_ids_and_others_are_not_reached() -> None:
    frame = listens({}, {"track": "Two"}, {"track": "Three"})
    reached = ids(("ann\x1fone\x1f", "hit", 7), ("ann\x1ftwo\x1f", "failed", None), detail="why")
    keys = accounting.make_keys(accounting.spellings(accounting.spelled(frame)), reached)
    assert keys.schema == KEYS
    assert keys.select("lookup_key", "listens", "status", "detail", "track_id").rows() == [
        ("ann\x1fone\x1f", 1, "hit", "why", 7),
        ("ann\x1fthree\x1f", 1, "not_reached", "the run ended before it was reached", None),
        ("ann\x1ftwo\x1f", 1, "failed", "why", None),
    ]


def test_the_first_of_equal_listens_by_file_then_row_counts() -> None:
    frame = pl.concat(
        [
            listens({"row": 10}, {"row": 2}, {"row": 3, "listened_at": at(1)}, file="b.json"),
            listens({"row": 9}, {"row": 8, "track": "ONE"}, file="a.json"),
        ]
    )
    assert outcomes(frame, keys_of(frame, one=1), pairs((1, 0), (1, 1))) == [
        ("a.json", 8, "inserted", None),
        ("a.json", 9, "duplicate_in_input", None),
        ("b.json", 2, "duplicate_in_input", None),
        ("b.json", 3, "inserted", None),
        ("b.json", 10, "duplicate_in_input", None),
    ]


def test_different_keys_with_one_track_are_duplicates_of_each_other() -> None:
    frame = listens({}, {"track": "Two"})
    assert [outcome for _, _, outcome, _ in outcomes(frame, keys_of(frame, one=1, two=1), pairs((1, 0)))] == [
        "inserted",
        "duplicate_in_input",
    ]


def test_what_was_not_inserted_was_there_before_perhaps_for_another_user() -> None:
    frame = listens({}, {"listened_at": at(1)}, {"listened_at": at(2)}, {"listened_at": at(1)})
    assert outcomes(frame, keys_of(frame, one=1), pairs((1, 0)), pairs((1, 1))) == [
        ("export.json", 1, "inserted", None),
        ("export.json", 2, "already_present", "other_user"),
        ("export.json", 3, "already_present", None),
        ("export.json", 4, "duplicate_in_input", None),
    ]


def test_a_listen_of_a_failed_key_is_unresolved_and_never_a_duplicate() -> None:
    frame = listens({}, {}, {"track": "Two"})
    reached = ids(("ann\x1fone\x1f", "failed", None), detail="refused by the database")
    keys = accounting.make_keys(accounting.spellings(accounting.spelled(frame)), reached)
    made = accounting.make_outcome(frame, keys, pairs(), pairs())
    assert made.select("outcome", "detail", "track_id").rows() == [
        ("unresolved", "refused by the database", None),
        ("unresolved", "refused by the database", None),
        ("not_reached", "the run ended before it was reached", None),
    ]


def test_a_remark_on_a_resolved_key_is_no_detail_of_its_listens() -> None:
    frame = listens({})
    keys = accounting.make_keys(
        accounting.spellings(accounting.spelled(frame)), ids(("ann\x1fone\x1f", "resolved", 1), detail="another MBID")
    )
    assert outcomes(frame, keys, pairs((1, 0))) == [("export.json", 1, "inserted", None)]


def test_no_listens_have_no_outcome() -> None:
    frame = listens()
    assert outcomes(frame, keys_of(frame), pairs()) == []


def frames_of_a_run() -> tuple[pl.DataFrame, pl.DataFrame, accounting.OutcomeTally, pl.DataFrame]:
    """Return skipped, rejects, tally and keys of a run over three files."""
    skipped = pl.DataFrame([("a", 1, "podcast"), ("a", 2, "too_short"), ("c", 1, "podcast")], SKIPPED, orient="row")
    rejects = pl.DataFrame([("b", 1, None, None, "bad_time", None, None)], REJECTS, orient="row")
    frame = pl.concat(
        [
            listens({"row": 3}, {"row": 4}, {"row": 5, "track": "Two"}, file="a"),
            listens({"row": 2, "track": "Two", "listened_at": at(1)}, {"row": 3, "track": "Three"}, file="b"),
        ]
    )
    reached = ids(("ann\x1fone\x1f", "hit", 1), ("ann\x1ftwo\x1f", "resolved", 2))
    keys = accounting.make_keys(accounting.spellings(accounting.spelled(frame)), reached)
    outcome = accounting.make_outcome(frame, keys, pairs((2, 0), (2, 1)), pairs())
    return skipped, rejects, accounting.tally(outcome, keys), keys


def test_a_run_is_counted() -> None:
    assert accounting.count(*frames_of_a_run()) == {
        "records": 9,
        "skipped": 3,
        "rejected": 1,
        "duplicate_in_input": 1,
        "already_present": 1,
        "inserted": 2,
        "unresolved": 0,
        "not_reached": 1,
        "keys": 3,
        "cache_hits": 1,
        "resolved": 1,
        "failed": 0,
        "keys_not_reached": 1,
    }
    assert tuple(accounting.count(*frames_of_a_run())) == COUNTS


def test_each_file_is_counted_with_the_keys_that_it_uses() -> None:
    files = accounting.count_files(*frames_of_a_run())
    nothing = accounting.NO_COUNTS
    assert files == {
        "a": {**nothing, "records": 5, "skipped": 2, "duplicate_in_input": 1, "already_present": 1, "inserted": 1}
        | {"keys": 2, "cache_hits": 1, "resolved": 1},
        "b": {**nothing, "records": 3, "rejected": 1, "inserted": 1, "not_reached": 1}
        | {"keys": 2, "resolved": 1, "keys_not_reached": 1},
        "c": {**nothing, "records": 1, "skipped": 1},
    }
    total = accounting.count(*frames_of_a_run())
    for name in ("records", *PARTS):
        assert sum(counts[name] for counts in files.values()) == total[name]


def test_a_run_without_rows_counts_nothing() -> None:
    frames = (empty(SKIPPED), empty(REJECTS), accounting.tally(empty(OUTCOME), empty(KEYS)), empty(KEYS))
    assert accounting.count(*frames) == accounting.NO_COUNTS
    assert accounting.count_files(*frames) == {}
    assert accounting.by_reason(empty(SKIPPED)) == {}


def test_rows_that_were_only_read_are_counted() -> None:
    skipped, rejects, _, _ = frames_of_a_run()
    read = accounting.count_read(skipped, rejects, empty(DUPLICATES), listens({}, {}, {"track": "Two"}))
    assert read == {"records": 7, "skipped": 3, "rejected": 1, "duplicate_in_input": 0, "listens": 3, "keys": 2}


def test_reasons_are_counted_the_most_frequent_first_then_by_name() -> None:
    rows = [("a", 1, "too_short"), ("a", 2, "podcast"), ("a", 3, "outside_window"), ("b", 1, "podcast")]
    counted = accounting.by_reason(pl.DataFrame(rows, SKIPPED, orient="row"))
    assert list(counted.items()) == [("podcast", 2), ("outside_window", 1), ("too_short", 1)]


def test_a_run_that_adds_up_has_no_imbalances() -> None:
    frames = frames_of_a_run()
    complete = {**accounting.NO_COUNTS, "records": 2, "inserted": 2}
    assert accounting.imbalances(complete, {"a": complete}, 2, 2) == []
    assert accounting.imbalances(accounting.count(*frames), accounting.count_files(*frames), 9, None) == []


@pytest.mark.parametrize("part", ["records", *PARTS])
@pytest.mark.parametrize("step", [1, -1])
def test_an_extra_or_missing_outcome_is_found(part: str, step: int) -> None:
    counts = dict.fromkeys(COUNTS, 5) | {"records": 35, "keys": 20}
    wrong = {**counts, part: counts[part] + step}
    assert accounting.imbalances(counts, {"a.json": wrong}, 35, None) == [
        f"a.json: {wrong['records']} records are not the sum of their outcomes"
    ]


@pytest.mark.parametrize("part", ["keys", "cache_hits", "resolved", "failed", "keys_not_reached"])
def test_an_extra_key_is_found(part: str) -> None:
    counts = dict.fromkeys(COUNTS, 5) | {"records": 35, "keys": 20}
    wrong = {**counts, part: counts[part] + 1}
    assert accounting.imbalances(wrong, {}, 35, None) == [
        f"the run: {wrong['keys']} keys are not the sum of their states"
    ]


def test_records_that_were_read_and_not_accounted_for_are_found() -> None:
    counts = {**accounting.NO_COUNTS, "records": 3, "inserted": 3}
    assert accounting.imbalances(counts, {}, 4, 3) == ["4 records were read, 3 are accounted for"]


def test_a_ledger_that_differs_is_found() -> None:
    counts = {**accounting.NO_COUNTS, "records": 3, "inserted": 3}
    expected = ["3 listens count as inserted, but the ledger's batches have 2"]
    assert accounting.imbalances(counts, {}, 3, 2) == expected
    assert accounting.imbalances(accounting.NO_COUNTS, {}, 0, 0) == []


def test_a_listen_that_a_complete_load_did_not_reach_is_found() -> None:
    counts = {**accounting.NO_COUNTS, "records": 3, "inserted": 1, "not_reached": 2}
    expected = ["2 listens were not reached, although the load came to its end"]
    assert accounting.imbalances(counts, {}, 3, 1) == expected
    assert accounting.imbalances(counts, {}, 3, None) == []


def test_every_problem_is_reported() -> None:
    counts = {**accounting.NO_COUNTS, "records": 2, "inserted": 1, "keys": 1}
    assert len(accounting.imbalances(counts, {"a": counts, "b": accounting.NO_COUNTS}, 3, 0)) == 6


def test_every_outcome_is_a_count() -> None:
    assert set(Outcome) <= set(COUNTS)


def test_spellings_of_slices_merge_into_those_of_the_whole() -> None:
    parts = [listens({}, {"track": "ONE"}), listens({}, {"track": "oNe"}, {"track": "Two"})]
    added = accounting.spellings(accounting.merge_spellings(map(accounting.spelled, parts)))
    assert added.rows() == accounting.spellings(accounting.spelled(pl.concat(parts))).rows()
    assert added["listens"].to_list() == [4, 1]
