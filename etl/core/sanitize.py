"""Sanitizes text from exports and paths, so that showing it cannot control a terminal or the direction of writing."""

from __future__ import annotations

import unicodedata

_ACTIVE = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (writing direction), lone surrogate, line, paragraph
_JOINERS = "\u200c\u200d"  # parts of words and emoji; no terminal acts on them


def sanitize(text: object) -> str:
    """Return ``text`` with every character replaced that a terminal acts on; ESC becomes ``␛``, for example."""
    return "".join(map(_sanitize_character, str(text)))


def is_active(char: str) -> bool:
    """Say whether a terminal acts on a character."""
    return unicodedata.category(char) in _ACTIVE and char not in _JOINERS


def _sanitize_character(char: str) -> str:
    if not is_active(char):
        return char
    return chr(0x2400 + ord(char)) if char < " " else "\ufffd"  # Unicode has pictures of the first 32


def display_path(path: object) -> str:
    """Return ``path`` as text that any frame and file can hold; bytes that are not UTF-8 become escapes."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
