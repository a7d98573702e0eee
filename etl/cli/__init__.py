"""The command line: lists the commands, runs one, and turns errors into exit codes.

Modules that are slow to import are imported by the command that needs them.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from etl.cli import config
from etl.cli.groups import HelpfulGroup
from etl.cli.log import install_handler, log_defect, log_error, log_failure, log_settings
from etl.cli.output import show
from etl.cli.streams import flush_streams, prepare_streams
from etl.core.errors import SIGNAL_EXIT_CODES, EtlError, ExitCode, InputError, InterruptedRunError, SettingsError
from etl.core.packages import missing_package
from etl.core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import FrameType, TracebackType

_COMMANDS = {
    "run": "etl.cli.run",
    "check": "etl.cli.check",
    "submit": "etl.cli.submit",
    "undo": "etl.cli.undo",
    "dedupe": "etl.cli.dedupe",
    "sources": "etl.cli.sources",
    "explain": "etl.cli.explain",
    "rejects": "etl.cli.rejects",
    "inspect": "etl.cli.inspect",
    "runs": "etl.cli.runs",
    "report": "etl.cli.report",
    "verify": "etl.cli.verify",
    "backfill": "etl.cli.backfill",
    "db": "etl.cli.database",
    "config": "etl.cli.config",
}  # in the order of the help. The module has a function of the command's name or, for a group, an ``app``


_MAY_BE_EMPTY = ("--artist", "--track", "--album", "--mbid", "--release-mbid", "--artist-mbid", "--client")


def _show_version(wanted: bool) -> None:
    if wanted:
        show(f"etl {__version__}")
        raise typer.Exit


def _options(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Read the settings from FILE. Env: ETL_CONFIG.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Load listening histories into Koito's database, or into an embedded PostgreSQL server."""
    if not _asks_for_help():
        context.default_map = config.defaults(context.command, file)


def build_app(commands: Iterable[str] = _COMMANDS) -> typer.Typer:
    """Return the program with these ``commands``, whose modules are imported here."""
    app = typer.Typer(
        name="etl",
        cls=HelpfulGroup,
        epilog="`etl help COMMAND` shows the arguments and options of a command.",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(_options)
    for name in commands:
        module = import_module(_COMMANDS[name])
        if group := getattr(module, "app", None):
            app.add_typer(group, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def _asked_commands(words: Sequence[str]) -> Iterable[str]:
    """Return the command that is called, if it is the first word; else all. Declaring the others takes 0.03 s."""
    return [words[1]] if len(words) > 1 and words[1] in _COMMANDS else _COMMANDS


def _check_words(words: Sequence[str]) -> None:
    """Raise ``SettingsError`` for an empty value: as a path, it would mean the current folder.

    Only what describes a live listen may be empty.
    """
    for before, word in pairwise(words):
        option, sign, value = word.partition("=") if word.startswith("--") else (before, "=", word)
        if sign and not value and option not in _MAY_BE_EMPTY:
            name = option if option.startswith("-") else "an argument"
            raise SettingsError(f"{name} is empty", "A variable in the command may have no value")


def _asks_for_help() -> bool:
    """Return whether the user asked for help, which must work even if the configuration is invalid."""
    return not {"--help", "-h", "help"}.isdisjoint(sys.argv)


def main() -> None:
    """Run the program; ``etl.__main__`` calls this."""
    gc.disable()  # a short-lived process has few reference cycles; collecting them took 10 % of a load's CPU time
    sys.excepthook = _report_defect
    prepare_streams()
    endings = [
        number for number in SIGNAL_EXIT_CODES if signal.getsignal(number) != signal.SIG_IGN
    ]  # nohup ignores SIGHUP
    for number in endings:
        signal.signal(number, _interrupt)
    install_handler()
    log_settings.as_json = _wants_json_log(sys.argv, os.environ)
    log_settings.json_errors = "--json" in sys.argv
    code = _run()
    # only Python's shutdown remains: from here on, a signal must not change the exit code
    for number in endings:
        signal.signal(number, signal.SIG_IGN)
    _end(code)


def _run() -> int:
    """Run the command and return the exit code."""
    try:
        _check_words(sys.argv)
        # app() would replace our excepthook; in standalone mode, Typer would print errors in its own format
        ended = typer.main.get_command(build_app(_asked_commands(sys.argv)))(standalone_mode=False)
    except typer.TyperException as error:
        log_failure(error.format_message(), _usage_hint(error), error.exit_code)
        return error.exit_code
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Typer turns it into exit code 1
            return ExitCode.OUTPUT_CLOSED
        return end.code if isinstance(end.code, int) else ExitCode.OK
    except (EtlError, MemoryError, BrokenPipeError, ModuleNotFoundError) as error:
        return _logged(error)
    return ended if isinstance(ended, int) else ExitCode.OK


def _logged(error: EtlError | MemoryError | BrokenPipeError | ModuleNotFoundError) -> int:
    """Log an error that is not a defect and return its exit code; a missing module of our own is a defect."""
    if isinstance(error, BrokenPipeError):
        return ExitCode.OUTPUT_CLOSED
    if isinstance(error, ModuleNotFoundError):
        missing = missing_package(error)
        if missing is None:
            raise error
        error = missing
    if isinstance(error, MemoryError):
        error = InputError("there is not enough memory", "Free some memory, or pass fewer files at a time")
    log_error(error)
    return error.exit_code


def _usage_hint(error: typer.TyperException) -> str:
    """Return how to see the options of a command, if the error is about one."""
    context = getattr(error, "ctx", None)
    return f"Try '{context.command_path} --help'" if context else ""


def _wants_json_log(words: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Return whether the log is JSON. Looks at the words before they are parsed, because parsing may fail."""
    asked = [word for before, word in pairwise(words) if before == "--log-format"]
    asked += [word.partition("=")[2] for word in words if word.startswith("--log-format=")]
    return (asked or [environ.get("ETL_LOG_FORMAT", "")])[-1] == "json"


def _end(code: int) -> NoReturn:
    """End the process at once, because freeing the objects of a load takes as long as a small load."""
    flush_streams()
    os._exit(code)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise InterruptedRunError(SIGNAL_EXIT_CODES[signal.Signals(number)])


def _report_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log an unexpected exception and write its traceback to a file; Python then exits with 1."""
    import tempfile
    import traceback

    from etl.core.dsn import redact

    text = redact("".join(traceback.format_exception(kind, error, trace)))
    message = f"{kind.__name__}: {redact(str(error))}. This is a defect of etl; please report it"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="etl-error-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        log_defect(message)
    else:
        log_defect(f"{message} with {file.name}")
