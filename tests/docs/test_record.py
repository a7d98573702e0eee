"""The picture in README.md shows a whole first run and needs nothing of the network; recording sees what people see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rich.text import Text

from tests.docs.pages import README
from tests.docs.record import COLUMNS, PICTURE, SHOWN_HOME, first_run, picture, shown

if TYPE_CHECKING:
    from pathlib import Path

SVG = PICTURE.read_text(encoding="utf-8")


def words(svg: str) -> str:
    """Return the text of a picture, line by line."""
    lines: dict[float, str] = {}
    for part in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):  # noqa: S314 (a file of ours)
        lines[float(part.get("y", 0))] = lines.get(float(part.get("y", 0)), "") + (part.text or "").strip("\n")
    return "\n".join(lines.values()).replace("\xa0", " ")


def test_the_picture_shows_the_first_command_and_how_it_ended() -> None:
    assert "docs/first-run.svg" in README.read_text(encoding="utf-8")
    assert f"$ {first_run()}" in words(SVG)
    assert re.search(r"\d+ listens inserted", words(SVG))
    assert SHOWN_HOME in words(SVG)


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    addresses = set(re.findall(r"\w+://[^\s\"'<)]+", SVG))
    assert addresses == {"http://www.w3.org/2000/svg", "https://www.textualize.io"}  # its namespace, a comment
    assert not re.search(r"@font-face|@import|<script|<image|href|url\((?!#)", SVG)


def test_a_long_recording_is_folded_at_a_paragraph() -> None:
    lines = [Text(f"row {number}") for number in range(60)]
    lines[33] = Text("")
    shown_words = words(picture("etl run", lines)).splitlines()
    assert "row 59" in shown_words
    fold = next(number for number, line in enumerate(shown_words) if line.startswith("[…"))
    kept = len([line for line in shown_words if line.startswith("row")])
    assert shown_words[fold + 1] == "row 34"
    assert int(re.findall(r"\d+", shown_words[fold])[0]) + kept == 60


def test_a_recording_is_the_final_content_of_the_terminal(tmp_path: Path) -> None:
    command = (
        r"printf 'half\r\033[2Kdone\n\033[2;31mfaint\033[0m \033[1;32mgood\033[0m\n'; stty size; echo $ETL_HOME/runs"
    )
    lines = shown(command, tmp_path)
    assert [line.plain for line in lines] == ["done", "faint good", f"50 {COLUMNS}", f"{SHOWN_HOME}/runs"]
    styles = {lines[1].plain[span.start : span.end]: str(span.style) for span in lines[1].spans}
    assert {text.strip(): style.split(" on ")[0] for text, style in styles.items() if text.strip()} == {
        "faint": "red",
        "good": "bold green",
    }
