"""Runs the console script as a user does, with nothing of this environment's settings."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cli import inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"
SCRIPT = Path(sys.executable).with_name("etl")


@dataclass(frozen=True)
class Done:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 (any JSON value)
        """What it printed on stdout, as one JSON document."""
        return json.loads(self.out)


def environment(home: Path | None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without settings of ours, except the home; no word of it wraps at a terminal's width."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ETL_", "PYTHON"))}
    own = {"ETL_CONFIG": os.devnull, **({"ETL_HOME": str(home)} if home else {})}
    return {**kept, **own, **(extra or {})}


def etl(
    *arguments: str | Path,
    home: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    script: Path = SCRIPT,
    stdin: bytes | None = None,
    fresh: bool = False,
) -> Done:
    """Run the program to its end without answering its questions; ``stdin`` is its standard input.

    ``fresh``: in a process of its own.
    """
    if script == SCRIPT and stdin is None and not fresh and inside.can_run(env or {}):
        words = [os.fspath(word) for word in (script, *arguments)]
        return _done(*inside.run(words, environment(home, env), cwd))
    done = subprocess.run(
        [script, *arguments],
        env=environment(home, env),
        cwd=cwd,
        input=stdin or b"",
        capture_output=True,
        check=False,
    )
    return _done(done.returncode, done.stdout, done.stderr)


@contextmanager
def running(
    *command: str | Path, env: Mapping[str, str] | None = None, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """Run ``command`` in a process of its own, and kill it when the block ends."""
    with subprocess.Popen(
        command, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _done(code: int, out: bytes, err: bytes) -> Done:
    return Done(code, out.decode(errors="surrogateescape"), err.decode())


def submit(uri: str, *options: str, home: Path, bodies: bytes | None = None) -> Done:
    """Run ``etl submit`` into the database of ``uri``, with ``bodies`` on stdin."""
    return etl("submit", *options, "--dsn", uri, home=home, stdin=bodies)


def python(code: str, home: Path | None = None, env: Mapping[str, str] | None = None) -> Done:
    """Run Python code that drives the program."""
    return run_process([sys.executable, "-c", code], home, env)


def run_process(command: Sequence[str | Path], home: Path | None, env: Mapping[str, str] | None = None) -> Done:
    """Run a command in a process of its own, with the environment of the tests."""
    done = subprocess.run(
        command,
        env=environment(home, env),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def on_terminal(columns: int, *arguments: str, home: Path) -> list[str]:
    """Run the program on a terminal that is ``columns`` wide and return the lines that it shows."""
    code, shown = sent_to_terminal(columns, *arguments, home=home, env={"NO_COLOR": "1"})
    assert code == 0
    return shown.replace("\r\n", "\n").splitlines()


def sent_to_terminal(
    columns: int, *arguments: str, home: Path, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run the program on a terminal and return its exit code and all that it sends there."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    inherited = {name: value for name, value in environment(home).items() if name not in ("COLUMNS", "LINES")}
    merged = {**inherited, "TERM": "xterm-256color", **(env or {})}
    with subprocess.Popen(
        [SCRIPT, *arguments], env=merged, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
    ) as done:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(ours)
    return done.returncode, shown.decode()
