"""Reads a sheet of an Excel workbook (.xlsx) as CSV, so that a workbook and a sheet saved from it are read alike.

A workbook is a zip of XML files. The reader library trusts the sizes and positions in them, so a few bytes can make it
use all memory. Both are checked first: how much the zip unpacks to, and where its cells are.
"""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
import zlib
from datetime import datetime

from python_calamine import CalamineError, CalamineWorkbook

from etl.core.errors import BrokenFileError

MAX_BYTES = 1 << 30
"""Unpacked: ten times what the fullest sheet of a listening history takes."""
RATIO = 200
SMALL = 1 << 24
"""A workbook that unpacks to less is read whatever its ratio."""

_SHEETS = "xl/workbook.xml"
_FIRST_MEMBER = re.compile(rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/|docProps/|xl/)", re.DOTALL)
_SHEET_NAME = re.compile(r"""<(?:\w+:)?sheet\s[^>]*?\bname\s*=\s*(?:"([^"]*)"|'([^']*)')""")
# The address of a cell beyond column Z or Excel's last row: the library makes room for all cells before it.
_FAR_CELL = re.compile(rb"""\br\s*=\s*["'](?:[A-Za-z]{2,}\d|[A-Za-z]?(?:[2-9]\d{6}|1[1-9]\d{5}|10[5-9]\d{4}|\d{8}))""")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError, KeyError)
_AGAIN = "It may be damaged or cut off. Download it again, or save the sheet as CSV and give that"


def is_workbook(head: bytes) -> bool:
    """Say whether a file is an Excel workbook and not another zip, by the name of the first file in it.

    Other Office documents also pass this check, but have no sheets.
    """
    return _FIRST_MEMBER.match(head) is not None


def sheet_names(data: bytes) -> tuple[str, ...]:
    """Return the names of the sheets of a workbook; none if it is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_size(archive, len(data))
            text = archive.read(_SHEETS).decode("utf-8", "replace")
    except (BrokenFileError, *_DAMAGED):
        return ()
    return tuple(html.unescape(found[1] or found[2] or "") for found in _SHEET_NAME.finditer(text))


def sheet_as_csv(data: bytes, name: str) -> bytes:
    """Return the sheet called ``name`` as CSV in UTF-8, without blank rows.

    Raises ``BrokenFileError`` if it cannot be read.
    """
    _check(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        rows = workbook.get_sheet_by_name(name).iter_rows()
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(map(_as_text, cells) for cells in rows if any(cells))
    except (CalamineError, ValueError, OverflowError) as error:
        raise BrokenFileError(f"it is not a workbook that can be read: {error}", _AGAIN) from error
    return text.getvalue().encode("utf-8", "surrogatepass")


def _check(data: bytes) -> None:
    """Raise ``BrokenFileError`` unless every file in the workbook is sound and all cells are where a table has them."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_size(archive, len(data))
            for info in archive.infolist():
                # ``read`` raises if there is more than the directory states, which limits what the library unpacks.
                if _FAR_CELL.search(archive.read(info)):
                    raise BrokenFileError(
                        "a sheet of the workbook has more columns or rows than a listening history",
                        "Save the sheet with the history as CSV and give that",
                    )
    except _DAMAGED as error:
        raise BrokenFileError(f"it is not a workbook that can be read: {error}", _AGAIN) from error


def _check_size(archive: zipfile.ZipFile, packed: int) -> None:
    size = sum(info.file_size for info in archive.infolist())
    if size > MAX_BYTES or size > max(SMALL, RATIO * packed):
        raise BrokenFileError(
            f"the workbook grows from {packed:,} to {size:,} bytes when it is unpacked, which no export does",
            "Save the sheet with the history as CSV and give that",
        )


def _as_text(cell: object) -> str:
    """Return a cell as the service writes it into a CSV: times without a T, whole numbers without a point."""
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
