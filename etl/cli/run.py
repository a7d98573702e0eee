"""``etl run``."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli import options
from etl.cli.loading import run_and_report
from etl.cli.workspace import open_workspace

if TYPE_CHECKING:
    from etl.core.progress import Progress


def run(
    paths: options.Paths,
    source: options.Source = "auto",
    dsn: options.Dsn = None,
    home: options.Home = None,
    user: options.User = None,
    since: options.Since = None,
    until: options.Until = None,
    workers: options.Workers = 2,
    dry_run: options.DryRun = False,
    force: Annotated[bool, typer.Option("--force", help="Load files again that were loaded before.")] = False,
    max_rejects: options.MaxRejects = 0,
    spotify_plays: options.SpotifyPlays = "heard",
    spotify_time: options.SpotifyTime = "end",
    artist_separators: options.Separators = None,
    drop_doubles: Annotated[
        bool, typer.Option("--drop-doubles", help="Skip listens that another service probably recorded too.")
    ] = False,
    no_overlap: options.NoOverlap = False,
    move_to: options.MoveTo = None,
    metrics: options.Metrics = None,
    progress: options.Progress = "auto",
    log_format: options.LogFormat = "text",
    json: options.Json = False,
) -> None:
    """Load export files: read, resolve, insert, account for every row. Safe to run again at any time."""

    def load(bar: Progress) -> dict[str, Any]:
        from etl.cli.arguments import run_settings
        from etl.pipeline import run as pipeline

        # Polars, once imported, has waits go on after Ctrl-C: the main thread would see it when the load is done.
        signal.siginterrupt(signal.SIGINT, True)
        settings = run_settings(
            source=source,
            user=user,
            since=since,
            until=until,
            workers=workers,
            dry_run=dry_run,
            force=force,
            max_rejects=max_rejects,
            spotify_plays=spotify_plays,
            spotify_time=spotify_time,
            artist_separators=artist_separators,
            drop_doubles=drop_doubles,
            no_overlap=no_overlap,
            move_to=move_to,
        )
        workspace = open_workspace(home, dsn)
        return pipeline.run(workspace, settings, paths, bar)

    run_and_report(load, home, json=json, metrics=metrics, progress=progress, log_format=log_format)
