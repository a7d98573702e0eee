"""Runs the console script's ``main`` in this process: the same command without a start, which takes half a second."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from unittest import mock

from etl import cli
from etl.cli.log import log_settings
from etl.core.errors import SIGNAL_EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Python reads these as it starts, the C library TZ; a fault ends the process.
_FOR_A_PROCESS = ("LANG", "LC_", "PYTHON", "TZ", "ETL_FAULT")


class _EndedError(BaseException):
    """The process would end here."""

    def __init__(self, code: int) -> None:
        self.code = code


def can_run(env: Mapping[str, str]) -> bool:
    """Say whether ``env`` can be applied to this process."""
    return not any(name.startswith(_FOR_A_PROCESS) for name in env)


def run(words: Sequence[str], env: Mapping[str, str], cwd: Path) -> tuple[int, bytes, bytes]:
    """Return the exit code of the command ``words`` and what it wrote on stdout and stderr."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(2)]  # not in memory: a descriptor each
        out, err = (stack.enter_context(io.TextIOWrapper(file, encoding="utf-8")) for file in files)
        with _as_of_a_process(words, env, cwd, out, err):
            try:
                cli.main()
            except _EndedError as end:
                code = end.code
            except Exception as error:  # noqa: BLE001 (what sys.excepthook is there for)
                sys.excepthook(type(error), error, error.__traceback__)
                code = 1
        out.flush()
        err.flush()
        for file in files:
            file.seek(0)
        return code, files[0].read(), files[1].read()


@contextmanager
def _as_of_a_process(
    words: Sequence[str], env: Mapping[str, str], cwd: Path, out: io.TextIOWrapper, err: io.TextIOWrapper
) -> Iterator[None]:
    """Set the state that each process has of its own, and restore it afterwards."""
    handlers = {number: signal.getsignal(number) for number in SIGNAL_EXIT_CODES}
    was_in = Path.cwd()
    try:
        os.chdir(cwd)
        with (
            open(os.devnull, encoding="utf-8") as nothing,  # noqa: PTH123 (a device)
            mock.patch.multiple(
                sys, argv=list(words), stdin=nothing, stdout=out, stderr=err, excepthook=sys.excepthook
            ),
            mock.patch.multiple(log_settings, as_json=False, run_id=None),
            mock.patch.dict(os.environ, env, clear=True),
            mock.patch.object(cli, "_end", _end),
        ):
            yield
    finally:
        os.chdir(was_in)
        gc.enable()
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end(code: int) -> NoReturn:
    raise _EndedError(code)
