"""Times without a zone: which zone applies, what a run reports, and when a file is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from etl.core.errors import ExitCode, SettingsError
from etl.core.settings import RunSettings
from etl.pipeline.run import check
from tests.helpers.disturbances import allow_alias, forbid_alias
from tests.helpers.replays import replay, statuses
from tests.helpers.support import content, load, seconds
from tests.helpers.undos import undo

if TYPE_CHECKING:
    from pathlib import Path

BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"
NOON = int(datetime(2023, 7, 1, 12, tzinfo=UTC).timestamp())
HOUR = 3600
UNKNOWN = "#AUDIOSCROBBLER/1.1\n#TZ/UNKNOWN\n#CLIENT/x\n"


@pytest.fixture
def database(any_database: str) -> str:
    return any_database


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """Return a log whose player did not know its zone."""
    path = tmp_path / "scrobbler.log"
    path.write_text(f"{UNKNOWN}Ann\t\tOne\t1\t200\tL\t{NOON}\n")
    return path


@pytest.fixture
def absolute(tmp_path: Path) -> Path:
    """Return a log in UTC, of the same format."""
    path = tmp_path / "scrobbler-utc.log"
    path.write_text(f"{UNKNOWN.replace('UNKNOWN', 'UTC')}Bo\t\tTwo\t1\t200\tL\t{NOON + 60}\n")
    return path


def test_zone_moves_only_local_times(home: Path, database: str, local: Path, absolute: Path) -> None:
    found = load(home, database, local, absolute, timezone=BERLIN)

    assert seconds(database) == [NOON - 2 * HOUR, NOON + 60]
    assert [(file["path"], file["local_times"]) for file in found["files"]] == [(str(absolute), 0), (str(local), 1)]
    assert (found["caveats"], found["settings"]["timezone"]) == ([], BERLIN)


def test_without_a_zone_local_times_are_utc_and_the_caveat_names_the_file(
    home: Path, database: str, local: Path, absolute: Path
) -> None:
    found = load(home, database, local, absolute)

    assert seconds(database) == [NOON, NOON + 60]
    [caveat] = found["caveats"]
    assert caveat.startswith(f"Times without a zone count as UTC: {local}. ")
    assert "--timezone" in caveat
    assert check(RunSettings(), [local, absolute])["caveats"] == [caveat]


def test_hours_that_the_clock_has_twice_or_never_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    times = ["2023-10-29 02:30:00", "2023-10-29 02:40:00", "2023-03-26 02:30:00", "2023-07-01 12:00:00"]
    path.write_text("artist,track,time\n" + "".join(f"Ann,One,{time}\n" for time in times))

    repeated, skipped = check(RunSettings(timezone=BERLIN), [path])["caveats"]

    assert repeated.startswith(f"2 times are in an hour that the clocks of {BERLIN} have twice")
    assert skipped.startswith(f"1 times are in an hour that the clocks of {BERLIN} skip")
    assert str(path) in repeated
    assert str(path) in skipped


@pytest.mark.parametrize(
    "settings", [{}, {"force": True}, {"dry_run": True}, {"since": datetime(2020, 1, 1, tzinfo=UTC)}]
)
@pytest.mark.parametrize(("first", "second"), [(None, BERLIN), (BERLIN, None), (BERLIN, TOKYO)])
def test_local_times_under_another_zone_are_refused(
    home: Path, database: str, local: Path, first: str | None, second: str | None, settings: dict[str, Any]
) -> None:
    run = load(home, database, local, timezone=first)
    before = content(database)

    with pytest.raises(SettingsError, match=f"loaded with --timezone {first or 'UTC'} before") as refused:
        load(home, database, local, timezone=second, **settings)

    assert refused.value.exit_code == ExitCode.USAGE
    assert f"etl undo {run['run_id']}" in refused.value.hint
    assert content(database) == before


def test_undo_makes_room_for_another_zone(home: Path, database: str, local: Path) -> None:
    undo(home, database, load(home, database, local))

    assert statuses(load(home, database, local, timezone=BERLIN)) == ["loaded"]
    assert seconds(database) == [NOON - 2 * HOUR]


@pytest.mark.parametrize(("first", "second"), [(BERLIN, BERLIN), (None, "UTC")])
def test_local_times_are_known_under_the_same_zone(
    home: Path, database: str, local: Path, first: str | None, second: str | None
) -> None:
    load(home, database, local, timezone=first)

    assert statuses(load(home, database, local, timezone=second)) == ["known"]


def test_file_without_local_times_is_known_under_any_zone(home: Path, database: str, absolute: Path) -> None:
    load(home, database, absolute)

    assert statuses(load(home, database, absolute, timezone=BERLIN)) == ["known"]


@pytest.mark.parametrize("is_gone", [False, True])
def test_replay_completes_a_file_with_local_times(home: Path, database: str, local: Path, is_gone: bool) -> None:
    forbid_alias(database, "One")
    first = load(home, database, local, timezone=BERLIN)
    allow_alias(database)
    data = local.read_bytes()
    if is_gone:
        local.unlink()
    replay(home, database, first)
    local.write_bytes(data)

    assert (first["counts"]["unresolved"], seconds(database)) == (1, [NOON - 2 * HOUR])
    assert statuses(load(home, database, local, timezone=BERLIN)) == ["known"]
