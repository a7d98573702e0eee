"""The same plays from several exports, services and runs: loaded once where the match is exact, else reported."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from etl.core.settings import RunSettings
from etl.core.workspace import Workspace
from etl.load.loader import Sizes
from etl.pipeline.library import dedupe
from etl.pipeline.run import check
from etl.runs.directory import RunDirectory
from etl.runs.explain import explain
from etl.runs.inspect import ask
from tests.helpers.plays import NOON, account, extended, lastfm, listenbrainz
from tests.helpers.support import content, execute, load, play, query, scrobble, write_maloja, write_spotify
from tests.helpers.worlds import Row, write_plain


def outcomes(manifest: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return outcome and double_of by "file:row" (base names)."""
    frame = RunDirectory(Path(manifest["run_dir"])).read_frame("outcome")
    short = pl.col("file").str.split("/").list.last()
    name = pl.format("{}:{}", short, "row")
    rows = frame.select(name, "outcome", pl.col("double_of").str.replace(r".*/", "")).rows()
    return {key: (outcome, double_of) for key, outcome, double_of in rows}


def test_account_data_fills_the_gaps_of_the_extended_history(tmp_path: Path, any_database: str) -> None:
    both = [
        extended(tmp_path / "e.json", (273, "Tide", 200), (700, "Ebb", 31)),
        account(tmp_path / "a.json", (273, "Tide", 200), (700, "Ebb", 31), (5000, "Older", 100)),
    ]
    manifest = load(tmp_path, any_database, *both)
    assert manifest["imbalances"] == []
    assert manifest["counts"]["inserted"] == 3
    assert manifest["counts"]["duplicate_in_input"] == 2
    assert manifest["created"]["albums"] == 2
    assert query(any_database, "SELECT count(*) FROM track_lookup") == [(3,)]
    again = load(tmp_path, any_database, *both, force=True)
    assert again["counts"]["inserted"] == 0
    assert again["account_twins"] == again["likely_doubles"] == 0


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("sizes", [Sizes(), Sizes(batch=1, round=1)], ids=["one round", "many rounds"])
@pytest.mark.parametrize(
    "known", [(), ("Two",), ("One", "Two")], ids=["new keys", "a new and a known key", "known keys"]
)
def test_of_two_keys_of_a_track_rounds_do_not_decide_the_client(
    tmp_path: Path, any_database: str, known: tuple[str, ...], sizes: Sizes
) -> None:
    recording = {"artist": "LISA", "recording_mbid": "aaaaaaaa-0000-4000-8000-000000000000"}
    earlier = [{**recording, "track": title, "listened_at": 100 + n} for n, title in enumerate(known)]
    if earlier:
        load(tmp_path, any_database, write_plain(tmp_path / "earlier.json", earlier), doubles="keep")
    rows: list[Row] = [
        {**recording, "track": "One", "listened_at": 0, "client": "zzz"},
        {**recording, "track": "One", "listened_at": 1, "client": "zzz"},
        {**recording, "track": "Two", "listened_at": 1, "client": "aaa"},
    ]
    manifest = load(
        tmp_path, any_database, write_plain(tmp_path / "a.json", rows), doubles="keep", workers=1, sizes=sizes
    )
    stored = query(any_database, "SELECT client FROM listens WHERE client IN ('zzz', 'aaa') ORDER BY listened_at")
    run = RunDirectory(Path(manifest["run_dir"]))
    inserted = run.read_frame("outcome").filter(outcome="inserted").select("file", "row")
    accounted = run.read_frame("listens").join(inserted, on=["file", "row"], how="semi").sort("row")
    assert manifest["counts"]["duplicate_in_input"] == 1
    assert stored == accounted.select("client").rows()
    if known != ("One", "Two"):
        assert stored == [("zzz",), ("aaa" if known else "zzz",)]


@pytest.mark.parametrize("names", [("a", "b", "c"), ("c", "b", "a")])
def test_of_equal_plays_the_one_that_is_stored_counts_as_inserted(
    tmp_path: Path, any_database: str, names: tuple[str, str, str]
) -> None:
    plays = [(1, "Tide", "Shore"), (400, "Ebb", "Shore")]
    first, second, third = (tmp_path / f"{name}.json" for name in names)
    checked = [listenbrainz(first, *plays), lastfm(second, *plays), lastfm(third, *plays[:1])]
    expected = check(RunSettings(), checked)
    manifest = load(tmp_path, any_database, *checked)
    run = RunDirectory(Path(manifest["run_dir"]))
    kept = run.read_frame("outcome").filter(outcome="inserted")
    rows = run.read_frame("listens").join(kept, on=["file", "row"], how="semi")
    assert rows.select("file", "client").rows() == [(str(first), "Player")] * 2
    assert query(any_database, "SELECT client FROM listens") == [("Player",)] * 2
    duplicates = {file["path"]: file["counts"]["duplicate_in_input"] for file in manifest["files"]}
    assert duplicates == {file["path"]: file["counts"]["duplicate_in_input"] for file in expected["files"]}


