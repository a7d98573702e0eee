"""A live listen whose key is cached takes one statement, with all that it adds; counted on the way to the server."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from etl.core.statements import statement
from etl.live.listen import Listen
from etl.live.submit import open_live, submit_listen
from etl.targets.postgres.connection import connect
from tests.cli.program import etl, submit
from tests.helpers.recorder import Recorder
from tests.helpers.support import query
from tests.helpers.worlds import MBIDS, START

if TYPE_CHECKING:
    from pathlib import Path

RED, BLUE, GREEN = MBIDS
SONG = Listen("Ann", "Song", START, album="Debut")

# What a listen knows in addition to its names, and the statement that it takes.
EXTRA = {
    "names alone": ({}, "submit_cached"),
    "a duration": ({"duration": 200}, "submit_cached_enriching"),
    "MBIDs": ({"recording_mbid": RED, "release_mbid": BLUE}, "submit_cached_enriching"),
    "all": (
        {"duration": 200, "recording_mbid": RED, "release_mbid": BLUE, "artist_mbids": [GREEN]},
        "submit_cached_crediting",
    ),
}
HELD = """
SELECT t.duration, t.musicbrainz_id::text AS t, r.musicbrainz_id::text AS r, a.musicbrainz_id::text AS a,
    (SELECT count(*)::int FROM listens)
FROM tracks t JOIN releases r ON r.id = t.release_id JOIN artist_tracks l ON l.track_id = t.id
JOIN artists a ON a.id = l.artist_id
"""


@pytest.mark.parametrize(("extra", "name"), EXTRA.values(), ids=EXTRA)
def test_a_cached_listen_takes_one_statement_with_all_that_it_adds(
    database: str, tmp_path: Path, extra: dict[str, object], name: str
) -> None:
    with open_live(database, home=str(tmp_path)) as live:
        assert submit_listen(live, SONG).status == "resolved"
    with Recorder(database) as server, open_live(server.uri, home=str(tmp_path)) as live:
        for second, expected in ((1, "submit_cached_crediting"), (2, name)):  # the first one also looks for the user
            before = len(server.statements)
            listen = Listen("Ann", "Song", START + timedelta(seconds=second), album="Debut", **extra)  # type: ignore[arg-type]
            done = submit_listen(live, listen)
            assert (done.outcome, done.status, done.detail) == ("inserted", "hit", None)
            assert server.statements[before:] == [statement("postgres", expected)]
        again = submit_listen(live, listen)
        assert (again.outcome, len(server.statements) - before) == ("already_present", 2)

    lists = extra.get("artist_mbids")
    stored = [extra.get("duration", 0), *map(extra.get, ("recording_mbid", "release_mbid"))]
    assert query(database, HELD) == [(*stored, lists[0] if isinstance(lists, list) else None, 3)]


def test_a_cached_listen_takes_one_statement_after_connecting(database: str, tmp_path: Path) -> None:
    options = ["--artist", "Ann", "--track", "Song", "--album", "Debut"]
    assert json.loads(submit(database, *options, home=tmp_path).out)["status"] == "resolved"
    with Recorder(database) as server:
        connect(server.uri, autocommit=True).close()
        connecting = server.statements[:]
        server.statements.clear()
        at = ("--at", "2024-05-31T18:00:00+02:00")
        done = etl("submit", *options, *at, "--dsn", server.uri, home=tmp_path, fresh=True)
        assert json.loads(done.out)["outcome"] == "inserted"
        assert server.statements == [*connecting, statement("postgres", "submit_cached_crediting")]
