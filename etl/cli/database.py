"""``etl db``: the embedded server, our own objects in a database, and backups of it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.groups import HelpfulGroup
from etl.cli.output import confirm, show, show_json, show_text
from etl.cli.workspace import open_workspace
from etl.core.errors import EtlError, SettingsError
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.targets.base import Migration, Target
    from etl.targets.postgres.embedded.server import EmbeddedServer

logger = logging.getLogger(__name__)

app = typer.Typer(help="Manage the embedded server and the tables of etl, and back up a database.", cls=HelpfulGroup)

OBJECTS = {
    "postgres": "track_lookup, its triggers and the ledger (schema etl)",
    "sqlite": "our tables (etl_*): the resolved keys and the ledger",
}


def _server(home: str | None) -> EmbeddedServer:
    from etl.core.settings import EMBEDDED
    from etl.core.workspace import find_workspace
    from etl.targets.postgres.embedded.server import EmbeddedServer

    return EmbeddedServer(find_workspace(home, EMBEDDED).home)


@app.command()
def start(home: options.Home = None, json: options.Json = False) -> None:
    """Start the embedded server. `etl run` starts it by itself."""
    from etl.core.dsn import SQLITE
    from etl.core.workspace import find_workspace

    dsn = find_workspace(home, None).dsn
    if dsn.startswith(SQLITE):
        raise SettingsError(
            f"{dsn} is a file, which needs no server", "To use the embedded server, unset ETL_DSN and dsn"
        )
    server = _server(home)
    server.start()
    _show_status(server, json=json)


@app.command()
def stop(
    home: options.Home = None,
    now: Annotated[
        bool, typer.Option("--now", help="Stop it even if it is in use. A run that uses it ends with exit code 3.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Stop the embedded server, unless a run or another command uses it."""
    server = _server(home)
    if not now and server.status().running:
        _check_unused(server, home)
    was_running = server.stop()
    if json:
        show_json({"stopped": was_running})
    else:
        show("stopped" if was_running else "was not running")


def _check_unused(server: EmbeddedServer, home: str | None) -> None:
    """Raise ``LockedError`` if a command uses the server, and name it."""
    from etl.cli.workspace import runs_folder
    from etl.core.errors import LockedError
    from etl.runs.directory import list_runs
    from etl.targets.postgres.sessions import other_sessions

    if users := other_sessions(server.uri):
        runs = [f"run {run.run_id}" for run in list_runs(runs_folder(home)) if run.is_active()]
        raise LockedError(
            f"the embedded server is in use: {', '.join([*runs, *users])}",
            "Wait until they end, or stop the server anyway with `etl db stop --now`: committed data stays",
        )


@app.command()
def status(dsn: options.Dsn = None, home: options.Home = None, json: options.Json = False) -> None:
    """Show whether the embedded server runs and where its data is, or what Koito's file holds if --dsn names it."""
    from etl.core.dsn import SQLITE
    from etl.core.workspace import find_workspace

    workspace = find_workspace(home, dsn)
    if workspace.dsn.startswith(SQLITE):
        from etl.targets.open import find_target
        from etl.targets.sqlite.status import read_status

        _show_facts(read_status(find_target(workspace)), json=json)
    else:
        _show_status(_server(home), json=json)


def _show_status(server: EmbeddedServer, *, json: bool) -> None:
    now = server.status()
    facts: dict[str, object] = {
        "running": now.running,
        "pid": now.pid,
        "version": now.version,
        "data": str(now.data),
        "socket": str(now.socket),
        "uri": now.uri,
    }
    _show_facts(facts, json=json)


def _show_facts(facts: Mapping[str, object], *, json: bool) -> None:
    if json:
        show_json(facts)
        return
    for name, value in facts.items():
        show_text(f"{name:8} {sanitize(_as_word(value))}", 9)


def _as_word(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else value


@app.command()
def url(dsn: options.Dsn = None, home: options.Home = None, json: options.Json = False) -> None:
    """Print the address of the database for psql and other programs. Starts the embedded server."""
    from etl.core.workspace import find_workspace
    from etl.targets.open import find_target

    uri = find_target(find_workspace(home, dsn)).url()
    show_json({"url": uri}) if json else show(uri)


@app.command()
def migrate(
    dsn: options.Dsn = None,
    home: options.Home = None,
    standalone: Annotated[
        bool,
        typer.Option("--standalone", help="Create Koito's tables in an empty database. Koito cannot use it later."),
    ] = False,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Do not copy Koito's file first.")] = False,
    json: options.Json = False,
) -> None:
    """Add the tables of etl to a database, and print what is added. Koito's own tables are not changed.

    Koito's file is copied first, to the same folder.
    """
    from etl.targets.open import find_target, run_interruptibly

    target = find_target(open_workspace(home, dsn))
    copies: list[Path] = []

    def announce(migration: Migration) -> None:
        if target.dialect == "sqlite" and not no_backup and not copies:
            copies.append(_copy_next_to(target))
            logger.info("copied the file first, to %s", copies[0])
        logger.info("adding %04d_%s: %s", migration.version, migration.name, migration.summary)

    applied = run_interruptibly(target, lambda: target.migrate(announce, standalone=standalone), lambda _: None)
    if json:
        made = {"backup": str(copies[0])} if copies else {}
        show_json({"applied": [{"version": one.version, "name": one.name} for one in applied], **made})
    else:
        show(f"{len(applied)} migrations applied" if applied else "nothing to add")


@app.command()
def uninstall(
    dsn: options.Dsn = None,
    home: options.Home = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: options.Json = False,
) -> None:
    """Remove the tables and triggers of etl from a database. The listens stay."""
    from etl.targets.open import find_target, run_interruptibly

    target = find_target(open_workspace(home, dsn))
    if not yes:
        confirm(f"Remove {OBJECTS[target.dialect]}?", "nothing was removed", json=json)
    run_interruptibly(target, target.uninstall, lambda _: None)
    show_json({"removed": True}) if json else show("removed; the listens stay")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not exist yet.")],
    dsn: options.Dsn = None,
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Write a consistent copy of the database to FILE, even while Koito runs.

    The copy of Koito's file is an SQLite file too. A PostgreSQL database is dumped for pg_restore.
    """
    from etl.targets.open import find_target

    path = file.expanduser().absolute()
    _back_up(find_target(open_workspace(home, dsn)), path)
    show_json({"backup": str(path), "bytes": path.stat().st_size}) if json else show_text(
        f"written to {sanitize(path)}"
    )


def _copy_next_to(target: Target) -> Path:
    """Copy the file of ``target`` to its own folder, with the time in the name, and return the copy."""
    from etl.core.dsn import SQLITE

    path = Path(target.url().removeprefix(SQLITE))
    copy = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%SZ}.bak")
    try:
        _back_up(target, copy)
    except EtlError as error:
        error.hint = f"{error.hint}; --no-backup skips the copy"
        raise
    return copy


def _back_up(target: Target, path: Path) -> None:
    """Write a copy of the database of ``target`` to ``path``, readable only by its owner: it contains passwords."""
    from etl.core.atomic_file import atomic_file, unwritable

    with atomic_file(path) as file:
        if path.exists():
            raise SettingsError(f"{path} exists already", "Name another file")
        try:
            file.path.unlink(missing_ok=True)  # left by a process that was killed
            file.path.touch(mode=0o600, exist_ok=False)
        except OSError as error:
            raise unwritable(path, error, file.hint) from error
        target.back_up(file.path)