def test_account_data_after_the_extended_history_finds_everything_there(tmp_path: Path, any_database: str) -> None:
    load(tmp_path, any_database, extended(tmp_path / "e.json", (273, "Tide", 200), (700, "Ebb", 31)))
    before = content(any_database)
    manifest = load(tmp_path, any_database, account(tmp_path / "a.json", (273, "Tide", 200), (700, "Ebb", 31)))
    assert manifest["counts"]["already_present"] == 2
    assert manifest["counts"]["keys"] == 0
    assert content(any_database) == before


def test_a_dedupe_removes_account_data_that_the_extended_history_has(tmp_path: Path, any_database: str) -> None:
    plays = ((273, "Tide", 200), (700, "Ebb", 31))
    load(tmp_path, any_database, account(tmp_path / "a.json", *plays))
    manifest = load(tmp_path, any_database, extended(tmp_path / "e.json", *plays), doubles="keep")
    assert manifest["counts"]["inserted"] == manifest["account_twins"] == manifest["likely_doubles"] == 2
    removed = dedupe(Workspace(tmp_path, any_database), RunSettings(), dry_run=False)
    assert removed["counts"]["removed"] == 2
    left = query(any_database, "SELECT count(*) FROM listens l JOIN tracks t ON t.id = l.track_id WHERE t.duration = 0")
    assert left == [(2,)]
    again = load(tmp_path, any_database, account(tmp_path / "a.json", *plays), force=True)
    assert again["counts"]["already_present"] == 2


def test_doubles_of_account_data_can_be_left_out(tmp_path: Path, any_database: str) -> None:
    load(tmp_path, any_database, account(tmp_path / "a.json", (273, "Tide", 200)))
    before = content(any_database)
    path = extended(tmp_path / "e.json", (273, "Tide", 200))
    manifest = load(tmp_path, any_database, path, doubles="skip")
    assert manifest["skipped_by_reason"] == {"likely_double": 1}
    assert content(any_database) == before
    again = load(tmp_path, any_database, path, doubles="keep")  # another option: the file is not known
    assert again["counts"]["inserted"] == 1


def test_account_data_as_a_table_is_known_to_the_minute_too(tmp_path: Path, any_database: str) -> None:
    plays = json.loads(account(tmp_path / "a.json", (273, "Tide", 200)).read_text())
    lines = [plays[0].keys(), *(play.values() for play in plays)]
    (tmp_path / "a.csv").write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
    assert load(tmp_path, any_database, tmp_path / "a.csv")["counts"]["inserted"] == 1
    manifest = load(tmp_path, any_database, extended(tmp_path / "e.json", (273, "Tide", 200)))
    assert manifest["skipped_by_reason"] == {"likely_double": 1}


def test_trackdone_account_data_does_not_bring_back_unfinished_plays(tmp_path: Path, any_database: str) -> None:
    both = [
        extended(tmp_path / "e.json", (273, "Tide", 200)),
        account(tmp_path / "a.json", (273, "Tide", 200), (900, "Ebb", 60)),
    ]
    manifest = load(tmp_path, any_database, *both, spotify_plays="trackdone")
    assert manifest["skipped_by_reason"] == {"not_played_to_end": 2}
    assert manifest["counts"]["inserted"] == 1


def test_the_record_with_an_album_of_one_scrobble_in_two_services_stays(tmp_path: Path, any_database: str) -> None:
    files = [
        lastfm(tmp_path / "l.json", (0, "Tide", ""), (60, "Ebb", "Shore")),
        listenbrainz(tmp_path / "b.jsonl", (0, "Tide", "Shore"), (60, "Ebb", None), (120, "Flow", None)),
    ]
    manifest = load(tmp_path, any_database, *files)
    assert outcomes(manifest) == {
        "l.json:1": ("duplicate_in_input", None),
        "l.json:2": ("inserted", None),
        "b.jsonl:1": ("inserted", None),
        "b.jsonl:2": ("duplicate_in_input", None),
        "b.jsonl:3": ("inserted", None),
    }
    assert manifest["imbalances"] == []
    turned = load(tmp_path, any_database, *files[::-1], force=True)
    assert turned["counts"]["inserted"] == 0


