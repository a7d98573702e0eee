"""Turns a file's bytes into UTF-8, and positions in it back into positions in the file."""

from __future__ import annotations

from typing import NamedTuple

from etl.core.errors import BrokenFileError

UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
EXPORT_AGAIN = "The download or copy was interrupted: export it again"

Span = tuple[int, int]


class Text(NamedTuple):
    """A document, or a part of one, as UTF-8."""

    body: bytes
    shift: int | None
    """Add it to a position in ``body`` to get the position in the file; ``None`` if the file is UTF-16."""
    origin: int = 0
    """Where ``body`` begins in the document, if it is a part."""
    has_more: bool = False
    """Whether more of the document follows ``body``: what ends there was not cut off by the end of the file."""


def to_utf8(data: bytes) -> Text:
    """Remove a byte order mark and turn UTF-16 into UTF-8.

    Half a surrogate pair in UTF-16 becomes bytes that are not UTF-8, so only its own record is rejected.
    """
    if data.startswith(UTF8_MARK):
        return Text(data[3:], 3)
    if not data.startswith(UTF16_MARKS):
        return Text(data, 0)
    try:
        return Text(data.decode("utf-16", "surrogatepass").encode("utf-8", "surrogatepass"), None)
    except UnicodeDecodeError as error:
        raise BrokenFileError("the file ends in the middle of a UTF-16 character", EXPORT_AGAIN) from error


def byte_number(text: Text, at: int) -> int:
    """Return the number that messages give to the position ``at`` of ``text.body``."""
    return text.origin + at + (text.shift or 0)


def cut_off(text: Text, where: str, row: int) -> BrokenFileError:
    """Return the error for a document that ends ``where`` ("inside" or "after") the record number ``row``."""
    end = byte_number(text, len(text.body))
    return BrokenFileError(
        f"the {'page' if text.has_more else 'file'} ends at byte {end} {where} record {row}", EXPORT_AGAIN
    )
