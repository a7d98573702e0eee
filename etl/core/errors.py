"""The exceptions that end a run, each with its exit code.

Errors about single rows are data (``RejectReason`` in ``etl.core.reasons``), never exceptions.
"""

from __future__ import annotations

import signal
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """The exit codes of the process. Each member's ``meaning`` is the line that the README prints."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        """Return the member for ``value`` with its ``meaning``."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "all loaded"
    INTERNAL = 1, "internal error: a defect of this program"
    USAGE = 2, "usage or settings"
    DATABASE = 3, "database unreachable, refused or lost; in a backfill: no network"
    INPUT = 4, "a file was unreadable or refused, or nothing was recognised"
    REJECTS = (
        5,
        "loaded, but more than --max-rejects rows were rejected, or keys failed; in a backfill: look-ups failed",
    )
    LOCKED = 6, "another run holds the lock"
    UNBALANCED = 7, "the accounting does not balance, or `etl verify` found damage"
    HUNG_UP = 129, "ended by SIGHUP: the terminal or the connection to it closed; what was committed stays"
    INTERRUPTED = 130, "interrupted by Ctrl-C (SIGINT); what was committed stays"
    OUTPUT_CLOSED = (
        141,
        "the reader of the output has closed it, as `head` does; a command that changes something has its own code",
    )
    TERMINATED = 143, "ended by SIGTERM; what was committed stays"


SIGNAL_EXIT_CODES = {
    signal.SIGHUP: ExitCode.HUNG_UP,
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
}
"""The signals that ask a command to end, with the exit code of each."""
INTERRUPTIONS = frozenset(SIGNAL_EXIT_CODES.values())

# If several codes apply, the first one in this order is used.
PRECEDENCE = (
    ExitCode.HUNG_UP,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.INTERNAL,
    ExitCode.DATABASE,
    ExitCode.UNBALANCED,
    ExitCode.LOCKED,
    ExitCode.USAGE,
    ExitCode.INPUT,
    ExitCode.REJECTS,
    ExitCode.OUTPUT_CLOSED,
    ExitCode.OK,
)


def decisive(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the one of ``codes`` that comes first in ``PRECEDENCE``; ``OK`` if there are none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.OK)


class EtlError(Exception):
    """An error for the user: what happened and, in ``hint``, what to do next."""

    exit_code = ExitCode.INTERNAL
    manifest: dict[str, Any] | None = None
    """The content of ``run.json`` of the run that this error ended; None if no run had begun."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return format_error(self.message, self.hint)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the error be pickled, as schedulers do between processes, whatever arguments a subclass takes."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[EtlError], args: tuple[Any, ...], attributes: dict[str, Any]) -> EtlError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


def format_error(message: str, hint: str) -> str:
    """Return the message of an error and what to do next, as one line."""
    return f"{message}{'' if message.endswith(('.', '?', '!')) else '.'} {hint}" if hint else message


class InternalError(EtlError):
    """An invariant of the program was broken, e.g. a frame does not have the dtypes of its schema."""


class SettingsError(EtlError):
    """An option, a setting or a combination of them cannot be used."""

    exit_code = ExitCode.USAGE


class DatabaseError(EtlError):
    """The database could not be reached, is not one that we load into, or the connection to it was lost."""

    exit_code = ExitCode.DATABASE


class LockedError(EtlError):
    """Another run is active on the database."""

    exit_code = ExitCode.LOCKED


class AccountingError(EtlError):
    """The accounting of a run does not balance: a defect, of this program or of the database."""

    exit_code = ExitCode.UNBALANCED


class InputError(EtlError):
    """A path could not be read, or nothing in it was recognised."""

    exit_code = ExitCode.INPUT


class BrokenFileError(InputError):
    """One file is broken or refused as a whole; the run goes on with the others."""


class InterruptedRunError(EtlError):
    """A signal asked the run to end."""

    def __init__(self, exit_code: ExitCode) -> None:
        super().__init__("interrupted", "What was committed stays; run the same command again to continue")
        self.exit_code = exit_code
