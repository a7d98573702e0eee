"""Backups of PostgreSQL: what pg_dump is given, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.core.errors import DatabaseError
from etl.targets.postgres import backup
from etl.targets.postgres.backup import back_up, without_password
from tests.helpers.support import with_query


@pytest.mark.parametrize(
    ("uri", "address", "password"),
    [
        ("postgresql://a@h:1/db", "postgresql://a@h:1/db", None),
        ("postgresql://a:b%40%2Fc@h:1,g:2/db", "postgresql://a@h:1,g:2/db", "b@/c"),
        ("postgresql:///db?host=%2Ftmp&password=x&user=a", "postgresql:///db?host=%2Ftmp&user=a", "x"),
        ("postgresql:///db?answer_timeout=3", "postgresql:///db", None),
        ("postgresql://h", "postgresql://h", None),
    ],
)
def test_no_password_is_on_the_command_line(uri: str, address: str, password: str | None) -> None:
    assert without_password(uri) == (address, password)


@pytest.mark.parametrize("is_embedded", [True, False])
def test_a_dump_is_written(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_embedded: bool) -> None:
    monkeypatch.setenv("PATH", "/nowhere")  # another pg_dump may be too old for the server
    path = tmp_path / "koito.dump"
    path.touch(mode=0o600)
    back_up(with_query(database, "answer_timeout=9"), path, is_embedded=is_embedded)
    assert path.read_bytes()[:5] == b"PGDMP"


@pytest.mark.parametrize("own", ["found", "missing"])
def test_pg_dump_on_path_is_too_old(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump: error: aborting because of server version mismatch' >&2\nexit 1\n")
    old.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    path = tmp_path / "koito.dump"
    if own == "found":
        back_up(database, path, is_embedded=False)
        assert path.read_bytes()[:5] == b"PGDMP"
    else:
        monkeypatch.setattr(backup, "find_install", lambda: Path("/nowhere"))
        with pytest.raises(DatabaseError, match="server version mismatch"):
            back_up(database, path, is_embedded=False)


def test_the_output_of_pg_dump_is_shown_without_a_password(tmp_path: Path) -> None:
    uri = "postgresql://eva:secret@127.0.0.1:1/nowhere"
    with pytest.raises(DatabaseError, match="no backup was made: ") as reported:
        back_up(uri, tmp_path / "x", is_embedded=True)
    assert "secret" not in str(reported.value)


def test_without_pg_dump_it_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(backup, "find_install", lambda: Path("/nowhere"))
    with pytest.raises(DatabaseError, match="takes pg_dump, which is not on the PATH"):
        back_up("postgresql:///x", tmp_path / "x", is_embedded=False)
