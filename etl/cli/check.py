"""``etl check``."""

from __future__ import annotations

import typer

from etl.cli import options
from etl.cli.output import narrate, show, show_json, show_table


def check(
    paths: options.Paths,
    source: options.Source = "auto",
    since: options.Since = None,
    until: options.Until = None,
    max_rejects: options.MaxRejects = 0,
    spotify_plays: options.SpotifyPlays = "heard",
    spotify_time: options.SpotifyTime = "end",
    artist_separators: options.Separators = None,
    json: options.Json = False,
) -> None:
    """Read files as `run` does, without a database: which file is what, and what would be skipped or rejected."""
    from etl import pipeline
    from etl.cli.arguments import run_settings

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
    columns = ("path", "format", "status", "records", "skipped", "rejected", "listens", "keys")
    rows = [
        (file["path"], file["format"] or "", file["status"], *(file["counts"][name] for name in columns[3:]))
        for file in result["files"]
    ]
    total = ("total", "", "", *(result["counts"][name] for name in columns[3:]))
    show_table(columns, [*rows, total], right=range(3, 8))
    for file in result["files"]:
        if file["reason"]:
            narrate(f"{file['path']}: {file['status']}: {file['reason']}")
    for title in ("skipped_by_reason", "rejected_by_reason"):
        for reason, number in result[title].items():
            show(f"{title.split('_')[0]}: {reason} {number:,}")
    raise typer.Exit(result["exit_code"])
