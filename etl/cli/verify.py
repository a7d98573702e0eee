"""``etl verify``: shows whether the account of a run is true, or whether a whole database is sound."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.completion import complete_checks, complete_runs
from etl.cli.inspect import show_answer
from etl.cli.log import program, show_levels
from etl.cli.output import show, show_command, show_json, show_table, show_text
from etl.cli.workspace import open_workspace
from etl.core.sanitize import sanitize
from etl.core.settings import OutputSettings
from etl.core.signals import one_interruption

if TYPE_CHECKING:
    from etl.verify import Check, Verdict


@options.expand_options
def verify(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run id, its beginning or end, or latest; default: the whole database.",
            autocompletion=complete_runs,
        ),
    ] = None,
    sql: Annotated[
        str | None,
        typer.Option(
            metavar="CHECK",
            help="Print the query of a check, for psql or sqlite3.",
            autocompletion=complete_checks,
        ),
    ] = None,
    dsn: options.Dsn = None,
    home: options.Home = None,
    *,
    output: OutputSettings,
) -> None:
    """Compare the counts of a run with its files, ledger and database. Without RUN, check the whole database."""
    from etl.runs.directory import find_run
    from etl.targets.open import find_target
    from etl.verify import verify_database, verify_run
    from etl.verify.database import query_of

    show_levels(quiet=output.quiet, verbose=output.verbose)
    workspace = open_workspace(home, dsn, must_exist=run is not None)
    if sql is not None:
        query = query_of(find_target(workspace).dialect, sql)
        show_json({"name": sql, "query": query}) if output.json else show(f"{query.rstrip()};")
        return
    signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`
    with one_interruption():
        verdict = verify_run(find_run(workspace.runs, run), workspace) if run else verify_database(workspace)
    if output.json:
        show_json(verdict.as_json())
    elif not output.quiet:
        _show(verdict, is_run=bool(run), verbose=output.verbose)
    if not output.json:
        show_text(_conclusion(verdict))
    raise typer.Exit(verdict.exit_code)


def _show(verdict: Verdict, *, is_run: bool, verbose: bool) -> None:
    about = verdict.about
    show_text(f"run {about['run_id']}: {_words(about['status'])}" if is_run else f"database: {sanitize(about['dsn'])}")
    if about.get("undone_by"):
        show_text(f"undone by {sanitize(about['undone_by'])}")
    show()
    rows = [(check.name, _words(check.result), check.rows.height, check.about) for check in verdict.checks]
    what = "what is checked" if is_run else "what is looked for"
    show_table(("check", "result", "rows", what), rows, right=(2,), below=(3,))
    from etl.verify.checks import SHOWN

    for check in verdict.checks:
        if check.rows.height or check.reason:
            _show_finding(check, str(about.get("dsn", "")), check.rows.height if verbose else SHOWN)
    show()


def _show_finding(check: Check, dsn: str, most: int) -> None:
    from etl.core.queries import Answer

    show()
    show_text(f"{check.name}: {_words(check.result)}{f'; {sanitize(check.reason)}' if check.reason else ''}")
    if not check.rows.height:
        return
    show_answer(Answer(check.rows.columns, check.rows.head(most).rows()))
    if check.rows.height > most:
        show(f"and {check.rows.height - most:,} more")
    if check.query:
        show_command("show all: ", f"{program()} verify --sql {check.name} | {_client(dsn)}")


def _client(dsn: str) -> str:
    """Return the client command for the database at ``dsn``. It prompts for a password: process lists would show it."""
    from shlex import quote

    from etl.core.dsn import SQLITE
    from etl.targets.postgres.backup import without_password

    if dsn.startswith(SQLITE):
        return f"sqlite3 {quote(dsn.removeprefix(SQLITE))}"
    address, password = without_password(dsn)
    return f"psql {quote(address)}" if password else f'psql "$({program()} db url)"'


def _conclusion(verdict: Verdict) -> str:
    from etl.verify import Result

    names = {result: [check.name for check in verdict.checks if check.result is result] for result in Result}
    if failed := names[Result.FAILED]:
        return f"failed: {', '.join(failed)}"
    if names[Result.OK]:
        left = [
            f"{_words(result)}: {', '.join(names[result])}"
            for result in Result
            if names[result] and result is not Result.OK
        ]
        return "; ".join(["no check failed", *left]) if left else "all checks passed"
    return "nothing could be checked"


def _words(name: str) -> str:
    return name.replace("_", " ")
