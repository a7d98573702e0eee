"""How much disk space a load takes: more for new keys, less if the journal is reused; too little space is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.core.errors import DatabaseError, ExitCode
from etl.targets.room import RoomTaken, check_room

if TYPE_CHECKING:
    from pathlib import Path

ROOM = RoomTaken(per_listen=10, per_key=100, journal_per_listen=1, journal_per_key=2, largest_journal=500)


@pytest.mark.parametrize(
    ("listens", "keys", "journal", "needed"),
    [
        (0, 0, 0, 0),
        (10, 0, 0, 10 * 11),
        (10, 3, 0, 10 * 11 + 3 * 102),
        (10, 3, 16, 10 * 10 + 3 * 100),
        (1_000, 0, 0, 1_000 * 10 + 500),
        (1_000, 0, 600, 1_000 * 10),
    ],
)
def test_the_room_follows_listens_and_new_keys(listens: int, keys: int, journal: int, needed: int) -> None:
    assert ROOM.needed(listens, keys, journal) == needed


def test_a_load_that_will_not_fit_is_refused_with_folder_and_sizes(tmp_path: Path) -> None:
    check_room(tmp_path, 0)
    with pytest.raises(
        DatabaseError, match=r"needs about 1,000,000,000,000 MB in .*, and [\d,]+ MB are free"
    ) as raised:
        check_room(tmp_path, 10**18)
    assert str(tmp_path) in raised.value.message
    assert raised.value.exit_code == ExitCode.DATABASE
