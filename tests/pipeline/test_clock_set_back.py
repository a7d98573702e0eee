"""A clock that is set back between two runs changes nothing: the ledger orders runs by their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from etl.core.workspace import Workspace
from etl.library import opened, read_library
from etl.verify import Verdict, verify_run
from tests.helpers import koito_actions, koito_sqlite_actions
from tests.helpers.replays import run_of, statuses
from tests.helpers.support import content, execute, load, query, scrobble, sqlite_file, write_maloja
from tests.helpers.undos import undo, unknown_files

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

_TIMES = {
    "etl.runs": ("started_at", "finished_at"),
    "etl.files": ("finished_at",),
    "etl.batches": ("written_at",),
    "track_lookup": ("created_at",),
}


@pytest.fixture
def parts(tmp_path: Path, scrobbles: list[dict[str, Any]]) -> list[Path]:
    """Return two exports that have ten listens in common."""
    return [
        write_maloja(tmp_path / "first.json", scrobbles[:20]),
        write_maloja(tmp_path / "second.json", scrobbles[10:]),
    ]


def set_clock_back(uri: str) -> None:
    """Make all that was recorded look as if the clock had been a day ahead until now."""
    shift(uri, "+")


def shift(uri: str, sign: str) -> None:
    day = "86400" if sqlite_file(uri) else "interval '1 day'"
    for table, columns in _TIMES.items():
        execute(uri, f"UPDATE {table} SET " + ", ".join(f"{name} = {name} {sign} {day}" for name in columns))


def verified(home: Path, uri: str, manifest: dict[str, Any]) -> Verdict:
    return verify_run(run_of(manifest), Workspace(home, uri))


def test_the_library_lists_the_newest_run_first(home: Path, any_database: str, parts: list[Path]) -> None:
    runs = []
    for part in parts:
        runs.append(load(home, any_database, part)["run_id"])
        set_clock_back(any_database)
    with opened(read_library(Workspace(home, any_database), None, "UTC")) as session:
        assert [row[0] for row in session.ask("loads").rows] == runs[::-1]


def test_an_undo_forgets_what_was_loaded_before_the_clock_changed(
    home: Path, any_database: str, parts: list[Path]
) -> None:
    runs = [load(home, any_database, part) for part in parts]
    undisturbed = content(any_database)
    set_clock_back(any_database)
    undo(home, any_database, runs[0])

    assert unknown_files(any_database) == [str(part) for part in parts]
    assert statuses(load(home, any_database, *parts)) == ["loaded", "loaded"]
    assert content(any_database) == undisturbed


def test_an_undo_forgets_what_was_loaded_after_the_clock_changed(
    home: Path, any_database: str, parts: list[Path]
) -> None:
    first = load(home, any_database, parts[0])
    set_clock_back(any_database)
    load(home, any_database, parts[1])
    undisturbed = content(any_database)
    undo(home, any_database, first)

    assert unknown_files(any_database) == [str(part) for part in parts]
    load(home, any_database, *parts)
    assert content(any_database) == undisturbed


def test_an_undo_leaves_files_known_that_were_loaded_before_its_run(
    home: Path, any_database: str, tmp_path: Path, parts: list[Path]
) -> None:
    other = write_maloja(tmp_path / "other.json", [scrobble(second, ["Zoe"], "Other") for second in (1, 1, 2)])
    load(home, any_database, parts[0])
    load(home, any_database, other)
    set_clock_back(any_database)
    undo(home, any_database, load(home, any_database, parts[1]))

    assert unknown_files(any_database) == [str(parts[1])]


def test_verify_excuses_an_undo_after_the_clock_changed(home: Path, any_database: str, tmp_path: Path) -> None:
    first, second = (
        load(home, any_database, write_maloja(tmp_path / name, [scrobble(at, ["Ann"], "First") for at in seconds]))
        for name, seconds in (("a.json", (1, 2)), ("b.json", (2, 3)))
    )
    set_clock_back(any_database)
    undo(home, any_database, first)

    verdict = verified(home, any_database, second)
    assert (verdict.exit_code, verdict.about["listens"]["undone_since"]) == (ExitCode.OK, 1)


def test_verify_knows_a_track_deleted_and_loaded_after_the_clock_changed(
    home: Path, any_database: str, tmp_path: Path
) -> None:
    plays = [scrobble(second, ["Ann"], "First") for second in (1, 2)]
    first = load(home, any_database, write_maloja(tmp_path / "a.json", [*plays, scrobble(3, ["Ann"], "Second")]))
    set_clock_back(any_database)
    _delete_track(any_database, "First")
    load(home, any_database, write_maloja(tmp_path / "b.json", [scrobble(9, ["Ann"], "First")]))

    verdict = verified(home, any_database, first)
    assert (verdict.exit_code, verdict.about["listens"]["removed_since"]) == (ExitCode.OK, 2)


@pytest.mark.parametrize(("undone", "forgotten"), [(0, 2), (1, 1)])
def test_runs_of_before_the_numbers_are_ordered_by_their_times(
    home: Path, any_database: str, parts: list[Path], undone: int, forgotten: int
) -> None:
    runs = [load(home, any_database, parts[0])]
    shift(any_database, "-")
    runs.append(load(home, any_database, parts[1]))
    execute(any_database, "UPDATE etl.runs SET number = 0, end_number = 0; UPDATE etl.files SET number = 0")
    undo(home, any_database, runs[undone])

    assert unknown_files(any_database) == [str(part) for part in parts[-forgotten:]]


def _delete_track(uri: str, title: str) -> None:
    ((track,),) = query(uri, f"SELECT track_id::int FROM track_aliases WHERE alias = '{title}'")
    if file := sqlite_file(uri):
        koito_sqlite_actions.delete_track(file, track)
    else:
        koito_actions.delete_track(uri, track)
