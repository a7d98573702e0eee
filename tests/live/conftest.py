"""What the tests of live listens share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.core.dsn import SQLITE
from etl.live.submit import open_live
from tests.helpers.koito_sqlite import make_koito_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from etl.live.submit import LiveConnection


@pytest.fixture
def new_koito_file(tmp_path: Path) -> str:
    """Return the address of a file as Koito leaves it at its first start."""
    return f"{SQLITE}{make_koito_file(tmp_path / 'koito.db')}"


@pytest.fixture
def live(database: str, tmp_path: Path) -> Iterator[LiveConnection]:
    """Return a connection for live listens to a database without any."""
    with open_live(database, home=str(tmp_path / "home")) as connection:
        yield connection
