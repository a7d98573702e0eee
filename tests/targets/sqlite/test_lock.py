from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import LockedError
from etl.targets.sqlite.lock import SUFFIX, acquire_run_lock

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from etl.targets.sqlite.lock import acquire_run_lock
acquire_run_lock(Path(sys.argv[1]), Path(sys.argv[2]), exclusive=False)
print("held", flush=True)
sys.stdin.read()
"""


def test_runs_share_the_lock_and_an_exclusive_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "koito.db"
    first = acquire_run_lock(file, tmp_path, exclusive=False)
    second = acquire_run_lock(file, tmp_path, exclusive=False)
    for release in (first, second):
        with pytest.raises(LockedError, match=r"another run is active on this database, since 20\d\d-"):
            acquire_run_lock(file, tmp_path, exclusive=True)
        release()
    acquire_run_lock(file, tmp_path, exclusive=True)()


def test_an_exclusive_run_does_not_keep_later_ones_out(tmp_path: Path) -> None:
    file = tmp_path / "koito.db"
    alone = acquire_run_lock(file, tmp_path, exclusive=True)
    other = acquire_run_lock(file, tmp_path, exclusive=False)
    with pytest.raises(LockedError):
        acquire_run_lock(file, tmp_path, exclusive=True)
    other()
    alone()


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    file = tmp_path / "koito.db"
    command = [sys.executable, "-c", HOLD, str(file), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(LockedError):
            acquire_run_lock(file, tmp_path, exclusive=True)
        process.kill()
    acquire_run_lock(file, tmp_path, exclusive=True)()


def test_the_home_takes_the_lock_where_the_folder_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.touch()  # no folder: nothing can be made in it
    home = tmp_path / "home"
    acquire_run_lock(blocked / "koito.db", home, exclusive=False)()
    assert [path.name for path in home.iterdir()] == [f"koito.db{SUFFIX}"]
