"""Folders of the home are closed to others from the moment they exist."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from etl.backfill.folder import locked_folder
from etl.core.private_folder import make_private
from etl.runs.directory import create_run
from etl.targets.postgres.embedded.paths import Places, make_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_private_folder_and_home_whatever_the_umask(tmp_path: Path) -> None:
    home = tmp_path / "share" / "etl"
    make_private(home / "runs", home)
    assert [mode(folder) for folder in (home / "runs", home, home.parent)] == [0o700, 0o700, 0o755]


def test_private_folder_leaves_the_mode_of_what_exists(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(0o711)
    make_private(home / "runs", home)
    make_private(home / "runs", home)
    assert (mode(home), mode(home / "runs")) == (0o711, 0o700)


def test_home_that_a_run_creates_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    run = create_run(home / "runs", "auto", datetime.now(UTC))
    assert [mode(folder) for folder in (home, home / "runs", run.path)] == [0o700] * 3


def test_home_that_a_backfill_creates_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with locked_folder(home, "images") as folder:
        assert (mode(home), mode(folder)) == (0o700, 0o700)


def test_home_that_the_server_creates_lets_nobody_write(tmp_path: Path) -> None:
    home = tmp_path / "share" / "home"
    make_folders(Places.of(home))
    passable = 0o711 if os.geteuid() == 0 else 0o700  # root's server has an account of its own, which passes through
    assert [mode(folder) for folder in (home.parent, home, home / "postgres")] == [0o755, passable, passable]
