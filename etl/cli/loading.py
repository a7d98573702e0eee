"""What the commands that load have in common: progress, metrics, and how the run is told about in the end."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

from etl.cli.display import display
from etl.cli.log import log_settings
from etl.cli.summary import conclude

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from etl.core.progress import Progress


def run_and_report(
    load: Callable[[Progress], dict[str, Any]],
    home: str | None,
    *,
    json: bool,
    metrics: Path | None,
    progress: str,
    log_format: str,
) -> NoReturn:
    """Do what ``load`` does, which returns the manifest, and end the program with the run's exit code."""
    from etl.cli.arguments import one_of
    from etl.core.config import LOG_FORMATS, PROGRESS
    from etl.pipeline.metrics import Metrics

    log_settings.as_json = one_of("--log-format", log_format, LOG_FORMATS) == "json"
    shown = display(one_of("--progress", progress, PROGRESS))
    with ExitStack() as stack:
        recorded = stack.enter_context(Metrics(metrics.expanduser())) if metrics else None
        manifest = load(stack.enter_context(shown))
        if recorded:
            recorded.manifest = manifest
    conclude(manifest, home, json=json)
