"""Knows the pages of the documentation: where they are, their parts that a program writes, their headings and links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"

_PART = re.compile(r"(<!-- (?P<kind>generated|recorded): (?P<name>[^\n]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def pages() -> list[Path]:
    """Return every page of Markdown that is kept, README.md first."""
    others = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), ROOT / "benchmarks" / "README.md"]
    return [README, *sorted(set(others) - {README})]


def part_names(text: str, kind: str = "generated") -> list[str]:
    """Return the names of the parts of ``text`` that are between ``<!-- KIND: NAME -->`` and ``<!-- end -->``."""
    return [part["name"] for part in _PART.finditer(text) if part["kind"] == kind]


def with_parts(text: str, write: Callable[[str], str], kind: str = "generated") -> str:
    """Return ``text`` with what ``write`` returns for the name of each part of a ``kind`` in its place."""

    def rewritten(part: re.Match[str]) -> str:
        return f"{part[1]}{write(part['name'])}{part[4]}" if part["kind"] == kind else part[0]

    return _PART.sub(rewritten, text)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a ``language``."""
    return [block["text"] for block in _FENCED.finditer(text) if block["language"] == language]


def title(text: str) -> str:
    """Return the first heading of a page."""
    found = _HEADING.search(text)
    return found[1] if found else ""


def summary(text: str) -> str:
    """Return the first sentence below the first heading of a page."""
    paragraph = next((part for part in text.split("\n\n")[1:] if not part.startswith(("<", "#", "|"))), "")
    return re.split(r"(?<=\.)\s", " ".join(paragraph.split()), maxsplit=1)[0]


def anchors(text: str) -> set[str]:
    """Return the anchors that forges make of the headings of a page."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        plain = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        times = sum(known == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", known) is not None for known in found)
        found.add(f"{anchor}-{times}" if times else anchor)
    return found


def links(text: str) -> Iterator[tuple[str, str]]:
    """Yield path and anchor of each link that does not lead away; either may be empty."""
    yield from _LINK.findall(_FENCED.sub("", text))
