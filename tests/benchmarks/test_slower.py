"""What has become slower than at another revision is named, by its ratio to the baseline and not by its seconds."""

from __future__ import annotations

from typing import Any

from benchmarks.__main__ import slower


def line(ratio: float | None, seconds: float = 1.0) -> dict[str, Any]:
    return {
        "title": "empty database",
        "seconds": {"median": seconds},
        "ratio": None if ratio is None else {"median": ratio},
    }


def test_a_ratio_that_grew_by_more_than_a_quarter_is_named() -> None:
    assert slower({"empty": line(1.6)}, {"empty": line(1.0)}, "abc") == [
        "slower: empty database takes 1.60 times as long as at abc"
    ]


def test_a_small_slip_a_busy_machine_and_a_baseline_are_not_named() -> None:
    ours = {"empty": line(1.2), "again": line(1.0, seconds=9.0), "floor": line(None, seconds=9.0)}
    assert slower(ours, {name: line(1.0) for name in ("empty", "again")} | {"floor": line(None)}, "abc") == []
