"""Makes groups of commands helpful: without a command, and after the word ``help``, they show the help, uncut."""

from __future__ import annotations

import shutil
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup

_NARROW = 60  # columns of a terminal that leave too little room next to the names of options
_NAMES = 6  # columns for those names there: longer ones get a line of their own


class HelpfulContext(typer.Context):
    """A context whose help fits a narrow terminal; Typer's own is 50 columns wide at least."""

    def make_formatter(self) -> Any:  # noqa: ANN401 (typer's own copy of click)
        """Return what formats the help."""
        formatter: Any = super().make_formatter()
        if (columns := shutil.get_terminal_size().columns) < _NARROW:
            formatter.width = columns
            formatter.write_dl = partial(formatter.write_dl, col_max=_NAMES)
        return formatter


class HelpfulGroup(TyperGroup):
    """A group that takes ``etl``, ``etl help`` and ``etl help COMMAND`` as the same with ``--help``."""

    context_class = HelpfulContext

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Parse ``args``; also for a shell that completes them, where a command follows ``etl help``."""
        if args[:1] == ["help"]:
            args = args[1:] if ctx.resilient_parsing else [*args[1:], "--help"]
        elif not args and not ctx.resilient_parsing:
            args = ["--help"]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Return the command of that name, None if there is none."""
        command = super().get_command(ctx, cmd_name)
        if command:
            command.context_class = HelpfulContext
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """List the commands with the whole first paragraph of their help: Typer would cut it off."""
        rows = [
            (name, " ".join((command.help or "").split("\n\n")[0].split()))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
