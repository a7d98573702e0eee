"""Whatever is loaded in whatever order: what one person heard is stored once, and no row is lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.schema import NOT_COUNTED, empty
from etl.dedupe import find_doubles
from tests.dedupe.listener import (
    RECORDERS,
    SERVICES,
    TRACKS,
    Database,
    Play,
    Row,
    as_listens,
    histories,
    in_runs,
    number_of_plays,
    rows_of,
)
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from random import Random

    from etl.dedupe import DedupeResult

pytestmark = pytest.mark.slow

SCROBBLERS = st.lists(st.sampled_from(["lastfm", "listenbrainz", "maloja", "koito"]), unique=True)
SPOTIFY = st.sampled_from([[], ["extended"], ["old_extended"]])
FEW = examples(13)


@st.composite
def loads(draw: st.DrawFn) -> tuple[list[Play], list[str], list[list[Row]]]:
    """Draw a history, the services that recorded it, and the rows of each run."""
    plays = draw(histories())
    services = draw(SPOTIFY) + draw(SCROBBLERS) or ["lastfm"]
    return plays, services, [rows_of(run) for run in in_runs(draw, plays, services)]


@st.composite
def loads_with_account_data(draw: st.DrawFn) -> tuple[list[Play], list[str], list[list[Row]]]:
    """Draw the same with account data too."""
    plays = draw(histories(has_account=True))
    services = ["account", *draw(SPOTIFY), *draw(SCROBBLERS)]
    return plays, services, [rows_of(run) for run in in_runs(draw, plays, services)]


def _check_every_row(rows: list[Row], settled: DedupeResult) -> None:
    """Each row is loaded, skipped or a duplicate, and what it is a duplicate of is loaded or in the database."""
    parts = (settled.listens, settled.skipped, settled.duplicates)
    found = Counter(place for part in parts for place in part.select("file", "row").iter_rows())
    assert found == Counter((row["file"], row["row"]) for row in rows)
    loaded = set(settled.listens.select("file", "row").iter_rows())
    named = settled.duplicates.filter(pl.col("of_file").is_not_null())
    assert set(named.select("of_file", "of_row").iter_rows()) <= loaded
    doubles = set(settled.evidence.get_column("double_of"))
    assert {name for name in doubles if not name.startswith("database!")} <= {f"{file}:{row}" for file, row in loaded}
    assert settled.evidence.get_column("evidence").null_count() == 0


@FEW
@given(loads())
def test_plays_are_stored_once_in_whatever_order(drawn: tuple[list[Play], list[str], list[list[Row]]]) -> None:
    plays, services, runs = drawn
    database, stored = Database(), 0
    for rows in runs:
        settled, inserted = database.load(rows)
        _check_every_row(rows, settled)
        stored += inserted
    assert stored == number_of_plays(plays, services)
    everything = [row for rows in runs for row in rows]
    assert [database.load(rows)[1] for rows in (*runs, everything)] == [0] * (len(runs) + 1)


@FEW
@given(loads_with_account_data())
def test_account_data_is_stored_once(drawn: tuple[list[Play], list[str], list[list[Row]]]) -> None:
    plays, services, runs = drawn
    database = Database()
    stored = sum(database.load(rows)[1] for rows in runs)
    assert stored == number_of_plays(plays, services)
    assert [database.load(rows)[1] for rows in runs] == [0] * len(runs)


def test_two_recorded_starts_are_compared_before_a_guessed_one() -> None:
    def heard(number: int, track: int, start: int, played: int, seen: set[str]) -> Play:
        return Play(number, TRACKS[track], start, start + played, played, frozenset(seen), (-1, 5, -1, -1, 5))

    plays = [
        heard(1, 0, 1_600_000_000, 200, {"koito"}),
        heard(2, 2, 1_600_000_208, 96, {"koito", "listenbrainz"}),
        heard(3, 2, 1_600_000_333, 99, {"listenbrainz"}),
    ]
    database = Database()
    runs = (["account", "koito"], ["listenbrainz"])
    assert [database.load(rows_of([(name, plays) for name in run]))[1] for run in runs] == [3, 0]


@FEW
@given(loads())
def test_keeping_doubles_twice_adds_nothing(drawn: tuple[list[Play], list[str], list[list[Row]]]) -> None:
    *_, runs = drawn
    database = Database()
    for rows in runs:
        settled, _ = database.load(rows, drop_doubles=False)
        _check_every_row(rows, settled)
        assert settled.skipped.is_empty()
    assert [database.load(rows, drop_doubles=drop)[1] for rows in runs for drop in (False, True)] == [0, 0] * len(runs)


@FEW
@given(loads(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_files_does_not_matter(
    drawn: tuple[list[Play], list[str], list[list[Row]]], random: Random
) -> None:
    *_, runs = drawn
    rows = [row | {"file": f"{number}{row['file']}"} for number, run in enumerate(runs) for row in run]
    shuffled = rows.copy()
    random.shuffle(shuffled)

    def outcomes(given: list[Row]) -> set[tuple[str, int]]:
        settled, _ = Database().load(given)
        return set(settled.listens.select("file", "row").iter_rows())

    assert outcomes(rows) == outcomes(shuffled)


@FEW
@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(["lastfm", "spotify", "maloja", "listenbrainz"]))))
def test_plays_of_one_service_in_different_seconds_are_never_one(drawn: list[tuple[int, str]]) -> None:
    rows = [_any_row(number, *play) for number, play in enumerate(drawn)]
    verdicts = find_doubles(as_listens(rows), empty(NOT_COUNTED), Database().nearby(), Database().cached(), SERVICES)
    of = {place: leader for place, leader in verdicts.select("place", "of").iter_rows() if leader is not None}
    plays: dict[tuple[int, str], set[object]] = {}
    for place, row in enumerate(rows):
        plays.setdefault((of.get(place, place), row["source"]), set()).add(row["listened_at"])
    assert [times for times in plays.values() if len(times) > 1] == []


def _any_row(number: int, second: int, source: str) -> Row:
    """Return any row: this listener may hear several things at a time."""
    begun = 1_600_000_000 + second
    play = Play(number, TRACKS[0], begun, begun + 100, 100, frozenset(), (0, 0, 0, 0, 0))
    return RECORDERS["extended" if source == "spotify" else source](play)
