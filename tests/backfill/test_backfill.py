"""What a backfill leaves in the database and in its files; what it never touches."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.backfill.rules.frames import FINDINGS, REVIEW
from etl.core.errors import DatabaseError, ExitCode, SettingsError
from etl.core.schema import conform
from tests.backfill.server import Reply, ok
from tests.backfill.world import (
    artist,
    catalogue,
    credit,
    do,
    images,
    mbid,
    options,
    people,
    pictures,
    recording,
    release,
)
from tests.cli.program import etl
from tests.helpers.support import content, execute, query

if TYPE_CHECKING:
    from tests.backfill.server import Request, Server

# A1 with the albums B1 (which has an MBID) and B3 and their tracks C1 and C3; A2 with B2, B4 and C2, C4.
KNOWN = catalogue(
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
    return dict(query(uri, f"SELECT id, musicbrainz_id::text FROM {table} ORDER BY id"))


def aliases(uri: str, entity: str) -> list[tuple[Any, ...]]:
    return query(
        uri, f"SELECT {entity}_id, alias, is_primary FROM {entity}_aliases WHERE source = 'MusicBrainz' ORDER BY 1, 2"
    )


@pytest.fixture
def small(database: str) -> str:
    people(database, 2, 4)
    return database


def test_mbids_and_names_are_written_where_they_are_certain(tmp_path: Path, small: str, services: Server) -> None:
    services.respond = KNOWN
    account = do(tmp_path, small, services, "musicbrainz")
    assert account["exit_code"] == ExitCode.OK
    assert mbids(small, "artists") == {1: mbid(0xA1), 2: mbid(0xA2)}
    assert mbids(small, "releases") == {1: mbid(1), 2: mbid(0xB2), 3: mbid(3), 4: None}
    assert mbids(small, "tracks") == {1: mbid(0xD1), 2: None, 3: None, 4: mbid(0xD4)}
    # "A2" is the name of another artist here; a name of 2,001 bytes cannot be stored
    assert aliases(small, "artist") == [(1, "Ａ１ more", False)]
    assert aliases(small, "release") == [(1, "B1 (Deluxe)", False)]
    assert account["counts"]["artists"] == {
        "entities": 2, "found": 2, "already_set": 0, "not_found": 0, "unsure": 0, "failed": 0, "left": 0,
    }  # fmt: skip
    assert account["counts"]["albums"] | {"found": 2, "not_found": 1, "unsure": 1} == account["counts"]["albums"]
    assert account["counts"]["tracks"] | {"found": 2, "not_found": 1, "unsure": 1} == account["counts"]["tracks"]
    assert set(services.asked.values()) == {1}


def test_what_is_not_certain_is_for_a_person_to_read(tmp_path: Path, small: str, services: Server) -> None:
    services.respond = KNOWN
    account = do(tmp_path, small, services, "musicbrainz")
    run = Path(account["run_dir"])
    assert run.parent == tmp_path / "backfill"
    assert account["review"] == str(run / "review.csv")
    review = conform(pl.read_parquet(run / "review.parquet"), REVIEW)
    assert review.select("kind", "name", "candidate").rows() == [
        ("albums", "B4", mbid(1)),
        ("tracks", "C2", mbid(5)),
        ("tracks", "C2", mbid(6)),
    ]
    assert "belongs to another: 1" in review.item(0, "reason")
    with Path(account["review"]).open(encoding="utf-8", newline="") as file:
        assert [row["candidate"] for row in csv.DictReader(file)] == review.get_column("candidate").to_list()
    findings = conform(pl.read_parquet(run / "findings.parquet"), FINDINGS)
    assert findings.filter(field="mbid", kind="artists").get_column("value").to_list() == [mbid(0xA1), mbid(0xA2)]
    assert json.loads((run / "run.json").read_text()) == account


def test_a_dry_run_shows_it_all_and_writes_nothing(tmp_path: Path, small: str, services: Server) -> None:
    services.respond = KNOWN
    before = content(small)
    dry = do(tmp_path, small, services, "musicbrainz", dry_run=True)
    assert content(small) == before
    assert dry["status"] == "dry_run"
    asked = services.asked.total()
    real = do(tmp_path, small, services, "musicbrainz")
    assert (dry["counts"], services.asked.total()) == (real["counts"], asked)
    frames = [pl.read_parquet(Path(one["run_dir"]) / "findings.parquet") for one in (dry, real)]
    order = ["kind", "id", "field", "value"]
    assert frames[0].sort(order).equals(frames[1].sort(order))


def test_one_mbid_for_two_artists_goes_to_the_more_played_one(tmp_path: Path, small: str, services: Server) -> None:
    """They may be one artist under two spellings, which only a person can merge."""
    same = artist(0xA1, "A1", "A2")
    of_both = credit(0xA1, "A1")
    services.respond = catalogue(
        {
            "artist A1": [same],
            "artist A2": [same],
            "release B1": [release(7, "B1", of_both, 8)],
            "release B2": [release(9, "B2", of_both, 8)],
        }
    )
    account = do(tmp_path, small, services, "musicbrainz", "artists", workers=1)
    assert mbids(small, "artists") == {1: mbid(0xA1), 2: None}
    assert account["counts"]["artists"]["unsure"] == 1


def test_durations_are_filled_in_and_never_overwritten(tmp_path: Path, small: str, services: Server) -> None:
    execute(
        small,
        f"UPDATE tracks SET duration = 99 WHERE id = 3; UPDATE tracks SET musicbrainz_id = '{mbid(0xD4)}' WHERE id = 4",
    )
    lengths = {f"recording/{mbid(0xD4)}": {"id": mbid(0xD4), "length": 61_999}}
    c1 = [recording(0xD1, "C1", credit(0xA1, "A1"), 201_500, "B1")]
    services.respond = catalogue({"recording C1": c1}, lengths)
    account = do(tmp_path, small, services, "durations")
    assert dict(query(small, "SELECT id, duration FROM tracks")) == {1: 201, 2: 0, 3: 99, 4: 61}
    assert account["counts"]["tracks"]["entities"] == 3


def test_what_somebody_else_sets_meanwhile_stays(tmp_path: Path, small: str, services: Server) -> None:
    theirs = "22222222-2222-4222-8222-222222222222"

    def respond(request: Request) -> Reply:
        if "A1" in str(request.params):
            execute(small, f"UPDATE artists SET image = '{theirs}', image_source = 'User Upload' WHERE id = 1")
        return pictures(request)

    services.respond = respond
    account = do(tmp_path, small, services, what="artists")
    assert images(small, "artists")[1] == (theirs, "User Upload")
    assert images(small, "artists")[2][1] == "https://img.example/A2.jpg"
    assert account["counts"]["artists"] | {"found": 1, "already_set": 1} == account["counts"]["artists"]


def test_nothing_that_is_set_is_changed(tmp_path: Path, small: str, services: Server) -> None:
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
        do(tmp_path, small, services, task)
    assert mbids(small, "artists")[1] == mbid(0xEE)
    assert query(small, "SELECT musicbrainz_id::text, duration FROM tracks WHERE id = 1") == [(mbid(0xEF), 5)]
    assert query(small, "SELECT alias, source, is_primary FROM artist_aliases ORDER BY 1") == before


def test_failures_cost_themselves_alone_and_are_asked_again(tmp_path: Path, small: str, services: Server) -> None:
    broken = Reply(body=b"<html>")
    services.respond = lambda request: broken if "A1" in str(request.params) else pictures(request)
    account = do(tmp_path, small, services, what="artists")
    assert (account["exit_code"], account["status"]) == (ExitCode.REJECTS, "partial")
    assert account["counts"]["artists"] | {"found": 1, "failed": 1} == account["counts"]["artists"]
    findings = pl.read_parquet(Path(account["run_dir"]) / "findings.parquet").filter(outcome="failed")
    assert "not as documented" in findings.item(0, "detail")
    services.respond = pictures
    assert do(tmp_path, small, services, what="artists")["counts"]["artists"]["found"] == 1


def test_a_service_that_is_down_does_not_hold_up_the_others(tmp_path: Path, database: str, services: Server) -> None:
    people(database, 20, 20)
    is_deezer = ("/search/artist", "/search/album")
    services.respond = lambda request: Reply(403) if request.path in is_deezer else pictures(request)
    account = do(tmp_path, database, services, workers=1)
    assert account["exit_code"] == ExitCode.REJECTS
    assert "no useful answer to 5 questions in a row" in account["error"]
    assert account["counts"]["artists"] | {"failed": 5, "left": 15} == account["counts"]["artists"]


def test_a_lost_database_ends_it_with_3_and_what_was_answered_is_kept(
    tmp_path: Path, small: str, services: Server
) -> None:
    def respond(request: Request) -> Reply:
        execute(
            small,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'etl' "
            "AND pid <> pg_backend_pid() AND datname = current_database()",
        )
        return pictures(request)

    services.respond = respond
    account = do(tmp_path, small, services, what="artists", workers=1)
    assert (account["exit_code"], account["status"]) == (ExitCode.DATABASE, "failed")
    services.respond = pictures
    asked = services.asked.total()
    assert do(tmp_path, small, services, what="artists")["counts"]["artists"]["found"] == 2
    assert services.asked.total() == asked


def test_a_broken_cache_is_told_with_what_to_do(tmp_path: Path, small: str, services: Server) -> None:
    (tmp_path / "backfill").mkdir()
    (tmp_path / "backfill" / "answers.sqlite").write_bytes(
        b"no database at all, just some text that is long enough" * 20
    )
    with pytest.raises(SettingsError, match="remove it"):
        do(tmp_path, small, services)
    assert services.asked.total() == 0


def test_koitos_own_database_needs_our_migrations_first(tmp_path: Path, koito_database: str, services: Server) -> None:
    with pytest.raises(DatabaseError, match="etl db migrate"):
        do(tmp_path, koito_database, services)


def test_people_get_a_table_and_programs_get_json(tmp_path: Path, small: str, services: Server) -> None:
    services.respond = lambda request: ok({"data": []}) if "A2" in str(request.params) else pictures(request)
    done = etl("backfill", "images", "artists", "--dsn", small, *options(services), home=tmp_path)
    assert done.code == ExitCode.OK
    rows = [line.split() for line in done.out.splitlines()]
    assert [row for row in rows if row[:1] in (["found"], ["not"])] == [["found", "1"], ["not", "found", "1"]]
    assert "deezer: 2 answers, and 0 from the cache" in done.out
    assert "2 artists to look at" in done.err
    again = etl("backfill", "images", "artists", "--dsn", small, *options(services), "--json", home=tmp_path)
    assert again.json["cached"] == {"deezer": 1}


def test_the_public_services_are_not_asked_without_a_contact(tmp_path: Path, small: str) -> None:
    done = etl("backfill", "images", "--dsn", small, home=tmp_path)
    assert done.code == ExitCode.USAGE
    assert "--contact" in done.err
    assert list(tmp_path.iterdir()) == []
