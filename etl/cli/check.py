"""``etl check``: reads files as a load does, without a database, and shows what they contain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from etl.cli import options
from etl.cli.files_table import counted, log_unread, show_files
from etl.cli.log import log_settings, show_levels
from etl.cli.output import show, show_json, show_text
from etl.cli.summary import log_caveats, log_likely_doubles, log_missing_pages, show_rows
from etl.core.settings import AUTO, OutputSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

_TERMS = ("records", "skipped", "rejected", "duplicate_in_input", "listens")


@options.expand_options
def check(
    paths: options.Paths,
    source: options.Source = AUTO,
    *,
    given: options.RunOptions,
    output: OutputSettings,
) -> None:
    """Read files without a database: show what each is, and what a run would skip or reject."""
    from etl.pipeline import run as pipeline

    log_settings.as_json = output.log_format == "json"
    show_levels(quiet=output.quiet, verbose=output.verbose)
    result = pipeline.check(given.settings(source), paths)
    if output.json:
        show_json(result)
    elif output.quiet:
        log_unread(result)
        _show_end(result)
    else:
        _show(result, verbose=output.verbose)
    raise typer.Exit(result["exit_code"])


def _show(result: Mapping[str, Any], *, verbose: bool) -> None:
    show_files(result, ("records", "doubles", *_TERMS[1:]), verbose=verbose)
    log_unread(result, verbose=verbose)
    show()
    show_rows(result["counts"], _TERMS, result)
    show()
    show_text(f"keys: {result['counts']['keys']:,} (distinct artist, track, album)", 6)
    log_caveats(result)
    log_likely_doubles(result)
    log_missing_pages(result)
    show()
    _show_end(result)


def _show_end(result: Mapping[str, Any]) -> None:
    counts = result["counts"]
    show_text(f"checked: {counted(counts['listens'], 'listen')} in {counted(counts['records'], 'record')}")
