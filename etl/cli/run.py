"""``etl run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli import options
from etl.cli.output import narrate, progress, show, show_json, show_table

if TYPE_CHECKING:
    from etl.settings import RunSettings


def run(
    paths: options.Paths,
    source: options.Source = "auto",
    dsn: options.Dsn = None,
    home: options.Home = None,
    user: Annotated[str | None, typer.Option(help="Name or id of the Koito user; default: the only one.")] = None,
    since: options.Since = None,
    until: options.Until = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Connections that write side by side.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything except writing to the database.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Load files again that were loaded before.")] = False,
    max_rejects: options.MaxRejects = 0,
    spotify_plays: options.SpotifyPlays = "heard",
    spotify_time: options.SpotifyTime = "end",
    artist_separators: options.Separators = None,
    json: options.Json = False,
) -> None:
    """Load export files: read, resolve, insert, account for every row. Safe to run again at any time."""
    from etl.cli.arguments import run_settings
    from etl.pipeline import Voice
    from etl.pipeline import run as load
    from etl.settings import find_place

    settings: RunSettings = run_settings(
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
    )
    place = find_place(home, dsn)
    if place.warning:
        narrate(f"warning: {place.warning}")
    with progress("loading", quiet=json) as advance:
        manifest = load(place, settings, paths, Voice(narrate, advance))
    if json:
        show_json(manifest)
    else:
        show_manifest(manifest)
    if manifest["error"]:
        narrate(f"error: {manifest['error']}")
    raise typer.Exit(manifest["exit_code"])


OUTCOMES = ("records", "skipped", "rejected", "duplicate_in_input", "already_present", "inserted", "unresolved")


def show_manifest(manifest: dict[str, Any]) -> None:
    """Print what became of the run: files, rows, keys, where it is, what to try next."""
    files = manifest["files"]
    columns = ("path", "format", "status", "records", "skipped", "rejected", "inserted")
    rows = [
        (file["path"], file["format"] or "", file["status"], *(file["counts"][name] for name in columns[3:]))
        for file in files
    ]
    show_table(columns, rows, right=range(3, 7))
    for file in files:
        if file["reason"] and file["status"] != "known":
            narrate(f"{file['path']}: {file['status']}: {file['reason']}")
    show()
    counts = manifest["counts"]
    show_table(("rows", "count"), [(name.replace("_", " "), counts[name]) for name in OUTCOMES], right=(1,))
    for title in ("skipped_by_reason", "rejected_by_reason"):
        if manifest[title]:
            show(
                f"{title.replace('_', ' ')}: "
                + ", ".join(f"{name} {count:,}" for name, count in manifest[title].items())
            )
    created = manifest["created"]
    show(
        f"keys: {counts['keys']:,} ({counts['cache_hits']:,} known, {counts['resolved']:,} resolved, "
        f"{counts['failed']:,} failed); new: {created['artists']:,} artists, {created['albums']:,} albums, "
        f"{created['tracks']:,} tracks"
    )
    if manifest["other_user"]:
        narrate(f"warning: {manifest['other_user']:,} listens are in the database for another user")
    for problem in manifest["imbalances"]:
        narrate(f"the accounting does not balance: {problem}")
    show()
    show(f"{manifest['status']}: {counts['inserted']:,} listens inserted into {manifest['dsn']}")
    show(f"run:    {manifest['run_dir']}")
    show(f"try:    etl inspect {manifest['run_id']} --sql top_artists")
    show(f"        etl runs show {manifest['run_id']}")
