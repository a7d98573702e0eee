"""Records what the program shows; ``python -m tests.docs.record`` writes it again, after a change of what it prints.

The commands really run, on a terminal, in a new home, in the order of the pages. The first is the README's first run,
which becomes ``docs/first-run.svg``, a hundred columns wide. The others are in the pages between
``<!-- recorded: COMMAND -->`` and ``<!-- end -->``. The home's path is replaced by one that is as long.
"""

from __future__ import annotations

import io
import os
import pty
import re
import secrets
import shutil
import subprocess
import sys
import termios
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pyte
import pyte.screens
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.text import Text

from tests.docs.pages import DOCS, README, ROOT, blocks, pages, with_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PICTURE = DOCS / "first-run.svg"
SHOWN_HOME = "/home/me/.local/share/etl"
COLUMNS = 100
_WIDER = 120  # for text, which does not shrink with the page
_LINES = 500  # nothing scrolls
_TALLEST = 48  # lines of the picture; of a longer recording the middle is left out
_END = 24
_NEAR = 8
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
_GREY = 90  # as SGR parameter


class _Screen(pyte.Screen):
    """A screen on which faint text, which pyte does not know, is grey."""

    def select_graphic_rendition(self, *attrs: int) -> None:
        super().select_graphic_rendition(*(_GREY if attr == 2 else attr for attr in attrs))


def shown(command: str, home: Path, columns: int = COLUMNS) -> list[Text]:
    """Return the lines, with their colours, that a terminal shows after ``command`` has ended."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    with subprocess.Popen(
        ["bash", "-c", command], env=_environment(home), cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65536):
                written += chunk
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(ours)
    screen = _Screen(columns, _LINES)
    pyte.ByteStream(screen).feed(written.replace(str(home).encode(), SHOWN_HOME.encode()))
    lines = [_line(screen.buffer[number], columns) for number in range(_LINES)]
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ETL_", "PYTHON"))}
    for name in ("NO_COLOR", "COLUMNS", "LINES", "CI"):
        kept.pop(name, None)
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "PATH": path, "HOME": str(home), "ETL_HOME": str(home), "TERM": "xterm-256color"}


def _line(cells: Mapping[int, pyte.screens.Char], columns: int) -> Text:
    line = Text()
    for style, run in groupby((cells[column] for column in range(columns)), _style):
        line.append("".join(cell.data for cell in run), style)
    line.rstrip()
    return line


def _style(cell: pyte.screens.Char) -> Style:
    return Style(
        color=_color(cell.fg),
        bgcolor=_color(cell.bg),
        bold=cell.bold or None,
        italic=cell.italics or None,
        underline=cell.underscore or None,
        reverse=cell.reverse or None,
    )


def _color(name: str) -> str | None:
    """Return what rich calls the colour that pyte calls ``name``."""
    if name == "default":
        return None
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return name.replace("brown", "yellow").replace("bright", "bright_")


def picture(command: str, lines: Sequence[Text]) -> str:
    """Return a self-contained SVG of a terminal that shows ``command`` and what it printed."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    for line in _folded(lines):
        console.print(line, soft_wrap=True)
    svg = console.export_svg(title="etl: the first run", code_format=_without_remote_fonts(), unique_id="etl")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


def _folded(lines: Sequence[Text]) -> list[Text]:
    """Return ``lines`` without the middle of what is too tall; behind it a paragraph begins, if one is near."""
    if len(lines) <= _TALLEST:
        return list(lines)
    end = len(lines) - _END
    begin = next((place for place in range(end, end - _NEAR, -1) if not lines[place - 1].plain), end)
    head = _TALLEST - (len(lines) - begin) - 1
    note = Text(f"[… {begin - head} lines …]", "bright_black")
    return [*lines[:head], note, *lines[begin:]]


def _without_remote_fonts() -> str:
    """Return rich's template without its fonts of the network: a page shows a picture as it is, or not at all."""
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return template.replace("Fira Code, monospace", _FONTS)


def recorded(command: str, home: Path) -> str:
    """Return a block of Markdown with ``command`` and what it shows."""
    lines = "".join(f"{line.plain}\n" for line in shown(command, home, _WIDER))
    return f"```console\n$ {command}\n{lines}```\n"


def first_run() -> str:
    """Return the part of the README's first command that loads the samples."""
    return blocks(README.read_text(encoding="utf-8"), "sh")[0].rpartition("&&")[2].strip().removeprefix(".venv/bin/")


def main() -> None:
    """Record everything again."""
    home = Path("/tmp") / secrets.token_hex(10)  # noqa: S108 (as long as the home that is shown, and short)
    home.mkdir(mode=0o755)
    try:
        PICTURE.write_text(picture(first_run(), shown(first_run(), home)), encoding="utf-8")
        for page in pages():
            text = page.read_text(encoding="utf-8")
            again = with_parts(text, lambda command: recorded(command, home), "recorded")
            if again != text:
                page.write_text(again, encoding="utf-8")
    finally:
        shown("etl db stop", home)
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
