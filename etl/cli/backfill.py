"""``etl backfill``: adds what a load leaves out, over the network."""

from __future__ import annotations

import inspect
import signal
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_type_hints

import typer

from etl.cli import options
from etl.cli.backfill_progress import show_progress
from etl.cli.log import log_failure
from etl.cli.output import show, show_json, show_table
from etl.cli.workspace import open_workspace
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from etl.backfill.settings import BackfillSettings

app = typer.Typer(
    help="Add what loads leave out, over the network: images, MBIDs and names, durations.", no_args_is_help=True
)

Limit: TypeAlias = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Ask about so many, the most played first; answers in the cache are free."),
]
MaxRuntime: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stop after a time such as 90m or 1h30m; the next run goes on.")
]
Contact: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="WHO", help="E-mail address or web page for MusicBrainz to reach you. Env: ETL_CONTACT."),
]
Url: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=URL", help="Another server, e.g. musicbrainz=http://HOST:5000. Env: ETL_<NAME>_URL."),
]
Rate: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=N", help="Requests a second, e.g. deezer=2. Env: ETL_<NAME>_RATE."),
]
MissingDays: TypeAlias = Annotated[
    int, typer.Option(min=0, metavar="DAYS", help="Ask again after so many days for what was not found.")
]
AtOnce: TypeAlias = Annotated[int, typer.Option(min=1, max=32, metavar="N", help="Requests under way at once.")]
MinScore: TypeAlias = Annotated[
    int, typer.Option(min=1, max=100, metavar="N", help="How near a search must come for MusicBrainz, of 100.")
]
AskOnly: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Ask, and show what would be written; write nothing to the database.")
]


@dataclass(frozen=True)
class CommonOptions:
    """The options of all three commands, in the order in which the help shows them."""

    dsn: options.Dsn = None
    home: options.Home = None
    contact: Contact = None
    limit: Limit = None
    max_runtime: MaxRuntime = None
    min_score: MinScore = 90
    missing_days: MissingDays = 30
    url: Url = None
    rate: Rate = None
    at_once: AtOnce = 4
    dry_run: AskOnly = False
    json: options.Json = False


def with_common_options(*, leave_out: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that replaces the parameter ``common`` of a command by the options it stands for.

    Typer reads parameters from the signature, so the command that it gets has one parameter per option.
    """
    names = [field.name for field in fields(CommonOptions) if field.name != leave_out]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def with_options(**given: Any) -> None:  # noqa: ANN401 (whatever Typer parses)
            common = CommonOptions(**{name: given.pop(name) for name in names})
            command(common, **given)

        signature = inspect.signature(command, eval_str=True)
        own = [parameter for parameter in signature.parameters.values() if parameter.name != "common"]
        hints = get_type_hints(CommonOptions, include_extras=True)
        shared = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=getattr(CommonOptions, name), annotation=hints[name]
            )
            for name in names
        ]
        with_options.__signature__ = signature.replace(parameters=[*own, *shared])  # type: ignore[attr-defined]
        with_options.__doc__ = command.__doc__
        return with_options

    return decorate


@app.command("images")
@with_common_options(leave_out="min_score")
def images(
    common: CommonOptions,
    what: Annotated[
        str | None,
        typer.Argument(metavar="WHAT", help="artists or albums; default: both.", show_default=False),
    ] = None,
    providers: Annotated[
        str, typer.Option(metavar="LIST", help="Where covers come from, in this order.")
    ] = "coverart,deezer",
) -> None:
    """Find images for artists and albums without one: Cover Art Archive by MBID, Deezer by exact name."""
    _run("images", common, what, providers)


@app.command("musicbrainz")
@with_common_options()
def musicbrainz(
    common: CommonOptions,
    what: Annotated[
        str | None,
        typer.Argument(metavar="WHAT", help="artists, albums or tracks; default: all.", show_default=False),
    ] = None,
) -> None:
    """Find MBIDs, and MusicBrainz' further names, where they are certain; the rest goes to a review file."""
    _run("musicbrainz", common, what)


@app.command("durations")
@with_common_options()
def durations(common: CommonOptions) -> None:
    """Find the lengths of tracks without one at MusicBrainz: by MBID, else by search."""
    _run("durations", common)


def _run(task: str, common: CommonOptions, what: str | None = None, providers: str | None = None) -> None:
    """Run a task, show its summary, and exit."""
    from etl.backfill.run import backfill

    signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`: Polars would let waits continue after Ctrl-C
    settings = _settings(task, common, what, providers)
    workspace = open_workspace(common.home, common.dsn)
    with show_progress(quiet=common.json) as progress:
        summary = backfill(workspace, settings, progress)
    if common.json:
        show_json(summary)
    else:
        _show(summary)
    if summary["error"]:
        log_failure(summary["error"])
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
    from etl.core.settings import from_environment

    environ = from_environment()
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
        show(f"{service}: {asked:,} answers, and {cached:,} from the cache")
    status = summary["status"].replace("_", " ")
    stopped = {"limit": " (--limit)", "max_runtime": " (--max-runtime)"}.get(summary["stopped"] or "", "")
    show(f"{status}{stopped}: {sanitize(summary['run_dir'])}")
    if summary["review"]:
        show(f"for you to decide: {sanitize(summary['review'])}")
    if summary["settings"]["dry_run"]:
        show("nothing was written to the database; findings.parquet has what would be")
