"""Reads the configuration from ``ETL_*`` variables and ``etl.toml``, and records where each value comes from.

A variable takes precedence over the file. ``etl.cli`` uses the values as the defaults of its options.
"""

from __future__ import annotations

import os
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
from platformdirs import user_config_path

from etl.core.errors import SettingsError
from etl.core.options import options_of
from etl.core.settings import CONTACT, DSN, DSN_FILE, HOME, OutputSettings, RunSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.options import Option

SettingValue: TypeAlias = str | int | bool
Origin: TypeAlias = Literal["option", "env", "file", "default"]

CONFIG_VARIABLE = "ETL_CONFIG"
ROOT_FILE = Path("/etc/etl/etl.toml")
_KINDS = {str: "a text", int: "a whole number", bool: "true or false"}
_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

_metrics, *_output = options_of(OutputSettings)
SETTINGS = tuple(
    option
    for option in (HOME, DSN, DSN_FILE, *options_of(RunSettings), _metrics, CONTACT, *_output)
    if option.configurable
)
"""The options that can be configured, in the order of ``etl config show``."""
_NOT_SETTINGS = {option.name: option.flag for option in options_of(RunSettings) if not option.configurable}
BY_NAME = {option.name: option for option in SETTINGS}


class ConfigValue(msgspec.Struct, frozen=True):
    """The value of a setting, and where it was set."""

    value: SettingValue | None
    origin: Origin
    source: str | None = None
    """The option, the variable, or the file and line; None for a default value."""


def environment(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Return ``environ``; if it is None, the environment of this process."""
    return os.environ if environ is None else environ


def etl_variables() -> dict[str, str]:
    """Return the variables of this process whose names start with ``ETL_``."""
    return {name: value for name, value in os.environ.items() if name.startswith("ETL_")}


def use_file(path: Path) -> None:
    """Make ``load_config`` read ``path`` from now on."""
    os.environ[CONFIG_VARIABLE] = str(path)


def config_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the file to read: the one that ``ETL_CONFIG`` names, else the default one if it exists.

    If ``environ`` is given, only its ``ETL_CONFIG`` can name a file.
    """
    if named := environment(environ).get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    default = default_file()
    return default if environ is None and default.is_file() else None


def default_file() -> Path:
    """Return the path of ``etl.toml`` that is used when ``ETL_CONFIG`` names no file."""
    return ROOT_FILE if os.geteuid() == 0 else user_config_path("etl") / "etl.toml"


def load_config(environ: Mapping[str, str] | None = None) -> dict[str, ConfigValue]:
    """Return the configured values by name: from ``environ`` (default: this process's environment), else ``etl.toml``.

    Raises ``SettingsError`` for an unknown key, an invalid value, or a file that cannot be read.
    """
    path = config_file(environ)
    from_file = _from_file(path) if path else {}
    return {**from_file, **_from_environment(environment(environ))}


def first_of(config: Mapping[str, ConfigValue], *names: str) -> ConfigValue | None:
    """Return the value of ``names`` that goes first: variables before the file, then in the order of ``names``."""
    found = [config[name] for name in names if name in config]
    return min(found, key=lambda one: one.origin != "env", default=None)


def unknown_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the ``ETL_`` variables that look like misspellings, each with the name that was probably meant."""
    known = [CONFIG_VARIABLE, *(option.variable for option in SETTINGS)]
    unknown = [name for name in environment(environ) if name.startswith("ETL_") and name not in known]
    nearest = {name: get_close_matches(name, known, 1, 0.85) for name in sorted(unknown)}
    return {name: near[0] for name, near in nearest.items() if near}


def _from_environment(environ: Mapping[str, str]) -> dict[str, ConfigValue]:
    return {
        option.name: ConfigValue(_parsed(option, text), "env", option.variable)
        for option in SETTINGS
        if (text := environ.get(option.variable))
    }


def _parsed(option: Option, text: str) -> SettingValue:
    value: SettingValue | None = text
    if option.kind is bool:
        value = _FLAGS.get(text.strip().lower())
    elif option.kind is int:
        value = int(text) if re.fullmatch(r"\s*-?[0-9]{1,18}\s*", text) else None
    if value is None:
        raise SettingsError(f'{option.variable} is "{text}", and must be {_KINDS[_toml_kind(option)]}')
    return _checked(option, value, option.variable)


def _from_file(path: Path) -> dict[str, ConfigValue]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        written = tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}",
            f"Give the path of a readable file to --config or {CONFIG_VARIABLE}",
        ) from error
    except ValueError as error:  # neither TOML nor UTF-8
        raise SettingsError(f"{path} is not a TOML file: {error}", "Write lines like: workers = 4") from error
    config = {}
    for key, value in written.items():
        source = _file_and_line(path, text, key)
        option = BY_NAME.get(key)
        if option is None:
            raise SettingsError(f'{source}: "{key}" is not known', _advice(key))
        if type(value) is not _toml_kind(option):
            raise SettingsError(f"{source}: {key} is {_described(value)}, and must be {_KINDS[_toml_kind(option)]}")
        checked = _checked(option, value, f"{source}: {key}")
        if option.is_path:
            checked = str(path.parent.absolute() / Path(str(checked)).expanduser())
        config[key] = ConfigValue(checked, "file", source)
    return config


def _advice(key: str) -> str:
    """Return what to do about an unknown ``key``."""
    if key in _NOT_SETTINGS:
        return f"It can only be an option: {_NOT_SETTINGS[key]}"
    near = get_close_matches(key, BY_NAME, 1, 0.5)
    return f"Did you mean {near[0]}?" if near else f"Known: {', '.join(BY_NAME)}"


def _toml_kind(option: Option) -> type[str | int | bool]:
    return option.kind if option.kind in (int, bool) else str


def _described(value: object) -> str:
    if type(value) in _KINDS:
        return f'the text "{value}"' if isinstance(value, str) else str(value).lower()
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else str(value)


def _file_and_line(path: Path, text: str, key: str) -> str:
    """Return the file and the line that sets ``key``, or only the file: TOML has many ways to write a key."""
    written = re.compile(rf"""\s*(\[+\s*)?["']?{re.escape(key)}["']?\s*[]=.]""")
    lines = (number for number, line in enumerate(text.splitlines(), start=1) if written.match(line))
    number = next(lines, None)
    return f"{path}, line {number}" if number else str(path)


def _checked(option: Option, value: SettingValue, subject: str) -> SettingValue:
    """Return ``value``; raises ``SettingsError`` about ``subject`` unless an option could have it."""
    if option.choices and value not in option.choices:
        raise SettingsError(f'{subject} is "{value}"', f"Known: {', '.join(option.choices)}")
    if option.kind is int and not (option.least <= int(value) and (option.most is None or int(value) <= option.most)):
        limits = f"from {option.least} to {option.most}" if option.most else f"{option.least} or more"
        raise SettingsError(f"{subject} is {value}", f"It must be {limits}")
    if value == "":
        raise SettingsError(f"{subject} is empty", "Omit it for the default")
    if option.parse:
        option.parse(subject, str(value))
    return value
