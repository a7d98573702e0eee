"""Live listens next to a PostgreSQL that others change at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from etl.core.errors import ExitCode
from etl.live.listen import Listen
from etl.live.submit import submit_listen
from tests.helpers.disturbances import CALM, disturbance, wait_for, waiting
from tests.helpers.support import execute, opened, query
from tests.helpers.worlds import MBIDS, START

if TYPE_CHECKING:
    from etl.live.submit import LiveConnection

RED = MBIDS[0]
SONG = Listen("Ann", "Song", START, album="Debut")


def at(second: int, **changed: object) -> Listen:
    return replace(SONG, listened_at=START + timedelta(seconds=second), **changed)  # type: ignore[arg-type]


def test_a_key_that_cannot_be_written_is_reported_with_its_reason(live: LiveConnection, database: str) -> None:
    execute(database, disturbance("BEFORE INSERT ON artists", "RAISE check_violation USING MESSAGE = 'no room';"))
    done = submit_listen(live, SONG)
    assert (done.outcome, done.status, done.exit_code) == ("unresolved", "failed", ExitCode.REJECTS)
    assert "no room" in (done.detail or "")
    execute(database, CALM)
    assert submit_listen(live, SONG).outcome == "inserted"


def test_a_listen_waits_for_a_merge_and_goes_where_it_leads(live: LiveConnection, database: str) -> None:
    old, new = submit_listen(live, SONG), submit_listen(live, at(1, track="Song (Remaster)"))
    with opened(database) as koito, ThreadPoolExecutor(1) as other:
        koito.query_text(
            f"UPDATE listens SET track_id = {new.track_id} WHERE track_id = {old.track_id} RETURNING track_id"
        )
        submitted = other.submit(submit_listen, live, at(2))
        wait_for(lambda: waiting(database, "advisory"))
        koito.query_text("DELETE FROM tracks WHERE id NOT IN (SELECT track_id FROM listens) RETURNING id")
        koito.commit()
        done = submitted.result()

    assert (done.outcome, done.track_id) == ("inserted", new.track_id)
    assert query(database, "SELECT track_id, count(*)::int FROM listens GROUP BY 1") == [(new.track_id, 3)]


def test_a_track_that_koito_deletes_during_the_run_is_resolved_again(live: LiveConnection, database: str) -> None:
    old = submit_listen(live, SONG)
    with opened(database) as koito, ThreadPoolExecutor(1) as other:
        koito.query_text(f"DELETE FROM tracks WHERE id = {old.track_id} RETURNING id")
        submitted = other.submit(submit_listen, live, at(2))
        wait_for(lambda: waiting(database, "advisory"))
        koito.commit()
        done = submitted.result()

    assert (done.outcome, done.status) == ("inserted", "resolved")
    assert query(database, "SELECT track_id FROM listens") == [(done.track_id,)]


def test_an_mbid_stored_elsewhere_at_the_same_moment_is_reported(live: LiveConnection, database: str) -> None:
    submit_listen(live, SONG)
    submit_listen(live, at(1, track="Other"))
    with opened(database) as koito, ThreadPoolExecutor(1) as other:
        koito.query_text(
            f"UPDATE tracks SET musicbrainz_id = '{RED}' FROM tracks_with_title n"
            " WHERE n.id = tracks.id AND n.title = 'Other' RETURNING n.id"
        )
        submitted = other.submit(submit_listen, live, at(2, recording_mbid=RED))
        wait_for(lambda: waiting(database, "transactionid"))
        koito.commit()
        done = submitted.result()

    assert (done.outcome, (done.detail or "").split()[:2]) == ("inserted", ["recording", RED])
    mbids = "SELECT musicbrainz_id::text FROM tracks ORDER BY id"
    assert query(database, mbids) == [(None,), (RED,)]
