"""Embedded servers in a folder that the server's account can reach; all are stopped in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest

from etl.targets.postgres.embedded.server import EmbeddedServer
from tests.helpers.logs import logged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Make: TypeAlias = Callable[[str], EmbeddedServer]
"""Makes a server for the home of that name."""


@pytest.fixture
def said() -> Iterator[list[str]]:
    with logged() as messages:
        yield messages


@pytest.fixture
def make(base: Path, said: list[str]) -> Iterator[Make]:
    made: list[EmbeddedServer] = []

    def build(name: str) -> EmbeddedServer:
        made.append(EmbeddedServer(base / name))
        return made[-1]

    yield build
    for server in made:
        server.stop()


@pytest.fixture
def server(make: Make) -> EmbeddedServer:
    return make("home")
