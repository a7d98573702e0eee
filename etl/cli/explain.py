"""``etl explain``: shows what became of one row of a file, and why."""

from __future__ import annotations

import json as encoding
import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etl.cli import options
from etl.cli.output import show, show_json, show_text
from etl.cli.runs import RequiredRunName
from etl.cli.workspace import runs_folder
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from etl.runs.explain import Explanation

logger = logging.getLogger(__name__)

_LONGEST = 300  # characters of a value that are shown; --json has all of them
_HELD = re.compile(r"\bdatabase!(\d+):(-?\d{1,11})\b")


def explain(
    run: RequiredRunName,
    place: Annotated[
        str,
        typer.Argument(metavar="FILE:ROW", help="Path of the file, or a unique ending of it, and the row."),
    ],
    home: options.Home = None,
    json: options.Json = False,
) -> None:
    """Show what became of one row of a file, and why."""
    from etl.runs.directory import find_run
    from etl.runs.explain import explain as look_up

    runs = runs_folder(home)
    found = look_up(find_run(runs, run), runs, place)
    if json:
        show_json(_plain(found.as_json()))
        return
    if found.known_to:
        logger.info("the file was known to run %s; this is what run %s did with it", found.known_to, found.run_id)
    if found.undone_by:
        logger.info("run %s was undone by run %s: what it inserted is removed", found.run_id, found.undone_by)
    _show(found)


def _show(found: Explanation) -> None:
    show_text(f"{sanitize(found.file)}:{found.row} ({found.format})")
    show_text(sanitize(_readable(found.meaning)))
    for title, fields in _sections(found):
        present = {name: value for name, value in fields.items() if value is not None}
        if present:
            show()
            show(title)
            width = max(map(len, present))
            for name, value in present.items():
                show_text(f"  {sanitize(name):{width}}  {sanitize(_text(value))}".rstrip(), width + 4)


def _sections(found: Explanation) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the sections that follow the verdict, as titles and fields; fields that are null are not shown."""
    from etl.runs.explain import KEY_STATUS

    rejected, listen, key, outcome = (found.rows[name] for name in ("rejects", "listens", "keys", "outcome"))
    pair = found.rows["likely_doubles"]
    if rejected is not None:
        place = {name: rejected[name] for name in ("offset", "length")}
        yield "what is wrong", {"reason": rejected["reason"], "detail": rejected["detail"], **place}
        yield "the record", _fields(rejected["record"])
    if listen is not None:
        yield "the listen", {name: value for name, value in listen.items() if name not in ("file", "row", "lookup_key")}
    if pair is not None:
        columns = ("artist", "track", "listened_at", "service")
        if listen is None:
            yield "the listen", {name: pair[name] for name in columns}
        other = {name: pair[f"of_{name}"] for name in columns}
        yield (
            "what it is a double of",
            {**other, "double_of": _readable(pair["double_of"]), "evidence": pair["evidence"]},
        )
    if key is not None:
        fields = ("lookup_key", "listens", "spellings", "status", "detail", "artist_id", "album_id", "track_id")
        status = f"{key['status']}: {KEY_STATUS.get(key['status'], '')}"
        yield "its key", {**{name: key[name] for name in fields}, "status": status}
    elif outcome is not None:
        yield "its key", {name: outcome[name] for name in ("lookup_key", "track_id")}


def _fields(record: str | None) -> dict[str, Any]:
    """Return the fields of a rejected record; a number with thousands of digits stays text."""
    if record is None:
        return {}
    try:
        fields: dict[str, Any] = encoding.loads(record)
    except (ValueError, RecursionError):
        return {"record": record}
    return fields


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, list) and all(isinstance(part, str | None) for part in value):
        text = ", ".join("-" if part is None else part for part in value)
    else:
        text = value if isinstance(value, str) else encoding.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _readable(text: str) -> str:
    """Return ``text`` with listens in the database described in words, because they have no FILE:ROW."""

    def described(found: re.Match[str]) -> str:
        return f"track {found[1]} at {datetime.fromtimestamp(int(found[2]), UTC):%Y-%m-%d %H:%M:%S} UTC in the database"

    return _HELD.sub(described, text)


def _plain(value: Any) -> Any:  # noqa: ANN401 (any value of a Parquet file)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return value.isoformat() if isinstance(value, datetime) else value
