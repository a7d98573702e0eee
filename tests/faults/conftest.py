"""What the tests of faults share: an export and what it loads undisturbed, and a load that takes many batches."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.conftest import new_database, uri_of
from tests.faults.kills import Case
from tests.helpers.support import content, load, write_maloja
from tests.pipeline.conftest import export, home, scrobbles, undisturbed
from tests.pipeline.test_concurrency import history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["export", "home", "scrobbles", "undisturbed"]


@pytest.fixture(scope="session")
def prepared(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Case]]:
    """Return the name of a database that holds a sixth of a history, to be copied, and the load of all of it."""
    folder = tmp_path_factory.mktemp("prepared")
    whole = history(240, seed=1)
    export = write_maloja(folder / "maloja_export.json", whole)
    with new_database(server, template) as name:
        load(folder, uri_of(server, name), write_maloja(folder / "before.json", whole[::6]))
        with new_database(server, name) as copy:
            load(folder, uri_of(server, copy), export)
            expected = content(uri_of(server, copy))
        yield name, Case("", folder, export, expected)


@pytest.fixture
def new_case(server: str, prepared: tuple[str, Case], tmp_path: Path) -> Callable[[], AbstractContextManager[Case]]:
    """Return what gives a load of several rounds, each of several batches, into a database that has some of it."""
    template, load_of_all = prepared

    @contextmanager
    def new() -> Iterator[Case]:
        with new_database(server, template) as name:
            yield replace(load_of_all, database=uri_of(server, name), home=tmp_path / uuid4().hex)

    return new


@pytest.fixture
def case(new_case: Callable[[], AbstractContextManager[Case]]) -> Iterator[Case]:
    """Return such a load."""
    with new_case() as load_of_all:
        yield load_of_all
