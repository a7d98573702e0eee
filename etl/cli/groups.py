"""Groups of commands that show their help, uncut, when called without a command or with ``help``."""

from __future__ import annotations

import shutil
from functools import partial
from typing import Any

import typer
from typer.core import TyperGroup

from etl.cli.output import show

_NARROW = 60  # columns of a terminal that is too narrow to show option names next to their help
_NAMES = 6  # columns for the names there; a longer name gets its own line


class HelpfulContext(typer.Context):
    """A context whose help fits a narrow terminal; the help of Typer's own is at least 50 columns wide."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 (as Typer's)
        """Make the help be printed as every other result, so that an error of writing it is reported."""
        super().__init__(*args, **options)
        option: Any = self.command.get_help_option(self)  # of typer's own copy of click
        if option:
            option.callback = _show_help

    def make_formatter(self) -> Any:  # noqa: ANN401 (typer's own copy of click)
        """Return the formatter of the help."""
        formatter: Any = super().make_formatter()
        if (columns := shutil.get_terminal_size().columns) < _NARROW:
            formatter.width = columns
            formatter.write_dl = partial(formatter.write_dl, col_max=_NAMES)
        return formatter


def _show_help(context: typer.Context, _option: object, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        show(context.get_help())
        context.exit()


class HelpfulGroup(TyperGroup):
    """A group that treats ``etl`` and ``etl help`` as ``etl --help``, and ``etl help COMMAND`` as its ``--help``."""

    context_class = HelpfulContext

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Parse ``args``. This also serves shells that complete the command after ``etl help``."""
        if args[:1] == ["help"]:
            args = args[1:] if ctx.resilient_parsing else [*args[1:], "--help"]
        elif not args and not ctx.resilient_parsing:
            args = ["--help"]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """Return the command of that name; None if there is none."""
        command = super().get_command(ctx, cmd_name)
        if command:
            command.context_class = HelpfulContext
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """List the commands with the full first paragraph of their help, which Typer would cut off."""
        rows = [
            (name, " ".join((command.help or "").split("\n\n")[0].split()))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
