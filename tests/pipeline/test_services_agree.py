"""One history, exported by each of the five services, becomes the same database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import new_database, uri_of
from tests.helpers.services import WRITERS, history, write
from tests.helpers.support import load, query

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

# Every listen by names alone: its second, its track, the track's artists in order, its album, the album's artists.
_HISTORY = """
WITH of_track AS MATERIALIZED (
    SELECT c.track_id, array_agg(n.alias ORDER BY c.is_primary DESC, n.alias COLLATE "C") AS artists
    FROM artist_tracks c JOIN artist_aliases n ON n.artist_id = c.artist_id GROUP BY c.track_id
), of_release AS MATERIALIZED (
    SELECT c.release_id, array_agg(n.alias ORDER BY c.is_primary DESC, n.alias COLLATE "C") AS artists
    FROM artist_releases c JOIN artist_aliases n ON n.artist_id = c.artist_id GROUP BY c.release_id
)
SELECT extract(epoch FROM l.listened_at)::bigint AS second, t.alias AS title, r.alias AS album,
    a.artists, b.artists AS album_artists
FROM listens l
JOIN tracks x ON x.id = l.track_id
JOIN track_aliases t ON t.track_id = x.id
JOIN release_aliases r ON r.release_id = x.release_id
JOIN of_track a ON a.track_id = x.id
JOIN of_release b ON b.release_id = x.release_id
ORDER BY 1
"""
_SIZES = """
SELECT (SELECT count(*) FROM artists) AS a, (SELECT count(*) FROM releases) AS r, (SELECT count(*) FROM tracks) AS t
"""


def test_every_service_gives_the_same_artists_albums_tracks_and_times(
    server: str, template: str, tmp_path: Path
) -> None:
    listens = history(12_000)
    found = {}
    for service in WRITERS:
        with new_database(server, template) as name:
            uri = uri_of(server, name)
            manifest = load(tmp_path, uri, write(tmp_path, service, listens), source=service)
            found[service] = [*query(uri, _HISTORY), *query(uri, _SIZES)]
        assert manifest["exit_code"] == 0
        assert manifest["counts"]["inserted"] == len(listens)
    assert len(found["spotify"]) == len(listens) + 1
    for service in WRITERS:
        assert found[service] == found["spotify"], service


def test_the_same_history_of_all_services_in_one_run_is_loaded_once(tmp_path: Path, any_database: str) -> None:
    listens = history(300, seed=1)
    files = [write(tmp_path, service, listens) for service in WRITERS]
    manifest = load(tmp_path, any_database, *files)
    assert manifest["counts"]["inserted"] == len(listens)
    doubles = manifest["skipped_by_reason"]["likely_double"]  # Spotify stores the end of a play
    assert manifest["counts"]["duplicate_in_input"] + doubles == 4 * len(listens)
    for service in WRITERS:
        again = load(tmp_path, any_database, *files, source=service, force=True)
        assert again["counts"]["already_present"] + again["counts"]["skipped"] == len(listens)
        assert again["likely_doubles"] == 0
