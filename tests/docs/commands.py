"""Generates the reference of the command line from the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.main import get_command

from etl.cli import build_app
from tests.docs.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command of the program as its words and its click command, in the order of ``--help``."""
    return ((words, command) for words, command in _walk("etl", get_command(build_app())) if not _children(command))


def _walk(words: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (typer's own copy of click)
    yield words, command
    for name, child in _children(command).items():
        if not child.hidden:
            yield from _walk(f"{words} {name}", child)


def _children(command: Any) -> dict[str, Any]:  # noqa: ANN401
    children: dict[str, Any] = getattr(command, "commands", {})
    return children


def overview() -> str:
    """Return a table of all commands, each with the first paragraph of its help and a link to its section."""
    rows = [
        (f"[`{_usage(words, command)}`](#{words.replace(' ', '-')})", _line(command.help.partition("\n\n")[0]))
        for words, command in commands()
    ]
    return table(("command", "does"), rows)


def reference() -> str:
    """Return a section for each command: its usage, what it does, its arguments and options."""
    return "\n".join(_section(words, command) for words, command in commands())


def _section(words: str, command: Any) -> str:  # noqa: ANN401
    shown = [param for param in command.params if not getattr(param, "hidden", False)]
    arguments = [param for param in shown if param.param_type_name == "argument"]
    options = [param for param in shown if param.param_type_name == "option"]
    parts = [f"## {words}\n", f"    {_usage(words, command, options=bool(options))}\n", f"{_text(command.help)}\n"]
    if arguments:
        parts.append(table(("argument", ""), [(f"`{_placeholder(param)}`", _line(param.help)) for param in arguments]))
    if options:
        rows = [(f"`{_names(param)}`", _default(param), _meaning(param)) for param in options]
        parts.append(table(("option", "default", ""), rows))
    return "\n".join(parts)


def _usage(words: str, command: Any, *, options: bool = False) -> str:  # noqa: ANN401
    arguments = [param for param in command.params if param.param_type_name == "argument" and not param.hidden]
    return " ".join([words, *(["[OPTIONS]"] if options else []), *map(_placeholder, arguments)])


def _placeholder(param: Any) -> str:  # noqa: ANN401
    name = (param.metavar or param.name).upper() + ("..." if param.nargs != 1 else "")
    return name if param.required else f"[{name}]"


def _names(param: Any) -> str:  # noqa: ANN401
    value = "" if param.is_flag else f" {param.metavar or param.name.upper()}"
    return f"{', '.join([*param.opts, *param.secondary_opts])}{value}"


def _default(param: Any) -> str:  # noqa: ANN401
    if param.required:
        return "required"
    is_nothing = param.default is None or param.default is False or callable(param.default) or param.default == ()
    return "" if is_nothing else f"`{param.default}`"


def _meaning(param: Any) -> str:  # noqa: ANN401
    variables = [param.envvar] if isinstance(param.envvar, str) else list(param.envvar or ())
    named = f" Env: {', '.join(variables)}." if variables else ""
    return _line(param.help) + named + (" Can be given several times." if param.multiple else "")


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _text(text: str | None) -> str:
    """Return a help text in paragraphs, without the mark that makes click keep line breaks."""
    paragraphs = (text or "").replace("\b", "").strip().split("\n\n")
    return "\n\n".join(_line(paragraph) for paragraph in paragraphs if paragraph.strip())
