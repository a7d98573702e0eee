"""Koito's own export, from the file to the database: its details are kept, and existing data stays as it is."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from etl.core.schema import ALIAS, TRACK_LOOKUP
from etl.load import snapshot
from etl.resolve.requests import distinct_requests, enrichment_candidates
from tests.conftest import new_database, uri_of
from tests.formats.koito import album, alias, artist, export, listen, track
from tests.helpers.disturbances import CALM, disturbance
from tests.helpers.frames import listens
from tests.helpers.support import content, execute, load, opened, query, scrobble, write_maloja

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RED, BLUE, GREEN = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")

_numbers = count()


def write(folder: Path, rows: Sequence[dict[str, Any]], name: str = "") -> Path:
    path = folder / (name or f"koito_export_{next(_numbers)}.json")
    path.write_bytes(export(rows))
    return path


# --- a database that holds something already ----------------------------------------------------------------------

HELD = f"""
SELECT setval('artists_id_seq', 999);
SELECT setval('releases_id_seq', 999);
SELECT setval('tracks_id_seq', 999);
INSERT INTO artists (id, musicbrainz_id) OVERRIDING SYSTEM VALUE VALUES (1, '{RED}'), (2, NULL);
INSERT INTO artist_aliases (artist_id, alias, source, is_primary) VALUES
    (1, 'Ann Wells', 'Manual', true), (1, 'Annie', 'MusicBrainz', false), (2, 'Bo', 'Canonical', true);
INSERT INTO releases (id, musicbrainz_id, various_artists) OVERRIDING SYSTEM VALUE VALUES (1, '{GREEN}', false);
INSERT INTO release_aliases (release_id, alias, source, is_primary) VALUES (1, 'Debut', 'Manual', true);
INSERT INTO artist_releases (artist_id, release_id, is_primary) VALUES (1, 1, true), (2, 1, false);
INSERT INTO tracks (id, musicbrainz_id, duration, release_id) OVERRIDING SYSTEM VALUE VALUES (1, NULL, 99, 1);
INSERT INTO track_aliases (track_id, alias, source, is_primary) VALUES (1, 'Song', 'Manual', true);
INSERT INTO artist_tracks (artist_id, track_id, is_primary) VALUES (1, 1, true), (2, 1, false);
INSERT INTO listens (track_id, listened_at, client, user_id)
SELECT 1, '2020-01-01T00:00:00Z', 'koito', id FROM users;
"""
KNOWN = {
    "track": track(alias("Song"), alias("Lied", "Import", primary=False), mbid=BLUE, duration=200),
    "album": album(alias("Erstling"), mbid=GREEN, various=True),
    "artists": [
        artist(alias("Ann"), alias("Annie", "Manual", primary=False), alias("A.", "Manual", primary=False), mbid=RED),
        artist(alias("Bo", "Import"), alias("Bobby", "Import", primary=False), mbid=BLUE),
    ],
}


def state(uri: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return artists, releases and tracks with their names, the primary ones first."""
    return {
        kind: query(
            uri,
            f"""
            SELECT e.id, e.musicbrainz_id::text, {column},
                (SELECT string_agg(n.alias || '/' || n.source, ', ' ORDER BY n.is_primary DESC, n.alias)
                 FROM {kind}_aliases n WHERE n.{kind}_id = e.id),
                (SELECT count(*)::int FROM {kind}_aliases n WHERE n.{kind}_id = e.id AND n.is_primary)
            FROM {kind}s e ORDER BY e.id
            """,
        )
        for kind, column in (("artist", "0"), ("release", "various_artists"), ("track", "duration"))
    }


def test_what_the_database_has_stays_and_what_it_lacks_is_added(tmp_path: Path, database: str) -> None:
    execute(database, HELD)
    file = write(tmp_path, [listen(0, client="other", **KNOWN), listen(60, client="other", **KNOWN)])
    manifest = load(tmp_path / "home", database, file)

    assert manifest["created"] == {"artists": 0, "albums": 0, "tracks": 0}
    assert state(database) == {
        "artist": [
            (1, RED, 0, "Ann Wells/Manual, A./Manual, Ann/Canonical, Annie/MusicBrainz", 1),
            (2, BLUE, 0, "Bo/Canonical, Bobby/Import", 1),
        ],
        "release": [(1, GREEN, False, "Debut/Manual, Erstling/Canonical", 1)],
        "track": [(1, BLUE, 99, "Song/Manual, Lied/Import", 1)],
    }
    assert query(database, "SELECT client FROM listens ORDER BY listened_at") == [("koito",), ("other",)]
    after = content(database)
    load(tmp_path / "home", database, file, force=True)
    assert content(database) == after


