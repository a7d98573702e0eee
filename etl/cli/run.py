"""``etl run``, and what it shares with ``etl rejects replay``: progress, metrics, and the summary at the end."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

from etl.cli import options
from etl.cli.display import display
from etl.cli.log import log_settings, show_levels
from etl.cli.summary import conclude
from etl.cli.workspace import open_workspace, suggest_koito_file
from etl.core.settings import AUTO, OutputSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from etl.core.progress import Progress


@options.expand_options
def run(
    paths: options.Paths,
    source: options.Source = AUTO,
    dsn: options.Dsn = None,
    home: options.Home = None,
    *,
    given: options.RunOptions,
    output: OutputSettings,
) -> None:
    """Load export files into the database. Accounts for every row, and is safe to repeat."""

    def load(bar: Progress) -> dict[str, Any]:
        from etl.pipeline import run as pipeline

        # Polars makes system calls restart after a signal: the main thread would see Ctrl-C only after the load.
        signal.siginterrupt(signal.SIGINT, True)
        settings = given.settings(source)
        workspace = open_workspace(home, dsn)
        suggest_koito_file(dsn)
        return pipeline.run(workspace, settings, paths, bar)

    run_and_report(load, home, output)


def run_and_report(load: Callable[[Progress], dict[str, Any]], home: str | None, output: OutputSettings) -> NoReturn:
    """Call ``load``, which returns the manifest, and exit with the exit code of the run."""
    from etl.pipeline.metrics import Metrics

    log_settings.as_json = output.log_format == "json"
    show_levels(quiet=output.quiet, verbose=output.verbose)
    with ExitStack() as stack:
        recorded = stack.enter_context(Metrics(output.metrics.expanduser())) if output.metrics else None
        manifest = load(stack.enter_context(display("none" if output.quiet else output.progress)))
        if recorded:
            recorded.manifest = manifest
    conclude(manifest, home, output)
