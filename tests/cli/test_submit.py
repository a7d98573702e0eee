"""``etl submit``: a line of JSON for each listen, and the exit code of what became of it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import SCRIPT, environment, submit
from tests.cli.test_usage import NOWHERE, check_error
from tests.helpers.disturbances import disturbance
from tests.helpers.support import counts, execute, query

if TYPE_CHECKING:
    from pathlib import Path

MBIDS = [f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abcd"]
SONG = ["--artist", "Ann (feat. Bo)", "--track", "Song", "--album", "Debut", "--at", "2024-05-31T18:00:00+02:00"]
FIELDS = [
    "row", "outcome", "reason", "detail", "listened_at", "artist", "track", "album", "lookup_key", "status",
    "artist_id", "album_id", "track_id", "created",
]  # fmt: skip


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def body(kind: str, *listens: dict[str, Any]) -> bytes:
    return json.dumps({"listen_type": kind, "payload": listens}).encode()


def listen(second: int | None, **names: str) -> dict[str, Any]:
    time = {} if second is None else {"listened_at": second}
    return {**time, "track_metadata": {"artist_name": "Ann", "track_name": "Song", **names}}


def test_a_listen_from_options_is_stored_with_all_that_is_known_of_it(database: str, tmp_path: Path) -> None:
    known = ["--duration", "200", "--mbid", MBIDS[0], "--release-mbid", MBIDS[1].upper(), "--client", "web"]
    artists = ["--artist-mbid", MBIDS[2], "--artist-mbid", MBIDS[3]]
    first = submit(database, *SONG, *known, *artists, home=tmp_path)
    again = submit(database, *SONG, "--json", home=tmp_path)

    assert (first.code, first.err) == (0, "")
    (reported,) = lines(first.out)
    assert list(reported) == FIELDS
    assert (reported["outcome"], reported["status"], reported["listened_at"]) == (
        "inserted",
        "resolved",
        "2024-05-31T16:00:00+00:00",
    )
    assert lines(again.out) == [
        {**reported, "outcome": "already_present", "status": "hit", "created": {"artists": 0, "albums": 0, "tracks": 0}}
    ]
    stored = """
        SELECT t.duration, t.musicbrainz_id::text AS t, r.musicbrainz_id::text AS r, l.client,
            (SELECT array_agg(name || ' ' || musicbrainz_id ORDER BY name) FROM artists_with_name) AS artists
        FROM listens l JOIN tracks t ON t.id = l.track_id JOIN releases r ON r.id = t.release_id
    """
    assert query(database, stored) == [(200, *MBIDS[:2], "web", [f"Ann {MBIDS[2]}", f"Bo {MBIDS[3]}"])]


def test_a_listen_without_a_time_is_one_of_now(database: str, tmp_path: Path) -> None:
    assert submit(database, "--artist", "Ann", "--track", "Song", home=tmp_path).code == 0
    assert query(database, "SELECT now() - listened_at < '5 minutes' FROM listens") == [(True,)]


def test_bodies_on_stdin_get_a_line_for_each_listen(database: str, tmp_path: Path) -> None:
    bodies = body("import", listen(1_700_000_000), listen(1_700_000_000, track_name="Song "), listen(1_700_000_300))
    playing = body("playing_now", listen(None, track_name="Next"))
    done = submit(database, home=tmp_path, bodies=bodies + b"\n" + playing)

    assert done.code == 0
    reported = lines(done.out)
    assert [one["row"] for one in reported] == [1, 2, 3, 4]
    assert [one["outcome"] for one in reported] == ["inserted", "duplicate_in_input", "inserted", "skipped"]
    assert [one["reason"] for one in reported] == [None, None, None, "now_playing"]
    assert done.err == "etl: listen 4: skipped: now_playing\n"


def test_what_is_playing_needs_no_database(tmp_path: Path) -> None:
    done = submit(NOWHERE, home=tmp_path, bodies=body("playing_now", listen(None)))
    assert (done.code, lines(done.out)[0]["reason"]) == (0, "now_playing")


def test_one_broken_listen_keeps_all_from_being_stored(database: str, tmp_path: Path) -> None:
    done = submit(database, home=tmp_path, bodies=body("import", listen(1_700_000_000), listen(None)))
    assert done.code == 4
    assert [(one["outcome"], one["reason"]) for one in lines(done.out)] == [
        ("unresolved", None),
        ("rejected", "missing_time"),
    ]
    assert counts(database)["listens"] == 0


@pytest.mark.parametrize(
    ("options", "bodies", "texts"),
    [
        ([], b"", ["the file is empty", '"listen_type":"single"']),
        ([], b"nonsense", ["not a ListenBrainz submission", '"listen_type":"single"']),
        ([], b'{"listen_type":"single","payload":[]}', ["the input has no listens"]),
        ([], b'{"listen_type":"single","payload":[{"listened_at":17000', ["ends at byte"]),
    ],
)
def test_invalid_input_ends_with_4_and_the_reason(
    options: list[str], bodies: bytes, texts: list[str], tmp_path: Path
) -> None:
    check_error(submit(NOWHERE, *options, home=tmp_path, bodies=bodies), 4, *texts)


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ([*SONG[:-1], "yesterday"], ['--at: "yesterday" is not an ISO 8601', "2024-05-31"]),
        ([*SONG, "--mbid", "0383"], ['--mbid: "0383" is not an MBID', "Write a UUID"]),
        ([*SONG, "--artist-mbid", "x"], ['--artist-mbid: "x" is not an MBID']),
        ([*SONG, "--nonsense"], ["No such option: --nonsense"]),
    ],
)
def test_wrong_options_of_submit_end_with_2_as_those_of_run(
    options: list[str], texts: list[str], tmp_path: Path
) -> None:
    check_error(submit(NOWHERE, *options, home=tmp_path), 2, *texts)


def test_a_rejected_listen_is_on_stdout_and_the_code_is_4(tmp_path: Path) -> None:
    done = submit(NOWHERE, "--artist", "Ann", home=tmp_path)
    assert (done.code, lines(done.out)[0]["reason"]) == (4, "missing_track")
    assert done.err == "etl: listen 1: rejected: missing_track\n"


@pytest.mark.parametrize("options", [["--duration", "0"], ["--duration", "3:20"], ["--artist-separators", ""]])
def test_wrong_usage_ends_with_2(options: list[str], tmp_path: Path) -> None:
    check_error(submit(NOWHERE, *SONG, *options, home=tmp_path), 2, options[0])


def test_a_missing_database_ends_with_3_and_an_unknown_user_with_2(database: str, tmp_path: Path) -> None:
    check_error(submit(NOWHERE, *SONG, home=tmp_path), 3, "Check that the server is up")
    check_error(submit(database, *SONG, "--user", "Bo", home=tmp_path), 2, 'no user "Bo"', "Users: admin")


def test_a_listen_that_cannot_be_resolved_ends_with_5(database: str, tmp_path: Path) -> None:
    execute(database, disturbance("BEFORE INSERT ON tracks", "RAISE check_violation USING MESSAGE = 'no room';"))
    done = submit(database, *SONG, home=tmp_path)
    assert (done.code, [(one["outcome"], one["status"]) for one in lines(done.out)]) == (5, [("unresolved", "failed")])
    assert "no room" in done.err


def test_it_does_not_wait_for_listens_from_a_keyboard(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run([SCRIPT, "submit"], env=environment(tmp_path), stdin=theirs, capture_output=True, check=False)
    os.close(ours)
    os.close(theirs)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Give --artist and --track, or ListenBrainz submit-listens JSON on stdin" in done.stderr
