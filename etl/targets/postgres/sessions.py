"""Lists the processes of this program that use the embedded server."""

from __future__ import annotations

from etl.targets.postgres.blockers import session
from etl.targets.postgres.connection import connect
from etl.targets.postgres.session import application_name, embedded


def other_sessions(uri: str) -> list[str]:
    """Return a description of each other process of this program that has sessions on the embedded server."""
    connection = connect(embedded(uri))
    try:
        found = connection.query("sessions", application_name())
    finally:
        connection.close()
    return [session(one) for one in found.to_dicts()]