def test_names_match_without_an_mbid_and_not_with_a_foreign_one(tmp_path: Path, database: str) -> None:
    execute(database, HELD)
    rows = [
        listen(1, artists=[artist("Bo")], track=track("One")),
        listen(2, artists=[artist("Bo", alias("Bobby", "Manual", primary=False), mbid=BLUE)], track=track("Two")),
        listen(3, artists=[artist("Ann Wells", alias("Other Ann", "Manual", primary=False), mbid=GREEN)]),
    ]
    manifest = load(tmp_path / "home", database, write(tmp_path, rows))

    assert manifest["created"]["artists"] == 1
    assert state(database)["artist"] == [
        (1, RED, 0, "Ann Wells/Manual, Annie/MusicBrainz", 1),
        (2, BLUE, 0, "Bo/Canonical, Bobby/Manual", 1),
        (1000, GREEN, 0, "Ann Wells/Canonical, Other Ann/Manual", 1),
    ]


def test_an_album_of_various_artists_is_one_by_its_mbid_and_keeps_its_flag(tmp_path: Path, database: str) -> None:
    various = album("Harbour Sessions", mbid=RED, various=True)
    rows = [
        listen(1, artists=[artist("Ann")], track=track("One"), album=various),
        listen(2, artists=[artist("Bo")], track=track("Two"), album=various),
        listen(3, artists=[artist("Bo")], track=track("Three"), album=album("Solo")),
    ]
    load(tmp_path / "home", database, write(tmp_path, rows))
    found = query(database, "SELECT title, various_artists FROM releases_with_title ORDER BY title")
    assert found == [("Harbour Sessions", True), ("Solo", False)]


def test_keys_that_another_service_brought_get_the_aliases_of_the_export(tmp_path: Path, database: str) -> None:
    load(tmp_path / "home", database, write_maloja(tmp_path / "m.json", [scrobble(1, ["Ann", "Bo"], "Song", "Debut")]))
    row = listen(
        9,
        track=track("Song", alias("Lied", "Import", primary=False)),
        album=album("Debut", alias("Erstling", "Manual", primary=False), various=True),
        artists=[artist(alias("Ann", "Manual"), alias("Annie", "Manual", primary=False)), artist("Bo")],
    )
    manifest = load(tmp_path / "home", database, write(tmp_path, [row]), doubles="keep")

    assert manifest["counts"]["cache_hits"] == 1
    names = {kind: [entity[3] for entity in entities] for kind, entities in state(database).items()}
    assert names == {
        "artist": ["Ann/Canonical, Annie/Manual", "Bo/Canonical"],
        "release": ["Debut/Canonical, Erstling/Manual"],
        "track": ["Song/Canonical, Lied/Import"],
    }
    assert [row[2] for row in state(database)["release"]] == [False]


def test_an_artist_is_found_by_a_name_that_an_earlier_export_gave(tmp_path: Path, database: str) -> None:
    load(
        tmp_path / "home",
        database,
        write(tmp_path, [listen(1, artists=[artist("Ann", alias("Annie", primary=False))])]),
    )
    load(tmp_path / "home", database, write_maloja(tmp_path / "m.json", [scrobble(2, ["Annie"], "Song")]))
    assert query(database, "SELECT count(*)::int FROM artists") == [(1,)]


OFFERS: list[dict[str, Any]] = [
    {"artists": ["Ann Wells"], "aliases": [("artist", "Ann Wells", "A.")]},
    {"artists": ["Ann"], "artist_mbids": [RED], "aliases": [("artist", "Ann", "A.")]},
    {"artists": ["Annie"], "aliases": [("artist", "Annie", "A.")]},
    {"artists": ["Bo"], "artist_mbids": [BLUE], "aliases": [("artist", "Bo", "Bobby")]},
    {"track": "Song", "recording_mbid": BLUE, "aliases": [("track", None, "Lied")]},
    {"album": "Debut", "aliases": [("album", None, "Erstling")]},
    {"album": "X", "release_mbid": GREEN, "aliases": [("album", None, "Erstling")]},
]
NO_OFFERS: list[dict[str, Any]] = [
    {"artists": ["Ann Wells"], "aliases": [("artist", "Ann Wells", "Annie")]},
    {"artists": ["Ann Wells"], "artist_mbids": [BLUE], "aliases": [("artist", "Ann Wells", "A.")]},
    {"artists": ["Cy"], "aliases": [("artist", "Cy", "Cyril")]},
    {"track": "Other", "aliases": [("track", None, "Lied")]},
    {"track": "Song", "aliases": [("track", None, "Song")]},
    {"album": "Debut", "release_mbid": RED, "aliases": [("album", None, "Erstling")]},
    {"album": "Hits", "aliases": [("album", None, "Erstling")]},
    {"track": "Song", "duration": 9},
]


