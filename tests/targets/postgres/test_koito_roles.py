"""A database whose owner is not a superuser, Koito connected as another role, and merges while a load is under way."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from etl.cli import build_app
from etl.load.loader import Sizes
from etl.targets.base import Failure
from etl.targets.postgres.errors import PostgresError
from tests.helpers.koito_actions import (
    album_id,
    artist_id,
    koito_role,
    merge_albums,
    merge_artists,
    merge_tracks,
    track_id,
    untrue_lookups,
)
from tests.helpers.logs import logged
from tests.helpers.roles import new_role, seen_by
from tests.helpers.support import content, counts, execute, load, make_koito, query, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

pytestmark = pytest.mark.slow

OLD_PLAYS = [
    scrobble(second, [f"Artist {second % 12}"], f"Title {second % 40}", f"Album {second % 3}") for second in range(240)
]
NEW_PLAYS = [
    *(
        scrobble(1000 + second, [f"Artist {second % 12}"], f"Title {second % 40}", f"Album {second % 3}")
        for second in range(240)
    ),
    *(scrobble(2000 + second, [f"Newcomer {second % 9}"], f"Song {second % 99}", "Fresh") for second in range(240)),
]


@pytest.fixture
def owner(server: str) -> Iterator[str]:
    """Return a role without any privileges of its own."""
    with new_role(server) as name:
        yield name


@pytest.fixture
def owned(owner: str, empty_database: str) -> str:
    """Return the URI of a Koito database as its owner sees it."""
    execute(empty_database, f"GRANT CREATE ON DATABASE {_name(empty_database)} TO {owner}")
    execute(empty_database, f"GRANT ALL ON SCHEMA public TO {owner}")
    uri = seen_by(empty_database, owner)
    make_koito(uri)
    return uri


def _name(uri: str) -> str:
    return str(query(uri, "SELECT current_database()::text")[0][0])


def test_an_owner_without_superuser_rights_can_migrate_and_load(
    owned: str, empty_database: str, tmp_path: Path
) -> None:
    goose = query(owned, "SELECT version_id, tstamp FROM goose_db_version")
    export = write_maloja(
        tmp_path / "maloja_export.json",
        [
            scrobble(1, ["Ann"], "First", "Debut"),
            scrobble(2, ["Ann"], "First", "Hits"),
            scrobble(3, ["Ann", "Bo"], "Duet", "Debut"),
            scrobble(4, ["Cy"], "Solo", "Alone"),
        ],
    )

    with logged() as said:
        migrated = CliRunner().invoke(build_app(), ["db", "migrate", "--dsn", owned, "--home", str(tmp_path)])
    first = load(tmp_path / "home", owned, export)
    with koito_role(empty_database) as koito:
        merge_tracks(
            empty_database,
            track_id(owned, "First", "Hits", "Ann"),
            track_id(owned, "First", "Debut", "Ann"),
            koito,
        )
        merge_artists(empty_database, artist_id(owned, "Bo"), artist_id(owned, "Ann"), koito)
        merge_albums(empty_database, album_id(owned, "Alone", "Cy"), album_id(owned, "Debut", "Ann"), koito)
    rows = content(owned)
    again = load(tmp_path / "home", owned, export, force=True)

    assert (migrated.exit_code, migrated.stdout) == (0, "6 migrations applied\n")
    assert any("adding 0003_track_lookup" in message for message in said)
    assert first["counts"]["inserted"] == 4
    assert again["counts"]["already_present"] == 4
    assert untrue_lookups(owned) == []
    assert counts(owned) == {"artists": 2, "releases": 1, "tracks": 3, "listens": 4, "track_lookup": 4}
    assert content(owned) == rows
    assert query(owned, "SELECT version_id, tstamp FROM goose_db_version") == goose


def test_the_role_of_these_tests_has_no_rights_on_our_objects(database: str) -> None:
    with koito_role(database) as koito:
        for table in ("public.track_lookup", "etl.migrations"):
            with pytest.raises(PostgresError) as caught:
                execute(database, f"SET ROLE {koito}; SELECT 1 FROM {table}")
            assert caught.value.sqlstate == "42501"


def test_merges_during_a_load_lose_no_listen_and_bring_nothing_back(database: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    old = write_maloja(tmp_path / "maloja_export_old.json", OLD_PLAYS)
    new = write_maloja(tmp_path / "maloja_export_new.json", NEW_PLAYS)
    load(home, database, old)

    with koito_role(database) as koito, ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load, home, database, new, sizes=Sizes(batch=40, round=30))
        merged = _merge_until_done(database, koito, loading)
        manifest = loading.result()
    restored = load(home, database, old, new, force=True)
    rows = content(database)
    settled = load(home, database, old, new, force=True)

    assert merged > 0
    assert manifest["status"] == "complete"
    assert manifest["imbalances"] == []
    assert restored["created"]["artists"] == 0
    assert untrue_lookups(database) == []
    assert query(database, "SELECT count(*) AS listens, count(DISTINCT listened_at) AS times FROM listens") == [
        (720, 720)
    ]
    assert settled["counts"]["already_present"] == 720
    assert content(database) == rows


def _merge_until_done(uri: str, role: str, loading: Future[dict[str, Any]]) -> int:
    """Merge tracks, albums and artists of the first load, as long as ``loading`` goes on; return how many were."""
    chance = random.Random(1)
    merged = 0
    while not loading.done():
        table, merge = chance.choice([("tracks", merge_tracks), ("releases", merge_albums), ("artists", merge_artists)])
        known = query(
            uri,
            f"""
            SELECT id FROM {table} EXCEPT SELECT k.{table.removesuffix("s")}_id FROM (
                SELECT track_id, album_id AS release_id, artist_id FROM track_lookup WHERE lookup_key ~ '^newcomer'
            ) k ORDER BY id
            """,
        )
        if len(known) < 3:
            continue
        try:
            (first,), (second,) = chance.sample(known, 2)
            merge(uri, first, second, role)
        except PostgresError as error:
            if error.failure not in (Failure.TRANSIENT, Failure.MISSING_REFERENCE):
                raise
        else:
            merged += 1
    return merged