def test_one_scrobble_in_two_services_is_one_listen_across_runs_too(tmp_path: Path, any_database: str) -> None:
    load(tmp_path, any_database, lastfm(tmp_path / "l.json", (0, "Tide", ""), (60, "Ebb", "Shore")))
    before = content(any_database)
    path = listenbrainz(tmp_path / "b.jsonl", (0, "Tide", "Shore"), (60, "Ebb", None), (120, "Ebb", None))
    dry = load(tmp_path, any_database, path, dry_run=True)
    manifest = load(tmp_path, any_database, path)
    assert manifest["counts"]["already_present"] == 2
    assert manifest["counts"]["inserted"] == 1
    assert dry["counts"] == manifest["counts"]
    assert set(before) - set(content(any_database)) == set()


def test_near_matches_are_reported_and_left_out_on_request(tmp_path: Path, any_database: str) -> None:
    files = [
        extended(tmp_path / "e.json", (200, "Tide - Remastered 2011", 200), (500, "Ebb", 200)),
        lastfm(tmp_path / "l.json", (3, "Tide", "Shore"), (900, "Ebb", "Shore")),
    ]
    dry = load(tmp_path, any_database, *files, doubles="skip", dry_run=True)
    assert dry["skipped_by_reason"] == {"likely_double": 1}
    manifest = load(tmp_path, any_database, *files, doubles="keep")
    assert manifest["counts"]["inserted"] == 4
    assert manifest["likely_doubles"] == 1
    assert outcomes(manifest)["e.json:1"] == ("inserted", "l.json:1")


@pytest.mark.parametrize("doubles", ["keep", "skip"])
def test_near_matches_with_the_database_are_reported_too(tmp_path: Path, any_database: str, doubles: str) -> None:
    load(
        tmp_path,
        any_database,
        write_spotify(tmp_path / "endsong_0.json", [play(NOON + 200 - 1_577_836_800, "Kari Mo", "Tide")]),
    )
    path = lastfm(tmp_path / "l.json", (3, "Tide", "Shore"), (900, "Tide", "Shore"))
    manifest = load(tmp_path, any_database, path, doubles=doubles)
    assert manifest["likely_doubles"] == (0 if doubles == "skip" else 1)
    assert manifest["counts"]["skipped"] == (1 if doubles == "skip" else 0)
    assert load(tmp_path, any_database, path, doubles=doubles)["counts"]["records"] == 0


@pytest.mark.parametrize("doubles", ["keep", "skip"])
@pytest.mark.parametrize("is_in_database", [True, False])
def test_partner_and_evidence_of_a_double_are_shown(
    tmp_path: Path, any_database: str, doubles: str, is_in_database: bool
) -> None:
    paths = [listenbrainz(tmp_path / "b.jsonl", (0, "TIDE", None)), lastfm(tmp_path / "l.json", (3, "Tide", "Shore"))]
    if is_in_database:
        load(tmp_path, any_database, paths.pop(0))
    for dry in (True, False):
        run = RunDirectory(Path(load(tmp_path, any_database, *paths, doubles=doubles, dry_run=dry)["run_dir"]))
        found = explain(run, run.path.parent, "l.json:1")
        partner = '"Kari Mo - TIDE" of 2024-03-01 12:00:00 UTC in the database' if is_in_database else "b.jsonl:1"
        assert partner in found.meaning
        assert ". Evidence: " in found.meaning
        pair = found.as_json()["likely_doubles"]
        assert (pair["artist"], pair["track"], pair["service"]) == ("Kari Mo", "Tide", "Last.fm")
        assert (pair["of_artist"], pair["of_track"], pair["seconds_apart"]) == ("Kari Mo", "TIDE", 3)
        assert (pair["listened_at"] - pair["of_listened_at"]).total_seconds() == 3
        assert found.verdict == ("skipped" if doubles == "skip" else "inserted")
        assert found.meaning.endswith("`etl run --doubles keep` loads it") == (doubles == "skip")
        answer = ask(run, "likely_doubles")
        (shown,) = (dict(zip(answer.columns, row, strict=True)) for row in answer.rows)
        assert (shown["outcome"], shown["evidence"], shown["double_of"]) == (
            found.verdict,
            pair["evidence"],
            pair["double_of"],
        )
    assert pair["of_service"] == ("Player" if is_in_database else "ListenBrainz")
    assert pair["evidence"] == f"{pair['of_service']}, 3 s apart (both times are starts)"


