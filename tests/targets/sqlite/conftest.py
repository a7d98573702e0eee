"""Files of Koito for the tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.targets.sqlite.migrate import migrate
from etl.targets.sqlite.target import SqliteTarget
from tests.helpers.koito_sqlite import make_koito_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _as_for_users(as_for_users: None) -> None:
    pass


@pytest.fixture
def new_file(tmp_path: Path) -> Path:
    """Return a file as Koito leaves it at its first start."""
    return make_koito_file(tmp_path / "koito.db")


@pytest.fixture
def file(new_file: Path) -> Path:
    """Return a file that is ready to be loaded into."""
    migrate(new_file)
    return new_file


@pytest.fixture
def target(file: Path, tmp_path: Path) -> SqliteTarget:
    """Return the target that ``file`` is."""
    return SqliteTarget(f"sqlite:///{file}", tmp_path / "home")
