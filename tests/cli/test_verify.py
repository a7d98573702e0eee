"""``etl verify`` as a user sees it: tables, JSON, exit codes, queries for psql."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.cli.verify import _client, _conclusion
from etl.verify import Check, Result, Verdict, named_checks
from tests.cli.program import etl
from tests.helpers.support import execute, load, query, scrobble, sqlite_file, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadedSamples


def test_a_run_and_its_database_agree(loaded: LoadedSamples) -> None:
    place = ("--dsn", loaded.uri)
    run = etl("verify", loaded.manifest["run_id"], *place, home=loaded.home)
    database = etl("verify", *place, "--json", home=loaded.home)

    assert (run.code, run.err) == (0, "")
    lines = run.out.splitlines()
    assert lines[0] == f"run {loaded.manifest['run_id']}: complete"
    assert lines[-1] == "all checks passed"
    assert (database.code, database.err, database.json["exit_code"]) == (0, "", 0)
    assert {check["name"]: check["query"] for check in database.json["checks"]} == {
        check.name: check.text for check in named_checks("sqlite" if sqlite_file(loaded.uri) else "postgres")
    }


def test_a_failed_check_shows_rows_and_how_to_see_all(database: str, tmp_path: Path) -> None:
    plays = [scrobble(second, ["Ann"], f"Title {second}") for second in range(30)]
    manifest = load(tmp_path, database, write_maloja(tmp_path / "a.json", plays))
    execute(database, "DELETE FROM listens WHERE track_id > (SELECT min(id) FROM tracks)")
    execute(database, "DELETE FROM track_aliases")
    env = {"ETL_DSN": database}

    run = etl("verify", manifest["run_id"], home=tmp_path, env=env)
    assert run.code == 7
    assert "listens: failed; a listen deleted in Koito" in run.out
    assert run.out.splitlines()[-3:-1] == ["and 9 more", ""]
    assert run.out.splitlines()[-1] == "failed: listens"
    (missing,) = (
        one for one in etl("verify", "latest", "--json", home=tmp_path, env=env).json["checks"] if one["count"]
    )
    assert (missing["name"], missing["count"], len(missing["rows"])) == ("listens", 29, 20)

    whole = etl("verify", home=tmp_path, env=env)
    assert whole.code == 7
    assert "verify --sql nameless | psql" in whole.out
    assert whole.out.splitlines()[-1] == "failed: nameless"
    printed = etl("verify", "--sql", "nameless", home=tmp_path)
    assert printed.out.endswith(";\n")
    assert len(query(database, printed.out.rstrip(";\n"))) == 30


def test_verify_of_a_file_shows_the_sqlite3_command_for_all_rows(koito_file: str, tmp_path: Path) -> None:
    plays = [scrobble(second, ["Ann"], f"Title {second}") for second in range(30)]
    load(tmp_path, koito_file, write_maloja(tmp_path / "a.json", plays))
    execute(koito_file, "DELETE FROM track_aliases")
    whole = etl("verify", "--dsn", koito_file, home=tmp_path)
    assert whole.code == 7
    assert f"verify --sql nameless | sqlite3 {sqlite_file(koito_file)}\n" in whole.out
    printed = etl("verify", "--sql", "nameless", "--dsn", koito_file, home=tmp_path)
    assert len(query(koito_file, printed.out.rstrip(";\n"))) == 30


def test_an_unknown_check_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    done = etl("verify", "--sql", "nonsense", home=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert 'there is no check "nonsense"' in done.err
    assert all(check.name in done.err for check in named_checks("postgres"))


@pytest.mark.parametrize(
    ("dsn", "command"),
    [
        ("postgresql://ann:***@db.example/koitodb", "psql postgresql://ann@db.example/koitodb"),
        ("postgresql://ann@db.example/koitodb", 'psql "$(etl db url)"'),
        ("sqlite:////srv/koito/koito.db", "sqlite3 /srv/koito/koito.db"),
    ],
)
def test_verify_suggests_a_command_that_shows_no_password(dsn: str, command: str) -> None:
    assert _client(dsn) == command


@pytest.mark.parametrize(
    ("results", "conclusion"),
    [
        ([Result.OK, Result.OK], "all checks passed"),
        ([Result.OK, Result.WARNING], "no check failed; warning: b"),
        ([Result.OK, Result.NOT_CHECKED], "no check failed; not checked: b"),
        ([Result.WARNING, Result.FAILED], "failed: b"),
        ([Result.NOT_CHECKED], "nothing could be checked"),
    ],
)
def test_conclusion_names_what_did_not_pass(results: list[Result], conclusion: str) -> None:
    checks = [Check(name, "", result) for name, result in zip("ab", results, strict=False)]
    assert _conclusion(Verdict(checks)) == conclusion
