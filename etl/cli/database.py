"""``etl db``: the embedded server, and our own objects in a database."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.output import show, show_json
from etl.core.errors import SettingsError
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from etl.targets.base import Migration
    from etl.targets.postgres.embedded.server import EmbeddedServer

logger = logging.getLogger(__name__)

app = typer.Typer(help="The embedded server, and our own objects in a database.", no_args_is_help=True)


def _server(home: str | None) -> EmbeddedServer:
    from etl.core.settings import EMBEDDED
    from etl.core.workspace import find_workspace
    from etl.targets.postgres.embedded.server import EmbeddedServer

    return EmbeddedServer(find_workspace(home, EMBEDDED).home)


@app.command()
def start(home: options.Home = None, json: options.Json = False) -> None:
    """Start the embedded server; `etl run` does it by itself."""
    server = _server(home)
    server.start()
    _show_status(server, json=json)


@app.command()
def stop(home: options.Home = None, json: options.Json = False) -> None:
    """Stop the embedded server."""
    was_running = _server(home).stop()
    if json:
        show_json({"stopped": was_running})
    else:
        show("stopped" if was_running else "was not running")


@app.command()
def status(home: options.Home = None, json: options.Json = False) -> None:
    """Tell whether the embedded server runs, and where its data is."""
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
    if json:
        show_json(facts)
        return
    facts["running"] = "yes" if now.running else "no"
    for name, value in facts.items():
        show(f"{name:8} {'-' if value is None else sanitize(value)}")


@app.command()
def url(dsn: options.Dsn = None, home: options.Home = None, json: options.Json = False) -> None:
    """Print the URI of the database, for psql and other programs; starts the embedded server."""
    from etl.core.workspace import find_workspace
    from etl.targets.open import find_target

    uri = find_target(find_workspace(home, dsn)).url()
    show_json({"url": uri}) if json else show(uri)


@app.command()
def migrate(
    dsn: options.Dsn = None,
    home: options.Home = None,
    standalone: Annotated[
        bool, typer.Option("--standalone", help="Make Koito's tables in an empty database; Koito cannot adopt it.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Add our objects to a database, after printing what they are. Koito's own objects are not changed."""
    from etl.core.workspace import find_workspace
    from etl.targets.open import find_target, run_interruptibly

    target = find_target(find_workspace(home, dsn))

    def announce(migration: Migration) -> None:
        logger.info("adding %04d_%s: %s", migration.version, migration.name, migration.summary)

    applied = run_interruptibly(target, lambda: target.migrate(announce, standalone=standalone), lambda _: None)
    if json:
        show_json({"applied": [{"version": one.version, "name": one.name} for one in applied]})
    else:
        show(f"{len(applied)} migrations applied" if applied else "nothing to add")


@app.command()
def uninstall(
    dsn: options.Dsn = None,
    home: options.Home = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: options.Json = False,
) -> None:
    """Remove every object of ours from a database: track_lookup, its triggers, the ledger. The listens stay."""
    from etl.core.workspace import find_workspace
    from etl.targets.open import find_target

    target = find_target(find_workspace(home, dsn))
    if not yes and not _agreed("Remove track_lookup, its triggers and the ledger (schema etl)?"):
        raise SettingsError("nothing was removed", "Answer y, or give --yes")
    target.uninstall()
    show_json({"removed": True}) if json else show("removed; the listens stay")


def _agreed(question: str) -> bool:
    """Ask on stderr (typer's own question writes to stdout too); where nobody can answer, the answer is no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin is not None and sys.stdin.readline().strip().lower() in {"y", "yes"}
