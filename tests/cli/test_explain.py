"""``etl explain`` says what became of each row and why, and rejects a place that names no row."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import EtlError, ExitCode, InputError, SettingsError
from etl.core.schema import LIKELY_DOUBLES, RUN_FILES
from etl.runs.directory import RunDirectory, list_runs
from etl.runs.explain import Explanation, explain, find_file, parse_place
from tests.cli.program import etl
from tests.conftest import lasting_database
from tests.helpers.disturbances import forbid_alias
from tests.helpers.koito_actions import key_ids
from tests.helpers.services import Listen, write
from tests.helpers.support import execute, load, play, scrobble, write_maloja, write_spotify

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = "\x1b]0;owned\x07\x1b[31m\u202e\x9b2J [red]X[/red]"


@dataclass(frozen=True)
class LoadedRun:
    """A run in which every outcome occurs, after two earlier runs; one that found a file known, and a dry run."""

    home: Path
    uri: str
    folder: Path
    manifest: dict[str, Any]

    @property
    def run(self) -> RunDirectory:
        return RunDirectory(Path(self.manifest["run_dir"]))

    def explain(self, place: str) -> Explanation:
        return explain(self.run, self.home / "runs", place)


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedRun]:
    with lasting_database(request) as uri:
        home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("exports")
        execute(uri, "INSERT INTO users (username, password) VALUES ('bo', '')")
        write_maloja(folder / "known.json", [scrobble(1, ["Ann"], "Old"), scrobble(5, [""], "x")])
        load(home, uri, folder / "known.json", user="admin", doubles="keep")
        of_bo = write_maloja(tmp_path_factory.mktemp("bo") / "bo.json", [scrobble(9, ["Ann"], "Others")])
        load(home, uri, of_bo, user="bo")
        write_maloja(
            folder / "maloja_export.json",
            [
                scrobble(1, ["Ann"], "Old"),
                scrobble(2, ["Ann"], "New", "First", 180),
                scrobble(2, ["Ann"], "New", "First", 180),
                scrobble(3, ["Bo"], "Forbidden"),
                scrobble(4, [" "], "No artist"),
                scrobble(5, [HOSTILE], HOSTILE) | {"time": "soon"},
                scrobble(9, ["Ann"], "Others"),
                scrobble(1000, ["Cy"], "Twice"),
                scrobble(6, [HOSTILE], HOSTILE, HOSTILE),
            ],
        )
        plays = [play(7, "Ann", "Short", ms=900, reason_end="fwdbtn"), play(1200, "Cy", "Twice")]
        write_spotify(folder / "Streaming_History_Audio_2020.json", plays)
        write(folder, "lastfm", [Listen(1_577_836_802, ("Ann",), "New", None)])
        (folder / "notes.txt").write_text("nothing")
        (folder / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
        forbid_alias(uri, "Forbidden")
        yield LoadedRun(home, uri, folder, load(home, uri, folder, user="admin", doubles="keep"))


VERDICTS = {
    "maloja_export.json:1": ("already_present", "already present: the database had this track at this second before"),
    "maloja_export.json:2": ("inserted", "inserted: the database did not have it"),
    "maloja_export.json:3": ("duplicate_in_input", "duplicate in the input: the same track at the same second as {}:2"),
    "maloja_export.json:4": ("unresolved", "unresolved, so it is not in the database: its key could not be resolved:"),
    "maloja_export.json:5": ("rejected", "rejected: missing_artist, no artist, or a blank one"),
    "maloja_export.json:6": (
        "rejected",
        "rejected: wrong_type, a field has the wrong type, or the record is not an object",
    ),
    "maloja_export.json:7": ("already_present", "already present: the database has it for another user"),
    "Audio_2020.json:1": ("skipped", "skipped: too_short, played for less than 30 s and not to the end"),
    "recenttracks-someone-1704067200.json:1": (
        "duplicate_in_input",
        "duplicate in the input: the same listen as {}:2",
    ),
    "Audio_2020.json:2": ("inserted", "inserted: the database did not have it; likely a double of {}:8. Evidence: "),
}


@pytest.mark.parametrize("place", VERDICTS)
def test_every_outcome_is_explained_with_its_reason(place: str, loaded: LoadedRun) -> None:
    found = loaded.explain(place)
    verdict, meaning = VERDICTS[place]
    assert found.verdict == verdict
    assert found.meaning.startswith(meaning.format(loaded.folder / "maloja_export.json"))
    assert f"{found.file}:{found.row}".endswith(place)
    assert (found.run_id, found.known_to) == (loaded.manifest["run_id"], None)


def test_every_outcome_occurs_here(loaded: LoadedRun) -> None:
    """This ensures that each row of a real run has an explanation."""
    explained = {verdict for verdict, _ in VERDICTS.values()}
    outcomes = ("skipped", "rejected", "duplicate_in_input", "already_present", "inserted", "unresolved")
    assert {name for name in outcomes if loaded.manifest["counts"][name]} == explained == set(outcomes)


def test_a_listen_comes_with_its_key_and_ids(loaded: LoadedRun) -> None:
    rows = loaded.explain("maloja_export.json:2").rows
    ids = key_ids(loaded.uri, "Ann", "New", "First")
    key, listen, outcome = rows["keys"], rows["listens"], rows["outcome"]
    assert key
    assert listen
    assert outcome
    assert (key["artist_id"], key["album_id"], key["track_id"]) == ids
    assert (key["status"], key["spellings"], key["listens"]) == ("resolved", ["Ann / New / First"], 2)
    assert (listen["track"], listen["duration"], listen["client"]) == ("New", 180, "maloja")
    assert outcome["track_id"] == ids[2]
    assert rows["skipped"] is rows["rejects"] is None


def test_the_original_of_a_duplicate_is_named(loaded: LoadedRun) -> None:
    counted = f"{loaded.folder}/maloja_export.json:2"
    assert loaded.explain("maloja_export.json:3").duplicate_of == counted
    assert loaded.explain("1704067200.json:1").duplicate_of == counted
    assert loaded.explain("maloja_export.json:2").duplicate_of is None


def test_a_rejected_row_comes_with_its_place_and_its_fields(loaded: LoadedRun) -> None:
    rejected = loaded.explain("maloja_export.json:6").rows["rejects"]
    assert rejected
    data = (loaded.folder / "maloja_export.json").read_bytes()
    piece = json.loads(data[rejected["offset"] : rejected["offset"] + rejected["length"]])
    assert piece["time"] == "soon"
    assert json.loads(rejected["record"])["track"]["title"] == HOSTILE
    assert rejected["detail"].startswith("time: ")


def test_a_row_of_a_known_file_is_explained_from_the_run_that_loaded_it(loaded: LoadedRun) -> None:
    first, of_bo, *_ = list_runs(loaded.home / "runs")
    for place, verdict in (("known.json:1", "inserted"), ("known.json:2", "rejected")):
        found = loaded.explain(place)
        assert (found.verdict, found.run_id, found.known_to) == (verdict, first.run_id, loaded.manifest["run_id"])
    done = etl("explain", loaded.manifest["run_id"], "known.json:1", home=loaded.home)
    assert f"known to run {loaded.manifest['run_id']}; this is what run {first.run_id} did" in done.err
    with pytest.raises(InputError, match=r"known\.json has no row 3"):
        loaded.explain("known.json:3")
    assert of_bo.run_id != first.run_id


def test_a_known_file_whose_run_was_removed_is_an_error(loaded: LoadedRun, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no earlier run") as refused:
        explain(loaded.run, tmp_path, "known.json:1")
    assert "--force" in refused.value.hint


def test_a_dry_run_says_would(loaded: LoadedRun, tmp_path: Path) -> None:
    path = write_maloja(tmp_path / "new.json", [scrobble(77, ["Ann"], "Next")])
    dry = load(loaded.home, loaded.uri, path, dry_run=True, user="admin")
    run = RunDirectory(Path(dry["run_dir"]))
    assert explain(run, run.path.parent, "new.json:1").meaning.startswith("would be inserted")


@pytest.mark.parametrize(
    ("place", "kind", "texts"),
    [
        ("maloja_export.json", SettingsError, ["is not a row", "FILE:ROW"]),
        ("maloja_export.json:", SettingsError, ["is not a row"]),
        ("maloja_export.json:x", SettingsError, ["is not a row"]),
        ("maloja_export.json:0", SettingsError, ["is not a row", "from 1"]),
        ("maloja_export.json:-1", SettingsError, ["is not a row"]),
        (":3", SettingsError, ["is not a row"]),
        ("maloja_export.json:10", InputError, ["has no row 10", "It has 9"]),
        ("maloja_export.json:99999999999999", InputError, ["has no row 99,999,999,999,999"]),
        ("maloja_xport.json:1", InputError, ["no file of the run", "Near: ", "maloja_export.json"]),
        ("zzz:1", InputError, ["no file of the run", "Its files: ", " and 3 more"]),
        ("json:1", InputError, ["several files", "Write more of the path: ", "Audio_2020.json", "known.json"]),
        ("notes.txt:1", InputError, ["was ignored", "not an export that this program can read"]),
        ("broken.zip:1", InputError, ["was refused", "is not an archive that can be read"]),
    ],
)
def test_a_place_without_a_row_is_an_error_with_the_reason(
    place: str, kind: type[EtlError], texts: list[str], loaded: LoadedRun
) -> None:
    with pytest.raises(kind) as refused:
        loaded.explain(place)
    assert [text for text in texts if text not in str(refused.value)] == []


def test_an_ending_that_is_a_whole_name_goes_before_one_that_is_not() -> None:
    files = [{"path": path} for path in ("a/x.json", "a/my_x.json", "b.zip!in/y.json", "b.zip!y.json", "x.json")]
    for wanted, path in (
        ("a/x.json", "a/x.json"),
        ("x.json", "x.json"),
        ("my_x.json", "a/my_x.json"),
        ("in/y.json", "b.zip!in/y.json"),
        ("zip!y.json", "b.zip!y.json"),
        ("_x.json", "a/my_x.json"),
    ):
        assert find_file(files, wanted)["path"] == path
    with pytest.raises(InputError, match="several"):
        find_file(files, "y.json")


def test_the_row_follows_the_last_colon() -> None:
    assert parse_place("a:1/b.json:0012") == ("a:1/b.json", 12)
    assert parse_place("a.zip!in\nner.json:2") == ("a.zip!in\nner.json", 2)


def test_json_has_the_names_of_the_parquet_files_and_their_columns(loaded: LoadedRun) -> None:
    shown = etl("explain", loaded.manifest["run_id"], "maloja_export.json:2", "--json", home=loaded.home).json
    for name in ("listens", "keys", "outcome"):
        assert list(shown[name]) == RUN_FILES[name].names()
    assert shown["listens"]["listened_at"] == "2020-01-01T00:00:02+00:00"
    assert (shown["skipped"], shown["rejects"], shown["verdict"]) == (None, None, "inserted")
    assert shown["likely_doubles"] is None
    double = etl("explain", loaded.manifest["run_id"], "Audio_2020.json:2", "--json", home=loaded.home).json
    assert list(double["likely_doubles"]) == LIKELY_DOUBLES.names()
    assert double["likely_doubles"]["of_listened_at"] == "2020-01-01T00:16:40+00:00"


@pytest.mark.parametrize("row", [6, 9])
def test_hostile_names_are_inert(row: int, loaded: LoadedRun) -> None:
    done = etl("explain", loaded.manifest["run_id"], f"maloja_export.json:{row}", home=loaded.home)
    assert done.code == 0
    assert "[red]X[/red]" in done.out
    active = {char for char in done.out + done.err if char != "\n"}
    assert {char for char in active if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} == set()


def test_a_person_sees_the_sentence_the_fields_and_the_ids(loaded: LoadedRun) -> None:
    lines = etl("explain", loaded.manifest["run_id"], "Audio_2020.json:2", home=loaded.home).out.splitlines()
    assert lines[0] == f"{loaded.folder}/Streaming_History_Audio_2020.json:2 (spotify-extended)"
    assert lines[1].startswith("inserted: ")
    fields = dict(line.split(maxsplit=1) for line in reversed(lines) if line.startswith("  "))
    assert fields["listened_at"] == "2020-01-01 00:20:00 UTC"
    assert fields["evidence"] == "Maloja, starts 0 s apart (this time is the end of the play)"
    assert fields["double_of"] == f"{loaded.folder}/maloja_export.json:8"
    assert fields["status"] == "resolved: the run found or created its ids"
    assert {"artist_id", "album_id", "track_id", "lookup_key"} <= set(fields)


def test_a_value_that_is_long_is_cut_for_people_and_whole_for_programs(
    loaded: LoadedRun, tmp_path: Path, database: str
) -> None:
    title = "long " * 1000
    path = write_maloja(tmp_path / "long.json", [scrobble(1, ["Ann"], title)])
    load(tmp_path, database, path)
    shown = etl("explain", "latest", "long.json:1", home=tmp_path).out
    assert max(map(len, shown.splitlines())) < 400
    assert "characters)" in shown
    whole = etl("explain", "latest", "long.json:1", "--json", home=tmp_path).json
    assert title in whole["rejects"]["record"]


def test_an_unfinished_run_cannot_be_queried(tmp_path: Path) -> None:
    (tmp_path / "runs" / "20200101T000000Z-auto-000000").mkdir(parents=True)
    done = etl("explain", "latest", "a.json:1", home=tmp_path)
    assert (done.code, done.out) == (ExitCode.INPUT, "")
    assert "did not finish" in done.err


def test_a_run_without_its_parquet_files_says_so(tmp_path: Path, database: str) -> None:
    manifest = load(tmp_path, database, write_maloja(tmp_path / "a.json", [scrobble(1, ["Ann"], "One")]))
    (Path(manifest["run_dir"]) / "outcome.parquet").unlink()
    done = etl("explain", "latest", "a.json:1", home=tmp_path)
    assert (done.code, done.out) == (ExitCode.INPUT, "")
    assert "no readable outcome.parquet" in done.err
