"""Checks database addresses (DSNs), and hides the passwords in them."""

from __future__ import annotations

import re
from pathlib import Path

from etl.core.errors import SettingsError
from etl.core.settings import EMBEDDED

SQLITE = "sqlite:///"
SQLITE_SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3"})  # a missing file is recognised by its suffix

# In the query of a URI, in key=value form (whose values may be quoted and escaped), before the host of a URI.
_SECRETS = re.compile(
    r"([?&]\w*password=)[^\s&]*|(password\s*=\s*)(?:'(?:[^'\\]|\\.)*'?|(?:[^\s\\]|\\.)+)|(://[^:/@\s]*):[^\n]*@",
    re.IGNORECASE,
)
_ENCODED = "%(?!00)[0-9A-Fa-f]{2}"
_WELL_FORMED = re.compile(
    rf"postgres(?:ql)?://(?:(?:[^:@/?%\s]|{_ENCODED})*(?::(?:[^@/?%\s]|{_ENCODED})*)?@)?(?:[^@?%\s]|{_ENCODED})*"
    rf"(?:\?(?:[^@=&%\s]+=(?:[^@=&%\s]|{_ENCODED})*(?:&|$))*)?"
)


def redact(text: str) -> str:
    """Return ``text`` with the passwords of connection strings replaced."""
    return _SECRETS.sub(lambda found: f"{found[3]}:***@" if found[3] else f"{found[1] or found[2]}***", text)


def check_uri(uri: str) -> None:
    """Raise ``SettingsError`` for a URI that libpq cannot parse; libpq's message would quote part of the password."""
    if not _WELL_FORMED.fullmatch(uri):
        raise SettingsError(
            "the database address cannot be read",
            "Write postgresql://user:password@host:5432/koitodb, and @ / ? % = & or a space inside a part of it "
            "as %40 %2F %3F %25 %3D %26 %20",
        )


def check_dsn(dsn: str) -> str:
    """Return ``dsn``; for a SQLite file, ``sqlite:///`` and its absolute path.

    Raises ``SettingsError`` unless it is a libpq URI, ``embedded``, or the path of a SQLite file.
    """
    if dsn == EMBEDDED:
        return dsn
    if dsn.startswith(("postgresql://", "postgres://")):
        check_uri(dsn)
        return dsn
    if (path := _sqlite_file(dsn)) is not None:
        return f"{SQLITE}{path}"
    shown = "what was given" if "@" in dsn else f'"{redact(dsn)}"'  # a URI without its scheme may have a password
    raise SettingsError(
        f"{shown} is not a database address",
        'Use the path of Koito\'s koito.db, a URI like postgresql://user@host:5432/koitodb, or "embedded"',
    )


def is_file(path: Path) -> bool:
    """Say whether ``path`` is a file, as far as this account can see: it may not be allowed to enter Koito's folder."""
    try:
        return path.is_file()
    except OSError:
        return False


def _sqlite_file(dsn: str) -> Path | None:
    """Return the absolute path of the SQLite file that ``dsn`` names, as ``sqlite:///`` or as a plain path."""
    if dsn.startswith(SQLITE):
        given = dsn.removeprefix(SQLITE)
        paths = [Path(f"/{given.lstrip('/')}"), Path(given)]  # sqlite:///etc/koito.db and sqlite:///koito.db
        return next((path for path in paths if is_file(path)), paths[0]).absolute()
    path = Path(dsn)
    return path.absolute() if "://" not in dsn and (is_file(path) or path.suffix in SQLITE_SUFFIXES) else None
