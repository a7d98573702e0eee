"""Runs over overlapping exports of several services are undone in any order; listens of the other runs stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from etl import formats
from etl.core.errors import ExitCode
from etl.core.workspace import Workspace
from etl.formats import maloja_export
from etl.verify import verify_database, verify_run
from tests.helpers.examples import examples
from tests.helpers.replays import replay, run_of, statuses
from tests.helpers.services import NOON, Listen, write
from tests.helpers.support import counts, load, query, sqlite_file
from tests.helpers.undos import undo
from tests.helpers.worlds import ON_A_DATABASE, wipe

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SERVICES = ("spotify", "lastfm", "listenbrainz", "maloja", "koito")
APART = 1_000  # seconds between two plays
PLAYED = 31  # seconds, and so much later Spotify says that a play happened
NEAR = 10
"""Seconds that the records of one play in two services differ by at most, once Spotify's are starts, too."""

TRACKS = [((f"Artist {number % 3}",), f"Song {number % 4}", f"Album {number % 5}") for number in range(8)]
PLAYS = [Listen(NOON + APART * number, *TRACKS[number % 8]) for number in range(14)]


@dataclass(frozen=True)
class Step:
    """One load of a chain."""

    exports: tuple[int, ...]
    doubles: str
    is_forced: bool


EXPORTS = st.lists(
    st.tuples(st.sampled_from(SERVICES), st.sets(st.integers(0, len(PLAYS) - 1), min_size=1), st.integers(0, 5)),
    min_size=2,
    max_size=3,
)
CHAINS = EXPORTS.flatmap(
    lambda made: st.tuples(
        st.just(made),
        st.lists(
            st.builds(
                Step,
                st.lists(st.integers(0, len(made) - 1), min_size=1, unique=True).map(tuple),
                st.sampled_from(["skip", "keep"]),
                st.booleans(),
            ),
            min_size=2,
            max_size=4,
        ),
    )
)


@dataclass
class Library:
    """A database, the runs that made it, and what each of them inserted: pairs of track and second."""

    home: Path
    uri: str
    runs: list[dict[str, Any]] = field(default_factory=list)
    undone: list[dict[str, Any]] = field(default_factory=list)

    def load(self, files: list[Path], step: Step) -> dict[str, Any]:
        """Load a step and keep the run, unless it had nothing to do."""
        paths = [files[number] for number in step.exports]
        run = load(self.home, self.uri, *paths, doubles=step.doubles, force=step.is_forced)
        assert run["exit_code"] == ExitCode.OK, run["error"]
        if run["run_id"] is not None:
            self.runs.append(run)
        return run

    def undo(self, run: dict[str, Any]) -> None:
        """Undo a run, and check that exactly the listens of the other runs are left."""
        undone = undo(self.home, self.uri, run)
        self.runs.remove(run)
        self.undone += [run, undone]
        assert (undone["exit_code"], undone["counts"]["removed"]) == (0, run["counts"]["inserted"])

    def check(self) -> None:
        """Check the listens, the database, and what every run says of it."""
        held = [pair for run in self.runs for pair in inserted(run)]
        assert len(held) == len(set(held))
        assert stored(self.uri) == set(held)
        workspace = Workspace(self.home, self.uri)
        assert [check.as_json() for check in verify_database(workspace).checks if check.rows.height] == []
        for run in [*self.runs, *self.undone]:
            verdict = verify_run(run_of(run), workspace)
            assert verdict.exit_code == ExitCode.OK, verdict.as_json()


def inserted(run: dict[str, Any]) -> list[tuple[int, int]]:
    rows = run_of(run).read_frame("outcome").filter(outcome="inserted")
    return [(track, int(at.timestamp())) for track, at in rows.select("track_id", "listened_at").rows()]


def stored(uri: str) -> set[tuple[int, int]]:
    second = "listened_at" if sqlite_file(uri) else "extract(epoch FROM listened_at)::int"
    return set(query(uri, f"SELECT track_id, {second} FROM listens"))


def plays_heard(uri: str) -> set[int]:
    """Return which of PLAYS the database has, whichever service recorded it."""
    return {round((second - NOON) / APART) for _, second in stored(uri)}


@pytest.fixture(scope="module")
def numbers() -> count[int]:
    return count()


@pytest.mark.faults
@examples(3, settings(ON_A_DATABASE, phases=[Phase.explicit, Phase.reuse, Phase.generate]))
@given(CHAINS, st.data())
def test_a_chain_of_runs_is_undone_in_any_order(
    tmp_path: Path, any_database: str, numbers: count[int], chain: tuple[Any, list[Step]], data: st.DataObject
) -> None:
    wipe(any_database)
    folder = tmp_path / str(next(numbers))
    files = []
    for number, (service, chosen, offset) in enumerate(chain[0]):
        (folder / str(number)).mkdir(parents=True)
        late = offset + (PLAYED if service == "spotify" else 0)
        listens = [PLAYS[place]._replace(second=PLAYS[place].second + late) for place in sorted(chosen)]
        files.append(write(folder / str(number), service, listens))
    library = Library(folder / "home", any_database)
    for step in chain[1]:
        library.load(files, step)
    library.check()

    first = data.draw(st.sampled_from(library.runs))
    library.undo(first)
    library.check()
    used = tuple(sorted({number for step in chain[1] for number in step.exports}))
    again = Step(used, data.draw(st.sampled_from(["skip", "keep"])), is_forced=False)
    library.load(files, again)
    assert plays_heard(any_database) == {place for number in used for place in chain[0][number][1]}
    library.check()

    for run in data.draw(st.permutations(library.runs)):
        library.undo(run)
        library.check()
    assert set(counts(any_database).values()) == {0}


@pytest.mark.parametrize("is_replay_first", [True, False], ids=["replay first", "run first"])
def test_a_replay_and_its_run_are_undone_in_any_order(
    home: Path, any_database: str, export: Path, monkeypatch: pytest.MonkeyPatch, is_replay_first: bool
) -> None:
    older = replace(maloja_export.FORMAT, earliest=datetime(2020, 1, 1, 0, 0, 50, tzinfo=UTC))
    others = tuple(kind for kind in formats.FORMATS if kind.name != older.name)
    with monkeypatch.context() as patched:
        patched.setattr(formats, "FORMATS", (older, *others))
        run = load(home, any_database, export)
    again = replay(home, any_database, run)
    library = Library(home, any_database, [run, again])
    assert (run["counts"]["rejected"], again["counts"]["inserted"]) == (9, 9)
    library.check()

    library.undo(again if is_replay_first else run)
    library.check()
    assert statuses(load(home, any_database, export, dry_run=True)) == ["loaded"]  # it is read again
    library.undo(run if is_replay_first else again)
    library.check()
    assert set(counts(any_database).values()) == {0}
