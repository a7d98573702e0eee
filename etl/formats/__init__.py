"""The registry of formats: every kind of export file that this program loads.

To add a format, copy the simplest one of its kind: ``lastfm_stats`` for JSON, ``maloja_tsv`` for delimited text. Write

1. ``etl/formats/<service>_<kind>.py``: the fields that are read, ``LAYOUT`` (how the file holds its records, from
   ``etl.parsers``), a function that returns the rows (schema ``EXTRACTED``), one that recognises a file, ``FORMAT``;
2. a line in ``FORMATS`` below;
3. a made-up sample in ``data/samples/<service>/<kind>/``, and cases with broken rows in ``tests/formats/cases/``;
4. the golden result, by ``ETL_GOLDEN=write pytest -n0 tests/formats/test_golden.py``. Read it: it is what gets loaded.

Tests fail while any of these is missing. A format of a new service needs no other change: ``etl.formats.base`` says
what ``client`` and ``preference`` are for.
"""

from __future__ import annotations

from etl.formats import (
    applemusic_activity,
    deezer_history,
    koito_export,
    lastfm_csv,
    lastfm_exporter,
    lastfm_lastexport,
    lastfm_lines,
    lastfm_list,
    lastfm_minutes,
    lastfm_pages,
    lastfm_stats,
    lastfm_xml,
    librefm_table,
    listenbrainz_array,
    listenbrainz_lines,
    listenbrainz_pages,
    maloja_export,
    maloja_tsv,
    panoscrobbler_csv,
    panoscrobbler_lines,
    rockbox_log,
    spotify_account,
    spotify_csv,
    spotify_extended,
    youtubemusic_history,
)
from etl.formats.base import (
    Companion,
    Companions,
    Format,
    Package,
    Peek,
    ReadOptions,
    Refusal,
    name_matches,
    peek_at,
)
from etl.formats.other_files import OTHER_FILES
from etl.formats.unsupported import PACKAGES, REFUSALS

__all__ = [
    "COMPANIONS",
    "FORMATS",
    "OTHER_FILES",
    "PACKAGES",
    "REFUSALS",
    "SOURCES",
    "Companion",
    "Companions",
    "Format",
    "Package",
    "Peek",
    "ReadOptions",
    "Refusal",
    "by_name",
    "clocks",
    "name_matches",
    "peek_at",
    "preferences",
    "recognise",
    "service_names",
    "sources_by_client",
]

FORMATS: tuple[Format, ...] = (
    spotify_extended.FORMAT,
    spotify_account.FORMAT,
    spotify_csv.FORMAT,
    lastfm_pages.FORMAT,
    lastfm_stats.FORMAT,
    lastfm_exporter.FORMAT,
    lastfm_xml.FORMAT,
    lastfm_csv.FORMAT,
    lastfm_minutes.FORMAT,
    lastfm_lastexport.FORMAT,
    lastfm_list.FORMAT,
    lastfm_lines.FORMAT,
    listenbrainz_lines.FORMAT,
    listenbrainz_array.FORMAT,
    listenbrainz_pages.FORMAT,
    maloja_export.FORMAT,
    maloja_tsv.FORMAT,
    koito_export.FORMAT,
    deezer_history.FORMAT,
    youtubemusic_history.FORMAT,
    applemusic_activity.FORMAT,
    panoscrobbler_csv.FORMAT,
    panoscrobbler_lines.FORMAT,
    librefm_table.FORMAT,
    rockbox_log.FORMAT,
)
COMPANIONS: tuple[Companion, ...] = tuple(dict.fromkeys(one for entry in FORMATS for one in entry.companions))
SOURCES: tuple[str, ...] = tuple(dict.fromkeys(entry.source for entry in FORMATS))


def recognise(peek: Peek) -> Format | Refusal | Companion | None:
    """Return the kind of a file: by its content, or by its name if the content says nothing (such as an empty list).

    Files of services that are not read come before formats, because several of them look like a table that is.
    """
    entries: tuple[Format | Refusal | Companion, ...] = (*COMPANIONS, *REFUSALS, *FORMATS, *OTHER_FILES)
    by_content = next((entry for entry in entries if entry.recognise(peek)), None)
    return by_content or next((entry for entry in FORMATS if name_matches(peek.name, entry.file_names)), None)


def by_name(name: str) -> Format:
    """Return the format called ``name``, as run directories and the ledger have it. Raises ``KeyError``."""
    return {entry.name: entry for entry in FORMATS}[name]


def preferences() -> dict[str, int]:
    """Return the preference of each source; of two likely doubles, the one with the lower number stays."""
    return {entry.source: entry.preference for entry in FORMATS}


def clocks() -> dict[str, str]:
    """Return whether each source stores the ``start`` or the ``end`` of a play."""
    return {entry.source: entry.clock for entry in FORMATS}


def service_names() -> dict[str, str]:
    """Return the display name of each source."""
    return {entry.source: entry.service or entry.source.capitalize() for entry in FORMATS}


def sources_by_client() -> dict[str, str]:
    """Return the source of each client that belongs to one source only."""
    return {entry.client: entry.source for entry in FORMATS if entry.client is not None}
