"""Files are read ahead and normalised together, and each gives the same rows as if it had been read alone."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from etl.core.schema import FileStatus
from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.extract import prefetch
from etl.extract.archive import InputFile
from etl.extract.discover import Discovered, discover
from etl.extract.extractor import Extractor
from etl.formats import ReadOptions
from etl.normalize.listens import Rules
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from etl.extract.rows import FileResult

RULES = Rules(datetime(2024, 1, 1, tzinfo=UTC), compile_separators(DEFAULT_SEPARATORS))
FRAMES = ("listens", "skipped", "rejects", "not_counted")

NAME = st.sampled_from(
    ["Mossrose", "mossrose", "Kari Mo · LiLa", "Kari Mo (feat. LiLa)", " Brimdís\t", "", "\0", "x" * 2001]
)
TIME = st.sampled_from(["2020-01-01T10:00:00Z", "2020-01-01T10:00:01Z", "2035-01-01T00:00:00Z", "soon"])
PLAY = st.builds(
    lambda time, ms, artist, track: {
        "ts": time,
        "ms_played": ms,
        "master_metadata_album_artist_name": artist,
        "master_metadata_track_name": track,
    },
    TIME,
    st.sampled_from([200_000, 1_000, "long"]),
    NAME,
    NAME,
)
SCROBBLE = st.builds(
    lambda time, artist, track: {"time": time, "track": {"artists": [artist], "title": track}},
    st.sampled_from([1_577_872_800, 1_577_872_801, 0, None]),
    NAME,
    NAME,
)
FILE = (
    st.lists(PLAY, min_size=1, max_size=4)
    | st.builds(lambda rows: {"scrobbles": rows}, st.lists(SCROBBLE, min_size=1, max_size=4))
    | st.sampled_from(["no export", {"scrobbles": "none"}])
)


def extractor(**changes: Any) -> Extractor:  # noqa: ANN401 (any field)
    return replace(Extractor("auto", ReadOptions(spotify_plays="trackdone"), RULES, lambda *_: False), **changes)


def same(ours: FileResult, alone: FileResult) -> bool:
    frames = all(getattr(ours, name).equals(getattr(alone, name)) for name in FRAMES)
    values = ("path", "status", "reason", "sha256", "format", "cleaned")
    return frames and all(getattr(ours, name) == getattr(alone, name) for name in values)


def written(folder: Path, contents: Sequence[Any]) -> Discovered:
    for number, content in enumerate(contents):
        (folder / f"{number:03}.json").write_text(json.dumps(content), encoding="utf-8")
    return discover([folder])


def play(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    names = {"master_metadata_album_artist_name": "Mossrose", "master_metadata_track_name": "Telefon"}
    return {"ts": "2020-01-01T10:00:00Z", "ms_played": 200_000, "reason_end": "trackdone", **names, **fields}


@examples(10)
@given(st.lists(FILE, min_size=1, max_size=5), st.sampled_from([1, 300, 1 << 30]))
def test_files_together_come_out_as_each_alone(
    tmp_path_factory: pytest.TempPathFactory, contents: list[Any], together: int
) -> None:
    found = written(tmp_path_factory.mktemp("files"), contents)
    results = replace(extractor(), together=together).extract(found)
    assert [result.path for result in results] == [file.path for file in found.files]
    for file, result in zip(found.files, results, strict=True):
        (alone,) = extractor().extract(Discovered([file], [], []))
        assert same(result, alone)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_row_rejected_late_has_its_location(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "Streaming_History_Audio_2020_0.json"
    text = json.dumps([play(), play(ts="2035-01-01T00:00:00Z"), play(ms_played="long"), play()])
    path.write_text(text, encoding="utf-8")
    if zipped:
        with zipfile.ZipFile(tmp_path / "my_spotify_data.zip", "w") as archive:
            archive.write(path, path.name)
        path = tmp_path / "my_spotify_data.zip"
    (result,) = extractor().extract(discover([path]))
    assert result.rejects["reason"].to_list() == ["time_in_future", "wrong_type"]
    for offset, length, record in result.rejects.select("offset", "length", "record").rows():
        assert json.loads(text[offset : offset + length]) == json.loads(record)
    assert result.listens.height == 2


@dataclass(frozen=True)
class WatchedFile(InputFile):
    """Records when it is read; its content changes between readings if ``contents`` do."""

    contents: Sequence[bytes] = ()
    reads: list[str] = field(default_factory=list)

    def read(self, cost: int = 1) -> bytes:
        assert cost > 1
        self.reads.append(self.path)
        return self.contents[min(self.reads.count(self.path), len(self.contents)) - 1]


def watched(path: Path, name: str, reads: list[str], *contents: list[dict[str, Any]]) -> WatchedFile:
    data = [json.dumps(content).encode() for content in contents]
    (path / name).write_bytes(data[0])
    return WatchedFile(name, path / name, contents=data, reads=reads)


def test_a_file_that_changes_between_two_readings_is_refused(tmp_path: Path) -> None:
    late = play(ts="2035-01-01T00:00:00Z")
    file = watched(tmp_path, "a.json", [], [play(), late], [play(), play(), late])
    (result,) = extractor().extract(Discovered([file], [], []))
    assert result.status is FileStatus.REFUSED
    assert "was changed while it was read" in result.reason
    assert result.records == 0


@pytest.mark.parametrize("at_once", [1, 1 << 26])
def test_files_are_read_ahead_as_many_as_fit_and_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(prefetch, "BYTES_AT_ONCE", at_once)
    reads: list[str] = []
    files: list[InputFile] = [
        watched(tmp_path, f"{number}.json", reads, [play(ms_played="long")]) for number in range(9)
    ]
    asked: list[str] = []
    further: list[int] = []

    def is_known(path: str, *_: object) -> bool:
        asked.append(path)
        further.append(len(reads) - len(asked))
        return path == "3.json"

    results = extractor(is_known=is_known).extract(Discovered(files, [], []))
    assert [result.status for result in results].count(FileStatus.KNOWN) == 1
    assert sorted(asked) == sorted(reads) == [file.path for file in files]
    assert max(further) < (1 if at_once == 1 else prefetch.THREADS)
