"""Counts the records of a sound file again, by format name, with the standard library alone."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable


def json_list(data: bytes) -> int:
    return len(json.loads(data))


def json_list_under(*keys: str) -> Callable[[bytes], int]:
    def count(data: bytes) -> int:
        document = json.loads(data)
        return len(next(document[key] for key in keys if key in document))

    return count


def json_lines(data: bytes) -> int:
    """Count objects one by one: files that were joined may have two on a line."""
    text, count, decode = data.decode("utf-8-sig").strip(), 0, json.JSONDecoder().raw_decode
    while text:
        _, end = decode(text)
        text, count = text[end:].strip(), count + 1
    return count


def listenbrainz_pages(data: bytes) -> int:
    """Count the listens of API pages and submissions, one behind the other."""
    text, count, decode = data.decode("utf-8-sig").strip(), 0, json.JSONDecoder().raw_decode
    while text:
        page, end = decode(text)
        listens = page.get("payload", page)
        count += len(listens if isinstance(listens, list) else listens["listens"])
        text = text[end:].strip()
    return count


def _table(text: str, delimiter: str, quoting: Literal[0, 3]) -> int:
    rows = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, quoting=quoting)
    return sum(1 for row in rows if row)


def table_with_header(data: bytes) -> int:
    text = data.decode("utf-8-sig")
    header = text[: text.index("\n")]
    return _table(text, next(sign for sign in ";\t," if sign in header), csv.QUOTE_MINIMAL) - 1


def csv_lines(data: bytes) -> int:
    return _table(data.decode("utf-8-sig"), ",", csv.QUOTE_MINIMAL)


def tab_lines(data: bytes) -> int:
    return _table(data.decode(), "\t", csv.QUOTE_NONE)


def tab_lines_without_comments(data: bytes) -> int:
    return sum(1 for line in data.decode().split("\n") if line.strip() and not line.startswith("#"))


def table_behind_comments(data: bytes) -> int:
    """Count the rows of a table, which may have comment lines in front of its header."""
    lines = data.decode("utf-8-sig").splitlines(keepends=True)
    comments = sum(1 for line in lines if line.startswith(("#", "+ACM-")))
    return table_with_header("".join(lines[comments:]).encode())


def lastfm_pages(data: bytes) -> int:
    """Count the tracks of API pages: one by one, in arrays, one behind the other."""
    text, count, decode = data.decode("utf-8-sig").strip(), 0, json.JSONDecoder().raw_decode
    while text:
        document, end = decode(text)
        for page in document if isinstance(document, list) else [document]:
            tracks = page.get("recenttracks", page)["track"]
            count += len(tracks) if isinstance(tracks, list) else 1
        text = text[end:].strip()
    return count


def xml_tracks(data: bytes) -> int:
    return len(re.findall(r"<track[ >]", data.decode("utf-8-sig")))


def table_or_workbook(data: bytes) -> int:
    """Count the lines of a table, or the rows of the last sheet of a workbook, without the header."""
    if not data.startswith(b"PK"):
        return table_with_header(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = max(name for name in archive.namelist() if name.startswith("xl/worksheets/"))
        return archive.read(sheet).count(b"</row>") - 1


RECOUNTS: dict[str, Callable[[bytes], int]] = {
    "applemusic-activity": table_with_header,
    "deezer-history": table_or_workbook,
    "lastfm-csv": table_with_header,
    "lastfm-exporter": json_list,
    "lastfm-lastexport": tab_lines,
    "lastfm-lines": json_lines,
    "lastfm-list": json_list,
    "lastfm-minutes": csv_lines,
    "lastfm-pages": lastfm_pages,
    "lastfm-stats": json_list_under("scrobbles"),
    "lastfm-xml": xml_tracks,
    "librefm-table": table_behind_comments,
    "koito-export": json_list_under("listens"),
    "listenbrainz-array": json_list,
    "listenbrainz-lines": json_lines,
    "listenbrainz-pages": listenbrainz_pages,
    "maloja-export": json_list_under("scrobbles", "list"),
    "maloja-tsv": tab_lines,
    "panoscrobbler-csv": table_with_header,
    "panoscrobbler-lines": json_lines,
    "rockbox-log": tab_lines_without_comments,
    "spotify-account": json_list,
    "youtubemusic-history": json_list,
    "spotify-csv": table_with_header,
    "spotify-extended": json_list,
}
