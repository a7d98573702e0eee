"""A history gives the same result whether it is submitted listen by listen, loaded in one run, or both in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import formats
from tests.helpers.disturbances import ROUNDS
from tests.helpers.examples import examples
from tests.helpers.support import content, load
from tests.helpers.worlds import LISTEN, ON_A_DATABASE, PLAIN, Row, stock, wipe, write_plain
from tests.live.rows import submit_rows

if TYPE_CHECKING:
    from etl.live.submit import LiveConnection

pytestmark = pytest.mark.slow

FEATURED = st.sampled_from(["Two (feat. Bo)", "One [ft. Zoë & LISA]"])
FIRST = 100  # seconds after what a stocked database holds: a run treats listens of that second as duplicates


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Return listens in the order of their times, a second each; some of them are there twice."""
    plain = LISTEN | st.builds(lambda row, track: {**row, "track": track}, LISTEN, FEATURED)
    rows = [
        {**row, "listened_at": FIRST + 40 * place}
        for place, row in enumerate(draw(st.lists(plain, min_size=1, max_size=9)))
    ]
    return [row for row in rows for _ in range(draw(st.sampled_from([1, 1, 1, 2])))]


@pytest.fixture
def database(any_database: str) -> str:
    """Return the address of PostgreSQL's database, then of Koito's file."""
    return any_database


@examples(4 * len(ROUNDS), ON_A_DATABASE)
@given(data=st.data(), rows=histories(), stocked=st.booleans())
def test_submitting_in_time_order_equals_loading_in_any_order(
    live: LiveConnection,
    database: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    data: st.DataObject,
    rows: list[Row],
    stocked: bool,
) -> None:
    monkeypatch.setattr(formats, "FORMATS", (PLAIN,))
    folder = tmp_path_factory.mktemp("history")

    def fresh() -> None:
        wipe(database)
        if stocked:
            stock(database)

    fresh()
    manifest = load(folder / "home", database, write_plain(folder / "all.json", data.draw(st.permutations(rows))))
    loaded = content(database)

    fresh()
    middle = data.draw(st.sampled_from([0, 0, len(rows) // 2]))
    if middle:
        load(folder / "home", database, write_plain(folder / "early.json", rows[:middle]))
    results = submit_rows(live, rows[middle:])

    assert content(database) == loaded
    assert {one.outcome for one in results} <= {"inserted", "already_present"}
    if not middle:
        assert [one.outcome for one in results].count("inserted") == manifest["counts"]["inserted"]
