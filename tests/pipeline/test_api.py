"""``import etl`` gives what scripts need, imports nothing heavy before it is used, and raises typed errors."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import etl
from etl.core.failpoints import Point
from etl.targets import ledger
from tests.cli.program import ROOT
from tests.helpers.support import counts

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("polars", "adbc_driver_manager", "duckdb", "pyarrow", "typer")


def modules_after(code: str) -> set[str]:
    """Return which of HEAVY a new interpreter has imported after ``code``."""
    look = f"import sys; {code}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_etl_imports_nothing_heavy() -> None:
    assert modules_after("import etl; dir(etl); etl.EtlError; etl.RunSettings") == set()
    assert "polars" in modules_after("import etl; etl.run")


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert etl.__version__ == project["version"]


def test_every_public_name_is_there_and_others_are_not() -> None:
    assert dir(etl) == etl.__all__ == sorted(etl.__all__)
    assert {"run", "check", "undo", "open_live", "submit_listen", "Listen", "RunSettings", "EtlError"} <= {*etl.__all__}
    for name in etl.__all__:
        assert getattr(etl, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'pipelines'"):
        _ = etl.pipelines


def test_a_script_loads_undoes_and_submits(home: Path, any_database: str, export: Path) -> None:
    where: dict[str, Any] = {"dsn": any_database, "home": str(home)}
    assert etl.check(export)["counts"]["records"] == 36
    loaded = etl.run([export], etl.RunSettings(max_rejects=3), **where)
    assert (loaded["counts"]["inserted"], loaded["settings"]["max_rejects"]) == (36, 3)

    assert etl.undo("latest", dry_run=True, **where)["counts"]["removed"] == 36
    undone = etl.undo(loaded["run_id"], **where)
    assert (undone["status"], undone["counts"]["removed"]) == ("complete", 36)
    assert etl.undo("latest", **where)["undone_before"]
    assert counts(any_database)["listens"] == 0

    with etl.open_live(**where) as live:
        done = etl.submit_listen(live, etl.Listen("Björk", "Jóga", datetime(2024, 1, 1, tzinfo=UTC)))
    assert done.outcome == "inserted"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "--workers: 0 is not possible. Give 1 to 64"),
        ({"max_rejects": "3"}, "--max-rejects: 3 is not possible"),
        ({"doubles": "drop"}, '"drop" is not known'),
        ({"source": "myspace"}, '"myspace" is not known'),
        ({"artist_separators": "("}, "--artist-separators"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_invalid_setting_is_refused(export: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(etl.SettingsError) as raised:
        etl.check(export, etl.RunSettings(**settings))
    assert message in str(raised.value)


@pytest.mark.parametrize("paths", ["", ["", "."]])
def test_an_empty_path_is_refused(home: Path, paths: str | list[str]) -> None:
    with pytest.raises(etl.InputError, match="a path is empty"):
        etl.run(paths, home=str(home))


def test_what_cannot_begin_raises_without_a_manifest(home: Path, tmp_path: Path, koito_file: str) -> None:
    with pytest.raises(etl.InputError) as raised:
        etl.undo("latest", dsn=koito_file, home=str(home))
    assert raised.value.manifest is None
    with pytest.raises(etl.InputError):
        etl.run(tmp_path / "nowhere", dsn=koito_file, home=str(home))
    with pytest.raises(etl.DatabaseError):
        etl.run(tmp_path, dsn=f"sqlite:///{tmp_path / 'nowhere.db'}", home=str(home))


def test_an_interruption_is_raised_with_what_was_done(
    home: Path, any_database: str, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: dict[str, Any] = {"dsn": any_database, "home": str(home)}
    loaded = etl.run(export, **where)
    monkeypatch.setenv("ETL_FAULT", f"{Point.AFTER_LEDGER_START.value}:1:SIGINT")

    with pytest.raises(etl.InterruptedRunError) as raised:
        etl.undo(loaded["run_id"], **where)

    assert raised.value.exit_code == etl.ExitCode.INTERRUPTED
    assert raised.value.manifest is not None
    assert raised.value.manifest["counts"]["removed"] == 0
    monkeypatch.delenv("ETL_FAULT")
    assert etl.undo("latest", **where)["counts"]["removed"] == 36


IN_A_THREAD = """
import signal, sys, threading
import etl

export, dsn, home = sys.argv[1:]
numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
before = [signal.getsignal(number) for number in numbers]
ended = []
thread = threading.Thread(target=lambda: ended.append(etl.run(export, dsn=dsn, home=home)["status"]))
thread.start()
thread.join()
assert ended == ["complete"], ended
assert before == [signal.getsignal(number) for number in numbers]
"""


def test_run_in_a_thread_prints_nothing_and_leaves_signals_alone(home: Path, koito_file: str, export: Path) -> None:
    words = [sys.executable, "-c", IN_A_THREAD, str(export), koito_file, str(home)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_warning_without_a_handler_is_not_printed() -> None:
    code = "import etl, logging; logging.getLogger('etl.pipeline').warning('a warning')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_run_that_does_not_balance_raises(
    home: Path, koito_file: str, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "inserted_by_run", lambda *_: 35)
    with pytest.raises(etl.AccountingError) as raised:
        etl.run(export, dsn=koito_file, home=str(home))
    assert raised.value.manifest is not None
    assert raised.value.message == raised.value.manifest["imbalances"][0]
    assert raised.value.exit_code == raised.value.manifest["exit_code"] == etl.ExitCode.UNBALANCED
