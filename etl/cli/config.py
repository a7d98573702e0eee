"""``etl config``: shows the settings. Also makes the configured values the defaults of options."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import typer
from msgspec.structs import replace

from etl.cli import options
from etl.cli.groups import HelpfulGroup
from etl.cli.log import log_settings
from etl.cli.output import show, show_json, show_table, show_text
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from etl.core.config import ConfigValue, SettingValue

logger = logging.getLogger(__name__)

app = typer.Typer(help="Show the settings in etl.toml, ETL_* variables and options.", cls=HelpfulGroup)


@app.command("show")
def show_all(dsn: options.Dsn = None, home: options.Home = None, json: options.Json = False) -> None:
    """Show every setting, and whether it comes from an option, the environment, etl.toml, or is the default."""
    from etl.core.config import config_file, default_file, load_config, unknown_variables

    values = _values(load_config(), dsn, home)
    file = config_file()
    if json:
        settings = {
            name: {"value": one.value, "origin": one.origin, "place": one.source} for name, one in values.items()
        }
        show_json({"file": str(file) if file else None, "settings": settings})
        return
    rows = [(name, _shown(one.value), one.origin, one.source or "") for name, one in values.items()]
    show_table(("setting", "value", "from", "where"), rows, below=(3,))
    show()
    show_text(f"file: {sanitize(file)}" if file else f"file: none; {sanitize(default_file())} is read if it exists")
    for name, near in unknown_variables().items():
        logger.warning("%s is not known. Did you mean %s?", name, near)


def _values(config: Mapping[str, ConfigValue], dsn: str | None, home: str | None) -> dict[str, ConfigValue]:
    """Return every setting by name, with passwords hidden; ``dsn`` and ``home`` are the typed values."""
    from etl.core.config import SETTINGS, ConfigValue, first_of
    from etl.core.dsn import redact
    from etl.core.workspace import find_workspace

    workspace = find_workspace(home, dsn)
    values = {one.name: config.get(one.name) or ConfigValue(one.default, "default") for one in SETTINGS}
    values["dsn"] = first_of(config, "dsn", "dsn_file") or values["dsn"]
    for name, typed, value in (("home", home, str(workspace.home)), ("dsn", dsn, redact(workspace.dsn))):
        values[name] = ConfigValue(value, "option", f"--{name}") if typed else replace(values[name], value=value)
    return values


def _shown(value: SettingValue | None) -> object:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else value


def defaults(command: Any, file: Path | None) -> dict[str, Any]:  # noqa: ANN401 (typer's own copy of click)
    """Return the configured values as click's ``default_map`` of ``command``: by subcommand, then by parameter.

    A given ``file`` replaces the default one, here and in every later ``load_config``.
    """
    from etl.core.config import load_config, use_file

    if file:
        use_file(file)
    values = {name: one.value for name, one in load_config().items()}
    log_settings.as_json = log_settings.as_json or values.get("log_format") == "json"
    return _default_map(command, values)


def _default_map(command: Any, values: Mapping[str, object]) -> dict[str, Any]:  # noqa: ANN401
    from etl.core.config import BY_NAME

    if children := getattr(command, "commands", None):
        return {name: _default_map(child, values) for name, child in children.items()}
    return {name: value for name, value in values.items() if command.name in BY_NAME[name].commands}
