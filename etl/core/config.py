"""The settings that hold for every run: from the environment, else from ``etl.toml``. Says where each comes from.

An option of the command line goes before both; that is the business of ``etl.cli``.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from platformdirs import user_config_path

from etl.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

SettingValue: TypeAlias = str | int | bool
Origin: TypeAlias = Literal["option", "env", "file", "default"]

VARIABLE = "ETL_CONFIG"
ROOT_FILE = Path("/etc/etl/etl.toml")
_KINDS = {str: "a text", int: "a whole number", bool: "true or false"}
_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Setting:
    """Something that can be set: its key in ``etl.toml``, with dashes its option; ``ETL_<NAME>`` is its variable."""

    name: str
    about: str
    default: SettingValue | None = None
    kind: type[str | int | bool] = str
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    is_path: bool = False
    """In ``etl.toml`` it counts from the file's folder."""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"ETL_{self.name.upper()}"


PROGRESS = ("auto", "plain", "none")
LOG_FORMATS = ("text", "json")

SETTINGS = (
    Setting("home", "folder of the embedded server and the runs", is_path=True),
    Setting("dsn", "database: a libpq URI, or embedded", default="embedded"),
    Setting("dsn_file", "a file that holds the libpq URI, so that no other file has the password", is_path=True),
    Setting("user", "name or id of the Koito user; default: the only one"),
    Setting("workers", "connections that write side by side", default=2, kind=int, least=1, most=64),
    Setting("max_rejects", "exit with 5 only if more rows than this are rejected", default=0, kind=int),
    Setting("spotify_plays", "which plays count as listens", default="heard", choices=("heard", "trackdone")),
    Setting("spotify_time", "which end of a play is stored", default="end", choices=("end", "start")),
    Setting("artist_separators", "regular expressions that split artist credits, divided by ;;"),
    Setting("drop_doubles", "skip what another service probably recorded too", default=False, kind=bool),
    Setting("no_overlap", "exit with 6 when another run is at work on the database", default=False, kind=bool),
    Setting("move_to", "folder that fully loaded files are moved to", is_path=True),
    Setting("metrics", "Prometheus text file that tells about the last run", is_path=True),
    Setting("contact", "e-mail address or web page by which MusicBrainz can reach you, for backfill"),
    Setting("progress", "how a run shows how far it is", default="auto", choices=PROGRESS),
    Setting("log_format", "how narration is written", default="text", choices=LOG_FORMATS),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True)
class ConfigValue:
    """A value that was set, and where."""

    value: SettingValue
    origin: Origin
    place: str
    """The variable, or the file and line."""


def use_file(path: Path) -> None:
    """Have every later look at the settings read ``path``, which the user has named."""
    os.environ[VARIABLE] = str(path)


def config_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that is read: what ``ETL_CONFIG`` names, else the usual one where it exists.

    An ``environ`` that is given is all there is: without the variable no file is read.
    """
    if named := (os.environ if environ is None else environ).get(VARIABLE):
        return Path(named).expanduser()
    usual = usual_file()
    return usual if environ is None and usual.is_file() else None


def usual_file() -> Path:
    """Return where ``etl.toml`` is looked for."""
    return ROOT_FILE if os.geteuid() == 0 else user_config_path("etl") / "etl.toml"


def load_config(environ: Mapping[str, str] | None = None) -> dict[str, ConfigValue]:
    """Return what is set, by name: in ``environ`` (default: the process's), else in ``etl.toml``.

    Raises ``SettingsError`` for a key that is not known, a value of another type, or a file that cannot be read.
    """
    path = config_file(environ)
    held = _from_file(path) if path else {}
    return {**held, **_from_environment(os.environ if environ is None else environ)}


def first_of(held: Mapping[str, ConfigValue], *names: str) -> ConfigValue | None:
    """Return the one of ``names`` that counts: the environment goes before the file, then the order of ``names``."""
    found = [held[name] for name in names if name in held]
    return min(found, key=lambda one: one.origin != "env", default=None)


def unknown_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the ``ETL_`` variables that look like a misspelt one of ours, and which."""
    variables = [VARIABLE, *(setting.variable for setting in SETTINGS)]
    found = os.environ if environ is None else environ
    unknown = [name for name in found if name.startswith("ETL_") and name not in variables]
    nearest = {name: get_close_matches(name, variables, 1, 0.85) for name in sorted(unknown)}
    return {name: near[0] for name, near in nearest.items() if near}


def _from_environment(environ: Mapping[str, str]) -> dict[str, ConfigValue]:
    held = {}
    for setting in SETTINGS:
        if text := environ.get(setting.variable):
            held[setting.name] = ConfigValue(_parsed(setting, text), "env", setting.variable)
    return held


def _parsed(setting: Setting, text: str) -> SettingValue:
    value: SettingValue | None = text
    if setting.kind is bool:
        value = _FLAGS.get(text.strip().lower())
    elif setting.kind is int:
        value = int(text) if re.fullmatch(r"\s*-?[0-9]{1,18}\s*", text) else None
    if value is None:
        raise SettingsError(f'{setting.variable} is "{text}", and must be {_KINDS[setting.kind]}')
    return _checked(setting, value, setting.variable)


def _from_file(path: Path) -> dict[str, ConfigValue]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        written = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}", f"--config or {VARIABLE} name the settings file"
        ) from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise SettingsError(f"{path} is no TOML file: {error}", "Write lines like: workers = 4") from error
    held = {}
    for key, value in written.items():
        place = _place(path, text, key)
        setting = BY_NAME.get(key)
        if setting is None:
            near = get_close_matches(key, BY_NAME, 1, 0.5)
            known = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(BY_NAME)}"
            raise SettingsError(f'{place}: "{key}" is not known', known)
        if type(value) is not setting.kind:
            raise SettingsError(f"{place}: {key} is {_described(value)}, and must be {_KINDS[setting.kind]}")
        checked = _checked(setting, value, f"{place}: {key}")
        if setting.is_path:
            checked = str(path.parent.absolute() / Path(str(checked)).expanduser())
        held[key] = ConfigValue(checked, "file", place)
    return held


def _described(value: object) -> str:
    if type(value) in _KINDS:
        return f'the text "{value}"' if isinstance(value, str) else str(value).lower()
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else str(value)


def _place(path: Path, text: str, key: str) -> str:
    """Return the file and the line that sets ``key``, as far as that can be seen: TOML has many ways to write it."""
    written = re.compile(rf"""\s*(\[+\s*)?["']?{re.escape(key)}["']?\s*[]=.]""")
    lines = (number for number, line in enumerate(text.splitlines(), start=1) if written.match(line))
    number = next(lines, None)
    return f"{path}, line {number}" if number else str(path)


def _checked(setting: Setting, value: SettingValue, place: str) -> SettingValue:
    if setting.choices and value not in setting.choices:
        raise SettingsError(f'{place} is "{value}"', f"Known: {', '.join(setting.choices)}")
    if setting.kind is int and not (
        setting.least <= int(value) and (setting.most is None or int(value) <= setting.most)
    ):
        limits = f"from {setting.least} to {setting.most}" if setting.most else f"{setting.least} or more"
        raise SettingsError(f"{place} is {value}", f"It must be {limits}")
    if value == "":
        raise SettingsError(f"{place} is empty", "Leave it away for the default")
    return value
