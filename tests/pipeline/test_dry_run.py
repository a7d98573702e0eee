"""A dry run writes nothing to the database and says what a real run would do from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from etl.runs.directory import RunDirectory
from etl.targets.postgres.migrate import migrate
from tests.helpers.disturbances import ROUNDS
from tests.helpers.examples import examples
from tests.helpers.support import content, load, query, scrobble, write_maloja
from tests.helpers.worlds import HISTORY, ON_A_DATABASE, RECORDS, Row, stock, wipe, write_plain

pytestmark = pytest.mark.usefixtures("plain")

SAME = ("exit_code", "counts", "skipped_by_reason", "rejected_by_reason", "created", "files", "other_user")


def said(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of rows, keys and files."""
    return {name: manifest[name] for name in SAME}


def outcomes(manifest: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return what became of every row and key, without ids."""
    run = RunDirectory(Path(manifest["run_dir"]))
    outcome = run.read_frame("outcome").select("file", "row", "lookup_key", "listened_at", "outcome", "detail")
    return [*outcome.rows(), *run.read_frame("keys").select("lookup_key", "listens", "status", "detail").rows()]


def traces(uri: str) -> list[tuple[Any, ...]]:
    """Return what a run may leave behind in addition to Koito's content: the ledger, taken ids, temporary tables."""
    return query(
        uri,
        """
        SELECT 'run' AS kind, to_jsonb(r)::text AS trace FROM etl.runs r
        UNION ALL SELECT 'file', to_jsonb(f)::text FROM etl.files f
        UNION ALL SELECT 'batch', to_jsonb(b)::text FROM etl.batches b
        UNION ALL SELECT 'sequence', sequencename || ' ' || coalesce(last_value, 0) FROM pg_sequences
        UNION ALL SELECT 'temporary', relname FROM pg_class WHERE relpersistence = 't'
        ORDER BY 1, 2
        """,
    )


@examples(4 * len(ROUNDS), ON_A_DATABASE)
@given(before=HISTORY, rows=RECORDS)
def test_a_dry_run_says_what_the_real_run_then_does(
    tmp_path: Path, any_database: str, before: list[Row], rows: list[Row]
) -> None:
    wipe(any_database)
    stock(any_database)
    load(tmp_path / "home", any_database, write_plain(tmp_path / "before.json", before[: len(before) // 2]))
    export = write_plain(tmp_path / "export.json", rows)

    dry = load(tmp_path / "home", any_database, export, dry_run=True)
    real = load(tmp_path / "home", any_database, export)

    assert dry["status"] == "dry_run"
    assert said(dry) == said(real)
    assert outcomes(dry) == outcomes(real)


def test_a_dry_run_leaves_no_trace_in_the_database(tmp_path: Path, database: str) -> None:
    known = write_maloja(tmp_path / "known.json", [scrobble(1, ["Ann"], "Song", "Debut")])
    fresh = write_maloja(
        tmp_path / "fresh.json",
        [scrobble(2, ["Ann"], "Song", "Debut", 100), scrobble(3, ["Ann", "Bo"], "Other", "Debut")],
    )
    load(tmp_path / "home", database, known)
    before = content(database), traces(database)

    dry = load(tmp_path / "home", database, known, fresh, dry_run=True)

    assert dry["counts"]["inserted"] == 2
    assert (content(database), traces(database)) == before


def test_a_dry_run_of_an_empty_database_counts_everything_as_new(tmp_path: Path, any_database: str) -> None:
    export = write_maloja(tmp_path / "export.json", [scrobble(1, ["Ann"], "Song"), scrobble(1, ["Ann"], "Song")])

    dry = load(tmp_path / "home", any_database, export, dry_run=True)

    assert dry["created"] == {"artists": 1, "albums": 1, "tracks": 1}
    assert (dry["counts"]["inserted"], dry["counts"]["duplicate_in_input"]) == (1, 1)
    assert query(any_database, "SELECT count(*)::int FROM artists") == [(0,)]


def test_a_dry_run_needs_no_objects_of_ours_and_counts_every_key_as_a_miss(tmp_path: Path, koito_database: str) -> None:
    stock(koito_database)
    koitos = content_of_koito(koito_database)
    export = write_plain(
        tmp_path / "export.json",
        [
            {"artist": "Bo", "track": "One", "album": "Hits", "listened_at": 3},
            {"artist": "Bo", "track": "One", "album": "Hits", "listened_at": 4},
            {"artist": "Zoe\u0308", "track": "Two", "listened_at": 5},
        ],
    )

    dry = load(tmp_path / "home", koito_database, export, dry_run=True)
    after_dry = content_of_koito(koito_database)
    objects = query(koito_database, "SELECT to_regclass('track_lookup')::text, to_regnamespace('etl')::text")
    migrate(koito_database, standalone=False)
    real = load(tmp_path / "home", koito_database, export)

    assert after_dry == koitos
    assert objects == [(None, None)]
    assert said(dry) == said(real)
    assert dry["created"] == {"artists": 0, "albums": 1, "tracks": 1}
    assert dry["counts"] == {**dry["counts"], "resolved": 2, "cache_hits": 0, "inserted": 2, "already_present": 1}


def content_of_koito(uri: str) -> list[tuple[Any, ...]]:
    tables = ("artists", "artist_aliases", "releases", "release_aliases", "artist_releases", "tracks", "listens")
    return [row for table in tables for row in query(uri, f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1")]


@pytest.mark.parametrize("settings", [{}, {"force": True}])
def test_a_dry_run_knows_the_files_that_a_real_one_knows(
    tmp_path: Path, any_database: str, settings: dict[str, Any]
) -> None:
    export = write_maloja(tmp_path / "export.json", [scrobble(1, ["Ann"], "Song")])
    load(tmp_path / "home", any_database, export)

    dry = load(tmp_path / "home", any_database, export, dry_run=True, **settings)

    assert [file["status"] for file in dry["files"]] == ["loaded" if settings else "known"]
    assert dry["counts"]["already_present"] == len(settings)
    assert dry["exit_code"] == 0
