"""Options and what ``etl.core.config`` holds, checked, as frozen settings."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from platformdirs import user_data_path

from etl.core.config import first_of, load_config
from etl.core.errors import SettingsError
from etl.core.failpoints import Fault, Point
from etl.core.separators import DEFAULT_SEPARATORS, compile_separators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.config import ConfigValue

Plays: TypeAlias = Literal["heard", "trackdone"]
PlayTime: TypeAlias = Literal["end", "start"]

EMBEDDED = "embedded"
AUTO = "auto"
ROOT_HOME = Path("/var/lib/etl")

# In a URI's query, in key=value form (whose values may be quoted and escaped), before a URI's host.
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
    """Raise ``SettingsError`` for a URI that libpq cannot read: its complaint would quote a piece of the password."""
    if not _WELL_FORMED.fullmatch(uri):
        raise SettingsError(
            "the database address cannot be read",
            "Write postgresql://user:password@host:5432/koitodb, and @ / ? % = & or a space inside a part of it "
            "as %40 %2F %3F %25 %3D %26 %20",
        )


@dataclass(frozen=True)
class Workspace:
    """Where runs and the embedded server live, and which database is meant."""

    home: Path
    dsn: str
    """A libpq URI, or ``embedded``."""
    warning: str = ""
    fault: Fault | None = None
    """How a test wants the process to end."""

    @property
    def runs(self) -> Path:
        """The folder of run directories."""
        return self.home / "runs"


def find_workspace(home: str | None, dsn: str | None, environ: Mapping[str, str] | None = None) -> Workspace:
    """Return where to work: an option, else the environment, else ``etl.toml``, else the default.

    Raises ``SettingsError`` for a DSN that is no libpq URI, an ``ETL_DSN_FILE`` that cannot be read, or an
    ``ETL_FAULT`` that cannot be had, and as ``load_config``.
    """
    held = load_config(environ)
    chosen = home or (str(held["home"].value) if "home" in held else None)
    folder = _expanded(chosen) if chosen else _default_home()
    warning = ""
    if dsn and redact(dsn) != dsn:
        warning = "a password in --dsn can be seen by other users of this machine; ETL_DSN or ETL_DSN_FILE hide it"
    address = _check_dsn(dsn or _dsn_held(held) or EMBEDDED)
    return Workspace(folder, address, warning, _fault((os.environ if environ is None else environ).get("ETL_FAULT")))


def from_environment(prefix: str = "ETL_") -> dict[str, str]:
    """Return the variables of the environment whose names begin with ``prefix``."""
    return {name: value for name, value in os.environ.items() if name.startswith(prefix)}


def _default_home() -> Path:
    return ROOT_HOME if os.geteuid() == 0 else user_data_path("etl").absolute()


def _expanded(folder: str) -> Path:
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(f'"{folder}" names a user who has no home folder', "Write the whole path") from error


def _dsn_held(held: Mapping[str, ConfigValue]) -> str | None:
    found = first_of(held, "dsn", "dsn_file")
    if found is None or found is held.get("dsn"):
        return str(found.value) if found else None
    name = f"{found.place} {found.value}" if found.origin == "env" else f"dsn_file {found.value} ({found.place})"
    try:
        dsn = Path(str(found.value)).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{name} cannot be read: {error}") from error
    if not dsn:  # the default would be another database than the one that is meant
        raise SettingsError(f"{name} is empty", "Write the database address into it, or unset it")
    return dsn


def _fault(text: str | None) -> Fault | None:
    """Return what ``ETL_FAULT`` asks for: a point, the visit to it that counts, and a signal (``<point>:2:SIGINT``)."""
    if not text:
        return None
    point, nth, number = [*text.split(":"), "", ""][:3]
    try:
        return Fault(Point(point), int(nth or 1), signal.Signals[number or "SIGKILL"])
    except (ValueError, KeyError) as error:
        points = ", ".join(known.value for known in Point)
        raise SettingsError(f'ETL_FAULT: "{text}" is no fault', f"<point>[:<n>[:<signal>]], of {points}") from error


def _check_dsn(dsn: str) -> str:
    if dsn == EMBEDDED:
        return dsn
    if dsn.startswith(("postgresql://", "postgres://")):
        check_uri(dsn)
        return dsn
    shown = "what was given" if "@" in dsn else f'"{redact(dsn)}"'  # a URI without its scheme may hold a password
    raise SettingsError(
        f"{shown} is no database address", 'Use "embedded" or a URI like postgresql://user@host:5432/koitodb'
    )


@dataclass(frozen=True)
class RunSettings:
    """What decides how a run reads its files and what it does with the rows."""

    source: str = AUTO
    user: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    workers: int = 2
    dry_run: bool = False
    force: bool = False
    max_rejects: int = 0
    spotify_plays: Plays = "heard"
    spotify_time: PlayTime = "end"
    artist_separators: str = DEFAULT_SEPARATORS
    drop_doubles: bool = False
    no_overlap: bool = False
    """Do not begin while another run is at work on the database."""
    move_to: str | None = None
    """The folder that fully loaded files are moved to."""
    replay_of: str | None = None
    """The run whose rejected rows and unresolved listens are tried again."""

    @property
    def separators(self) -> tuple[re.Pattern[str], ...]:
        """The artist separators as patterns; raises ``SettingsError``."""
        try:
            return compile_separators(self.artist_separators)
        except re.error as error:
            raise SettingsError(f"--artist-separators: {error}", "Give regular expressions, divided by ;;") from error

    def check_separators(self) -> None:
        """Raise ``SettingsError`` for artist separators that are no patterns, or none at all."""
        if not self.separators:
            raise SettingsError("--artist-separators is empty", "Leave the option away for Koito's default")

    def row_options(self, source: str) -> str:
        """Return the options that change which rows a file of ``source`` gives, or their content, as JSON."""
        options: dict[str, Any] = {
            "since": _iso(self.since),
            "until": _iso(self.until),
            "artist_separators": self.artist_separators,
            "drop_doubles": self.drop_doubles,
        }
        if source == "spotify":
            options["spotify_plays"] = self.spotify_plays
        return json.dumps(options, sort_keys=True)

    def as_json(self) -> dict[str, Any]:
        """Return the settings for ``run.json``."""
        return {**asdict(self), "since": _iso(self.since), "until": _iso(self.until)}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> RunSettings:
        """Return the settings that ``as_json`` wrote; what another version wrote beside them is left out."""
        known = {name: value for name, value in written.items() if name in cls.__dataclass_fields__}
        times = {name: datetime.fromisoformat(known[name]) for name in ("since", "until") if known.get(name)}
        return cls(**{**known, **times})


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def parse_moment(option: str, text: str | None) -> datetime | None:
    """Return an ISO 8601 time as UTC; without an offset it is UTC. A bare date in ``--until`` means the whole day."""
    if text is None:
        return None
    is_date = re.fullmatch(r"\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}(-?\d)?", text.strip()) is not None
    try:
        moment = datetime.fromisoformat(text.strip())
        if is_date and option == "--until":
            moment = datetime.combine(moment.date(), time.max)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise SettingsError(
            f'{option}: "{text}" is no ISO 8601 date or time', "Write 2024-05-31 or 2024-05-31T18:00:00+02:00"
        ) from error
