"""The ListenBrainz export as people have it: zipped, zipped twice, unpacked, joined, cut off."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import BrokenFileError
from etl.core.separators import compile_separators
from etl.extract.discover import discover
from etl.extract.extractor import Extractor
from etl.formats import ReadOptions, listenbrainz_lines
from etl.normalize.listens import Rules

if TYPE_CHECKING:
    from pathlib import Path

    from etl.extract.rows import FileResult

RULES = Rules(datetime(2026, 1, 1, tzinfo=UTC), compile_separators(""))
OTHERS = {
    "user.json": b'{"user_id":1,"username":"someone"}\n',
    "feedback.jsonl": b'{"score": 1, "created": 1700000000, "recording_mbid": null, "recording_msid": "x"}\n',
    "pinned_recording.jsonl": b'{"created": 1, "pinned_until": 2, "blurb_content": "x", "recording_mbid": null}\n',
}


def month(year: int, number: int, count: int, end: str = "\n") -> bytes:
    """Return a file of the export with ``count`` listens."""
    first = int(datetime(year, number, 1, tzinfo=UTC).timestamp())
    listens = [
        {"listened_at": first + n, "track_metadata": {"artist_name": "Kari Mo", "track_name": f"Song {n}"}}
        for n in range(count)
    ]
    return "".join(json.dumps(listen) + end for listen in listens).encode()


MONTHS = {"listens/2023/12.jsonl": month(2023, 12, 3), "listens/2024/1.jsonl": month(2024, 1, 2)}


def extract(*paths: Path) -> dict[str, FileResult]:
    """Return what becomes of every file, by the last two parts of its path."""
    extractor = Extractor("auto", ReadOptions(), RULES, lambda *_: False)
    return {
        "/".join(result.path.replace("!", "/").split("/")[-2:]): result for result in extractor.extract(discover(paths))
    }


def summary(results: dict[str, FileResult]) -> dict[str, Any]:
    return {
        name: (result.status.value, result.listens.height, result.rejects.height) for name, result in results.items()
    }


@pytest.mark.parametrize("wrapped", ["", "listenbrainz_someone_1700000000/"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_read_with_or_without_a_folder_around_it(tmp_path: Path, wrapped: str, method: int) -> None:
    path = tmp_path / "listenbrainz_someone_1700000000.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(f"{wrapped}listens/", b"")
        for name, data in {**MONTHS, **OTHERS}.items():
            archive.writestr(wrapped + name, data)
    results = {name.split("/")[-1]: row for name, row in summary(extract(path)).items()}
    assert results == {
        "12.jsonl": ("loaded", 3, 0),
        "1.jsonl": ("loaded", 2, 0),
        "user.json": ("left_aside", 0, 0),
        "feedback.jsonl": ("left_aside", 0, 0),
        "pinned_recording.jsonl": ("left_aside", 0, 0),
    }


def test_an_unpacked_export_and_joined_files_are_read(tmp_path: Path) -> None:
    for name, data in {
        **MONTHS,
        "all.jsonl": b"".join(MONTHS.values()),
        "2.jsonl": month(2024, 2, 2, "\r\n\n"),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    results = extract(tmp_path)
    assert [(name, result.listens.height) for name, result in results.items()] == [
        (f"{tmp_path.name}/2.jsonl", 2),
        (f"{tmp_path.name}/all.jsonl", 5),
        ("2023/12.jsonl", 3),
        ("2024/1.jsonl", 2),
    ]


def test_file_that_was_cut_off_keeps_its_listens(tmp_path: Path) -> None:
    data = month(2024, 3, 3)
    (tmp_path / "3.jsonl").write_bytes(data[:-20])
    result = extract(tmp_path)[f"{tmp_path.name}/3.jsonl"]
    assert (result.status.value, result.listens.height) == ("loaded", 2)
    (reject,) = result.rejects.to_dicts()
    assert (reject["row"], reject["reason"]) == (3, "malformed")
    assert reject["detail"] == f"the file ends at byte {len(data) - 20}, inside this record: it was cut off"
    assert (reject["offset"], reject["length"]) == (2 * len(data) // 3, len(data) // 3 - 20)
    assert reject["record"] is None


def test_location_and_fields_of_a_rejected_listen() -> None:
    bad = {
        "user_name": "someone",
        "listened_at": None,
        "track_metadata": {
            "artist_name": "Kari Mo",
            "additional_info": {"ip": "192.0.2.1", "duration": 5},
            "mbid_mapping": {"caa_id": 1, "artists": [{"artist_credit_name": "Kari Mo", "join_phrase": ""}]},
        },
    }
    data = month(2024, 1, 1) + json.dumps(bad).encode() + b"\n"
    (place,) = listenbrainz_lines.LAYOUT.locate(data, [2]).to_dicts()
    assert json.loads(data[place["offset"] :][: place["length"]]) == bad
    assert json.loads(place["record"]) == {
        "listened_at": None,
        "track_metadata": {
            "artist_name": "Kari Mo",
            "additional_info": {"duration": 5},
            "mbid_mapping": {"artists": [{"artist_credit_name": "Kari Mo"}]},
        },
    }


def test_listens_over_several_lines_are_refused() -> None:
    listen = json.loads(month(2024, 1, 1))
    with pytest.raises(BrokenFileError, match="several lines") as refused:
        listenbrainz_lines.read_lines(json.dumps(listen, indent=2).encode(), ReadOptions())
    assert "one" in refused.value.hint or "own" in refused.value.hint
