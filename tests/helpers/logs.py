"""Collects what the package logs while a test runs."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        self.messages.append(f"{prefix}{record.getMessage()}")


@contextmanager
def logged() -> Iterator[list[str]]:
    """Yield a list to which each message is added; messages above the level INFO begin with their level."""
    collector, package = _Collector(), logging.getLogger("etl")
    level = package.level
    package.addHandler(collector)
    package.setLevel(logging.INFO)
    try:
        yield collector.messages
    finally:
        package.removeHandler(collector)
        package.setLevel(level)
