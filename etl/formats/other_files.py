"""Recognises files that are not exports: error responses, web pages, archives, spreadsheets, databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.formats.base import Peek, Refusal, name_matches
from etl.formats.other_services import is_database
from etl.parsers.error_response import error_response

if TYPE_CHECKING:
    from collections.abc import Callable

_ARCHIVES = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x04\x22\x4d\x18": "LZ4",
    b"LZIP": "lzip",
    b"\x1f\x9d": "compress",
    b"\x1f\x8b": "gzip",
    b"MSCF": "cabinet",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
"""The first bytes of archives that are not opened. A zip or gzip file is one if its name says something else."""
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SHEETS = ("*.xlsx", "*.xlsm", "*.xls", "*.xlsb", "*.ods", "*.numbers")
_DOCUMENTS = ("*.docx", "*.odt", "*.pptx", "*.odp", "*.epub", "*.jar", "*.apk", "*.pages", "*.key", "*.doc", "*.ppt")
_MEDIA = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*", b"%PDF-", b"ID3", b"fLaC"),
    *(b"OggS", b"\x7fELF", b"MZ\x90", b"\xca\xfe\xba\xbe", b"\x1aE\xdf\xa3", b"{\\rtf"),
)
_PAGES = (b"<!doctype html", b"<html")


def _is_web_page(peek: Peek) -> bool:
    return peek.head.lstrip().lower().startswith(_PAGES)


def _is_named_page(peek: Peek) -> bool:
    return _is_web_page(peek) and name_matches(peek.name, ("*.htm", "*.html", "*.xhtml"))


def _is_sheet(peek: Peek) -> bool:
    return peek.head.startswith((b"PK", _OLD_OFFICE)) and name_matches(peek.name, _SHEETS)


def _is_media(peek: Peek) -> bool:
    is_document = peek.head.startswith((b"PK", _OLD_OFFICE)) and name_matches(peek.name, _DOCUMENTS)
    return peek.head.startswith(_MEDIA) or peek.head[4:8] == b"ftyp" or is_document


def _archive(peek: Peek) -> str:
    return next((kind for magic, kind in _ARCHIVES.items() if peek.head.startswith(magic)), "")


def _other(
    name: str,
    title: str,
    recognise: Callable[[Peek], bool],
    advice: str,
    *,
    quote: Callable[[Peek], str] = lambda _: "",
    harmless: bool = True,
) -> Refusal:
    return Refusal(name, None, title, recognise, advice, harmless, quote=quote)


OTHER_FILES = (
    _other(
        "error-answer",
        "Error response from an API",
        lambda peek: error_response(peek.head) is not None,
        "It was saved instead of the data: download it again",
        quote=lambda peek: f" ({error_response(peek.head)})",
        harmless=False,
    ),
    _other("web-page", "Web page (HTML)", _is_named_page, "It is not an export"),
    _other(
        "web-page-under-another-name",
        "Web page (HTML) under another name",
        _is_web_page,
        "An error page or a login page was saved instead of the data: download it again",
        harmless=False,
    ),
    _other(
        "spreadsheet",
        "Spreadsheet",
        _is_sheet,
        "If it holds plays, give the export that it was made from, or save the sheet as CSV (UTF-8) and give that",
    ),
    _other("media", "Picture, music, document or program", _is_media, "It is not an export"),
    _other(
        "archive",
        "Archive that is not opened",
        lambda peek: bool(_archive(peek)),
        "Unpack it first, and give the folder",
        quote=lambda peek: f" ({_archive(peek)})",
    ),
    _other(
        "database",
        "SQLite database of another program",
        is_database,
        "It is not an export. If the program has an export of its history, use that",
    ),
)
"""Recognised after every format by content, and before the names of formats."""
