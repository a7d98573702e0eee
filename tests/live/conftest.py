"""What the tests of live listens share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.live.submit import open_live

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from etl.live.submit import LiveConnection


@pytest.fixture
def live(database: str, tmp_path: Path) -> Iterator[LiveConnection]:
    """Return a connection for live listens to a database without any."""
    with open_live(database, home=str(tmp_path / "home")) as connection:
        yield connection
