"""Checks the whole database with the queries of ``sql/<dialect>/verify``, which anyone can run in psql or sqlite3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from etl.core.dsn import redact
from etl.core.errors import SettingsError
from etl.core.statements import statements
from etl.verify.checks import Check, Result, Verdict
from etl.verify.session import snapshot

if TYPE_CHECKING:
    from etl.core.statements import Dialect
    from etl.core.workspace import Workspace
    from etl.targets.base import Connection

# What the first word of a query says about its rows. Damage is what Koito or a load cannot handle, whoever caused it; a
# warning is what Koito's own edits leave behind, or what may be intended.
SEVERITIES = {"damage": Result.FAILED, "warning": Result.WARNING}


class NamedCheck(msgspec.Struct, frozen=True):
    """A query of ``sql/<dialect>/verify``; the rows that it returns are its findings."""

    name: str
    severity: Result
    about: str
    text: str


def named_checks(dialect: Dialect) -> list[NamedCheck]:
    """Return the queries for ``dialect``; those that look for damage come first."""
    found = []
    for name, text in statements(dialect, "verify").items():
        severity, _, about = text.partition("\n")[0].lstrip("- ").partition(": ")
        found.append(NamedCheck(name, SEVERITIES[severity], about, text))
    return sorted(found, key=lambda check: list(SEVERITIES.values()).index(check.severity))


def query_of(dialect: Dialect, name: str) -> str:
    """Return the query ``name``; raises ``SettingsError`` if there is none, and lists those that exist."""
    known = {check.name: check.text for check in named_checks(dialect)}
    if name not in known:
        raise SettingsError(f'there is no check "{name}" of the database', f"Checks: {', '.join(known)}")
    return known[name]


def verify_database(workspace: Workspace) -> Verdict:
    """Run all checks in one snapshot. Raises ``DatabaseError`` if the database cannot be read."""
    with snapshot(workspace) as pool:
        checks = pool.control(lambda control: check_database(pool.target.dialect, control))
    return Verdict(checks, {"dsn": redact(workspace.dsn)})


def check_database(dialect: Dialect, connection: Connection) -> list[Check]:
    """Return the findings of each query as a check."""
    return [
        Check.of(check.name, check.about, connection.query(f"verify/{check.name}"), check.severity, check.text)
        for check in named_checks(dialect)
    ]
