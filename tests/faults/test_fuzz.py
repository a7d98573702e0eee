"""Hostile bytes: whatever a file holds, a reader returns rows that can be found again, or refuses the file."""

from __future__ import annotations

import json
import re
import time
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.core.errors import BrokenFileError, ExitCode
from etl.core.reasons import RejectReason, SkipReason
from etl.core.schema import EXTRACTED, LOCATIONS
from etl.formats import (
    COMPANIONS,
    FORMATS,
    OTHER_FILES,
    REFUSALS,
    Companion,
    Companions,
    Format,
    ReadOptions,
    Refusal,
    by_name,
    peek_at,
    recognise,
)
from tests.faults.mutate import as_text, damaged, reworded, strange
from tests.faults.record import record
from tests.faults.scarcity import run_etl
from tests.formats.test_golden import files_of, folders_of
from tests.helpers.disturbances import ROUNDS, inserted
from tests.helpers.support import load, query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.faults

FILES = 40
"""Of each kind, per format and round."""

OPTIONS = ReadOptions()
each_format = pytest.mark.parametrize("name", [fmt.name for fmt in FORMATS])
each_round = pytest.mark.parametrize("number", ROUNDS)


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@cache
def sound(name: str) -> list[bytes]:
    """Return the samples and cases of a format."""
    return [path.read_bytes() for path in files_of(by_name(name))]


@cache
def documents(name: str) -> list[Any]:
    """Return the samples that are one JSON document."""
    found = []
    for data in sound(name):
        try:
            found.append(json.loads(data))
        except ValueError:
            continue
    return found


@cache
def records(name: str) -> list[Any]:
    """Return the records in them, as far as they are mapped."""
    fmt = by_name(name)
    locations = [fmt.layout.locate(data, range(1, fmt.read(data, OPTIONS).height + 1)) for data in sound(name)]
    return [json.loads(text) for part in locations for text in part["record"].drop_nulls()]


def hostile(name: str, number: int, files: int = FILES) -> Iterator[tuple[str, bytes]]:
    """Yield hostile files of a format, each with the seed that reproduces it."""
    everything = [data for fmt in FORMATS for data in sound(fmt.name)]
    for place in range(files):
        seed = f"{name} {number} {place}"
        random = Random(seed)
        kin = sound(name) if random.random() < 0.8 else everything
        yield f"{seed} damaged", damaged(random.choice(sound(name)), kin, random)
        chosen = [as_text(reworded(random.choice(records(name)), random), random) for _ in range(random.randrange(6))]
        yield f"{seed} reworded", by_name(name).layout.document(chosen)
        if documents(name):
            document = random.choice(documents(name))
            for _ in range(random.choice((1, 2, 5, 20))):
                document = strange(document, random)
            yield f"{seed} strange", as_text(document, random).encode()


def check_file(fmt: Format, data: bytes) -> bool:
    """Check what must hold of every file, and say whether it was read at all."""
    for known in (peek_at("x", data), peek_at(fmt.file_names[0], data)):
        recognise(known)
    try:
        frame = fmt.read(data, OPTIONS)
    except BrokenFileError as error:
        reported = str(error)
        is_text = not re.search("[\ud800-\udfff]", reported)  # it goes into run.json
        assert is_text, ascii(reported)
        return False
    assert frame.schema == EXTRACTED
    assert frame["row"].to_list() == list(range(1, frame.height + 1))
    assert set(frame["skip"].drop_nulls()) <= {reason.value for reason in SkipReason}
    assert set(frame["reject"].drop_nulls()) <= {reason.value for reason in RejectReason}
    rejected = frame.filter(pl.col("reject").is_not_null())
    locations = fmt.layout.locate(data, rejected["row"].to_list())
    assert locations.schema == LOCATIONS
    assert locations["row"].to_list() == rejected["row"].to_list()
    assert locations.filter((pl.col("offset") < 0) | (pl.col("offset") + pl.col("length") > len(data))).is_empty()
    assert fmt.layout.locate(data, [0, -1, frame.height + 1, 2**31 - 1]).is_empty()
    kept = locations["record"].drop_nulls().to_list()
    if kept:  # as they are read when they are tried again without the file
        assert fmt.read(fmt.layout.document(kept), OPTIONS).height == len(kept)
    return True


@each_round
@each_format
def test_a_reader_answers_any_bytes_with_rows_or_refuses_the_file(name: str, number: int) -> None:
    read = total = 0
    for seed, data in hostile(name, number):
        try:
            read += check_file(by_name(name), data)
        except Exception as error:
            error.add_note(f"the file is made by hostile({name!r}, {number}): {seed}")
            raise
        total += 1
    assert read > 0
    record("fuzzing", files=total, read=read, refused=total - read)


