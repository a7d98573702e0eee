"""An undo leaves nothing of its run behind, removes nothing of other runs, and its files can be loaded again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.dsn import redact
from etl.core.errors import ExitCode, InputError, SettingsError
from etl.core.workspace import Workspace
from etl.load.loader import Sizes
from etl.pipeline.undo import undo as undo_run
from etl.runs.directory import RunDirectory
from etl.runs.prune import remove
from etl.targets.open import find_target
from etl.targets.postgres.migrate import migrate
from etl.verify import verify_database, verify_run
from tests.helpers import koito_actions, koito_sqlite_actions
from tests.helpers.disturbances import allow_alias, forbid_alias
from tests.helpers.replays import replay, run_of, statuses
from tests.helpers.support import content, counts, execute, load, query, scrobble, sqlite_file, write_maloja
from tests.helpers.undos import removed, undo, unknown_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EMPTY = {"artists": 0, "releases": 0, "tracks": 0, "listens": 0, "track_lookup": 0}


def check_verified(home: Path, uri: str, *manifests: dict[str, Any]) -> None:
    """Check that the database is sound, and that each run still agrees with it."""
    workspace = Workspace(home, uri)
    found = [check.as_json() for check in verify_database(workspace).checks if check.rows.height]
    assert found == []
    for manifest in manifests:
        verdict = verify_run(run_of(manifest), workspace)
        assert verdict.exit_code == ExitCode.OK, verdict.as_json()


def test_an_undone_run_leaves_an_empty_library(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    undone = undo(home, any_database, first)

    assert (undone["status"], undone["exit_code"], undone["undone_run"]) == ("complete", 0, first["run_id"])
    reported = {name: undone["counts"][name] for name in ("removed", "gone_before", "kept")}
    assert reported == {"removed": 36, "gone_before": 0, "kept": 0}
    assert undone["removed"] == first["created"]
    assert [file["path"] for file in undone["files"]] == [str(export)]
    assert counts(any_database) == EMPTY
    assert removed(any_database) == 36
    assert RunDirectory(run_of(undone).path).read_manifest() == undone
    assert run_of(first).read_manifest()["undone_by"] == undone["run_id"]
    check_verified(home, any_database, first, undone)


def test_the_files_of_an_undone_run_are_loaded_again(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    undisturbed = content(any_database)
    undone = undo(home, any_database, first)
    again = load(home, any_database, export)

    assert (statuses(again), again["counts"]["inserted"]) == (["loaded"], 36)
    assert content(any_database) == undisturbed
    assert statuses(load(home, any_database, export)) == ["known"]
    check_verified(home, any_database, first, undone, again)


def test_an_undone_run_is_undone_once(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    undone = undo(home, any_database, first)
    load(home, any_database, export)
    twice = undo(home, any_database, first)

    assert (twice["undone_before"], twice["exit_code"], twice["run_id"]) == (True, 0, undone["run_id"])
    assert counts(any_database)["listens"] == 36


def test_a_dry_run_says_what_would_be_removed(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    before = content(any_database)
    reported = undo(home, any_database, first, dry_run=True)

    assert (reported["status"], reported["exit_code"], reported["counts"]["removed"]) == ("dry_run", 0, 36)
    assert (content(any_database), unknown_files(any_database)) == (before, [])
    real = undo(home, any_database, first)
    assert {name: real[name] for name in ("counts", "removed", "kept")} == {
        name: reported[name] for name in ("counts", "removed", "kept")
    }


def test_nothing_is_removed_without_an_agreement(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    before = content(any_database)
    with pytest.raises(SettingsError, match="nothing was removed"):
        undo_run(Workspace(home, any_database), first["run_id"], lambda *_: False)
    assert content(any_database) == before


# --- chains ----------------------------------------------------------------------------------------------------


@pytest.fixture
def chain(tmp_path: Path, scrobbles: list[dict[str, Any]]) -> list[Path]:
    """Return three exports that overlap: they share tracks, albums, artists and listens."""
    later = [scrobble(10_000 + one["time"] - 1_577_836_800, one["track"]["artists"], one["track"]["title"],
                      one["track"]["album"]["albumtitle"], 200) for one in scrobbles[::2]]  # fmt: skip
    parts = (scrobbles[:20], scrobbles[10:] + later[:9], later + scrobbles[30:])
    return [write_maloja(tmp_path / f"part_{number}.json", part) for number, part in enumerate(parts)]


@pytest.mark.slow
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_undoing_a_chain_in_any_order_keeps_what_other_runs_loaded(
    home: Path, any_database: str, chain: list[Path], order: Sequence[int]
) -> None:
    runs = [load(home, any_database, part) for part in chain]
    held = {number: set(_inserted_listens(run)) for number, run in enumerate(runs)}
    for place, number in enumerate(order):
        undone = undo(home, any_database, runs[number])
        assert undone["counts"]["removed"] == runs[number]["counts"]["inserted"]
        left = set().union(*(held[other] for other in order[place + 1 :]))
        assert _stored_listens(any_database) == left
        check_verified(home, any_database, *runs, undone)
    assert counts(any_database) == EMPTY
    assert removed(any_database) == sum(run["counts"]["inserted"] for run in runs)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(3))
def test_what_an_undo_takes_from_other_runs_is_loaded_again(
    home: Path, tmp_path: Path, any_database: str, chain: list[Path], first: int
) -> None:
    runs = [load(home, any_database, part) for part in chain]
    undo(home, any_database, runs[first])
    others = [part for part in chain if part is not chain[first]]
    load(home, any_database, *others)
    found = _stored_listens(any_database)

    undo(home, any_database, undo_all(home, any_database, keep=()))
    assert counts(any_database) == EMPTY
    load(tmp_path / "alone", any_database, *others)
    assert _stored_listens(any_database) == found


def undo_all(home: Path, uri: str, keep: Sequence[str]) -> dict[str, Any]:
    """Undo all runs but the last one, which is returned."""
    runs = [one.read_manifest() for one in map(RunDirectory, sorted((home / "runs").iterdir()))]
    loads = [one for one in runs if not one.get("undone_run") and one["run_id"] not in keep]
    for one in loads[:-1]:
        undo(home, uri, one)
    return loads[-1]


def _inserted_listens(manifest: dict[str, Any]) -> list[tuple[str, int]]:
    rows = run_of(manifest).read_frame("outcome").filter(outcome="inserted")
    return [(key.split("\x1f")[1], int(at.timestamp())) for key, at in rows.select("lookup_key", "listened_at").rows()]


def _stored_listens(uri: str) -> set[tuple[str, int]]:
    second = "l.listened_at" if sqlite_file(uri) else "extract(epoch FROM l.listened_at)::int"
    names = "JOIN track_aliases n ON n.track_id = l.track_id AND n.is_primary"
    return set(query(uri, f"SELECT lower(n.alias), {second} FROM listens l {names}"))


def delete_listens(uri: str, before: int) -> None:
    """Delete single listens, as Koito does on request."""
    moment = before if sqlite_file(uri) else f"to_timestamp({before})"
    execute(uri, f"DELETE FROM listens WHERE listened_at < {moment}")


def test_a_file_that_relied_on_nothing_stays_known(home: Path, tmp_path: Path, any_database: str, export: Path) -> None:
    other = write_maloja(tmp_path / "other.json", [scrobble(50_000, ["Somebody"], "Else", "There")])
    first = load(home, any_database, export)
    load(home, any_database, other)
    undo(home, any_database, first)
    assert unknown_files(any_database) == [str(export)]
    assert statuses(load(home, any_database, other)) == ["known"]


# --- what Koito did since --------------------------------------------------------------------------------------


def test_a_listen_that_is_missing_counts_as_gone_before(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    delete_listens(any_database, before=1_577_836_800 + 100)
    undone = undo(home, any_database, first)

    assert (undone["counts"]["removed"], undone["counts"]["gone_before"]) == (27, 9)
    assert counts(any_database) == EMPTY


def test_a_listen_of_a_merged_track_is_removed(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    one, other = (row[0] for row in query(any_database, "SELECT id FROM tracks ORDER BY id LIMIT 2"))
    file = sqlite_file(any_database)
    koito_sqlite_actions.merge_tracks(file, one, other) if file else koito_actions.merge_tracks(
        any_database, one, other
    )
    undone = undo(home, any_database, first)

    assert (undone["counts"]["removed"], undone["counts"]["gone_before"]) == (36, 0)
    assert counts(any_database) == EMPTY


def test_what_a_scrobble_uses_is_kept(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    later = 1_704_067_200 if sqlite_file(any_database) else "'2024-01-01Z'::timestamptz"
    execute(
        any_database,
        "INSERT INTO listens (track_id, listened_at, user_id, client)"
        f" SELECT track_id, {later}, user_id, '' FROM listens ORDER BY track_id LIMIT 1",
    )
    undone = undo(home, any_database, first)

    assert undone["counts"]["removed"] == 36
    assert (undone["kept"]["tracks"], undone["kept"]["albums"]) == (1, 1)
    assert (counts(any_database)["listens"], counts(any_database)["tracks"], counts(any_database)["releases"]) == (
        1,
        1,
        1,
    )
    check_verified(home, any_database, first)


def test_a_listen_that_a_later_run_brought_back_stays(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    delete_listens(any_database, before=1_577_836_800 + 100)
    second = load(home, any_database, export, force=True)
    assert second["counts"]["inserted"] == 9
    undone = undo(home, any_database, first)

    assert undone["counts"]["removed"] == 27
    assert counts(any_database)["listens"] == 9
    undo(home, any_database, second)
    assert counts(any_database) == EMPTY


def test_what_a_run_added_to_what_stays_is_kept(home: Path, tmp_path: Path, any_database: str) -> None:
    bare = write_maloja(tmp_path / "bare.json", [scrobble(1, ["Ann"], "Song", "Debut")])
    rich = write_maloja(tmp_path / "rich.json", [scrobble(500, ["Ann"], "Song", "Debut", 240),
                                                 scrobble(900, ["Ann"], "Other", "Debut", 200)])  # fmt: skip
    first = load(home, any_database, bare)
    second = load(home, any_database, rich)
    undone = undo(home, any_database, second)

    assert (undone["removed"]["tracks"], undone["kept"]["tracks"]) == (1, 1)
    assert query(any_database, "SELECT duration FROM tracks") == [(240,)]
    undo(home, any_database, first)
    assert counts(any_database) == EMPTY


# --- which runs ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_replay_and_the_run_that_it_completes_are_undone_separately(home: Path, database: str, export: Path) -> None:
    forbid_alias(database)
    first = load(home, database, export)
    allow_alias(database)
    second = replay(home, database, first)
    assert (first["counts"]["inserted"], second["counts"]["inserted"]) == (24, 12)
    undone = undo(home, database, second)

    assert (undone["counts"]["removed"], counts(database)["listens"]) == (12, 24)
    check_verified(home, database, first, second)
    assert statuses(load(home, database, export)) == ["loaded"]
    assert counts(database)["listens"] == 36


def test_a_dry_run_and_an_undo_cannot_be_undone(home: Path, any_database: str, export: Path) -> None:
    dry = load(home, any_database, export, dry_run=True)
    undone = undo(home, any_database, load(home, any_database, export))
    with pytest.raises(SettingsError, match="was a dry run"):
        undo(home, any_database, dry)
    with pytest.raises(SettingsError, match="is an undo"):
        undo(home, any_database, undone)


def test_a_pruned_run_cannot_be_undone(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    remove(home / "runs", [run_of(first)])
    load(home, any_database, export)
    with pytest.raises(InputError, match="was pruned"):
        undo(home, any_database, first)
    assert counts(any_database)["listens"] == 36


def test_a_run_of_another_database_is_refused(home: Path, database: str, koito_database: str, export: Path) -> None:
    first = load(home, database, export)
    migrate(koito_database, standalone=False)
    with pytest.raises(SettingsError, match="does not know run") as caught:
        undo(home, koito_database, first)
    assert caught.value.hint == f"It loaded into {redact(database)}: name that with --dsn"


def test_a_run_of_before_an_uninstall_is_refused(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    target = find_target(Workspace(home, any_database))
    target.uninstall()
    target.migrate(lambda _: None, standalone=sqlite_file(any_database) is None)
    with pytest.raises(SettingsError, match="does not know run") as caught:
        undo(home, any_database, first)
    assert "the run cannot be undone" in str(caught.value.hint)


def test_two_undos_at_once_remove_everything_once(home: Path, any_database: str, export: Path) -> None:
    first = load(home, any_database, export)
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: found.append(undo(home, any_database, first))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one["exit_code"] for one in found] == [0, 0]
    assert sorted(bool(one.get("undone_before")) for one in found) == [False, True]
    assert (counts(any_database), removed(any_database)) == (EMPTY, 36)


@pytest.mark.slow
def test_batches_do_not_change_the_result(home: Path, any_database: str, chain: list[Path]) -> None:
    runs = [load(home, any_database, part, sizes=Sizes(batch=7, round=9)) for part in chain]
    undo(home, any_database, runs[0], batch=1)
    undo(home, any_database, runs[2], batch=1_000)
    assert _stored_listens(any_database) == set(_inserted_listens(runs[1]))
