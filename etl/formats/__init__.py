"""The registry of formats: a new one is a file here, a line below, a sample and a golden result."""

from __future__ import annotations

from etl.formats import (
    koito_export,
    lastfm_csv,
    lastfm_exporter,
    lastfm_minutes,
    lastfm_pages,
    lastfm_stats,
    lastfm_xml,
    listenbrainz_array,
    listenbrainz_lines,
    listenbrainz_pages,
    maloja_export,
    maloja_tsv,
    spotify_account,
    spotify_extended,
)
from etl.formats.base import Format, Package, Peek, ReadOptions, Refusal, name_matches, peek_at
from etl.formats.unsupported import PACKAGES, REFUSALS

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

FORMATS: tuple[Format, ...] = (
    spotify_extended.FORMAT,
    spotify_account.FORMAT,
    lastfm_pages.FORMAT,
    lastfm_stats.FORMAT,
    lastfm_exporter.FORMAT,
    lastfm_xml.FORMAT,
    lastfm_csv.FORMAT,
    lastfm_minutes.FORMAT,
    listenbrainz_lines.FORMAT,
    listenbrainz_array.FORMAT,
    listenbrainz_pages.FORMAT,
    maloja_export.FORMAT,
    maloja_tsv.FORMAT,
    koito_export.FORMAT,
)
SOURCES: tuple[str, ...] = tuple(dict.fromkeys(entry.source for entry in FORMATS))


def recognise(peek: Peek) -> Format | Refusal | None:
    """Decide what a file is: by its content, or, where that says nothing (an empty list, a blank file), by its name."""
    entries: tuple[Format | Refusal, ...] = (*FORMATS, *REFUSALS)
    by_content = next((entry for entry in entries if entry.recognise(peek)), None)
    return by_content or next((entry for entry in FORMATS if name_matches(peek.name, entry.file_names)), None)


def by_name(name: str) -> Format:
    """Return the format called ``name``, as run directories and the ledger have it. Raises ``KeyError``."""
    return {entry.name: entry for entry in FORMATS}[name]
