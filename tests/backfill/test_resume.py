"""A backfill that is killed, interrupted or stopped sends no request twice, and ends with the same result."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import ExitCode
from tests.backfill.library import add_library, run_backfill, server_options, stored_images
from tests.backfill.replies import every_image
from tests.backfill.server import ok
from tests.cli.program import SCRIPT, environment, running
from tests.helpers.support import execute

if TYPE_CHECKING:
    import subprocess
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.backfill.server import FakeService

pytestmark = pytest.mark.slow

NOTHING = ok({"data": [], "total": 0})
WORKERS = 4
MANY = 1_000


def started(home: Path, uri: str, services: FakeService, *more: str) -> AbstractContextManager[subprocess.Popen[str]]:
    words = ["backfill", "images", "--dsn", uri, "--at-once", str(WORKERS), *server_options(services), "--json", *more]
    env = {name: value for name, value in environment(home).items() if not name.lower().endswith("_proxy")}
    return running(SCRIPT, *words, env=env)


@pytest.mark.faults
def test_thousands_of_requests_are_sent_once_despite_two_kills(
    tmp_path: Path, database: str, services: FakeService
) -> None:
    add_library(database, MANY, MANY)
    upload = "SET image = '11111111-1111-4111-8111-111111111111', image_source = 'User Upload' WHERE id % 100 = 0"
    execute(database, f"UPDATE artists {upload}; UPDATE releases {upload}")
    services.respond = every_image
    in_flight = 0
    for killed_at in (400, 1_300):
        services.hold_from(killed_at)
        with started(tmp_path, database, services) as process:
            services.wait_until_held(WORKERS)  # so that all earlier requests are answered, and the answers cached
            in_flight += WORKERS
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        services.let_go()
        assert list((tmp_path / "backfill").glob("*/run.json")) == []
    with started(tmp_path, database, services) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.OK, err

    missing = 2 * (MANY - MANY // 100)
    assert set(services.answered.values()) == {1}
    assert services.answered.total() == missing
    assert services.asked.total() == missing + in_flight
    summary = json.loads(out)
    left = missing - (1_300 - 1 - WORKERS)  # all others were answered, except those in flight at the first kill
    assert sum(summary["asked"].values()) == left
    for table in ("artists", "releases"):
        found = stored_images(database, table)
        assert sum(source == "User Upload" for _, source in found.values()) == MANY // 100
        added = [image for image, source in found.values() if image and source != "User Upload"]
        assert len(set(added)) == MANY - MANY // 100
    assert stored_images(database, "artists")[7][1] == "https://img.example/A7.jpg"
    assert (
        stored_images(database, "releases")[7][1]
        == f"{services.url}/release/00000007-0000-4000-8000-000000000000/front"
    )
    assert stored_images(database, "releases")[8][1] == "https://img.example/B8.jpg"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)]
)
def test_signal_ends_the_run_with_a_summary_despite_stalls(
    tmp_path: Path, database: str, services: FakeService, number: signal.Signals, code: ExitCode
) -> None:
    add_library(database, 20, 20)
    services.respond = every_image
    services.hold_from(10)
    with started(tmp_path, database, services) as process:
        services.wait_until_held(WORKERS)
        process.send_signal(number)
        out, err = process.communicate(timeout=15)  # the open requests would take 20 s
    assert process.returncode == code
    summary = json.loads(out)
    assert (summary["exit_code"], summary["status"]) == (code, "interrupted")
    assert "interrupted" in err
    assert summary["counts"]["albums"]["left"] == 20
    services.let_go()
    assert run_backfill(tmp_path, database, services)["exit_code"] == ExitCode.OK
    assert set(services.answered.values()) == {1}


def test_second_run_sends_no_request_again(tmp_path: Path, database: str, services: FakeService) -> None:
    add_library(database, 6, 6)
    services.respond = lambda request: every_image(request) if "A3" in str(request.params) else NOTHING
    first = run_backfill(tmp_path, database, services)
    asked = services.asked.total()
    second = run_backfill(tmp_path, database, services)
    assert first["counts"]["artists"]["not_found"] == second["counts"]["artists"]["not_found"] == 5
    assert services.asked.total() == asked
    assert second["asked"] == {}
    assert run_backfill(tmp_path, database, services, missing_days=0)["asked"] != {}


def test_limit_takes_the_most_played_first_and_next_run_continues(
    tmp_path: Path, database: str, services: FakeService
) -> None:
    add_library(database, 5, 5)
    services.respond = every_image
    summary = run_backfill(tmp_path, database, services, what="artists", limit=2)
    assert (summary["stopped"], summary["counts"]["artists"]["left"]) == ("limit", 3)
    assert [one for one, (image, _) in stored_images(database, "artists").items() if image] == [1, 2]
    summary = run_backfill(tmp_path, database, services, what="artists")
    assert (summary["counts"]["artists"]["found"], services.asked.total()) == (3, 5)


def test_limit_moves_on_past_entities_that_were_not_found(tmp_path: Path, database: str, services: FakeService) -> None:
    add_library(database, 9, 9)
    services.respond = lambda _: NOTHING
    summaries = [run_backfill(tmp_path, database, services, what="artists", limit=4) for _ in range(4)]
    assert [summary["counts"]["artists"]["not_found"] for summary in summaries] == [4, 8, 9, 9]
    assert [summary["stopped"] for summary in summaries] == ["limit", "limit", None, None]
    assert set(services.asked.values()) == {1}


def test_max_runtime_stops_the_run_and_counts_what_is_left(
    tmp_path: Path, database: str, services: FakeService
) -> None:
    add_library(database, 5, 5)
    services.respond = every_image
    services.hold_from(3)
    summary = run_backfill(tmp_path, database, services, what="artists", max_runtime=0.2, workers=1)
    assert (summary["stopped"], summary["exit_code"]) == ("max_runtime", ExitCode.OK)
    assert summary["counts"]["artists"]["left"] >= 2


def test_second_run_of_one_task_is_refused_while_one_runs(tmp_path: Path, database: str, services: FakeService) -> None:
    add_library(database, 5, 5)
    services.respond = every_image
    services.hold_from(1)
    with started(tmp_path, database, services) as first:
        services.wait_until_held(1)
        with started(tmp_path, database, services) as second:
            _, err = second.communicate(timeout=60)
        assert second.returncode == ExitCode.LOCKED
        assert "already running" in err
        services.let_go()
        first.communicate(timeout=60)
    assert first.returncode == ExitCode.OK
