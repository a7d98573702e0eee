from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from etl.targets.base import Failure, StatementError
from etl.targets.pool import Pool
from etl.targets.sqlite.connection import connect

if TYPE_CHECKING:
    from etl.targets.base import Connection
    from etl.targets.sqlite.target import SqliteTarget


def test_all_of_a_run_happens_on_one_connection_and_in_one_thread(target: SqliteTarget) -> None:
    connection, _ = target.open()
    pool = Pool(target, connection, 8)

    def where(used: Connection) -> tuple[int, int]:
        return id(used), threading.get_ident()

    try:
        assert pool.size == 1
        pool.open_workers(pool.size)
        seen = {pool.control(where), *(pool.submit(where).result() for _ in range(3))}
        assert [number for number, _ in seen] == [id(connection)]
        assert threading.get_ident() not in {thread for _, thread in seen}
    finally:
        pool.close()
    with pytest.raises(StatementError) as raised:
        connection.query("users")
    assert raised.value.failure is Failure.LOST


def test_uncommitted_changes_are_lost_when_a_pool_closes(target: SqliteTarget) -> None:
    connection, _ = target.open()
    pool = Pool(target, connection, 1)
    pool.submit(lambda used: used.execute("ledger_start_run", "run", "maloja", 1)).result()
    pool.close()

    again = connect(target.path)
    assert again.query_text("SELECT count(*) FROM etl_runs").item() == 0
    again.begin_write()
    again.rollback()
    again.close()


def test_the_run_lock_ends_with_the_connection(target: SqliteTarget) -> None:
    first, _ = target.open()
    second, _ = target.open()
    target.acquire_run_lock(first, exclusive=False)
    with pytest.raises(Exception, match="another run is active"):
        target.acquire_run_lock(second, exclusive=True)
    first.close()
    target.acquire_run_lock(second, exclusive=True)
    second.close()
