"""The command line: parses, calls, prints, turns errors into exit codes. No logic; heavy imports wait for a command."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, NoReturn

import typer

from etl import __version__
from etl.cli import check, database, explain, inspect, rejects, run, runs, sources
from etl.cli.output import narrate
from etl.errors import EtlError, ExitCode, InterruptedRunError

if TYPE_CHECKING:
    from types import FrameType, TracebackType

app = typer.Typer(
    name="etl",
    help="Load listening histories into Koito's PostgreSQL, or into a server of its own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("sources")(sources.sources)
app.command("explain")(explain.explain)
app.add_typer(rejects.app, name="rejects")
app.command("inspect")(inspect.inspect)
app.add_typer(runs.app, name="runs")
app.add_typer(database.app, name="db")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"etl {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
) -> None:
    """Load listening histories into Koito's PostgreSQL, or into a server of its own."""


def main() -> None:
    """Run the program; the console script calls this."""
    gc.disable()  # a short life with few cycles: collecting took 10 % of a load's processor time
    sys.excepthook = _report_defect
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 gets escapes, not an error
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    code = _run()
    # what is left is Python's own end; a signal must not change the exit code any more
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end(code)


def _run() -> int:
    """Run the command and return the exit code."""
    try:
        typer.main.get_command(app)()  # app() would put its own hook in the place of ours
    except EtlError as error:
        narrate(f"error: {error}")
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.OK
    return ExitCode.OK


def _end(code: int) -> NoReturn:
    """End the process at once: to free a load's objects one by one takes as long as a small load."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # the reader of a pipe has left, as `head` does, or the disk is full
        os._exit(code or ExitCode.INTERNAL)
    os._exit(code)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise InterruptedRunError(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED)


def _report_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell about an unexpected exception without a traceback; Python then exits with 1."""
    from etl.settings import redact

    text = redact("".join(traceback.format_exception(kind, error, trace)))
    message = f"internal error: {kind.__name__}: {redact(str(error))}. This is a defect of etl; please report it"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="etl-error-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        narrate(message)
    else:
        narrate(f"{message} with {file.name}")
