"""The points at which a test can make the program kill itself. They do nothing unless a fault is planned."""

from __future__ import annotations

import os
import signal
import time
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNAL_LATENCY = 0.5
"""Seconds within which the main thread notices a signal, even on a busy machine."""


class Point(Enum):
    """A point of a run, in the order in which runs first reach them; the value is its name in ``ETL_FAULT``."""

    AFTER_EXTRACT = "after_extract"
    """The files are read; nothing is written anywhere."""
    AFTER_RUN_DIRECTORY = "after_run_directory"
    """The run directory exists; the database does not know the run."""
    AFTER_LEDGER_START = "after_ledger_start"
    """The ledger has the run and its files; no listen is written."""
    AFTER_STAGE = "after_stage"
    """Rows of a batch have arrived by COPY in at least one of its tables; its transaction is open."""
    BEFORE_COMMIT = "before_commit"
    """A batch and its row in the ledger are written, but not committed."""
    AFTER_COMMIT = "after_commit"
    """A batch is committed; the run has not recorded that yet."""
    BEFORE_ENRICHMENT = "before_enrichment"
    """The batches of a round are committed; the missing fields of existing entities are not."""
    BETWEEN_STEPS = "between_steps"
    """The batches of a step are committed; its round continues."""
    BETWEEN_ROUNDS = "between_rounds"
    """A round is complete and its lock released."""
    BEFORE_ACCOUNTING = "before_accounting"
    """All listens are committed; no file says yet what became of the rows."""
    BEFORE_RENAME = "before_rename"
    """A file other than ``run.json`` is complete under its temporary name."""
    BEFORE_LEDGER_COMPLETE = "before_ledger_complete"
    """The Parquet files exist; in the ledger, the files of the run have begun."""
    AFTER_LEDGER_COMPLETE = "after_ledger_complete"
    """In the ledger, the files are loaded; ``run.json`` does not exist yet."""
    BEFORE_MANIFEST = "before_manifest"
    """``run.json`` is complete under its temporary name."""
    AFTER_MANIFEST = "after_manifest"
    """Everything is done; nothing has been shown to the user yet."""


class Fault(msgspec.Struct, frozen=True):
    """How the process kills itself: by signal ``number`` when it reaches ``point`` for the ``nth`` time."""

    point: Point
    nth: int = 1
    number: signal.Signals = signal.SIGKILL


_planned: Fault | None = None
_visits: Iterator[int] = count(1)


def plan(fault: Fault | None) -> None:
    """Make the process kill itself as ``fault`` says; None cancels that."""
    global _planned, _visits
    _planned, _visits = fault, count(1)


def failpoint(point: Point) -> None:
    """Kill the process here if a fault is planned for ``point``."""
    if _planned and _planned.point is point and next(_visits) == _planned.nth:
        os.kill(os.getpid(), _planned.number)
        time.sleep(SIGNAL_LATENCY)  # else a thread would work on until the main thread notices the signal
