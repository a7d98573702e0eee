"""Every format is complete: a module, a sample, cases, a golden result."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from etl.core.schema import EXTRACTED
from etl.formats import (
    COMPANIONS,
    FORMATS,
    OTHER_FILES,
    PACKAGES,
    REFUSALS,
    SOURCES,
    Companion,
    Format,
    ReadOptions,
    Refusal,
    by_name,
    peek_at,
    preferences,
    recognise,
    sources_by_client,
)
from tests.formats.test_golden import files_of, read

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "data" / "samples"
MODULES = HERE.parents[1] / "etl" / "formats"
ENTRIES: tuple[Format | Refusal | Companion, ...] = (*COMPANIONS, *FORMATS, *REFUSALS)


def samples_of(fmt: Format) -> list[Path]:
    return [path for path in files_of(fmt) if SAMPLES / fmt.sample in path.parents]


each_format = pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)


@each_format
def test_module_is_named_after_the_format_and_source(fmt: Format) -> None:
    assert fmt is importlib.import_module(f"etl.formats.{fmt.name.replace('-', '_')}").FORMAT
    assert fmt.name.startswith(f"{fmt.source}-")


@each_format
def test_samples_are_recognised_by_one_format(fmt: Format) -> None:
    files = samples_of(fmt)
    assert files
    for path in files:
        peek = peek_at("some name", path.read_bytes())
        assert recognise(peek) is fmt
        assert [other.name for other in ENTRIES if other.recognise(peek)] == [fmt.name]


@each_format
def test_golden_result_covers_samples_and_cases(fmt: Format) -> None:
    golden = (HERE / "golden" / f"{fmt.name}.jsonl").read_text(encoding="utf-8")
    cases = list((HERE / "cases" / fmt.name).iterdir())
    assert cases
    for path in files_of(fmt):
        assert f'"file": "{path.name}"' in golden


@each_format
def test_texts_and_dates_of_a_format(fmt: Format) -> None:
    assert by_name(fmt.name) is fmt
    assert fmt.source in SOURCES
    assert fmt.title
    assert fmt.file_names
    assert fmt.how_to_get.endswith(".")
    assert datetime(1999, 1, 1, tzinfo=UTC) < fmt.earliest < datetime(2016, 1, 1, tzinfo=UTC)


@each_format
def test_client_of_every_listen(fmt: Format) -> None:
    clients = pl.concat([read(fmt, path) for path in samples_of(fmt)])["client"].unique().to_list()
    assert fmt.client is None or clients == [fmt.client]


def test_formats_of_one_source_agree() -> None:
    reported = {(fmt.source, fmt.preference, fmt.client, fmt.clock) for fmt in FORMATS}
    assert len(reported) == len(SOURCES) == len(set(preferences().values()))


def test_preferences_and_clients_of_sources() -> None:
    assert sorted(preferences(), key=preferences().__getitem__) == [
        "koito",
        "listenbrainz",
        "lastfm",
        "panoscrobbler",
        "librefm",
        "maloja",
        "rockbox",
        "spotify",
        "applemusic",
        "deezer",
        "youtubemusic",
    ]
    clients = {"lastfm", "panoscrobbler", "librefm", "maloja", "rockbox", "spotify"}
    clients |= {"applemusic", "deezer", "youtubemusic"}
    assert sources_by_client() == {client: client for client in clients}


@each_format
def test_an_empty_list_is_recognised_by_its_name_and_has_no_rows(fmt: Format) -> None:
    data = fmt.layout.document([])
    name = fmt.file_names[0].replace("*", "2019_1")
    assert recognise(peek_at(name.upper(), data)) is fmt
    frame = fmt.read(data, ReadOptions())
    assert frame.schema == EXTRACTED
    assert frame.is_empty()


def test_names_are_unique_and_modules_are_all_registered() -> None:
    names = [entry.name for entry in (*ENTRIES, *OTHER_FILES)]
    assert len(names) == len(set(names))
    registered = {fmt.name.replace("-", "_") for fmt in FORMATS}
    defining = {path.stem for path in MODULES.glob("*.py") if "\nFORMAT = " in path.read_text(encoding="utf-8")}
    assert defining == registered
    assert {package.source for package in PACKAGES} <= set(SOURCES)


@pytest.mark.parametrize("companion", COMPANIONS, ids=lambda companion: companion.name)
def test_a_companion_has_a_sample_that_nothing_else_recognises(companion: Companion) -> None:
    kinds = [fmt for fmt in FORMATS if companion in fmt.companions]
    folders = [SAMPLES / fmt.sample for fmt in kinds]
    peeks = [peek_at("x", path.read_bytes()) for folder in folders for path in folder.rglob("*") if path.is_file()]
    found = [[entry.name for entry in ENTRIES if entry.recognise(peek)] for peek in peeks if companion.recognise(peek)]
    assert found
    assert all(names == [companion.name] for names in found)
    assert {fmt.source for fmt in kinds} == {companion.source}
    assert companion.title


def test_samples_and_golden_results_have_formats() -> None:
    folders = [SAMPLES / fmt.sample for fmt in FORMATS]
    strays = [path for path in SAMPLES.rglob("*") if path.is_file() and not set(folders) & set(path.parents)]
    assert strays == []
    assert {path.stem for path in (HERE / "golden").iterdir()} == {fmt.name for fmt in FORMATS}
    assert {path.name for path in (HERE / "cases").iterdir()} == {fmt.name for fmt in FORMATS}


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        by_name("walkman")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("Playlist1.json", b'{"playlists":[{"name":"x"}]}'),
        ("notes.txt", b"just words"),
        ("empty", b""),
        ("odd-utf16.json", b"\xff\xfe[\x00]"),
    ],
)
def test_other_files_are_not_recognised(name: str, data: bytes) -> None:
    assert recognise(peek_at(name, data)) is None


@pytest.mark.parametrize(
    ("name", "data", "refusal"),
    [
        ("maloja_backup_2024_01_01.tar.gz", b"\x1f\x8b\x08", "maloja-backup"),
        ("malojadb.sqlite", b"SQLite format 3\x00", "maloja-backup"),
        ("x.json", b'[{"endTime":"2024-01-01 10:00","podcastName":"a","episodeName":"b"}]', "spotify-podcasts"),
        ("StreamingHistory_podcast_0.json", b"[]", "spotify-podcasts"),
        ("StreamingHistory_audiobook_0.json", b'[{"endTime":"x","audiobookName":"a"}]', "spotify-podcasts"),
    ],
)
def test_what_people_take_for_a_history_is_refused_with_advice(name: str, data: bytes, refusal: str) -> None:
    known = recognise(peek_at(name, data))
    assert isinstance(known, Refusal)
    assert known.name == refusal
    assert known.advice


def test_a_peek_sees_keys_in_utf16_and_behind_broken_records() -> None:
    text = '[{"ts": NaN, "broken\\q": }, {"ts":"2020-01-01T00:00:00Z","ms_played":1,"x":"not \\"a_key\\":"}'
    for data in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"), text.encode("utf-16")[:-1]):
        peek = peek_at("x", data)
        assert peek.shape == "["
        assert {"ts", "ms_played", "x"} <= peek.keys
        assert "a_key" not in peek.keys
        known = recognise(peek)
        assert isinstance(known, Format)
        assert known.name == "spotify-extended"
