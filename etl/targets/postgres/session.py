"""Defines the settings that a PostgreSQL session must have: which ones, where each is set, and why.

Servers, databases and roles have defaults for settings, libpq has environment variables, and either can change what a
statement means. All settings of PostgreSQL 15 to 18 that a role may set, and all variables of libpq, were reviewed:

* ``DEFAULTS`` and ``SESSION_DEFAULTS`` limit waits. The address overrides them; they override the server.
* ``PINNED`` settings decide what a statement means. They override everything else.
* ``MENDED`` settings cannot be in an address, or only one of their values is wrong. A session's first answer has them.
* Left to the server, because they only affect speed, its log or its disk: the planner's settings, memory,
  parallelism, JIT, ``log_*``, ``track_*``, ``debug_*``, ``vacuum_*``, statistics, tablespaces, compression, preloaded
  libraries, ``client_connection_check_interval``.
* Left to the server, because no statement of ours depends on them: ``lc_*``, ``bytea_output``, ``extra_float_digits``,
  ``xml*``, ``array_nulls`` and other rules for literals (values are bound as binary), text search,
  ``password_encryption``, ``default_transaction_deferrable`` (has no effect at this isolation level).
* Left to the server, because its owner sets them on purpose: ``default_transaction_read_only``, ``role``,
  ``temp_file_limit``.
* libpq's variables add what an address leaves out (``PGUSER``, ``PGPASSWORD``, ``PGPASSFILE``, ``PGPORT``,
  ``PGDATABASE``, ``PGSSL*``, ``PGGSS*``, ``PGSERVICE``, ...), as with every PostgreSQL client. They never redirect an
  address that names a host (``PGHOSTADDR``, also from a service file), and ``EMBEDDED`` overrides those that could
  break the embedded server's address. ``PGOPTIONS``, ``PGAPPNAME``, ``PGCONNECT_TIMEOUT`` and ``PGCLIENTENCODING``
  have no effect: our addresses always set these.
"""

from __future__ import annotations

import os
import secrets
from math import inf, nan
from urllib.parse import quote

import msgspec

from etl.core.errors import DatabaseError, SettingsError

# Each side notices a lost peer within a minute: otherwise a server would keep the locks of a client that is gone.
# ``answer_timeout`` is our own: see ``watchdog``.
DEFAULTS = {
    "connect_timeout": "10",
    "answer_timeout": "30",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
SESSION_DEFAULTS = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
    "statement_timeout": "0",  # another run's lock, or 40,000 rows on a slow disk, may take long
    "lock_timeout": "0",  # rounds and batches wait for each other, and for Koito's merges
    "idle_session_timeout": "0",  # the session that holds the run lock is idle while batches are written
    "idle_in_transaction_session_timeout": "1h",  # ends a run that was stopped with Ctrl-Z in the middle of a round
}
PINNED = {
    "timezone": "UTC",  # decides days, and times as text
    "search_path": "public",  # statements name Koito's tables without a schema, and no other schema may hide them
    "client_min_messages": "warning",
    "default_transaction_isolation": "read committed",  # a round must see what was committed while it waited for a lock
    "row_security": "off",  # raises an error; otherwise rows that a policy hides would be created again
    "standard_conforming_strings": "on",  # our statements rely on it
    "gin_fuzzy_search_limit": "0",  # otherwise a look-up by one of Koito's GIN indexes may omit rows
}
MARK = "etl.session"
"""Our own setting: a session without it did not get our ``options``, or belongs to another program."""
_MARKED = secrets.token_hex(8)

POOLER_HINT = (
    "Connect to PostgreSQL itself (usually port 5432), or to a pool in session mode that passes on the `options` of a "
    "connection"
)

# The values allowed in the first answer (None: the server does not know the setting); the first one replaces any other.
# libpq's PGTZ and PGDATESTYLE override the options of an address, and an older server refuses an unknown option.
_RIGHT: dict[str, tuple[str | None, ...]] = {
    "TimeZone": ("UTC",),
    "DateStyle": ("ISO, MDY",),
    "session_replication_role": ("origin",),  # a role's default could suspend triggers and foreign keys
    "synchronous_commit": ("local", "on", "remote_write", "remote_apply"),  # a known file must be on disk
    "transaction_timeout": ("0", None),  # of PostgreSQL 17; see statement_timeout
}
MENDED = {name: right[0] or "" for name, right in _RIGHT.items()}

