"""The points at which a test can have the program end itself; a run without a plan for that passes them by."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEARD_WITHIN = 0.5
"""Seconds in which the main thread takes note of a signal, also on a busy machine."""


class Point(Enum):
    """A point of a run, in the order in which a run first reaches them; the value is its name in ``ETL_FAULT``."""

    AFTER_EXTRACT = "after_extract"
    """The files are read; nothing is written anywhere."""
    AFTER_RUN_DIRECTORY = "after_run_directory"
    """The run directory exists; the database knows nothing of the run."""
    AFTER_LEDGER_START = "after_ledger_start"
    """The ledger has the run and its files; no listen is written."""
    AFTER_STAGE = "after_stage"
    """Rows of a batch have arrived by COPY, in one of its tables or more; its transaction is open."""
    BEFORE_COMMIT = "before_commit"
    """A batch and its row of the ledger are written, and not committed."""
    AFTER_COMMIT = "after_commit"
    """A batch is committed; the run has not taken note of it."""
    BEFORE_ENRICHMENT = "before_enrichment"
    """The batches of a round are committed; what existing entities lacked is not."""
    BETWEEN_STEPS = "between_steps"
    """The batches of a step are committed; its round goes on."""
    BETWEEN_ROUNDS = "between_rounds"
    """A round is complete and its lock released."""
    BEFORE_ACCOUNTING = "before_accounting"
    """All listens are committed; nothing says yet what became of the rows."""
    BEFORE_RENAME = "before_rename"
    """A file other than ``run.json`` is whole under its temporary name."""
    BEFORE_LEDGER_COMPLETE = "before_ledger_complete"
    """The Parquet files are there; the ledger has the files of the run as begun."""
    AFTER_LEDGER_COMPLETE = "after_ledger_complete"
    """The ledger has the files as loaded; there is no ``run.json``."""
    BEFORE_MANIFEST = "before_manifest"
    """``run.json`` is whole under its temporary name."""
    AFTER_MANIFEST = "after_manifest"
    """All is done; the user has not been told."""


@dataclass(frozen=True)
class Fault:
    """How the process is to end itself: by ``number`` when it reaches ``point`` for the ``nth`` time."""

    point: Point
    nth: int = 1
    number: signal.Signals = signal.SIGKILL


_planned: Fault | None = None
_visits: Iterator[int] = count(1)


def plan(fault: Fault | None) -> None:
    """Have the process end itself as ``fault`` says; None takes that back."""
    global _planned, _visits
    _planned, _visits = fault, count(1)


def failpoint(point: Point) -> None:
    """Say that the program is at ``point``."""
    if _planned and _planned.point is point and next(_visits) == _planned.nth:
        os.kill(os.getpid(), _planned.number)
        time.sleep(HEARD_WITHIN)  # in another thread than the main one, which hears the signal, the work would go on
