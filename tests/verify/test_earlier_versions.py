"""Runs of versions without the outcome not_reached can still be read and verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.core.errors import ExitCode
from etl.load.loader import Sizes
from etl.runs.directory import RunDirectory
from tests.cli.program import etl
from tests.helpers.disturbances import calm, lose
from tests.helpers.replays import replay
from tests.helpers.support import load, scrobble, write_maloja
from tests.helpers.undos import undo
from tests.verify.conftest import findings, verified

if TYPE_CHECKING:
    from collections.abc import Mapping


def _as_before(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts as an earlier version had them."""
    merged = {"unresolved": counts["not_reached"], "failed": counts["keys_not_reached"]}
    return {name: merged.get(name, number) for name, number in counts.items() if "not_reached" not in name}


@pytest.fixture
def earlier(home: Path, any_database: str, tmp_path: Path) -> dict[str, Any]:
    """Return the manifest of a run that lost its connection, in a directory as an earlier version wrote it."""
    rows = [scrobble(number, [f"Artist {number % 7}"], f"Track {number}") for number in range(40)]
    lose(any_database, 3)
    sizes = Sizes(batch=8, round=100, step=10)
    manifest = load(home, any_database, write_maloja(tmp_path / "maloja.json", rows), sizes=sizes, workers=1)
    calm(any_database)
    assert 0 < manifest["counts"]["not_reached"] < 40
    run = RunDirectory(Path(manifest["run_dir"]))
    for name, column, before in (("outcome", "outcome", "unresolved"), ("keys", "status", "failed")):
        path = run.path / f"{name}.parquet"
        pl.read_parquet(path).with_columns(pl.col(column).replace("not_reached", before)).write_parquet(path)
    files = [{**file, "counts": _as_before(file["counts"])} for file in manifest["files"]]
    run.write_manifest({**manifest, "counts": _as_before(manifest["counts"]), "files": files})
    return manifest


def test_an_earlier_run_is_verified(home: Path, any_database: str, earlier: dict[str, Any]) -> None:
    assert findings(verified(home, any_database, earlier)) == {}


@pytest.mark.parametrize(
    "words",
    [("runs", "show"), ("runs", "list"), ("rejects", "list"), ("inspect", "latest", "--sql", "not_loaded")],
    ids=" ".join,
)
def test_an_earlier_run_is_shown(home: Path, earlier: dict[str, Any], words: tuple[str, ...]) -> None:
    assert earlier["status"] == "failed"
    assert etl(*words, home=home).code == ExitCode.OK


def test_an_earlier_run_is_completed_by_a_replay(home: Path, any_database: str, earlier: dict[str, Any]) -> None:
    assert replay(home, any_database, earlier)["counts"]["inserted"] == earlier["counts"]["not_reached"]


def test_an_earlier_run_is_undone(home: Path, any_database: str, earlier: dict[str, Any]) -> None:
    assert undo(home, any_database, earlier)["counts"]["removed"] == earlier["counts"]["inserted"]


def test_an_earlier_run_is_kept_while_it_is_needed(home: Path, earlier: dict[str, Any]) -> None:
    kept = etl("runs", "prune", "--keep", "0", "--json", home=home).json["kept"]
    assert [one["run_id"] for one in kept] == [earlier["run_id"]]
