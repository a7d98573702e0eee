"""Files that do not fit into memory are refused by name, and the others are loaded."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import BrokenFileError
from etl.extract.archive import InputFile
from etl.extract.discover import discover
from etl.extract.memory import SMALL, available_memory, check_fits, left_of_limit
from tests.cli.program import SAMPLES, etl
from tests.helpers.archives import zipped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

TERABYTE = 1 << 40
SAMPLE = SAMPLES / "spotify" / "extended" / "endsong_0.json"

# Reads the first file below a path in a process that may take 100 MB more than it has; each byte of it costs six.
READ_IN_100_MB = """
import resource, sys
from pathlib import Path
from etl.core.errors import BrokenFileError
from etl.extract.discover import discover
from etl.extract.memory import available_memory
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 100_000_000,) * 2)
try:
    print(len(discover([sys.argv[1]]).files[0].read(6)))
except BrokenFileError as error:
    print(error)
"""


def larger_than_memory(path: Path) -> Path:
    path.write_bytes(SAMPLE.read_bytes())
    os.truncate(path, TERABYTE)  # it takes no room on the disk
    return path


def test_a_file_larger_than_memory_is_refused_and_its_neighbours_are_read(tmp_path: Path) -> None:
    large = larger_than_memory(tmp_path / "a.json")
    (tmp_path / "b.json").write_bytes(SAMPLE.read_bytes())
    done = etl("check", tmp_path, "--json", home=tmp_path)
    assert done.code == 4
    refused, read = done.json["files"]
    assert (refused["status"], read["status"], read["counts"]["records"]) == ("refused", "loaded", 9)
    assert refused["reason"].startswith(f"{large} has 1,024.0 GB: reading it takes about 6,144.0 GB of memory, and ")
    assert "divide the file into smaller ones" in refused["reason"]


def test_a_workbook_larger_than_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deezer-data_1.xlsx"
    path.write_bytes(next((SAMPLES / "deezer" / "history").glob("*.xlsx")).read_bytes())
    os.truncate(path, TERABYTE)
    (refused,) = etl("check", path, "--json", home=tmp_path).json["files"]
    assert "has 1,024.0 GB" in refused["reason"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows how much a process has")
@pytest.mark.parametrize("kind", ["plain", "zip", "gzip", "lying gzip"])
def test_a_file_that_does_not_fit_into_what_is_left_is_refused(tmp_path: Path, kind: str) -> None:
    data = b"".join(json.dumps({"play": number, "of": "x" * (number % 60)}).encode() for number in range(500_000))
    assert len(data) > SMALL + 10_000_000
    path = tmp_path / "plays.json"
    if kind == "plain":
        path.write_bytes(data)
    elif kind == "zip":
        path = tmp_path / "plays.zip"
        path.write_bytes(zipped({"plays.json": data}))
    else:
        path = tmp_path / "plays.json.gz"
        path.write_bytes(gzip.compress(data, 1) + (gzip.compress(b"{}") if kind == "lying gzip" else b""))
    (file,) = discover([path]).files
    expected = len(data) + 2 * (kind == "lying gzip")
    assert len(file.read(6)) == expected
    done = subprocess.run(
        (sys.executable, "-c", READ_IN_100_MB, path), capture_output=True, text=True, check=False, timeout=120
    )
    least = SMALL + 1 if kind == "lying gzip" else len(data)
    reported = f"{file.path} has {least >> 20} MB: reading it takes about {6 * least >> 20} MB of memory, and "
    assert done.stdout.startswith(reported), done


def test_a_small_file_is_read_without_asking_how_much_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[]")
    assert InputFile("a.json", tmp_path / "a.json").read(TERABYTE) == b"[]"


def test_the_available_memory_is_less_than_the_limit_of_the_process() -> None:
    assert 0 < available_memory() < 1 << 50
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 20, before[1]))
    try:
        assert available_memory() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(("limit", "left"), [("1000000", 800_000), (str((1 << 63) - 4096), (1 << 63) - 4096)])
def test_what_a_container_has_cached_counts_as_available(tmp_path: Path, limit: str, left: int) -> None:
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("300000\n")
    (tmp_path / "memory.stat").write_text("anon 200000\nfile 100000\ninactive_file 100000\n")
    assert left_of_limit(tmp_path, "memory.max", "memory.current", "inactive_file") == left


def test_a_file_fits_up_to_the_last_byte() -> None:
    check_fits("a.json", 10, 6, 60)
    with pytest.raises(BrokenFileError, match=r"a\.json has"):
        check_fits("a.json", 10, 6, 59)
