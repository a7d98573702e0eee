"""Owns the parts of README.md that follow from the code; ``python -m tests.docs.generate`` writes them anew.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from etl.cli import app
from etl.database.migrate import KOITO_SCHEMA, migrations
from etl.errors import PRECEDENCE, ExitCode
from etl.inspection import named_queries
from etl.schema import RUN_FILES, RejectReason, SkipReason
from etl.sources import FORMATS, REFUSALS, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

README = Path(__file__).parents[2] / "README.md"
_PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SERVICES = {
    "spotify": "Spotify",
    "lastfm": "Last.fm",
    "listenbrainz": "ListenBrainz",
    "maloja": "Maloja",
    "koito": "Koito",
}


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command of the program as its words and its click command, in the order of ``--help``."""
    yield from _walk("etl", get_command(app))


def _walk(words: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (typer's own copy of click)
    children = getattr(command, "commands", None)
    if not children:
        yield words, command
    for name, child in (children or {}).items():
        yield from _walk(f"{words} {name}", child)


def written(text: str) -> str:
    """Return ``text``, a README, with every generated part as it should be."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part['name']]()}{part[3]}", text)


def part_names(text: str) -> list[str]:
    """Return the names of the generated parts of ``text``."""
    return [part["name"] for part in _PART.finditer(text)]


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _services() -> str:
    return f"It reads exports of {_listed([_SERVICES[source] for source in SOURCES])}.\n"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _commands() -> str:
    rows = []
    for words, command in commands():
        arguments = [param for param in command.params if param.param_type_name == "argument"]
        shown = "".join(f" {_placeholder(param)}" for param in arguments)
        rows.append((f"`{words}{shown}`", _sentence(command.help)))
    return _table(("command", "does"), rows)


def _placeholder(param: Any) -> str:  # noqa: ANN401
    name = (param.metavar or param.name).upper() + ("..." if param.nargs != 1 else "")
    return name if param.required else f"[{name}]"


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _run_options() -> str:
    command = dict(commands())["etl run"]
    options = [param for param in command.params if param.param_type_name == "option"]
    rows = []
    for param in options:
        value = "" if param.is_flag else f" {param.metavar}"
        default = "" if param.default is None or param.default is False else f"`{param.default}`"
        rows.append((f"`{param.opts[0]}{value}`", default, _sentence(param.help)))
    return _table(("option", "default", ""), rows)


def _exit_codes() -> str:
    table = _table(("code", "means"), [(str(int(code)), code.meaning) for code in ExitCode])
    order = ", ".join(str(int(code)) for code in PRECEDENCE)
    return f"{table}\nWhere several apply, the first of these is the answer: {order}.\n"


def _formats() -> str:
    rows = [
        (kind.source, kind.title, ", ".join(f"`{name}`" for name in kind.file_names), kind.how_to_get)
        for kind in FORMATS
    ]
    return _table(("source", "format", "files", "how to get it"), rows)


def _refusals() -> str:
    return _table(("file", "why not, and what to do"), [(entry.title, f"{entry.advice}.") for entry in REFUSALS])


def _reasons(kind: type[SkipReason | RejectReason]) -> str:
    return _table(("reason", "means"), [(f"`{reason}`", reason.meaning) for reason in kind])


def _run_files() -> str:
    return _table(
        ("file", "columns"), [(f"`{name}.parquet`", ", ".join(schema.names())) for name, schema in RUN_FILES.items()]
    )


def _queries() -> str:
    return _table(("query", "answers"), [(f"`{query.name}`", query.about) for query in named_queries()])


def _migrations() -> str:
    ours = [one for one in migrations() if one.version != KOITO_SCHEMA]
    return "".join(f"* `{one.version:04}_{one.name}`: {one.summary}.\n" for one in ours)


PARTS = {
    "services": _services,
    "commands": _commands,
    "run-options": _run_options,
    "exit-codes": _exit_codes,
    "formats": _formats,
    "refusals": _refusals,
    "skip-reasons": lambda: _reasons(SkipReason),
    "reject-reasons": lambda: _reasons(RejectReason),
    "run-files": _run_files,
    "queries": _queries,
    "migrations": _migrations,
}

if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
