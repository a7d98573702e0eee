"""Writes metrics about the last run for Prometheus, as a text file that its node exporter reads from a folder.

Only tests use ``prometheus_client``: it would replace fifteen lines here and take 0.1 s of every run to import.
"""

from __future__ import annotations

import logging
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from etl.core.atomic_file import real_place
from etl.core.errors import EtlError, ExitCode, SettingsError
from etl.core.schema import KEY_COUNTS, ROW_COUNTS, FileStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

logger = logging.getLogger(__name__)

_LAST_SUCCESS = "etl_last_success_timestamp_seconds"


_Family: TypeAlias = "tuple[str, str, str, Mapping[str, float]]"
"""Name, meaning, label and samples (by the value of the label) of a metric."""


class Metrics(msgspec.Struct):
    """Writes the metrics of the run when its context ends, also after an exception."""

    path: Path
    began: float = msgspec.field(default_factory=time.time)
    manifest: Mapping[str, Any] | None = None
    """``run.json`` of the run, once there is one."""

    def __post_init__(self) -> None:
        if not os.access(self.path.parent, os.W_OK | os.X_OK) or self.path.is_dir():
            raise SettingsError(
                f"--metrics {self.path} cannot be written", "Name a file in a folder that exists and is writable"
            )
        real_place(self.path)

    def __enter__(self) -> Metrics:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        code = self.manifest["exit_code"] if self.manifest else ExitCode.INTERNAL
        if error:
            code = error.exit_code if isinstance(error, EtlError) else ExitCode.INTERNAL
        final = Path(os.path.realpath(self.path))
        partial = final.with_name(f".{final.name}.{os.getpid()}.partial")
        try:
            partial.write_text(self._text(int(code), time.time()), encoding="utf-8")
            partial.chmod(0o644)  # so that the account of the node exporter can read it
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(final)
        except OSError as failed:
            logger.warning("--metrics %s cannot be written: %s", self.path, failed.strerror)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _text(self, code: int, now: float) -> str:
        name = _escaped(self.path.stem)
        success = now if code == ExitCode.OK else self._last_success()
        lines = []
        for metric, about, label, samples in self._families(code, now, success):
            lines += [f"# HELP {metric} {about}", f"# TYPE {metric} gauge"] if samples else []
            for value, number in samples.items():
                labels = f'name="{name}",{label}="{_escaped(value)}"' if label else f'name="{name}"'
                lines.append(f"{metric}{{{labels}}} {number:.15g}")
        return "\n".join(lines) + "\n"

    def _families(self, code: int, now: float, success: float | None) -> Iterator[_Family]:
        yield "etl_last_run_timestamp_seconds", "When the last run ended.", "", {"": now}
        if success:
            yield _LAST_SUCCESS, "When a run last ended with exit code 0.", "", {"": success}
        yield "etl_last_run_exit_code", "Exit code of the last run.", "", {"": code}
        yield "etl_last_run_duration_seconds", "How long the last run took.", "", {"": max(0.0, now - self.began)}
        if self.manifest:
            yield from _run_families(self.manifest)

    def _last_success(self) -> float | None:
        """Return the time of the last success, from the file that is about to be replaced."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        found = re.search(rf"^{_LAST_SUCCESS}{{.*}} ([0-9.e+]+)$", text, re.MULTILINE)
        return float(found[1]) if found else None


def _run_families(manifest: Mapping[str, Any]) -> Iterator[_Family]:
    counts, files = manifest["counts"], [file["status"] for file in manifest["files"]]
    yield (
        "etl_last_run_rows",
        "Rows that the last run read (records), and what became of them.",
        "outcome",
        {name: counts[name] for name in ROW_COUNTS},
    )
    yield (
        "etl_last_run_keys",
        "Distinct artist, track and album of the last run.",
        "status",
        {name: counts[name] for name in KEY_COUNTS if name != "keys"},
    )
    yield (
        "etl_last_run_files",
        "Files that the last run found.",
        "status",
        {str(status): files.count(status) for status in FileStatus},
    )
    yield "etl_last_run_created", "What the last run added to the database.", "entity", manifest["created"]
    yield "etl_last_run_step_seconds", "How long each step of the last run took.", "step", manifest["timings"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
