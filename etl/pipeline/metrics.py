"""Tells Prometheus about the last run, in the text format that its node exporter reads from a folder."""

from __future__ import annotations

import logging
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from etl.core.errors import EtlError, ExitCode, SettingsError
from etl.core.schema import KEY_COUNTS, ROW_COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

logger = logging.getLogger(__name__)

_LAST_SUCCESS = "etl_last_success_timestamp_seconds"


@dataclass
class Metrics:
    """Writes what became of the run that happens inside ``with``, also where an exception ends it."""

    path: Path
    began: float = field(default_factory=time.time)
    manifest: Mapping[str, Any] | None = None
    """Of the run, once it has one."""

    def __post_init__(self) -> None:
        if not os.access(self.path.parent, os.W_OK | os.X_OK) or self.path.is_dir():
            raise SettingsError(
                f"--metrics {self.path} cannot be written", "Name a file in a folder that exists and has the rights"
            )

    def __enter__(self) -> Metrics:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        code = self.manifest["exit_code"] if self.manifest else ExitCode.INTERNAL
        if error:
            code = error.exit_code if isinstance(error, EtlError) else ExitCode.INTERNAL
        partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        try:
            partial.write_text(self._text(int(code), time.time()), encoding="utf-8")
            partial.chmod(0o644)  # another account reads it
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(self.path)
        except OSError as failed:
            logger.warning("--metrics %s cannot be written: %s", self.path, failed.strerror)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _text(self, code: int, now: float) -> str:
        name = _escaped(self.path.stem)
        success = now if code == ExitCode.OK else self._last_success()
        lines = []
        for metric, about, samples in self._families(code, now, success):
            if samples:
                lines += [f"# HELP {metric} {about}", f"# TYPE {metric} gauge"]
            for (label, value), number in samples.items():
                more = f',{label}="{_escaped(value)}"' if label else ""
                lines.append(f'{metric}{{name="{name}"{more}}} {number:.15g}')
        return "\n".join(lines) + "\n"

    def _families(
        self, code: int, now: float, success: float | None
    ) -> Iterator[tuple[str, str, dict[tuple[str, str], float]]]:
        """Yield name, meaning and samples (by label) of each metric."""
        one = ("", "")
        yield "etl_last_run_timestamp_seconds", "When the last run ended.", {one: now}
        yield _LAST_SUCCESS, "When a run last ended with exit code 0.", {one: success} if success else {}
        yield "etl_last_run_exit_code", "Exit code of the last run.", {one: code}
        yield "etl_last_run_duration_seconds", "How long the last run took.", {one: max(0.0, now - self.began)}
        if not self.manifest:
            return
        counts, files = self.manifest["counts"], [file["status"] for file in self.manifest["files"]]
        yield (
            "etl_last_run_rows",
            "Rows that the last run read (records), and what became of them.",
            {("outcome", term): counts[term] for term in ROW_COUNTS},
        )
        yield (
            "etl_last_run_keys",
            "Distinct artist, track and album of the last run.",
            {("status", term): counts[term] for term in KEY_COUNTS if term != "keys"},
        )
        yield (
            "etl_last_run_files",
            "Files that the last run found.",
            {("status", word): files.count(word) for word in ("loaded", "known", "refused", "left_aside")},
        )
        yield (
            "etl_last_run_created",
            "What the last run added to the database.",
            {("entity", word): number for word, number in self.manifest["created"].items()},
        )
        yield (
            "etl_last_run_step_seconds",
            "How long each step of the last run took.",
            {("step", step): seconds for step, seconds in self.manifest["timings"].items()},
        )

    def _last_success(self) -> float | None:
        """Return what the file says of earlier runs."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        found = re.search(rf"^{_LAST_SUCCESS}{{.*}} ([0-9.e+]+)$", text, re.MULTILINE)
        return float(found[1]) if found else None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