@pytest.fixture(scope="module")
def holding(server: str, template: str) -> Iterator[str]:
    """Return the URI of a database with what HELD puts into it, to be read alone."""
    with new_database(server, template) as name:
        execute(uri_of(server, name), HELD)
        yield uri_of(server, name)


@pytest.mark.parametrize(("row", "lacks"), [*((row, True) for row in OFFERS), *((row, False) for row in NO_OFFERS)])
def test_cached_keys_are_offered_again_only_where_they_can_add_a_name(
    holding: str, row: dict[str, Any], lacks: bool
) -> None:
    aliases = [dict(zip(ALIAS, (*one, "Manual", False), strict=True)) for one in row.get("aliases", [])]
    requests = distinct_requests(
        listens({"artist": None, "track": "Song", "artists": ["Bo"], **row, "aliases": aliases})
    )
    hits = pl.DataFrame([(requests.item(0, "lookup_key"), 1, 1, 1)], schema=TRACK_LOOKUP, orient="row")
    with opened(holding) as connection:
        found = snapshot.read_missing_fields(connection, enrichment_candidates(requests, hits))
    assert found.get_column("aliases").to_list() == [lacks]


def test_a_name_that_cannot_be_added_at_once_is_added_later(tmp_path: Path, database: str) -> None:
    execute(database, HELD)
    body = "IF NEW.alias = 'A.' AND nextval('disturbances') = 1 THEN RAISE foreign_key_violation; END IF;"
    execute(database, disturbance("BEFORE INSERT ON artist_aliases", body))
    manifest = load(tmp_path / "home", database, write(tmp_path, [listen(60, **KNOWN)]))
    execute(database, CALM)

    assert manifest["exit_code"] == 0
    assert query(database, "SELECT count(*)::int FROM artist_aliases WHERE alias = 'A.'") == [(1,)]


def test_only_the_key_of_an_entity_that_cannot_be_written_fails(tmp_path: Path, database: str) -> None:
    body = "IF NEW.alias = 'Bobby' THEN RAISE check_violation; END IF;"
    execute(database, disturbance("BEFORE INSERT ON artist_aliases", body))
    bo = artist("Bo", alias("Bobby", "Manual", primary=False))
    rows = [listen(1, artists=[artist("Ann")]), listen(2, artists=[bo]), listen(3, artists=[artist("Cy")])]
    manifest = load(tmp_path / "home", database, write(tmp_path, rows))

    assert (manifest["counts"]["inserted"], manifest["counts"]["failed"]) == (2, 1)
    assert query(database, "SELECT name FROM artists_with_name ORDER BY name") == [("Ann",), ("Cy",)]


def test_a_truncated_export_is_refused_and_the_others_are_loaded(tmp_path: Path, database: str) -> None:
    good = write(tmp_path, [listen(1)], "koito_export_good.json")
    whole = export([listen(2), listen(3), listen(4)])
    cut = tmp_path / "koito_export_cut.json"
    cut.write_bytes(whole[:-400])
    failed = tmp_path / "koito_export_failed.json"
    failed.write_bytes(whole[:-2] + b'{"error":"failed to create export file"}')
    manifest = load(tmp_path / "home", database, good, cut, failed)

    assert manifest["exit_code"] == 4
    assert manifest["counts"]["inserted"] == 1
    reasons = {Path(file["path"]).name: (file["status"], file["reason"]) for file in manifest["files"]}
    assert reasons["koito_export_cut.json"][0] == reasons["koito_export_failed.json"][0] == "refused"
    assert f"ends at byte {len(whole) - 400} inside record" in reasons["koito_export_cut.json"][1]
    assert f"ends at byte {len(whole) - 2} after record 3, and a message" in reasons["koito_export_failed.json"][1]
