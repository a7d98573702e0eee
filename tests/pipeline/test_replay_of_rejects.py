"""Rejected rows are read again, from the export or, without it, from the run directory."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from etl import formats
from etl.core.errors import ExitCode, InputError
from etl.formats import maloja_export
from etl.pipeline.replay import CANNOT_BE_READ, HAS_CHANGED, IS_GONE, NUMBERED_DIFFERENTLY
from tests.helpers.disturbances import allow_alias, calm, forbid_alias, lose
from tests.helpers.replays import files_in_ledger, frame, replay, statuses
from tests.helpers.support import content, load, play, scrobble, write_maloja, write_spotify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

START = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def scrobbles(scrobbles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return half of the history: each key that fails is found by halving what it is in, many rounds."""
    return scrobbles[:18]


@pytest.fixture
def is_strict(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Yield a switch between this program and an older one, which rejects scrobbles before second 50 of 2020."""
    older = replace(maloja_export.FORMAT, earliest=START + timedelta(seconds=50))
    others = tuple(kind for kind in formats.FORMATS if kind.name != older.name)

    def switch(strict: bool) -> None:
        monkeypatch.setattr(formats, "FORMATS", (older if strict else maloja_export.FORMAT, *others))

    return switch


@pytest.fixture
def rejected(home: Path, database: str, export: Path, is_strict: Callable[[bool], None]) -> dict[str, Any]:
    """Load the export with a program that rejects 9 of its 18 rows; the program is as it should be afterwards."""
    is_strict(True)
    found = load(home, database, export)
    is_strict(False)
    assert found["rejected_by_reason"] == {"time_too_early": 9}
    return found


def test_rows_that_a_newer_program_accepts_are_loaded_from_the_export(
    home: Path, database: str, rejected: dict[str, Any], export: Path
) -> None:
    found = replay(home, database, rejected)

    assert found["counts"] == {**found["counts"], "records": 9, "rejected": 0, "inserted": 9}
    assert frame(found, "listens").get_column("row").to_list() == list(range(1, 10))
    assert (found["exit_code"], [file["reason"] for file in found["files"]]) == (ExitCode.OK, [""])
    assert files_in_ledger(database) == [(str(export), 18, 0, True)]


@pytest.mark.parametrize("change", ["deleted", "changed", "broken", "replaced by a folder"])
def test_without_the_export_rows_come_from_the_run_directory(
    home: Path,
    database: str,
    export: Path,
    undisturbed: list[tuple[str, str]],
    is_strict: Callable[[bool], None],
    change: str,
) -> None:
    forbid_alias(database)
    is_strict(True)
    first = load(home, database, export)
    is_strict(False)
    allow_alias(database)
    if change == "changed":
        write_maloja(export, [scrobble(5, ["Nobody"], "Nothing")])
    elif change == "broken":
        export.write_text("{")
    else:
        export.unlink()
    if change == "replaced by a folder":
        export.mkdir()
    found = replay(home, database, first)

    assert first["counts"] == {**first["counts"], "rejected": 9, "unresolved": 3}
    assert (found["exit_code"], found["counts"]["records"], found["counts"]["inserted"]) == (ExitCode.OK, 12, 12)
    reason = HAS_CHANGED if change in ("changed", "broken") else IS_GONE
    assert found["files"][0]["reason"] == f"{reason}; its rows come from the run directory"
    assert found["files"][0]["sha256"] == first["files"][0]["sha256"]
    assert content(database) == undisturbed


@pytest.mark.parametrize("nested", [False, True])
def test_a_file_in_a_zip_is_read_from_there(
    tmp_path: Path, home: Path, database: str, export: Path, is_strict: Callable[[bool], None], nested: bool
) -> None:
    member = "in!ner/maloja export.json"
    outer = tmp_path / "my!export.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(export, member)
    if nested:
        inner, outer = outer, tmp_path / "outer.zip"
        with zipfile.ZipFile(outer, "w") as archive:
            archive.write(inner, inner.name)
    is_strict(True)
    first = load(home, database, outer)
    is_strict(False)
    found = replay(home, database, first)

    assert first["files"][0]["path"] == f"{outer}!{'my!export.zip!' if nested else ''}{member}"
    assert [(file["path"], file["reason"]) for file in found["files"]] == [(first["files"][0]["path"], "")]
    assert found["counts"]["inserted"] == 9


def test_what_is_still_rejected_is_rejected_again_with_its_place(tmp_path: Path, home: Path, database: str) -> None:
    broken = [play(1, "Ann", "One") | {"ts": "soon"}, play(2, "Ann", "Two"), play(3, "", "Three")]
    export = write_spotify(tmp_path / "endsong_0.json", broken)
    first = load(home, database, export)
    from_export = replay(home, database, first)
    export.unlink()
    from_records = replay(home, database, first)

    for found in (from_export, from_records):
        assert frame(found, "rejects").equals(frame(first, "rejects"))
        assert (found["exit_code"], found["rejected_by_reason"]) == (ExitCode.REJECTS, first["rejected_by_reason"])
        assert found["counts"]["records"] == 2
    assert replay(home, database, first, max_rejects=2)["exit_code"] == ExitCode.OK
    assert files_in_ledger(database) == [(str(export), 3, 0, True)]


def test_a_row_without_a_record_stays_rejected_when_the_export_is_gone(
    tmp_path: Path, home: Path, database: str
) -> None:
    export = write_maloja(tmp_path / "maloja_export.json", [scrobble(1, ["Ann"], "One"), scrobble(2, [""], "Two")])
    export.write_text(export.read_text().replace('"scrobbles": [', '"scrobbles": [{"time": tomorrow}, '))
    first = load(home, database, export)
    export.unlink()
    second = replay(home, database, first)
    third = replay(home, database, second)

    (before, _) = frame(first, "rejects").to_dicts()
    assert (before["reason"], before["record"]) == ("malformed", None)
    for found in (second, third):
        (row, other) = frame(found, "rejects").to_dicts()
        assert row == {**before, "detail": f"{before['detail']}; {IS_GONE}"}
        assert (other["row"], other["reason"], other["detail"]) == (3, "missing_artist", None)


def test_a_row_that_a_newer_program_skips_is_skipped(
    tmp_path: Path, home: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = write_spotify(tmp_path / "endsong_0.json", [play(1, "Ann", "One", reason_end="fwdbtn") | {"ts": "soon"}])
    first = load(home, database, export)
    kind = formats.by_name("spotify-extended")
    newer = replace(kind, read=lambda data, options: kind.read(data.replace(b"200000", b"2"), options))
    monkeypatch.setattr(formats, "FORMATS", (newer,))
    found = replay(home, database, first)

    assert (found["exit_code"], found["counts"]["skipped"], found["counts"]["records"]) == (ExitCode.OK, 1, 1)


@pytest.mark.parametrize("problem", [NUMBERED_DIFFERENTLY, CANNOT_BE_READ])
def test_a_version_that_counts_rows_differently_takes_the_kept_rows(
    home: Path, database: str, export: Path, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    forbid_alias(database)
    first = load(home, database, export)
    allow_alias(database)
    kind = maloja_export.FORMAT
    shorter = write_maloja(export.with_name("shorter.json"), []).read_bytes()
    other = replace(
        kind, read=lambda _, options: kind.read(shorter if problem == NUMBERED_DIFFERENTLY else b"{", options)
    )
    monkeypatch.setattr(formats, "FORMATS", (other,))
    found = replay(home, database, first)

    assert found["files"][0]["reason"].startswith(problem)
    assert (found["counts"]["records"], found["counts"]["inserted"]) == (6, 6)


def test_a_format_that_is_not_known_any_more_is_an_error(
    home: Path, database: str, rejected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "FORMATS", ())
    with pytest.raises(InputError, match="maloja-export"):
        replay(home, database, rejected)


def test_a_replay_that_fails_leaves_a_known_file_known(
    home: Path, database: str, rejected: dict[str, Any], export: Path, is_strict: Callable[[bool], None]
) -> None:
    lose(database, 1)
    failed = replay(home, database, rejected)
    calm(database)

    assert (failed["status"], failed["exit_code"]) == ("failed", ExitCode.DATABASE)
    is_strict(True)
    assert statuses(load(home, database, export)) == ["known"]
    is_strict(False)
    again = replay(home, database, failed)
    assert (again["exit_code"], again["counts"]["inserted"]) == (ExitCode.OK, 9)
