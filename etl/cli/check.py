"""``etl check``."""

from __future__ import annotations

import typer

from etl.cli import options
from etl.cli.log import log_settings
from etl.cli.output import show, show_json
from etl.cli.summary import show_files, show_rows


def check(
    paths: options.Paths,
    source: options.Source = "auto",
    since: options.Since = None,
    until: options.Until = None,
    max_rejects: options.MaxRejects = 0,
    spotify_plays: options.SpotifyPlays = "heard",
    spotify_time: options.SpotifyTime = "end",
    artist_separators: options.Separators = None,
    log_format: options.LogFormat = "text",
    json: options.Json = False,
) -> None:
    """Read files as `run` does, without a database: which file is what, and what would be skipped or rejected."""
    from etl.cli.arguments import one_of, run_settings
    from etl.core.config import LOG_FORMATS
    from etl.pipeline import run as pipeline

    log_settings.as_json = one_of("--log-format", log_format, LOG_FORMATS) == "json"
    settings = run_settings(
        source=source,
        since=since,
        until=until,
        max_rejects=max_rejects,
        spotify_plays=spotify_plays,
        spotify_time=spotify_time,
        artist_separators=artist_separators,
    )
    result = pipeline.check(settings, paths)
    if json:
        show_json(result)
        raise typer.Exit(result["exit_code"])
    counts = result["counts"]
    show_files(result["files"], ("records", "skipped", "rejected", "listens"), counts)
    show()
    show_rows(counts, ("records", "skipped", "rejected", "listens"), result)
    show()
    show(f"keys: {counts['keys']:,} (distinct artist, track, album)")
    raise typer.Exit(result["exit_code"])
