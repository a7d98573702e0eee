"""A process that waits for another one to start or stop the embedded server says so."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from etl.core import waits
from etl.targets.postgres.embedded import paths
from tests.helpers.disturbances import wait_for
from tests.helpers.logs import logged

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_wait_for_the_lock_of_the_server_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "PATIENCE", 0.05)
    places = paths.Places.of(tmp_path)
    paths.make_folders(places)
    got = threading.Event()

    def take() -> None:
        with paths.locked(places):
            got.set()

    waiting = threading.Thread(target=take)
    with logged() as messages:
        with paths.locked(places):
            waiting.start()
            wait_for(lambda: any("starts or stops the embedded server" in message for message in messages))
            assert not got.is_set()
        waiting.join()
    assert got.is_set()
