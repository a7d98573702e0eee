"""A pooler that shares our sessions with others is refused by name, before anything is written or left behind."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from adbc_driver_postgresql import dbapi

from etl.core.errors import DatabaseError
from etl.targets.postgres.connection import connect
from tests.helpers.pooler import Pooler
from tests.helpers.support import load, query, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

LEFT_BEHIND = """
SELECT
    (SELECT count(*) FROM listens) + (SELECT count(*) FROM etl.runs) + (SELECT count(*) FROM etl.files) AS written,
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS locks,
    (SELECT count(*) FROM pg_class WHERE relpersistence = 't') AS temporary
"""


def test_a_run_through_a_pooler_in_transaction_mode_is_refused(database: str, tmp_path: Path) -> None:
    file = write_maloja(tmp_path / "a.json", [scrobble(second, ["Bo"], "One") for second in range(3)])

    with Pooler(database, passes_options=False) as pooler:
        with pytest.raises(DatabaseError, match="connection pooler") as caught:
            load(tmp_path / "home", pooler.uri, file)

        assert "Connect to PostgreSQL itself" in caught.value.hint
        assert query(database, LEFT_BEHIND) == [(0, 0, 0)]


def test_a_backend_that_serves_two_of_our_connections_is_refused(database: str) -> None:
    with Pooler(database, passes_options=True) as pooler, closing(connect(pooler.uri)) as connection:
        with pytest.raises(DatabaseError, match="connection pooler"):
            connection.clone()

        assert connection.query_text("SELECT 1 AS one").item() == 1


def test_a_backend_that_another_program_opened_is_refused(database: str) -> None:
    with Pooler(database, passes_options=True) as pooler:
        dbapi.connect(f"{pooler.uri}&application_name=koito").close()

        with pytest.raises(DatabaseError, match="connection pooler"):
            connect(pooler.uri)


def test_a_pooler_that_refuses_our_settings_is_named(database: str) -> None:
    with Pooler(database, passes_options=None) as pooler, pytest.raises(DatabaseError) as caught:
        connect(pooler.uri)

    assert "unsupported startup parameter" in caught.value.message
    assert "Connect to PostgreSQL itself" in caught.value.hint
