"""What a load leaves behind depends on the listens alone: not on workers, files, the order of rows, or batches."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from etl.load.loader import Sizes
from etl.runs.directory import RunDirectory
from etl.runs.inspect import ask
from tests.helpers.disturbances import ROUNDS
from tests.helpers.examples import examples
from tests.helpers.support import content, load, query, sqlite_file
from tests.helpers.worlds import HISTORY, ON_A_DATABASE, RECORDS, Row, stock, wipe, write_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("plain")]

# Rows of a batch and requests of a round: from one to all at once.
SIZES = st.builds(
    Sizes,
    batch=st.integers(1, 60),
    round=st.integers(1, 24),
    step=st.integers(1, 12),
    together=st.sampled_from([1, 1 << 30]),
    chunk=st.integers(1, 40),
) | st.just(Sizes(1, 1))
WORKERS = st.sampled_from([1, 2, 4, 8])
PARTS = ("skipped", "rejected", "duplicate_in_input", "already_present", "inserted", "unresolved")


@dataclass(frozen=True)
class Bench:
    """A database and a folder for the runs of one test."""

    uri: str
    folder: Path
    numbers: count[int]

    def load(self, *files: Sequence[Row], **settings: Any) -> dict[str, Any]:  # noqa: ANN401 (values of any type)
        """Load ``files``, whose names do not follow their order.

        Seconds apart, the plays of these histories would be likely doubles of those that Koito has from elsewhere.
        """
        folder = self.folder / f"exports-{next(self.numbers)}"
        folder.mkdir()
        for number, rows in enumerate(files):
            write_plain(folder / f"{(number * 7 + 3) % 10}-{number}.json", rows)
        return load(self.folder / "home", self.uri, folder, doubles="keep", **settings)

    def fresh(self, *, stocked: bool = False) -> None:
        """Begin again, with an empty database or one that Koito has filled."""
        wipe(self.uri)
        if stocked:
            stock(self.uri)


@pytest.fixture
def bench(tmp_path: Path, any_database: str) -> Bench:
    return Bench(any_database, tmp_path, count())


@st.composite
def divided(draw: st.DrawFn, rows: Sequence[Row]) -> list[list[Row]]:
    """Return ``rows`` in another order, in several files."""
    shuffled = draw(st.permutations(rows))
    files = draw(st.integers(1, 4))
    return [part for start in range(files) if (part := shuffled[start::files])]


def totals(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of the listens, without the files that they came from."""
    return {"counts": manifest["counts"], "created": manifest["created"], "exit_code": manifest["exit_code"]}


@examples(5 * len(ROUNDS), ON_A_DATABASE)
@given(data=st.data(), rows=HISTORY, workers=WORKERS, sizes=SIZES, stocked=st.booleans())
def test_the_result_does_not_depend_on_workers_files_rows_or_batches(
    bench: Bench, data: st.DataObject, rows: list[Row], workers: int, sizes: Sizes, stocked: bool
) -> None:
    bench.fresh(stocked=stocked)
    expected = totals(bench.load(rows, workers=1))
    expected_content = content(bench.uri)

    bench.fresh(stocked=stocked)
    found = totals(bench.load(*data.draw(divided(rows)), workers=workers, sizes=sizes))

    assert found == expected
    assert content(bench.uri) == expected_content


def _plays(*plays: tuple[str, int]) -> list[Row]:
    """Return plays of the track "One": by whom, and when."""
    return [{"artist": artist, "track": "One", "listened_at": second, "client": "one"} for artist, second in plays]


@examples(5 * len(ROUNDS), ON_A_DATABASE)
@given(rows=HISTORY, middle=st.integers(0, 9), stocked=st.booleans())
@example(rows=_plays(("LISA feat. Bo", 0), ("LISA", 1), ("Bo", 1)), middle=1, stocked=False)
@example(rows=_plays(("LiSA · Zoë", 0), ("LISA", 8), ("Zoë", 8)), middle=7, stocked=False)
def test_a_history_loaded_part_after_part_is_the_history_loaded_at_once(
    bench: Bench, rows: list[Row], middle: int, stocked: bool
) -> None:
    bench.fresh(stocked=stocked)
    bench.load(rows)
    expected = content(bench.uri)

    bench.fresh(stocked=stocked)
    for part in (
        [row for row in rows if row["listened_at"] < middle],
        [row for row in rows if row["listened_at"] >= middle],
    ):
        bench.load(part)

    assert content(bench.uri) == expected


@examples(4 * len(ROUNDS), ON_A_DATABASE)
@given(data=st.data(), rows=HISTORY, sizes=SIZES, stocked=st.booleans())
def test_a_history_loaded_twice_is_the_history_loaded_once(
    bench: Bench, data: st.DataObject, rows: list[Row], sizes: Sizes, stocked: bool
) -> None:
    bench.fresh(stocked=stocked)
    first = bench.load(rows)
    expected = content(bench.uri)
    again = bench.load(*data.draw(divided(rows)), force=True, sizes=sizes)

    assert content(bench.uri) == expected
    assert again["counts"]["inserted"] == again["counts"]["resolved"] == 0
    # A listen that is there under another client and album (its MBID decided the track) needs no key any more.
    assert again["counts"]["cache_hits"] == again["counts"]["keys"] <= first["counts"]["keys"]
    assert again["created"] == {"artists": 0, "albums": 0, "tracks": 0}


@examples(5 * len(ROUNDS), ON_A_DATABASE)
@given(data=st.data(), rows=RECORDS, sizes=SIZES, stocked=st.booleans())
def test_every_row_of_every_file_is_accounted_for(
    bench: Bench, data: st.DataObject, rows: list[Row], sizes: Sizes, stocked: bool
) -> None:
    bench.fresh(stocked=stocked)
    files = data.draw(divided(rows))
    manifest = bench.load(*files, sizes=sizes)

    assert manifest["imbalances"] == []
    assert sorted(file["counts"]["records"] for file in manifest["files"]) == sorted(len(file) for file in files)
    assert manifest["counts"]["records"] == len(rows)
    for counts in (manifest["counts"], *(file["counts"] for file in manifest["files"])):
        assert counts["records"] == sum(counts[part] for part in PARTS)
        assert counts["keys"] == counts["cache_hits"] + counts["resolved"] + counts["failed"]
    for part in PARTS:
        assert manifest["counts"][part] == sum(file["counts"][part] for file in manifest["files"])
    directory = RunDirectory(Path(manifest["run_dir"]))
    derived = dict.fromkeys(PARTS, 0) | dict(ask(directory, "accounting").rows)
    assert derived == {part: manifest["counts"][part] for part in PARTS}
    states = dict(ask(directory, "SELECT status, count(*) FROM keys GROUP BY ALL").rows)
    assert states.get("resolved", 0) == manifest["counts"]["resolved"]
    assert sum(states.values()) == manifest["counts"]["keys"]
    batches = "etl_batches" if sqlite_file(bench.uri) else "etl.batches"
    ledger = query(bench.uri, f"SELECT CAST(coalesce(sum(inserted), 0) AS bigint) FROM {batches}")
    assert ledger == [(manifest["counts"]["inserted"],)]
    assert manifest["exit_code"] == (5 if manifest["counts"]["rejected"] else 0)
