"""A database for the tests of this folder that leave it as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.conftest import uri_of
from tests.support import execute

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_database(server: str, template: str) -> Iterator[str]:
    """Return the URI of a database with Koito's tables and ours, for tests that commit nothing."""
    name = f"etl_test_{uuid4().hex[:12]}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield uri_of(server, name)
    execute(server, f"DROP DATABASE {name} WITH (FORCE)")