@cache
def sound_companions(name: str) -> list[bytes]:
    """Return the samples and cases of a companion."""
    (companion,) = [one for one in COMPANIONS if one.name == name]
    folders = [folder for fmt in FORMATS if companion in fmt.companions for folder in folders_of(fmt)]
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path.read_bytes() for path in files if companion.recognise(peek_at(path.name, path.read_bytes()))]


@each_round
@pytest.mark.parametrize("companion", COMPANIONS, ids=lambda companion: companion.name)
def test_any_bytes_next_to_an_export_are_read_or_refused(companion: Companion, number: int) -> None:
    read = 0
    for place in range(FILES):
        random = Random(f"{companion.name} {number} {place}")
        data = damaged(random.choice(sound_companions(companion.name)), sound_companions(companion.name), random)
        try:
            companion.check(data)
        except BrokenFileError:
            continue
        read += 1
        options = ReadOptions(companions=Companions(((companion.name, data),), "some"))
        for fmt in (fmt for fmt in FORMATS if companion in fmt.companions):
            for export in sound(fmt.name):
                plain, completed = fmt.read(export, OPTIONS), fmt.read(export, options)
                assert completed.drop("artist", "reject", "detail").equals(plain.drop("artist", "reject", "detail"))
    assert read > 0
    record("fuzzing", files=FILES, read=read, refused=FILES - read)


PIECES = [b"\n", b" ", b"[", b'{"a":', b'"\n', b",", b"<track>", b"\t"]


@each_format
def test_the_time_to_read_a_file_grows_with_its_size_alone(name: str) -> None:
    """A reader with quadratic time takes minutes for these files instead of a moment."""
    fmt = by_name(name)
    located = [(data, fmt.layout.locate(data, [1])["offset"].to_list()) for data in sound(name)]
    data, at = max(
        ((data, offsets[0]) for data, offsets in located if offsets and offsets[0] is not None),
        key=lambda found: len(found[0]),
    )
    for piece in PIECES:
        begun = time.perf_counter()
        check_file(fmt, data[:at] + piece * (30_000 // len(piece)) + data[at:])
        assert time.perf_counter() - begun < 4, piece
    record("fuzzing", files=len(PIECES))


@each_format
def test_a_hundred_thousand_brackets_affect_only_their_record_or_file(name: str) -> None:
    opening, closing = (b"<a>", b"</a>") if name.endswith("xml") else (b'[{"a":', b"}]")
    data = next(data for data in sound(name) if data)
    half = len(data) // 2
    for hostile_data in (opening * 50_000, data[:half] + opening * 50_000 + closing * 50_000 + data[half:]):
        check_file(by_name(name), hostile_data)
    record("fuzzing", files=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of hostile files of all formats."""
    folder = tmp_path / "exports"
    for fmt in FORMATS:
        (folder / fmt.name).mkdir(parents=True)
        for place, (_, data) in enumerate(hostile(fmt.name, 0, 5)):
            (folder / fmt.name / fmt.file_names[0].replace("*", str(place))).write_bytes(data)
    return folder


def test_check_reads_a_folder_of_hostile_files_to_its_end(folder: Path) -> None:
    done = run_etl("check", folder, "--json")
    shown = run_etl("check", folder)
    files = sum(path.is_file() for path in folder.rglob("*"))
    assert (done.code, shown.code) == (ExitCode.INPUT, ExitCode.INPUT)
    assert len(done.json["files"]) == files
    assert {file["status"] for file in done.json["files"]} >= {"loaded", "refused"}
    record("fuzzing", checked=files)


def test_sound_files_among_hostile_ones_are_loaded_and_all_accounted_for(
    folder: Path, home: Path, database: str
) -> None:
    found = load(home, database, folder)
    counts = found["counts"]
    assert found["exit_code"] == ExitCode.INPUT
    assert (found["imbalances"], counts["failed"]) == ([], 0)
    assert counts["inserted"] == inserted(database) > 100
    assert counts["rejected"] > 100
    assert query(database, "SELECT count(*)::int FROM artists") > [(0,)]
    listed = run_etl("rejects", "list", home=home)
    assert listed.code == ExitCode.OK
    again = load(home, database, folder, force=True)
    assert (again["counts"]["inserted"], again["imbalances"]) == (0, [])


@each_format
def test_recognition_answers_any_bytes(name: str) -> None:
    entries: tuple[Format | Refusal | Companion, ...] = (*COMPANIONS, *FORMATS, *REFUSALS, *OTHER_FILES)
    known = {entry.name for entry in entries}
    for _, data in hostile(name, -1, 10):
        found = recognise(peek_at("some name", data))
        assert found is None or found.name in known
