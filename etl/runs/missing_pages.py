"""Writes sentences about the missing pages of an API, from ``run.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.core.lists import listed, ranges

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMED = 3


def sentences(manifest: Mapping[str, Any]) -> list[str]:
    """Return the sentences: one about error responses, and one for each incomplete download.

    Empty for runs of versions that did not check.
    """
    errors = [f"{one['file']}:{one['row']}: {one['detail']}" for one in manifest.get("error_pages", [])]
    missing = [f"{_files(one)}: {_what_is_missing(one)}" for one in manifest.get("missing_pages", [])]
    return [*([listed(errors, _NAMED, "; ")] if errors else []), *missing]


def _files(missing: Mapping[str, Any]) -> str:
    others = int(missing["files"]) - 1
    if not others:
        return str(missing["file"])
    return f"{missing['file']} and {others:,} more {'file' if others == 1 else 'files'}"


def _what_is_missing(missing: Mapping[str, Any]) -> str:
    """Return what the pages say is missing: "pages 2-3 of 4 are missing, with up to 400 plays"."""
    if missing.get("since"):
        since, until = missing["since"][:10], missing["until"][:10]
        why = "the history begins before its first page here"
        return f"listens from {since} until {until} are missing: {why}. Fetch older pages, or give the service's export"
    pages, of, listens = missing["pages"], missing["total_pages"], missing["listens"]
    if not pages:
        fewer = "1 play is" if listens == 1 else f"{listens:,} plays are"
        return f"{fewer} missing: the file has fewer than it states. Fetch it again"
    number = f"{'page' if len(pages) == 1 else 'pages'} {ranges(pages)}{f' of {of:,}' if of else ''}"
    plays = (
        "and whatever follows" if listens is None else f"with up to {listens:,} {'play' if listens == 1 else 'plays'}"
    )
    return f"{number} {'is' if len(pages) == 1 else 'are'} missing, {plays}. Fetch what is missing, and load it too"
