"""The registry of formats: a new one is a file here (or a ``Format`` in one), a line, a sample and a golden result."""

from __future__ import annotations

from etl.sources import maloja, spotify
from etl.sources.base import Format, Package, Peek, ReadOptions, Refusal, name_matches, peek_at

__all__ = [
    "FORMATS",
    "PACKAGES",
    "REFUSALS",
    "SOURCES",
    "Format",
    "Package",
    "Peek",
    "ReadOptions",
    "Refusal",
    "by_name",
    "name_matches",
    "peek_at",
    "recognise",
]

FORMATS: tuple[Format, ...] = (*spotify.FORMATS, *maloja.FORMATS)
REFUSALS: tuple[Refusal, ...] = (*spotify.REFUSALS, *maloja.REFUSALS)
PACKAGES: tuple[Package, ...] = (*spotify.PACKAGES,)
SOURCES: tuple[str, ...] = tuple(dict.fromkeys(entry.source for entry in FORMATS))


def recognise(peek: Peek) -> Format | Refusal | None:
    """Decide what a file is: by its content, or, where that says nothing (an empty list, a blank file), by its name."""
    entries: tuple[Format | Refusal, ...] = (*FORMATS, *REFUSALS)
    by_content = next((entry for entry in entries if entry.recognise(peek)), None)
    return by_content or next((entry for entry in FORMATS if name_matches(peek.name, entry.file_names)), None)


def by_name(name: str) -> Format:
    """Return the format called ``name``, as run directories and the ledger have it. Raises ``KeyError``."""
    return {entry.name: entry for entry in FORMATS}[name]
