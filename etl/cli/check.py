"""``etl check``."""

from __future__ import annotations

import typer

from etl.cli import options
from etl.cli.log import log_settings
from etl.cli.output import show, show_json
from etl.cli.summary import show_files, show_rows, tell_caveats, tell_likely_doubles, tell_missing_pages
from etl.core.settings import AUTO, OutputSettings


@options.expand_options
def check(
    paths: options.Paths,
    source: options.Source = AUTO,
    *,
    given: options.RunOptions,
    output: OutputSettings,
) -> None:
    """Read files as `run` does, without a database: which file is what, and what would be skipped or rejected."""
    from etl.pipeline import run as pipeline

    log_settings.as_json = output.log_format == "json"
    result = pipeline.check(given.settings(source), paths)
    if output.json:
        show_json(result)
        raise typer.Exit(result["exit_code"])
    counts = result["counts"]
    show_files(result, ("records", "doubles", "skipped", "rejected", "duplicate_in_input", "listens"))
    show()
    show_rows(counts, ("records", "skipped", "rejected", "duplicate_in_input", "listens"), result)
    show()
    show(f"keys: {counts['keys']:,} (distinct artist, track, album)")
    tell_caveats(result)
    tell_likely_doubles(result)
    tell_missing_pages(result)
    raise typer.Exit(result["exit_code"])
