"""Tells which commands of this program use a server."""

from __future__ import annotations

from etl.targets.postgres.blockers import session
from etl.targets.postgres.connection import connect
from etl.targets.postgres.session import application_name, embedded


def sessions_of_others(uri: str) -> list[str]:
    """Return a name for each process of this program, other than this one, with sessions on the embedded server."""
    connection = connect(embedded(uri))
    try:
        found = connection.query("sessions", application_name())
    finally:
        connection.close()
    return [session(one) for one in found.to_dicts()]
