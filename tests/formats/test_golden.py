"""Every sample and every case with broken rows gives the same result as when it was last reviewed.

``ETL_GOLDEN=write pytest tests/formats/test_golden.py`` writes the results again: one file per format, one line per
row, without the columns that are null. Read the diff before committing it.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import EXTRACTED
from etl.extract.archive import InputFile
from etl.extract.companions import read_companions
from etl.formats import FORMATS, Companion, Format, ReadOptions, peek_at, recognise
from tests.formats.recount import RECOUNTS

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "data" / "samples"
CASES = HERE / "cases"
GOLDEN = HERE / "golden"


def folders_of(fmt: Format) -> tuple[Path, Path]:
    """Return where the format's samples and cases are."""
    return SAMPLES / fmt.sample, CASES / fmt.name


def files_of(fmt: Format) -> list[Path]:
    """Return the format's samples and cases, without their companions, in a fixed order."""
    files = [path for folder in folders_of(fmt) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in files if not isinstance(recognise(peek_at(path.name, path.read_bytes())), Companion)]


def read(fmt: Format, path: Path) -> pl.DataFrame:
    """Read a file with the companions next to it."""
    companions = read_companions(InputFile(str(path), path), fmt)
    return fmt.read(path.read_bytes(), ReadOptions(companions=companions))


SAMPLE_FILES = [path for fmt in FORMATS for path in files_of(fmt) if SAMPLES in path.parents]


def as_text(value: Any) -> Any:  # noqa: ANN401 (a cell of any column)
    return value.isoformat() if isinstance(value, datetime) else value


def result_of(fmt: Format) -> str:
    """Return the rows of the format's files, rejected ones with their location, as lines of JSON."""
    lines = []
    for path in files_of(fmt):
        data = path.read_bytes()
        frame = read(fmt, path)
        rejected = frame.filter(pl.col("reject").is_not_null())["row"].to_list()
        frame = frame.join(fmt.layout.locate(data, rejected), on="row", how="left", maintain_order="left")
        file = {"file": path.name}
        lines += [{**file, **{key: as_text(value) for key, value in row.items()}} for row in frame.to_dicts()]
        if frame.is_empty():
            lines.append({**file, "rows": 0})
    kept = ({key: value for key, value in line.items() if value is not None} for line in lines)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_files_read_as_recorded(fmt: Format) -> None:
    golden = GOLDEN / f"{fmt.name}.jsonl"
    result = result_of(fmt)
    if os.environ.get("ETL_GOLDEN") == "write":
        golden.write_text(result, encoding="utf-8")
    assert result.splitlines() == golden.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("path", SAMPLE_FILES, ids=lambda path: path.name)
def test_every_record_of_a_sample_is_counted_and_none_is_rejected(path: Path) -> None:
    fmt = recognise(peek_at(path.name, path.read_bytes()))
    assert isinstance(fmt, Format)
    records = RECOUNTS[fmt.name](path.read_bytes())
    frame = read(fmt, path)
    assert frame.height == records > 0
    assert frame["row"].to_list() == list(range(1, records + 1))
    assert frame.schema == EXTRACTED
    assert frame["reject"].null_count() == frame.height


@pytest.mark.parametrize("path", [path for fmt in FORMATS for path in files_of(fmt)], ids=lambda path: path.name)
def test_nothing_personal_leaves_a_reader(path: Path) -> None:
    fmt = recognise(peek_at(path.name, path.read_bytes()))
    assert isinstance(fmt, Format)
    frame = read(fmt, path)
    records = fmt.layout.locate(path.read_bytes(), frame["row"].to_list())
    shown = frame.write_json() + records.write_json()
    assert [word for word in ("192.0.2.17", "listener", "android", "client:") if word in shown] == []


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_a_detail_stays_short_and_every_reason_is_a_known_word(fmt: Format) -> None:
    frame = pl.concat([read(fmt, path) for path in files_of(fmt)])
    assert set(frame["skip"].drop_nulls()) <= {reason.value for reason in SkipReason}
    assert set(frame["reject"].drop_nulls()) <= {reason.value for reason in RejectReason}
    assert frame.filter(pl.col("skip").is_not_null() & pl.col("reject").is_not_null()).is_empty()
    lengths = frame["detail"].str.len_chars().drop_nulls().to_list()
    assert lengths
    assert max(lengths) <= 100
