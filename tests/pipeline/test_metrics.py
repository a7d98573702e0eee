"""The Prometheus file is valid and complete, also after a failed run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from etl.core.errors import DatabaseError, SettingsError
from etl.core.schema import COUNTS
from etl.pipeline.metrics import Metrics
from tests.helpers.logs import logged

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: dict[str, Any] = {
    "exit_code": 5,
    "counts": {name: number for number, name in enumerate(COUNTS)},
    "files": [{"status": "loaded"}, {"status": "loaded"}, {"status": "refused"}],
    "created": {"artists": 3, "albums": 0, "tracks": 12_345_678},
    "timings": {"load": 1.25},
}


def read(path: Path) -> dict[tuple[str, ...], float]:
    """Return the samples by metric and labels, without the label that all have."""
    families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    assert {sample.labels.pop("name") for family in families for sample in family.samples} == {path.stem}
    return {
        (sample.name.removeprefix("etl_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def write(path: Path, **changes: object) -> dict[tuple[str, ...], float]:
    with Metrics(path) as metrics:
        metrics.manifest = {**MANIFEST, **changes}
    return read(path)


def test_metrics_of_a_finished_run(tmp_path: Path) -> None:
    before = time.time()
    found = write(tmp_path / 'my "etl".prom')
    assert before - 1 <= found["last_run_timestamp_seconds",] <= time.time()
    assert found["last_run_exit_code",] == 5
    assert found["last_run_rows", "inserted"] == MANIFEST["counts"]["inserted"]
    assert found["last_run_keys", "resolved"] == MANIFEST["counts"]["resolved"]
    assert (found["last_run_files", "loaded"], found["last_run_files", "known"]) == (2, 0)
    assert found["last_run_created", "tracks"] == 12_345_678
    assert found["last_run_step_seconds", "load"] == 1.25
    assert ("last_success_timestamp_seconds",) not in found
    assert [path.name for path in tmp_path.iterdir()] == ['my "etl".prom']


def test_last_success_survives_a_failed_run(tmp_path: Path) -> None:
    path = tmp_path / "etl.prom"
    good = write(path, exit_code=0)
    assert good["last_success_timestamp_seconds",] == good["last_run_timestamp_seconds",]
    with pytest.raises(DatabaseError), Metrics(path):
        raise DatabaseError("gone")
    failed = read(path)
    assert failed["last_run_exit_code",] == 3
    assert failed["last_success_timestamp_seconds",] == good["last_success_timestamp_seconds",]
    assert ("last_run_rows", "inserted") not in failed


def test_unexpected_exception_is_exit_code_1(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Metrics(tmp_path / "etl.prom"):
        raise ZeroDivisionError
    assert read(tmp_path / "etl.prom")["last_run_exit_code",] == 1


def test_metrics_file_is_readable_by_others(tmp_path: Path) -> None:
    write(tmp_path / "etl.prom")
    assert (tmp_path / "etl.prom").stat().st_mode & 0o777 == 0o644


def test_unwritable_path_is_refused_before_and_logged_after_the_run(tmp_path: Path) -> None:
    for place in (tmp_path / "missing" / "etl.prom", tmp_path):
        with pytest.raises(SettingsError, match=r"--metrics .* cannot be written"):
            Metrics(place)
    folder = tmp_path / "folder"
    folder.mkdir()
    with logged() as reported, Metrics(folder / "etl.prom"):
        folder.rmdir()
    assert [text.startswith("warning: --metrics ") for text in reported] == [True]
