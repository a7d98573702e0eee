"""What a backfill writes to the database and to its files, and what it never changes."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import polars as pl
import pytest

from etl.backfill.rules.frames import FINDINGS, REVIEW
from etl.core.errors import DatabaseError, ExitCode, SettingsError
from etl.core.schema import conform
from tests.backfill.library import add_library, run_backfill, server_options, stored_images
from tests.backfill.replies import artist, credit, every_image, mbid, musicbrainz, recording, release
from tests.backfill.server import Reply, ok
from tests.cli.program import etl, sent_to_terminal
from tests.helpers.support import content, execute, query

if TYPE_CHECKING:
    from tests.backfill.server import FakeService, ReceivedRequest

# A1 with the albums B1 (which has an MBID) and B3 and their tracks C1 and C3; A2 with B2, B4 and C2, C4.
KNOWN = musicbrainz(
    {
        "artist A1": [artist(0xA1, "A1", "Ａ１ more", "A2")],
        "artist A2": [artist(0xA2, "A2"), artist(0xA3, "a2")],
        "release B1": [release(0xB1, "B1", credit(0xA1, "A1"), 0xC1)],
        "release B2": [release(0xB2, "B2", credit(0xA2, "A2"), 0xC2)],
        "release B4": [release(1, "B4", credit(0xA2, "A2"), 0xC4)],
        "recording C1": [recording(0xD1, "C1", credit(0xA1, "A1"), 201_500, "B1")],
        "recording C2": [recording(n, "C2", credit(0xA2, "A2"), 100_000 * n, "B2") for n in (5, 6)],
        "recording C4": [recording(0xD4, "C4", credit(0xA2, "A2"), None, "B4")],
    },
    {
        f"release/{mbid(1)}": {"release-group": {"id": mbid(0xC1)}},
        f"release/{mbid(3)}": {"release-group": {"id": mbid(0xC3)}},
        f"release-group/{mbid(0xC1)}": {
            "title": "B1",
            "releases": [{"title": "B1  (Deluxe)\u0000"}, {"title": "x" * 2_001}],
        },
        f"release-group/{mbid(0xC2)}": {"title": "B2", "releases": []},
        f"release-group/{mbid(0xC3)}": {"title": "B3", "releases": []},
    },
)


def mbids(uri: str, table: str) -> dict[int, str | None]:
    return dict(query(uri, f"SELECT id, CAST(musicbrainz_id AS text) FROM {table} ORDER BY id"))


def aliases(uri: str, entity: str) -> list[tuple[Any, ...]]:
    return query(
        uri, f"SELECT {entity}_id, alias, is_primary FROM {entity}_aliases WHERE source = 'MusicBrainz' ORDER BY 1, 2"
    )


@pytest.fixture
def small(any_database: str) -> str:
    add_library(any_database, 2, 4)
    return any_database


def test_certain_mbids_and_aliases_are_written(tmp_path: Path, small: str, services: FakeService) -> None:
    services.respond = KNOWN
    summary = run_backfill(tmp_path, small, services, "musicbrainz")
    assert summary["exit_code"] == ExitCode.OK
    assert mbids(small, "artists") == {1: mbid(0xA1), 2: mbid(0xA2)}
    assert mbids(small, "releases") == {1: mbid(1), 2: mbid(0xB2), 3: mbid(3), 4: None}
    assert mbids(small, "tracks") == {1: mbid(0xD1), 2: None, 3: None, 4: mbid(0xD4)}
    # "A2" is the name of another artist here; a name of 2,001 bytes cannot be stored
    assert aliases(small, "artist") == [(1, "Ａ１ more", False)]
    assert aliases(small, "release") == [(1, "B1 (Deluxe)", False)]
    assert summary["counts"]["artists"] == {
        "entities": 2, "found": 2, "already_set": 0, "not_found": 0, "unsure": 0, "failed": 0, "left": 0,
    }  # fmt: skip
    assert summary["counts"]["albums"] | {"found": 2, "not_found": 1, "unsure": 1} == summary["counts"]["albums"]
    assert summary["counts"]["tracks"] | {"found": 2, "not_found": 1, "unsure": 1} == summary["counts"]["tracks"]
    assert set(services.asked.values()) == {1}


def test_uncertain_findings_go_to_the_review_file(tmp_path: Path, small: str, services: FakeService) -> None:
    services.respond = KNOWN
    summary = run_backfill(tmp_path, small, services, "musicbrainz")
    run = Path(summary["run_dir"])
    assert run.parent == tmp_path / "backfill"
    assert summary["review"] == str(run / "review.csv")
    review = conform(pl.read_parquet(run / "review.parquet"), REVIEW)
    assert review.select("kind", "name", "candidate").rows() == [
        ("albums", "B4", mbid(1)),
        ("tracks", "C2", mbid(5)),
        ("tracks", "C2", mbid(6)),
    ]
    assert "another entry has its MBID: 1" in review.item(0, "reason")
    with Path(summary["review"]).open(encoding="utf-8", newline="") as file:
        assert [row["candidate"] for row in csv.DictReader(file)] == review.get_column("candidate").to_list()
    findings = conform(pl.read_parquet(run / "findings.parquet"), FINDINGS)
    assert findings.filter(field="mbid", kind="artists").get_column("value").to_list() == [mbid(0xA1), mbid(0xA2)]
    assert json.loads((run / "run.json").read_text()) == summary


def test_dry_run_finds_the_same_and_writes_nothing(tmp_path: Path, small: str, services: FakeService) -> None:
    services.respond = KNOWN
    before = content(small)
    dry = run_backfill(tmp_path, small, services, "musicbrainz", dry_run=True)
    assert content(small) == before
    assert dry["status"] == "dry_run"
    asked = services.asked.total()
    real = run_backfill(tmp_path, small, services, "musicbrainz")
    assert (dry["counts"], services.asked.total()) == (real["counts"], asked)
    frames = [pl.read_parquet(Path(one["run_dir"]) / "findings.parquet") for one in (dry, real)]
    order = ["kind", "id", "field", "value"]
    assert frames[0].sort(order).equals(frames[1].sort(order))


def test_mbid_of_two_artists_goes_to_the_more_played_one(tmp_path: Path, small: str, services: FakeService) -> None:
    """The two may be one artist under two spellings; only a person can merge them."""
    same = artist(0xA1, "A1", "A2")
    of_both = credit(0xA1, "A1")
    services.respond = musicbrainz(
        {
            "artist A1": [same],
            "artist A2": [same],
            "release B1": [release(7, "B1", of_both, 8)],
            "release B2": [release(9, "B2", of_both, 8)],
        }
    )
    summary = run_backfill(tmp_path, small, services, "musicbrainz", "artists", workers=1)
    assert mbids(small, "artists") == {1: mbid(0xA1), 2: None}
    assert summary["counts"]["artists"]["unsure"] == 1


def test_durations_are_added_and_never_overwritten(tmp_path: Path, small: str, services: FakeService) -> None:
    execute(
        small,
        f"UPDATE tracks SET duration = 99 WHERE id = 3; UPDATE tracks SET musicbrainz_id = '{mbid(0xD4)}' WHERE id = 4",
    )
    lengths = {f"recording/{mbid(0xD4)}": {"id": mbid(0xD4), "length": 61_999}}
    c1 = [recording(0xD1, "C1", credit(0xA1, "A1"), 201_500, "B1")]
    services.respond = musicbrainz({"recording C1": c1}, lengths)
    summary = run_backfill(tmp_path, small, services, "durations")
    assert dict(query(small, "SELECT id, duration FROM tracks")) == {1: 201, 2: 0, 3: 99, 4: 61}
    assert summary["counts"]["tracks"]["entities"] == 3


def test_images_get_random_ids_of_koitos_form(tmp_path: Path, small: str, services: FakeService) -> None:
    services.respond = every_image
    run_backfill(tmp_path, small, services)
    ids = [
        UUID(image) for table in ("artists", "releases") for image, _ in stored_images(small, table).values() if image
    ]
    assert len(set(ids)) == 6
    assert {one.version for one in ids} == {4}


def test_image_set_during_the_run_stays(tmp_path: Path, small: str, services: FakeService) -> None:
    upload = "22222222-2222-4222-8222-222222222222"

    def respond(request: ReceivedRequest) -> Reply:
        if "A1" in str(request.params):
            execute(small, f"UPDATE artists SET image = '{upload}', image_source = 'User Upload' WHERE id = 1")
        return every_image(request)

    services.respond = respond
    summary = run_backfill(tmp_path, small, services, what="artists")
    assert stored_images(small, "artists")[1] == (upload, "User Upload")
    assert stored_images(small, "artists")[2][1] == "https://img.example/A2.jpg"
    assert summary["counts"]["artists"] | {"found": 1, "already_set": 1} == summary["counts"]["artists"]


def test_values_that_are_set_never_change(tmp_path: Path, small: str, services: FakeService) -> None:
    execute(
        small,
        f"""
        UPDATE artists SET musicbrainz_id = '{mbid(0xEE)}' WHERE id = 1;
        UPDATE tracks SET musicbrainz_id = '{mbid(0xEF)}', duration = 5 WHERE id = 1;
        INSERT INTO artist_aliases VALUES (2, 'Ａ１ more', 'Manual', false);
        """,
    )
    before = query(small, "SELECT alias, source, is_primary FROM artist_aliases ORDER BY 1")
    services.respond = KNOWN
    for task in ("musicbrainz", "durations"):
        run_backfill(tmp_path, small, services, task)
    assert mbids(small, "artists")[1] == mbid(0xEE)
    assert query(small, "SELECT CAST(musicbrainz_id AS text), duration FROM tracks WHERE id = 1") == [(mbid(0xEF), 5)]
    assert query(small, "SELECT alias, source, is_primary FROM artist_aliases ORDER BY 1") == before


def test_failure_affects_one_entity_and_is_retried_next_time(tmp_path: Path, small: str, services: FakeService) -> None:
    broken = Reply(body=b"<html>")
    services.respond = lambda request: broken if "A1" in str(request.params) else every_image(request)
    summary = run_backfill(tmp_path, small, services, what="artists")
    assert (summary["exit_code"], summary["status"]) == (ExitCode.REJECTS, "partial")
    assert summary["counts"]["artists"] | {"found": 1, "failed": 1} == summary["counts"]["artists"]
    findings = pl.read_parquet(Path(summary["run_dir"]) / "findings.parquet").filter(outcome="failed")
    assert "not as documented" in findings.item(0, "detail")
    services.respond = every_image
    assert run_backfill(tmp_path, small, services, what="artists")["counts"]["artists"]["found"] == 1


def test_service_that_is_down_does_not_stop_the_others(tmp_path: Path, database: str, services: FakeService) -> None:
    add_library(database, 20, 20)
    is_deezer = ("/search/artist", "/search/album")
    services.respond = lambda request: Reply(403) if request.path in is_deezer else every_image(request)
    summary = run_backfill(tmp_path, database, services, workers=1)
    assert summary["exit_code"] == ExitCode.REJECTS
    assert "no usable response to 5 requests in a row" in summary["error"]
    assert summary["counts"]["artists"] | {"failed": 5, "left": 15} == summary["counts"]["artists"]


def test_lost_database_ends_the_run_and_keeps_answers(tmp_path: Path, database: str, services: FakeService) -> None:
    add_library(database, 2, 4)

    def respond(request: ReceivedRequest) -> Reply:
        execute(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'etl %' "
            "AND pid <> pg_backend_pid() AND datname = current_database()",
        )
        return every_image(request)

    services.respond = respond
    summary = run_backfill(tmp_path, database, services, what="artists", workers=1)
    assert (summary["exit_code"], summary["status"]) == (ExitCode.DATABASE, "failed")
    services.respond = every_image
    asked = services.asked.total()
    assert run_backfill(tmp_path, database, services, what="artists")["counts"]["artists"]["found"] == 2
    assert services.asked.total() == asked


def test_offline_run_ends_at_once_with_3_and_names_the_host(
    tmp_path: Path, small: str, services: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    summary = run_backfill(tmp_path, small, services, url="http://deezer.invalid")
    assert (summary["exit_code"], summary["status"]) == (ExitCode.DATABASE, "failed")
    assert summary["error"].startswith("deezer.invalid cannot be reached: ")
    assert "Check the network connection" in summary["error"]
    assert summary["requests"]["repeated"] == 0


def test_max_runtime_ends_a_run_whose_server_drips(tmp_path: Path, small: str, services: FakeService) -> None:
    services.respond = lambda _: Reply(headers={"Content-Length": "1000000"}, drips="head")
    summary = run_backfill(tmp_path, small, services, what="artists", max_runtime=0.5)
    assert (summary["exit_code"], summary["stopped"]) == (ExitCode.OK, "max_runtime")
    assert summary["counts"]["artists"]["left"] == 2


def test_progress_counts_entities_and_ends_at_its_total(tmp_path: Path, database: str, services: FakeService) -> None:
    add_library(database, 6, 6)
    services.respond = every_image
    calls: list[tuple[int, int]] = []
    run_backfill(
        tmp_path,
        database,
        services,
        "images",
        "artists",
        lambda done, total, _: calls.append((done, total)),
        limit=4,
    )
    assert list(dict.fromkeys(done for done, _ in calls if done)) == [1, 2, 3, 4]
    assert {total for _, total in calls} == {4}


def test_bar_on_a_terminal_moves_with_every_entity(tmp_path: Path, database: str, services: FakeService) -> None:
    add_library(database, 12, 12)
    services.respond = every_image
    options = [*server_options(services), "--rate", "deezer=10", "--at-once", "1"]
    words = ["backfill", "images", "artists", "--dsn", database, *options]
    code, sent = sent_to_terminal(80, *words, home=tmp_path, env={"NO_PROXY": "*"})
    assert code == ExitCode.OK
    done = [int(number) for number in re.findall(r"asking .*?(\d+) of 12 entities", sent)]
    assert len(set(done)) > 3
    assert done == sorted(done)
    assert any(line.startswith("complete:") for line in sent.splitlines())


def test_broken_cache_error_says_what_to_do(tmp_path: Path, small: str, services: FakeService) -> None:
    (tmp_path / "backfill").mkdir()
    (tmp_path / "backfill" / "answers.sqlite").write_bytes(
        b"no database at all, just some text that is long enough" * 20
    )
    with pytest.raises(SettingsError, match="delete it"):
        run_backfill(tmp_path, small, services)
    assert services.asked.total() == 0


def test_database_without_our_migrations_is_refused(tmp_path: Path, koito_database: str, services: FakeService) -> None:
    with pytest.raises(DatabaseError, match="etl db migrate"):
        run_backfill(tmp_path, koito_database, services)


def test_output_as_table_and_as_json(tmp_path: Path, small: str, services: FakeService) -> None:
    services.respond = lambda request: ok({"data": []}) if "A2" in str(request.params) else every_image(request)
    done = etl("backfill", "images", "artists", "--dsn", small, *server_options(services), home=tmp_path)
    assert done.code == ExitCode.OK
    rows = [line.split() for line in done.out.splitlines()]
    assert [row for row in rows if row[:1] in (["found"], ["not"])] == [["found", "1"], ["not", "found", "1"]]
    assert "deezer: 2 answers, and 0 from the cache" in done.out
    assert "2 artists to look up" in done.err
    again = etl("backfill", "images", "artists", "--dsn", small, *server_options(services), "--json", home=tmp_path)
    assert again.json["cached"] == {"deezer": 1}


def test_public_services_need_a_contact(tmp_path: Path, database: str) -> None:
    done = etl("backfill", "images", "--dsn", database, home=tmp_path)
    assert done.code == ExitCode.USAGE
    assert "--contact" in done.err
    assert list(tmp_path.iterdir()) == []
