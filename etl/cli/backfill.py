"""``etl backfill``: adds over the network what exports do not have."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli import options
from etl.cli.backfill_progress import show_progress
from etl.cli.groups import HelpfulGroup
from etl.cli.log import log_failure, show_levels
from etl.cli.output import show, show_json, show_table, show_text
from etl.cli.streams import unless_closed
from etl.cli.workspace import open_workspace
from etl.core.options import Option, declare
from etl.core.sanitize import sanitize
from etl.core.settings import CONTACT, DSN, HOME, JSON, QUIET, VERBOSE, check_levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.backfill.settings import BackfillSettings

app = typer.Typer(help="Find missing images, MBIDs, aliases and durations, over the network.", cls=HelpfulGroup)


@dataclass(frozen=True)
class CommonOptions:
    """The options of all three commands, in the order in which the help shows them."""

    dsn: str | None = declare(None, DSN)
    home: str | None = declare(None, HOME)
    contact: str | None = declare(None, CONTACT)
    limit: int | None = declare(
        None,
        Option(
            "Look up at most N, most played first; answers from the cache do not count.",
            kind=int,
            metavar="N",
            least=1,
        ),
    )
    max_runtime: str | None = declare(
        None, Option("Stop after this time, such as 90m or 1h30m; the next run continues.", metavar="TIME")
    )
    min_score: int = declare(
        90,
        Option(
            "Lowest score, of 100, that MusicBrainz must give a search result.",
            commands=("musicbrainz", "durations"),
            metavar="N",
            least=1,
            most=100,
        ),
    )
    missing_days: int = declare(30, Option("Days until what was not found is looked up again.", metavar="DAYS"))
    url: list[str] | None = declare(
        None,
        Option(
            "Address of another server, such as musicbrainz=http://HOST:5000. Env: ETL_<NAME>_URL.",
            kind=list[str],
            metavar="NAME=URL",
        ),
    )
    rate: list[str] | None = declare(
        None, Option("Requests per second, such as deezer=2. Env: ETL_<NAME>_RATE.", kind=list[str], metavar="NAME=N")
    )
    at_once: int = declare(4, Option("Requests at the same time.", metavar="N", least=1, most=32))
    dry_run: bool = declare(False, Option("Look up and show what would be written; write nothing to the database."))
    quiet: bool = declare(False, QUIET)
    verbose: bool = declare(False, VERBOSE)
    json: bool = declare(False, JSON)


@app.command("images")
@options.expand_options
def images(
    what: Annotated[
        str | None,
        typer.Argument(metavar="WHAT", help="artists or albums; default: both.", show_default=False),
    ] = None,
    providers: Annotated[
        str, typer.Option(metavar="LIST", help="Services to ask for covers, in this order.")
    ] = "coverart,deezer",
    *,
    common: CommonOptions,
) -> None:
    """Find images for artists and albums without one: Cover Art Archive by MBID, Deezer by exact name."""
    _run("images", common, what, providers)


@app.command("musicbrainz")
@options.expand_options
def musicbrainz(
    what: Annotated[
        str | None,
        typer.Argument(metavar="WHAT", help="artists, albums or tracks; default: all.", show_default=False),
    ] = None,
    *,
    common: CommonOptions,
) -> None:
    """Find MBIDs and aliases at MusicBrainz where the match is certain. The rest goes to a review file."""
    _run("musicbrainz", common, what)


@app.command("durations")
@options.expand_options
def durations(*, common: CommonOptions) -> None:
    """Find missing track lengths at MusicBrainz, by MBID or by search."""
    _run("durations", common)


def _run(task: str, common: CommonOptions, what: str | None = None, providers: str | None = None) -> None:
    """Run a task, show its summary, and exit."""
    from etl.backfill.run import backfill

    signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`: otherwise, Polars would let waits continue after Ctrl-C
    settings = _settings(task, common, what, providers)
    workspace = open_workspace(common.home, common.dsn)
    check_levels(quiet=common.quiet, verbose=common.verbose)
    show_levels(quiet=common.quiet, verbose=common.verbose)
    with show_progress(quiet=common.json or common.quiet) as progress:
        summary = backfill(workspace, settings, progress)
    with unless_closed():
        if common.json:
            show_json(summary)
        else:
            if not common.quiet:
                _show(summary)
            _show_end(summary)
    if summary["error"]:
        log_failure(summary["error"], exit_code=summary["exit_code"])
    raise typer.Exit(summary["exit_code"])


def _settings(task: str, common: CommonOptions, what: str | None, providers: str | None) -> BackfillSettings:
    """Return the checked settings; raises ``SettingsError``."""
    from etl.backfill.arguments import (
        PROVIDERS,
        parse_addresses,
        parse_kinds,
        parse_providers,
        parse_rates,
        parse_time,
    )
    from etl.backfill.settings import BackfillSettings
    from etl.core.config import etl_variables

    environ = etl_variables()
    chosen = PROVIDERS if providers is None else parse_providers(providers)
    return BackfillSettings(
        task=task,
        kinds=parse_kinds(task, what, chosen),
        providers=chosen,
        addresses=parse_addresses(common.url or (), environ),
        rates=parse_rates(common.rate or (), environ),
        contact=common.contact or "",
        limit=common.limit,
        max_runtime=parse_time(common.max_runtime),
        dry_run=common.dry_run,
        workers=common.at_once,
        score=common.min_score,
        missing_days=common.missing_days,
    )


def _show(summary: Mapping[str, Any]) -> None:
    kinds = summary["counts"]
    terms = list(next(iter(kinds.values()), {}))
    rows = [(term.replace("_", " "), *(kinds[kind][term] for kind in kinds)) for term in terms]
    show_table((summary["task"], *kinds), rows, right=range(1, len(kinds) + 1))
    show()
    for service in sorted({*summary["asked"], *summary["cached"]}):
        asked, cached = summary["asked"].get(service, 0), summary["cached"].get(service, 0)
        show_text(f"{service}: {asked:,} answers, and {cached:,} from the cache")
    if summary["review"]:
        show_text(f"to review: {sanitize(summary['review'])}")
    if summary["settings"]["dry_run"]:
        show_text("nothing was written to the database; findings.parquet lists what would be")


def _show_end(summary: Mapping[str, Any]) -> None:
    status = summary["status"].replace("_", " ")
    stopped = {"limit": " (--limit)", "max_runtime": " (--max-runtime)"}.get(summary["stopped"] or "", "")
    show_text(f"{status}{stopped}: {sanitize(summary['run_dir'])}")
