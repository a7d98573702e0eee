"""A running Koito scrobbles, merges and deletes during loads, undos and live listens: none of its scrobbles fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.core.dsn import SQLITE
from etl.load.loader import Sizes
from tests.cli.program import submit
from tests.helpers.koito_process import CLIENT, running_koito
from tests.helpers.koito_sqlite_actions import ask
from tests.helpers.support import load, sqlite_file, write_maloja
from tests.helpers.undos import undo
from tests.pipeline.test_concurrency import history

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.koito_process import Deeds

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("as_for_users")]

LISTENS = 6_000
SMALL = Sizes(batch=300, round=300)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return write_maloja(tmp_path / "maloja_export.json", history(LISTENS, seed=3))


def check(file: Path, deeds: Deeds) -> None:
    """Check that Koito could do its work, and that the file is sound and holds every scrobble."""
    assert (deeds.failed_scrobbles, deeds.failed_edits, deeds.lost_aliases) == (0, 0, 0), deeds
    assert deeds.scrobbles > 10
    assert ask(file, "SELECT count(*) FROM listens WHERE client = ?1", CLIENT) == [(deeds.scrobbles,)]
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]
    assert ask(file, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("sizes", [SMALL, Sizes()], ids=["small batches", "as users have it"])
def test_koito_during_a_load(home: Path, koito_file: str, large: Path, sizes: Sizes) -> None:
    file = sqlite_file(koito_file)
    assert file
    with running_koito(file) as done:
        manifest = load(home, koito_file, large, sizes=sizes)
        forced = load(home, koito_file, large, sizes=sizes, force=True)

    check(file, done[0])
    for one in (manifest, forced):
        assert (one["exit_code"], one["imbalances"], one["counts"]["failed"]) == (0, [], 0)
    assert manifest["counts"]["inserted"] == LISTENS


def test_koito_during_an_undo(home: Path, koito_file: str, large: Path) -> None:
    file = sqlite_file(koito_file)
    assert file
    manifest = load(home, koito_file, large)
    with running_koito(file) as done:
        undone = undo(home, koito_file, manifest, batch=300)

    check(file, done[0])
    assert (undone["exit_code"], undone["imbalances"]) == (0, [])
    assert ask(file, "SELECT count(*) FROM listens WHERE client <> ?1", CLIENT) == [(0,)]


def test_koito_during_live_listens(home: Path, koito_file: str) -> None:
    file = sqlite_file(koito_file)
    assert file
    with running_koito(file) as done:
        for number in range(8):
            at = f"2020-01-01T00:00:{number:02}"
            words = ("--artist", f"Ann {number % 3}", "--track", f"Song {number}", "--at", at)
            assert submit(f"{SQLITE}{file}", *words, home=home).code == 0

    assert done[0].failed_scrobbles == 0
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]
    assert ask(file, "PRAGMA foreign_key_check") == []
