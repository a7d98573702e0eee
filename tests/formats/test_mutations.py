"""Damaged samples: every reader refuses a file by name or accounts for every row; none crashes."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.progress import NullProgress
from etl.core.schema import FileStatus
from etl.core.settings import RunSettings
from etl.extract.archive import InputFile
from etl.extract.extractor import extractor
from etl.extract.reader import Decoded, FileReader, Opened
from etl.formats import FORMATS
from tests.formats.test_golden import files_of
from tests.helpers.examples import TIMES

if TYPE_CHECKING:
    from etl.formats import Format

EACH = 12 * TIMES
CORPUS = Path(__file__).with_name("corpus.jsonl")
"""Files of at most 250 bytes, each of which reached lines or branches that no other did, when libFuzzer mutated the
samples for about an hour (package atheris, which the project does not depend on).
"""
TOKENS = [
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\r\n", b"\t", b" ", b";", b"#", b"<", b">", b"'", b"="),
    *(b"null", b"true", b"[]", b"{}", b'""', b"NaN", b"1e999", b"-1", b"0", b"99999999999999999999"),
    *(b"\0", b"\x1f", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc2\xa0", b"\xf0\x9f\x98\x80", b"\\ud800", b"\\u0000"),
    *(b"&amp;", b"&#0;", b"<![CDATA[", b"]]>", b"sep=;\n", b'"a":1,', b"2020-13-45", b"9999-12-31T23:59:59Z"),
]
ENCODINGS = ["utf-16", "utf-16-le", "latin-1", "cp1252"]


def damaged(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """Return ``data`` after one to six edits."""
    for _ in range(draw.choice([1, 1, 2, 3, 6])):
        at = draw.randrange(len(data) + 1)
        end = at + draw.choice([1, 1, 2, 5, 20, 100])
        other = draw.choice(others)
        part = draw.randrange(len(other) + 1)
        data = draw.choice(
            [
                data[:at] + data[end:],
                data[:at],
                data[min(at, 200) :],
                data[:at] + draw.choice(TOKENS) + data[at:],
                data[:at] + draw.choice(TOKENS) + data[end:],
                data[:at] + data[at:end] * 3 + data[end:],
                data[:at] + other[part : part + 300] + data[at:],
                data.decode("utf-8", "replace").encode(draw.choice(ENCODINGS), "replace"),
            ]
        )
    return data


def check(path: Path) -> None:
    """Read a file as a run does: it is refused with a reason, or every row is numbered and normalised."""
    every = extractor(RunSettings(), datetime(2026, 1, 1, tzinfo=UTC), lambda *_: False, NullProgress())
    reader = FileReader(every.source, every.options)
    opened = reader.open(InputFile(str(path), path))
    if not isinstance(opened, Opened):
        assert opened.reason
        return
    decoded = reader.decode(opened)
    if not isinstance(decoded, Decoded):
        assert decoded.reason
        return
    assert decoded.rows["row"].to_list() == list(range(1, decoded.rows.height + 1)), path
    (result,) = every.normalize([decoded])
    assert result.status is FileStatus.LOADED, (path, result.reason)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_a_damaged_file_is_refused_or_every_row_is_accounted_for(fmt: Format, tmp_path: Path) -> None:
    draw = random.Random(fmt.name)
    samples = files_of(fmt)
    contents = [path.read_bytes() for path in samples]
    for number in range(EACH):
        sample = number % len(samples)
        path = tmp_path / f"{number}" / samples[sample].name
        path.parent.mkdir()
        path.write_bytes(damaged(contents[sample], contents, draw))
        check(path)


def test_small_files_that_fuzzing_found_are_refused_or_accounted_for(tmp_path: Path) -> None:
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        found = json.loads(line)
        path = tmp_path / found["name"]
        path.write_bytes(base64.b64decode(found["base64"]))
        check(path)
