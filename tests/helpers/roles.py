"""Roles of a PostgreSQL server with fewer rights than its superuser."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.helpers.support import execute, with_query

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def new_role(server: str) -> Iterator[str]:
    """Make a role without privileges, give its name, and drop it once no database grants it anything any more."""
    name = f"etl_test_{uuid4().hex[:12]}"
    execute(server, f"CREATE ROLE {name} NOLOGIN NOSUPERUSER")
    yield name
    execute(server, f"DROP ROLE {name}")


def seen_by(uri: str, role: str) -> str:
    """Return the address under which ``role`` uses the database."""
    return with_query(uri, f"options=-c%20role%3D{role}")


def as_loader(uri: str, role: str) -> str:
    """Grant ``role`` what a load needs, which is not the right to suspend foreign keys; return its address."""
    execute(
        uri,
        f"""
        GRANT USAGE ON SCHEMA public, etl TO {role};
        GRANT ALL ON ALL TABLES IN SCHEMA public, etl TO {role};
        GRANT ALL ON ALL SEQUENCES IN SCHEMA public, etl TO {role};
        """,
    )
    return seen_by(uri, role)