# Each of these could prevent libpq from using the embedded server's socket, or redirect it.
EMBEDDED = {
    "hostaddr": "",
    "sslmode": "disable",
    "sslnegotiation": "postgres",
    "gssencmode": "disable",
    "require_auth": "",
    "requirepeer": "",
    "channel_binding": "prefer",
    "target_session_attrs": "any",
    "load_balance_hosts": "disable",
}
_UNICODE = frozenset({"UTF8", "SQL_ASCII"})
"""Encodings of a database that return every text unchanged."""


class Address(msgspec.Struct, frozen=True):
    """The address for libpq, with our settings, and how many seconds an answer may take."""

    uri: str
    patience: float


def address(uri: str) -> Address:
    """Return the address for ``uri``, a well-formed libpq URI. Raises ``SettingsError`` for an invalid time-out."""
    base, given = _split(named_server(uri))
    options = f"{_options(SESSION_DEFAULTS)}%20{given.pop('options', '')}%20{_options({**PINNED, MARK: _MARKED})}"
    name = {"application_name": application_name().replace(" ", "%20")}
    parameters = {**DEFAULTS, **name, **given, "client_encoding": "UTF8", "options": options}
    patience = _seconds(parameters.pop("answer_timeout"))
    return Address(_joined(base, parameters), patience)


def application_name() -> str:
    """Return the name of the sessions of this process, which shows who blocks others."""
    return f"etl {os.getpid()}"


def named_server(uri: str) -> str:
    """Return ``uri`` changed so that PGHOSTADDR cannot redirect it to another server."""
    base, given = _split(uri)
    place = base.partition("://")[2].partition("/")[0].rpartition("@")[2]
    has_host = bool(given.get("host") or place.partition(":")[0])
    return _joined(base, {"hostaddr": "", **given}) if has_host else uri


def embedded(uri: str) -> str:
    """Return the embedded server's ``uri`` changed so that no variable of libpq affects it."""
    base, given = _split(uri)
    return _joined(base, {**given, **EMBEDDED})


def check_session(found: dict[str, str | None], *, is_shared: bool) -> dict[str, str]:
    """Return the settings to correct in a session, given its first answer ``found``.

    ``is_shared``: its backend also serves another connection of ours. Raises ``DatabaseError`` if it does, or if our
    settings are missing: a pooler gives a backend to other programs between two transactions, together with our locks
    and settings.
    """
    if is_shared or found[MARK] != _MARKED:
        raise DatabaseError(
            "the database address leads to a connection pooler that shares sessions or drops their settings, "
            "like PgBouncer in transaction mode",
            POOLER_HINT,
        )
    return {name: MENDED[name] for name, right in _RIGHT.items() if found[name] not in right}


def check_encoding(database: str, encoding: str) -> None:
    """Raise ``DatabaseError`` for a database whose ``encoding`` cannot hold every name."""
    if encoding not in _UNICODE:
        raise DatabaseError(
            f'database "{database}" stores text as {encoding}, which cannot hold every name',
            "Create one with ENCODING 'UTF8' and TEMPLATE template0, and move the data with pg_dump and pg_restore",
        )


def _split(uri: str) -> tuple[str, dict[str, str]]:
    base, _, query = uri.partition("?")
    return base, dict(pair.split("=") for pair in query.split("&") if pair)  # values stay as the user encoded them


def _joined(base: str, parameters: dict[str, str]) -> str:
    return f"{base}?" + "&".join(f"{name}={value}" for name, value in parameters.items())


def _options(settings: dict[str, str]) -> str:
    escaped = ((name, value.replace(" ", "\\ ")) for name, value in settings.items())
    return quote(" ".join(f"-c {name}={value}" for name, value in escaped))


def _seconds(text: str) -> float:
    """Return the seconds of a time-out; as in libpq, 0 means no limit."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = nan
    if not seconds >= 0:
        raise SettingsError(f'answer_timeout in the database address is "{text}"', "Give seconds, or 0 for no limit")
    return seconds or inf
