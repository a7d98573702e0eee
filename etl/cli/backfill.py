"""``etl backfill``: the enrichment that an import leaves for later."""

from __future__ import annotations

import logging
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from etl.cli import options
from etl.cli.log import log_failure, on_terminal
from etl.cli.output import show, show_json, show_table
from etl.cli.workspace import open_workspace
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

logger = logging.getLogger(__name__)

app = typer.Typer(
    help="Add what loads leave out, over the network: images, MBIDs and names, durations.", no_args_is_help=True
)

_OFTEN, _SELDOM = 60.0, 600.0  # seconds between two lines about the progress, at first and later on

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
Score: TypeAlias = Annotated[
    int, typer.Option(min=1, max=100, metavar="N", help="How near a search must come for MusicBrainz, of 100.")
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Ask, and show what would be written; write nothing to the database.")
]


@app.command("images")
def images(
    what: Annotated[
        str | None,
        typer.Argument(metavar="WHAT", help="artists or albums; default: both.", show_default=False),
    ] = None,
    providers: Annotated[
        str, typer.Option(metavar="LIST", help="Where covers come from, in this order.")
    ] = "coverart,deezer",
    dsn: options.Dsn = None,
    home: options.Home = None,
    contact: Contact = None,
    limit: Limit = None,
    max_runtime: MaxRuntime = None,
    missing_days: MissingDays = 30,
    url: Url = None,
    rate: Rate = None,
    at_once: AtOnce = 4,
    dry_run: DryRun = False,
    json: options.Json = False,
) -> None:
    """Find images for artists and albums without one: Cover Art Archive by MBID, Deezer by exact name."""
    from etl.backfill.settings import parse_providers

    chosen = {"providers": parse_providers(providers), "missing_days": missing_days, "workers": at_once}
    bounds = {"contact": contact, "limit": limit, "max_runtime": max_runtime, "dry_run": dry_run}
    _do("images", what, dsn, home, url, rate, chosen | bounds, json=json)


@app.command("musicbrainz")
def musicbrainz(
    what: Annotated[
        str | None,
        typer.Argument(metavar="WHAT", help="artists, albums or tracks; default: all.", show_default=False),
    ] = None,
    dsn: options.Dsn = None,
    home: options.Home = None,
    contact: Contact = None,
    limit: Limit = None,
    max_runtime: MaxRuntime = None,
    min_score: Score = 90,
    missing_days: MissingDays = 30,
    url: Url = None,
    rate: Rate = None,
    at_once: AtOnce = 4,
    dry_run: DryRun = False,
    json: options.Json = False,
) -> None:
    """Find MBIDs, and MusicBrainz' further names, where they are certain; the rest goes to a review file."""
    chosen = {"score": min_score, "missing_days": missing_days, "workers": at_once}
    bounds = {"contact": contact, "limit": limit, "max_runtime": max_runtime, "dry_run": dry_run}
    _do("musicbrainz", what, dsn, home, url, rate, chosen | bounds, json=json)


@app.command("durations")
def durations(
    dsn: options.Dsn = None,
    home: options.Home = None,
    contact: Contact = None,
    limit: Limit = None,
    max_runtime: MaxRuntime = None,
    min_score: Score = 90,
    missing_days: MissingDays = 30,
    url: Url = None,
    rate: Rate = None,
    at_once: AtOnce = 4,
    dry_run: DryRun = False,
    json: options.Json = False,
) -> None:
    """Find the lengths of tracks without one at MusicBrainz: by MBID, else by search."""
    chosen = {"score": min_score, "missing_days": missing_days, "workers": at_once}
    bounds = {"contact": contact, "limit": limit, "max_runtime": max_runtime, "dry_run": dry_run}
    _do("durations", None, dsn, home, url, rate, chosen | bounds, json=json)


def _do(
    task: str,
    what: str | None,
    dsn: str | None,
    home: str | None,
    urls: list[str] | None,
    rates: list[str] | None,
    chosen: Mapping[str, Any],
    *,
    json: bool,
) -> None:
    """Do a task under the options of its command, tell what came of it, and end the program."""
    from etl.backfill.run import backfill
    from etl.backfill.settings import PROVIDERS, BackfillSettings, parse_addresses, parse_kinds, parse_rates, parse_time
    from etl.core.settings import from_environment

    signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`: Polars would have waits go on
    environ = from_environment()
    settings = BackfillSettings(
        task=task,
        kinds=parse_kinds(task, what, chosen.get("providers", PROVIDERS)),
        addresses=parse_addresses(urls or (), environ),
        rates=parse_rates(rates or (), environ),
        **{
            **chosen,
            "contact": chosen["contact"] or "",
            "max_runtime": parse_time(chosen["max_runtime"]),
        },
    )
    workspace = open_workspace(home, dsn)
    with _progress(quiet=json) as advance:
        account = backfill(workspace, settings, advance)
    if json:
        show_json(account)
    else:
        _show(account)
    if account["error"]:
        log_failure(account["error"])
    raise typer.Exit(account["exit_code"])


def _show(account: Mapping[str, Any]) -> None:
    kinds = account["counts"]
    terms = list(next(iter(kinds.values()), {}))
    rows = [(term.replace("_", " "), *(kinds[kind][term] for kind in kinds)) for term in terms]
    show_table((account["task"], *kinds), rows, right=range(1, len(kinds) + 1))
    show()
    for service in sorted({*account["asked"], *account["cached"]}):
        asked, cached = account["asked"].get(service, 0), account["cached"].get(service, 0)
        show(f"{service}: {asked:,} answers, and {cached:,} from the cache")
    status = account["status"].replace("_", " ")
    stopped = {"limit": " (--limit)", "max_runtime": " (--max-runtime)"}.get(account["stopped"] or "", "")
    show(f"{status}{stopped}: {sanitize(account['run_dir'])}")
    if account["review"]:
        show(f"for you to decide: {sanitize(account['review'])}")
    if account["settings"]["dry_run"]:
        show("nothing was written to the database; findings.parquet has what would be")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int, float | None], None]]:
    """Give a function that shows how far the work is: a bar on a terminal, a line now and then elsewhere."""
    if quiet or not on_terminal():
        yield _lines(quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, left="")
        yield lambda done, total, left: bar.update(task, completed=done, total=total, left=_at_most(left))


def _lines(*, quiet: bool) -> Callable[[int, int, float | None], None]:
    told_at, told = time.monotonic(), 0

    def tell(done: int, total: int, left: float | None) -> None:
        nonlocal told_at, told
        now = time.monotonic()
        if not quiet and now - told_at > (_OFTEN if told < 5 else _SELDOM):
            logger.info("%s of %s done%s", f"{done:,}", f"{total:,}", _at_most(left, ", "))
            told_at, told = now, told + 1

    return tell


def _at_most(left: float | None, before: str = "") -> str:
    from etl.backfill.pace import in_words

    return "" if left is None else f"{before}at most {in_words(left)} left"
