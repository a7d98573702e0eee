"""Declares the options and settings: how a run works, how a command shows its output, what can be configured."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from etl.core.errors import SettingsError
from etl.core.options import Option, declare, one_of, options_of
from etl.core.separators import DEFAULT_SEPARATORS, compile_separators
from etl.core.timezones import parse_timezone

if TYPE_CHECKING:
    from collections.abc import Mapping

Plays: TypeAlias = Literal["heard", "trackdone"]
PlayTime: TypeAlias = Literal["end", "start"]
Doubles: TypeAlias = Literal["skip", "keep"]

AUTO = "auto"
EMBEDDED = "embedded"
UNDO = "undo"
"""The source of a run that undoes another one."""
DEDUPE = "dedupe"
"""The source of a run that removes likely doubles from the database."""

# find_workspace reads their configured values: it must distinguish a password that was typed from a hidden one.
HOME = Option("Folder of the embedded server and the runs. Env: ETL_HOME.", name="home", metavar="DIR", is_path=True)
DSN = Option(
    'Database: Koito\'s koito.db, a libpq URI, or "embedded" (the default). Env: ETL_DSN, ETL_DSN_FILE.',
    name="dsn",
    default=EMBEDDED,
    metavar="URI",
    shows_default=False,
)
DSN_FILE = Option(
    "A file that holds the database's address, so that no other file has the password.", "dsn_file", is_path=True
)
JSON = Option("Print JSON instead of a table.", name="json", kind=bool, configurable=False)
_LOGGING_COMMANDS = ("run", "check", "verify", "undo", "dedupe", "replay", "images", "musicbrainz", "durations")
QUIET = Option(
    "Show only errors and the closing line.",
    name="quiet",
    kind=bool,
    commands=_LOGGING_COMMANDS,
    short="-q",
    configurable=False,
)
VERBOSE = Option(
    "Show every file, and debug messages.",
    name="verbose",
    kind=bool,
    commands=_LOGGING_COMMANDS,
    short="-v",
    configurable=False,
)


def check_levels(*, quiet: bool, verbose: bool) -> None:
    """Raise ``SettingsError`` for two options that contradict each other."""
    if quiet and verbose:
        raise SettingsError("--quiet and --verbose exclude each other", "Give one of them")


CONTACT = Option(
    "E-mail address or web page at which MusicBrainz can reach you. Env: ETL_CONTACT.",
    name="contact",
    commands=("images", "musicbrainz", "durations"),
    metavar="WHO",
)


def parse_moment(option: str, text: str | None) -> datetime | None:
    """Return an ISO 8601 time in UTC; without an offset it is UTC. A bare date in ``--until`` includes that whole day.

    Raises ``SettingsError``, which names the ``option``.
    """
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
            f'{option}: "{text}" is not an ISO 8601 date or time', "Write 2024-05-31 or 2024-05-31T18:00:00+02:00"
        ) from error


@dataclass(frozen=True)
class RunSettings:
    """How a run reads its files, and what it does with their rows. The order of the fields is that of ``--help``."""

    source: str = AUTO
    """Whose files are read. Not declared as an option here, because only ``etl.formats`` knows the choices."""
    user: str | None = declare(
        None,
        Option(
            "Name or id of the Koito user; default: the only one.",
            commands=("run", "submit", "dedupe", "inspect", "report"),
            metavar="USER",
        ),
    )
    since: datetime | None = declare(
        None,
        Option(
            "Load only listens from this time on (ISO 8601; UTC without an offset).",
            commands=("run", "check"),
            metavar="TIME",
            parse=parse_moment,
            configurable=False,
        ),
    )
    until: datetime | None = declare(
        None,
        Option(
            "Load only listens up to this time; a date includes the whole day.",
            commands=("run", "check"),
            metavar="TIME",
            parse=parse_moment,
            configurable=False,
        ),
    )
    workers: int = declare(
        2, Option("Connections that write at the same time.", commands=("run", "replay"), metavar="N", least=1, most=64)
    )
    dry_run: bool = declare(
        False, Option("Do everything except writing to the database.", commands=("run", "replay"), configurable=False)
    )
    force: bool = declare(
        False, Option("Read known files again. Nothing is stored twice.", commands=("run",), configurable=False)
    )
    max_rejects: int = declare(
        0,
        Option(
            "Rejected rows to accept; with more, the exit code is 5.",
            commands=("run", "check", "replay"),
            metavar="N",
        ),
    )
    spotify_plays: Plays = declare(
        "heard",
        Option(
            "Spotify plays to load. heard: at least 30 s, or to the end; trackdone: only to the end, as in Koito.",
            commands=("run", "check"),
            choices=get_args(Plays),
        ),
    )
    spotify_time: PlayTime = declare(
        "end",
        Option(
            "Time of a Spotify play: its end, as in Koito, or its start.",
            commands=("run", "check", "dedupe"),
            choices=get_args(PlayTime),
        ),
    )
    timezone: str | None = declare(
        None,
        Option(
            "Time zone of times that have none in a file, such as Europe/Berlin; default: UTC.",
            commands=("run", "check"),
            metavar="ZONE",
            parse=parse_timezone,
        ),
    )
    artist_separators: str = declare(
        DEFAULT_SEPARATORS,
        Option(
            "Regular expressions at which artist credits are split, separated by ;; as in Koito.",
            commands=("run", "check", "submit"),
            metavar="REGEX",
            shows_default=False,
        ),
    )
    doubles: Doubles = declare(
        "skip",
        Option(
            "Likely doubles: skip listens that another service probably recorded too, or keep them.",
            commands=("run", "check"),
            choices=get_args(Doubles),
        ),
    )
    no_overlap: bool = declare(
        False, Option("Exit with code 6 if another run is active on the database.", commands=("run",))
    )
    move_to: str | None = declare(
        None,
        Option(
            "Move files that are fully loaded to DIR.",
            commands=("run",),
            metavar="DIR",
            is_path=True,
        ),
    )
    replay_of: str | None = None
    """The run whose rejected rows and unresolved listens are retried."""

    @classmethod
    def from_options(cls, typed: Mapping[str, Any], source: str = AUTO) -> RunSettings:
        """Return the settings for the typed values of options, by name; None means the default.

        Raises ``SettingsError`` for a value that is not valid.
        """
        given = [option for option in options_of(cls) if typed.get(option.name) is not None]
        values: dict[str, Any] = {option.name: option.parsed(typed[option.name]) for option in given}
        settings = cls(source=source, **values)
        if settings.since and settings.until and settings.since > settings.until:
            raise SettingsError("--since is later than --until", "Exchange them")
        if not settings.separators:
            raise SettingsError("--artist-separators is empty", "Omit the option to use Koito's default")
        return settings

    @property
    def separators(self) -> tuple[re.Pattern[str], ...]:
        """The artist separators as patterns; raises ``SettingsError``."""
        try:
            return compile_separators(self.artist_separators)
        except re.error as error:
            raise SettingsError(f"--artist-separators: {error}", "Give regular expressions, divided by ;;") from error

    @property
    def zone(self) -> str:
        """The zone of times without one."""
        return self.timezone or "UTC"

    def row_options(self, source: str, *, has_local_times: bool = False, companions: str = "") -> str:
        """Return, as JSON, the options that determine which rows a file of ``source`` gives, or their content.

        The time zone is one of them only for a file that ``has_local_times``. ``companions`` is the digest of the files
        next to it that complete its rows.
        """
        options: dict[str, Any] = {
            "since": _iso(self.since),
            "until": _iso(self.until),
            "artist_separators": self.artist_separators,
            "doubles": self.doubles,
        }
        if source == "spotify":
            options["spotify_plays"] = self.spotify_plays
        if companions:
            options["companions"] = companions
        if has_local_times:
            options["timezone"] = self.zone
        return json.dumps(options, sort_keys=True)

    def as_json(self) -> dict[str, Any]:
        """Return the settings for ``run.json``."""
        return {**asdict(self), "since": _iso(self.since), "until": _iso(self.until)}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> RunSettings:
        """Return the settings that ``as_json`` wrote, without those that this version does not know."""
        known = {name: value for name, value in written.items() if name in cls.__dataclass_fields__}
        times = {name: datetime.fromisoformat(known[name]) for name in ("since", "until") if known.get(name)}
        return cls(**{**known, **times})


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


@dataclass(frozen=True)
class OutputSettings:
    """How a command shows what it does. The constructor raises ``SettingsError`` for an unknown choice."""

    metrics: Path | None = declare(
        None,
        Option(
            "Write a Prometheus text file about the run, even if it fails.",
            kind=Path,
            commands=("run",),
            metavar="FILE",
            is_path=True,
        ),
    )
    progress: str = declare(
        "auto",
        Option(
            "auto: a bar, on a terminal only; plain: a line now and then; none.",
            commands=("run", "replay"),
            choices=("auto", "plain", "none"),
        ),
    )
    log_format: str = declare(
        "text",
        Option(
            "Format of the log on stderr. json: one object per line.",
            commands=("run", "check", "replay"),
            choices=("text", "json"),
        ),
    )
    quiet: bool = declare(False, QUIET)
    verbose: bool = declare(False, VERBOSE)
    json: bool = declare(False, JSON)

    def __post_init__(self) -> None:
        check_levels(quiet=self.quiet, verbose=self.verbose)
        for option in options_of(type(self)):
            if option.choices:
                one_of(option.flag, getattr(self, option.name), option.choices)
