"""What a session of PostgreSQL must be like: every setting that the design needs, where it is set, and why.

Servers, databases and roles have defaults for settings, libpq has environment variables, and either can change what a
statement means. All settings of PostgreSQL 15 to 18 that a role may set, and all variables of libpq, were decided:

* ``DEFAULTS`` and ``SESSION_DEFAULTS``: what bounds a wait. The address goes before them, they go before the server.
* ``PINNED``: what a statement means. They go before everything else.
* ``MENDED``: what no address can set, or what is wrong in one value only. Looked at in the first answer of a session.
* Left to the server, because only speed, its log or its disk follow from them: the planner's settings, memory,
  parallelism, JIT, ``log_*``, ``track_*``, ``debug_*``, ``vacuum_*``, statistics, tablespaces, compression, preloaded
  libraries, ``client_connection_check_interval``.
* Left to the server, because no statement of ours depends on them: ``lc_*``, ``bytea_output``, ``extra_float_digits``,
  ``xml*``, ``array_nulls`` and other rules for literals (values are bound as binary), text search,
  ``password_encryption``, ``default_transaction_deferrable`` (says nothing at this isolation).
* Left to the server, because its owner means it: ``default_transaction_read_only``, ``role``, ``temp_file_limit``.
* libpq's variables add what an address leaves out (``PGUSER``, ``PGPASSWORD``, ``PGPASSFILE``, ``PGPORT``,
  ``PGDATABASE``, ``PGSSL*``, ``PGGSS*``, ``PGSERVICE``, ...), as with every program of PostgreSQL. They never lead an
  address that names a host to another one (``PGHOSTADDR``, also from a service file), and ``EMBEDDED`` ends what could
  stop the embedded server's address. ``PGOPTIONS``, ``PGAPPNAME``, ``PGCONNECT_TIMEOUT`` and ``PGCLIENTENCODING`` are
  not read: an address of ours always says these.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from math import inf, nan
from urllib.parse import quote

from etl.core.errors import DatabaseError, SettingsError

# A peer that is gone is noticed within a minute, by either side: a server that does not notice would keep the locks of
# a client that is gone. ``answer_timeout`` is ours: see ``watchdog``.
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
    "statement_timeout": "0",  # another run's lock, or 40,000 rows on a slow disk, take the time that they take
    "lock_timeout": "0",  # rounds and batches wait for each other, and for Koito's merges
    "idle_session_timeout": "0",  # the lock of runs is a session's that says nothing while batches are written
    "idle_in_transaction_session_timeout": "1h",  # of a run that was stopped with Ctrl-Z in the middle of a round
}
PINNED = {
    "timezone": "UTC",  # days and text of times
    "search_path": "public",  # Koito's tables are named without a schema, and nothing of another schema may hide them
    "client_min_messages": "warning",
    "default_transaction_isolation": "read committed",  # a round must see what was committed while it waited for a lock
    "row_security": "off",  # an error, where rows that a policy hides would be taken for missing and made again
    "standard_conforming_strings": "on",  # our statements are written for it
    "gin_fuzzy_search_limit": "0",  # else a look-up by one of Koito's GIN indexes may leave rows out
}
MARK = "etl.session"
"""A setting of our own: a session without it has not got our ``options``, or is another program's."""
_MARKED = secrets.token_hex(8)

POOLER_HINT = (
    "Connect to PostgreSQL itself (usually port 5432), or to a pool in session mode that passes on the `options` of a "
    "connection"
)

# What the first answer must say (None: the server does not know the setting), and what is set where it says another.
# libpq's PGTZ and PGDATESTYLE go before the options of an address, and an older server refuses an unknown option.
_RIGHT: dict[str, tuple[str | None, ...]] = {
    "TimeZone": ("UTC",),
    "DateStyle": ("ISO, MDY",),
    "session_replication_role": ("origin",),  # a role's default would suspend triggers and foreign keys unasked
    "synchronous_commit": ("local", "on", "remote_write", "remote_apply"),  # a file counts as known: it is on disk
    "transaction_timeout": ("0", None),  # of PostgreSQL 17; see statement_timeout
}
MENDED = {name: right[0] or "" for name, right in _RIGHT.items()}

# Each of these could keep libpq from the embedded server's socket, or lead it elsewhere.
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
"""Encodings of a database that give each text back as it came."""


@dataclass(frozen=True)
class Address:
    """Where libpq is to connect, with our settings, and how many seconds an answer may take."""

    uri: str
    patience: float


def address(uri: str) -> Address:
    """Return what to connect to for ``uri``, a well-formed libpq URI. Raises ``SettingsError`` for a wrong time-out."""
    base, given = _split(named_server(uri))
    options = f"{_options(SESSION_DEFAULTS)}%20{given.pop('options', '')}%20{_options({**PINNED, MARK: _MARKED})}"
    name = {"application_name": application_name().replace(" ", "%20")}
    parameters = {**DEFAULTS, **name, **given, "client_encoding": "UTF8", "options": options}
    patience = _seconds(parameters.pop("answer_timeout"))
    return Address(_joined(base, parameters), patience)


def application_name() -> str:
    """Return the name of the sessions of this process: it tells which process keeps others waiting."""
    return f"etl {os.getpid()}"


def named_server(uri: str) -> str:
    """Return ``uri`` such that PGHOSTADDR cannot lead it to another server than it names."""
    base, given = _split(uri)
    place = base.partition("://")[2].partition("/")[0].rpartition("@")[2]
    has_host = bool(given.get("host") or place.partition(":")[0])
    return _joined(base, {"hostaddr": "", **given}) if has_host else uri


def embedded(uri: str) -> str:
    """Return the embedded server's ``uri`` such that no variable of libpq matters."""
    base, given = _split(uri)
    return _joined(base, {**given, **EMBEDDED})


def check_session(found: dict[str, str | None], *, is_shared: bool) -> dict[str, str]:
    """Return the settings to mend in a session, by what its first answer says.

    ``is_shared``: its backend also serves another connection of ours. Raises ``DatabaseError`` for one that does, and
    for one that has not got what we asked for: a pooler gives a backend to another program between two transactions,
    with the locks and settings that we think are ours.
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
            "Make one with ENCODING 'UTF8' and TEMPLATE template0, and move the data with pg_dump and pg_restore",
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