def test_a_partner_in_the_database_is_named_by_its_primary_names(tmp_path: Path, any_database: str) -> None:
    duo = scrobble(NOON - 1_577_836_800, ["Kari Mo", "LiLa"], "Tide")
    load(tmp_path, any_database, write_maloja(tmp_path / "m.json", [duo]))
    execute(
        any_database,
        "INSERT INTO artist_aliases (artist_id, alias, source, is_primary)"
        " SELECT artist_id, 'A. K. A.', 'Manual', false FROM artist_aliases WHERE alias = 'Kari Mo';"
        "INSERT INTO track_aliases (track_id, alias, source, is_primary)"
        " SELECT track_id, 'Another', 'Manual', false FROM track_aliases WHERE alias = 'Tide';",
    )
    manifest = load(tmp_path, any_database, lastfm(tmp_path / "l.json", (3, "Tide", "Shore")))
    (pair,) = RunDirectory(Path(manifest["run_dir"])).read_frame("likely_doubles").rows(named=True)
    assert (pair["of_artist"], pair["of_track"], pair["of_service"]) == ("Kari Mo, LiLa", "Tide", "Maloja")


def test_a_run_without_likely_doubles_writes_no_file_of_them(tmp_path: Path, any_database: str) -> None:
    manifest = load(tmp_path, any_database, lastfm(tmp_path / "l.json", (3, "Tide", "Shore")))
    assert not (Path(manifest["run_dir"]) / "likely_doubles.parquet").exists()


def test_another_users_listens_are_no_doubles(tmp_path: Path, any_database: str) -> None:
    load(tmp_path, any_database, lastfm(tmp_path / "l.json", (0, "Tide", "")))
    execute(
        any_database,
        "INSERT INTO users (username, password, role) VALUES ('other', 'x', 'user');"
        "UPDATE listens SET user_id = (SELECT id FROM users WHERE username = 'other');",
    )
    path = listenbrainz(tmp_path / "b.jsonl", (0, "Tide", "Shore"))
    assert load(tmp_path, any_database, path, user="admin")["counts"]["inserted"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_three_services_in_any_order_are_one_history(tmp_path: Path, any_database: str, order: tuple[int, ...]) -> None:
    starts = [*range(0, 1000, 200), *range(5000, 9000, 400)]  # a track on repeat, then one play after a pause each
    titles = [*["Tide"] * 5, *["Tide", "Ebb"] * 5]
    heard = list(zip(starts, titles, strict=True))
    exports = [
        extended(tmp_path / "e.json", *((start + 200, f"{title} - Remastered 2011", 200) for start, title in heard)),
        lastfm(tmp_path / "l.json", *((start + 3, title, "Shore") for start, title in heard[1:9])),
        listenbrainz(tmp_path / "b.jsonl", *((start + 1, title.upper(), None) for start, title in heard[::2])),
    ]
    runs = [load(tmp_path, any_database, exports[number], doubles="skip") for number in order]
    everything = [load(tmp_path, any_database, *exports, doubles="skip", force=True) for _ in range(2)]
    assert sum(run["counts"]["inserted"] for run in runs) == len(heard)
    assert [run["counts"]["inserted"] for run in everything] == [0, 0]
    assert [run["imbalances"] for run in (*runs, *everything)] == [[]] * 5
    assert query(any_database, "SELECT count(*) FROM listens") == [(len(heard),)]


def test_a_play_twice_in_one_second_of_one_export_is_one_listen(tmp_path: Path, any_database: str) -> None:
    path = listenbrainz(tmp_path / "b.jsonl", (0, "Tide", None), (0, "TIDE", "Shore"), (60, "Tide", "Shore"))
    manifest = load(tmp_path, any_database, path)
    assert outcomes(manifest) == {
        "b.jsonl:1": ("duplicate_in_input", None),
        "b.jsonl:2": ("inserted", None),
        "b.jsonl:3": ("inserted", None),
    }
    assert load(tmp_path, any_database, path, force=True)["counts"]["already_present"] == 3


def test_an_export_of_the_same_service_with_another_album(tmp_path: Path, any_database: str) -> None:
    load(tmp_path, any_database, lastfm(tmp_path / "l.json", (0, "Tide", ""), (300, "Ebb", "Shore")))
    grown = lastfm(tmp_path / "l.json", (0, "Tide", "Shore"), (300, "Ebb", "Shore"), (600, "Flow", "Shore"))
    manifest = load(tmp_path, any_database, grown)
    assert (manifest["counts"]["already_present"], manifest["counts"]["inserted"]) == (2, 1)
    assert load(tmp_path, any_database, grown, force=True)["counts"]["already_present"] == 3
