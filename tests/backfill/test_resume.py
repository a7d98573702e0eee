"""A backfill that is killed, interrupted or stopped asks nothing twice, and comes to the same end."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from tests.backfill.server import ok
from tests.backfill.world import do, images, options, people, pictures
from tests.cli.program import ROOT, SCRIPT, environment
from tests.helpers.support import execute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.backfill.server import Server

NOTHING = ok({"data": [], "total": 0})
WORKERS = 4
MANY = 1_000


@contextmanager
def started(home: Path, uri: str, services: Server, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Run `etl backfill images` until the block ends."""
    words = ["backfill", "images", "--dsn", uri, "--at-once", str(WORKERS), *options(services), "--json", *more]
    env = {name: value for name, value in environment(home).items() if not name.lower().endswith("_proxy")}
    with subprocess.Popen(
        [SCRIPT, *words],
        env=env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_thousand_artists_and_albums_are_asked_for_once_although_the_process_is_killed_twice(
    tmp_path: Path, database: str, services: Server
) -> None:
    people(database, MANY, MANY)
    mine = "SET image = '11111111-1111-4111-8111-111111111111', image_source = 'User Upload' WHERE id % 100 = 0"
    execute(database, f"UPDATE artists {mine}; UPDATE releases {mine}")
    services.respond = pictures
    in_flight = 0
    for killed_at in (400, 1_300):
        services.hold_from(killed_at)
        with started(tmp_path, database, services) as process:
            services.wait_until_held(WORKERS)  # so what was asked before is answered, and its answers are kept
            in_flight += WORKERS
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        services.let_go()
        assert list((tmp_path / "backfill").glob("*/run.json")) == []
    with started(tmp_path, database, services) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.OK, err

    lacked = 2 * (MANY - MANY // 100)
    assert set(services.answered.values()) == {1}
    assert services.answered.total() == lacked
    assert services.asked.total() == lacked + in_flight
    account = json.loads(out)
    left = lacked - (1_300 - 1 - WORKERS)  # of the others every one was answered, but for those in flight at first
    assert sum(account["asked"].values()) == left
    for table in ("artists", "releases"):
        found = images(database, table)
        assert sum(source == "User Upload" for _, source in found.values()) == MANY // 100
        fresh = [image for image, source in found.values() if image and source != "User Upload"]
        assert len(set(fresh)) == MANY - MANY // 100
    assert images(database, "artists")[7][1] == "https://img.example/A7.jpg"
    assert images(database, "releases")[7][1] == f"{services.url}/release/00000007-0000-4000-8000-000000000000/front"
    assert images(database, "releases")[8][1] == "https://img.example/B8.jpg"


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_a_signal_ends_it_at_once_with_an_account_although_services_stall(
    tmp_path: Path, database: str, services: Server, number: signal.Signals, code: ExitCode
) -> None:
    people(database, 20, 20)
    services.respond = pictures
    services.hold_from(10)
    with started(tmp_path, database, services) as process:
        services.wait_until_held(WORKERS)
        process.send_signal(number)
        out, err = process.communicate(timeout=15)  # the requests that are under way would take 20 s
    assert process.returncode == code
    account = json.loads(out)
    assert (account["exit_code"], account["status"]) == (code, "failed")
    assert "interrupted" in err
    assert account["counts"]["albums"]["left"] == 20
    services.let_go()
    assert do(tmp_path, database, services)["exit_code"] == ExitCode.OK
    assert set(services.answered.values()) == {1}


def test_a_second_run_asks_nothing_again_also_not_for_what_is_missing(
    tmp_path: Path, database: str, services: Server
) -> None:
    people(database, 6, 6)
    services.respond = lambda request: pictures(request) if "A3" in str(request.params) else NOTHING
    first = do(tmp_path, database, services)
    asked = services.asked.total()
    second = do(tmp_path, database, services)
    assert first["counts"]["artists"]["not_found"] == second["counts"]["artists"]["not_found"] == 5
    assert services.asked.total() == asked
    assert second["asked"] == {}
    assert do(tmp_path, database, services, missing_days=0)["asked"] != {}


def test_a_limit_takes_the_most_played_first_and_the_next_run_goes_on(
    tmp_path: Path, database: str, services: Server
) -> None:
    people(database, 5, 5)
    services.respond = pictures
    account = do(tmp_path, database, services, what="artists", limit=2)
    assert (account["stopped"], account["counts"]["artists"]["left"]) == ("limit", 3)
    assert [one for one, (image, _) in images(database, "artists").items() if image] == [1, 2]
    account = do(tmp_path, database, services, what="artists")
    assert (account["counts"]["artists"]["found"], services.asked.total()) == (3, 5)


def test_a_limit_does_not_stay_with_what_was_not_found(tmp_path: Path, database: str, services: Server) -> None:
    people(database, 9, 9)
    services.respond = lambda _: NOTHING
    accounts = [do(tmp_path, database, services, what="artists", limit=4) for _ in range(4)]
    assert [account["counts"]["artists"]["not_found"] for account in accounts] == [4, 8, 9, 9]
    assert [account["stopped"] for account in accounts] == ["limit", "limit", None, None]
    assert set(services.asked.values()) == {1}


def test_it_stops_when_its_time_is_over_and_says_what_is_left(tmp_path: Path, database: str, services: Server) -> None:
    people(database, 5, 5)
    services.respond = pictures
    services.hold_from(3)
    account = do(tmp_path, database, services, what="artists", max_runtime=0.2, workers=1)
    assert (account["stopped"], account["exit_code"]) == ("max_runtime", ExitCode.OK)
    assert account["counts"]["artists"]["left"] >= 2


def test_two_at_once_do_not_do_the_same_work(tmp_path: Path, database: str, services: Server) -> None:
    people(database, 5, 5)
    services.respond = pictures
    services.hold_from(1)
    with started(tmp_path, database, services) as one:
        services.wait_until_held(1)
        with started(tmp_path, database, services) as other:
            _, err = other.communicate(timeout=60)
        assert other.returncode == ExitCode.LOCKED
        assert "at work already" in err
        services.let_go()
        one.communicate(timeout=60)
    assert one.returncode == ExitCode.OK
