"""``etl sources``: lists the formats."""

from __future__ import annotations

from etl.cli import options
from etl.cli.output import show_json, show_text


def sources(json: options.Json = False) -> None:
    """List the formats that can be read, their file names, and how to get each export."""
    from etl.formats import FORMATS

    entries = [
        {
            "source": kind.source,
            "format": kind.name,
            "title": kind.title,
            "file_names": list(kind.file_names),
            "how_to_get": kind.how_to_get,
        }
        for kind in FORMATS
    ]
    if json:
        show_json(entries)
        return
    for kind in FORMATS:
        show_text(f"{kind.source}: {kind.title} ({kind.name})")
        show_text(f"  files: {', '.join(kind.file_names)}", 4)
        show_text(f"  get it: {kind.how_to_get}", 4)
