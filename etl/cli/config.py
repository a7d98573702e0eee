"""``etl config``: what is set and from where; and how settings become the defaults of options."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import typer

from etl.cli import options
from etl.cli.log import log_settings
from etl.cli.output import show, show_json, show_table
from etl.core.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from etl.core.config import ConfigValue

logger = logging.getLogger(__name__)

app = typer.Typer(help="The settings: etl.toml, ETL_* variables, options.", no_args_is_help=True)

_HANDLED = ("home", "dsn", "dsn_file")  # by find_workspace, which must know a typed password from a hidden one


@app.command("show")
def show_all(dsn: options.Dsn = None, home: options.Home = None, json: options.Json = False) -> None:
    """Show every setting, and whether it comes from an option, the environment, etl.toml, or is the default."""
    from etl.core.config import SETTINGS, config_file, load_config, unknown_variables, usual_file

    held = load_config()
    values = _values(held, dsn, home)
    entries = {setting.name: values[setting.name] for setting in SETTINGS}
    file = config_file()
    if json:
        show_json({"file": str(file) if file else None, "settings": entries})
        return
    rows = [
        (name, "-" if entry["value"] is None else _word(entry["value"]), entry["origin"], entry["place"] or "")
        for name, entry in entries.items()
    ]
    show_table(("setting", "value", "from", "where"), rows, cut=(1, 3), keep_end=(3,))
    show()
    show(f"file: {sanitize(file)}" if file else f"file: none; {sanitize(usual_file())} would be read")
    for name, near in unknown_variables().items():
        logger.warning("%s is not known. Did you mean %s?", name, near)


def _values(held: Mapping[str, ConfigValue], dsn: str | None, home: str | None) -> dict[str, dict[str, Any]]:
    """Return value, origin and place of every setting; passwords are hidden."""
    from etl.core.config import SETTINGS, first_of
    from etl.core.separators import DEFAULT_SEPARATORS
    from etl.core.settings import find_workspace, redact

    workspace = find_workspace(home, dsn)
    found: dict[str, dict[str, Any]] = {}
    for setting in SETTINGS:
        one = held.get(setting.name)
        found[setting.name] = _entry(one.value, one.origin, one.place) if one else _entry(setting.default, "default")
    if "artist_separators" not in held:
        found["artist_separators"]["value"] = DEFAULT_SEPARATORS
    address = first_of(held, "dsn", "dsn_file")
    found["dsn"] = _entry(None, address.origin, address.place) if address else found["dsn"]
    for name, typed, value in (("home", home, str(workspace.home)), ("dsn", dsn, redact(workspace.dsn))):
        found[name] = _entry(value, "option", f"--{name}") if typed else {**found[name], "value": value}
    return found


def _entry(value: object, origin: str, place: str | None = None) -> dict[str, Any]:
    return {"value": value, "origin": origin, "place": place}


def _word(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def defaults(command: Any, file: Path | None) -> dict[str, Any]:  # noqa: ANN401 (typer's own copy of click)
    """Return what is set as click's ``default_map`` of ``command``: by subcommand, then by parameter.

    A ``file`` is read instead of the usual one, here and wherever settings are looked at later.
    """
    from etl.core.config import load_config, use_file

    if file:
        use_file(file)
    values = {name: one.value for name, one in load_config().items() if name not in _HANDLED}
    log_settings.as_json = log_settings.as_json or values.get("log_format") == "json"
    return _for(command, values)


def _for(command: Any, values: Mapping[str, object]) -> dict[str, Any]:  # noqa: ANN401
    if children := getattr(command, "commands", None):
        return {name: _for(child, values) for name, child in children.items()}
    own = ("user",) if command.name == "replay" else ()  # default: that of the run
    return {
        param.name: values[param.name] for param in command.params if param.name in values and param.name not in own
    }
