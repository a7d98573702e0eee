"""Turns declared options into Typer parameters, and defines the parameters that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from etl.cli.completion import complete_runs, complete_sources
from etl.core.options import Option, one_of, options_of
from etl.core.settings import AUTO, DSN, HOME, JSON, RunSettings


class RunOptions:
    """The typed options of a run; ``settings`` checks them."""

    def __init__(self, **typed: Any) -> None:  # noqa: ANN401 (of each option's own type)
        self.typed = typed

    def settings(self, source: str = AUTO) -> RunSettings:
        """Return the settings of a run that reads ``source``; raises ``SettingsError`` for an invalid value."""
        if source != AUTO:
            from etl.formats import SOURCES

            one_of("--source", source, (AUTO, *SOURCES))
        return RunSettings.from_options(self.typed, source)


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Return ``command`` with a signature that has a parameter for each option, for Typer to read.

    A parameter whose type is ``RunOptions`` or a dataclass of options is replaced by the options that the command
    takes. ``command`` gets their values as one argument of that type.
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type, list[str]]] = {}
    for name, parameter in inspect.signature(command, eval_str=True).parameters.items():
        group = RunSettings if parameter.annotation is RunOptions else parameter.annotation
        if not is_dataclass(group):
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        taken = [one for one in options_of(group) if not one.commands or command.__name__ in one.commands]
        parameters += map(_parameter, taken)
        groups[name] = (parameter.annotation, [option.name for option in taken])

    @wraps(command)
    def expanded(**typed: Any) -> None:  # noqa: ANN401 (of each option's own type)
        for name, (group, names) in groups.items():
            typed[name] = group(**{option: typed.pop(option) for option in names})
        command(**typed)

    described: Any = expanded
    described.__signature__ = inspect.Signature(parameters)
    described.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


def _parameter(option: Option) -> inspect.Parameter:
    default = option.default if option.shows_default else None
    kind: Any = option.kind | None if default is None else option.kind
    annotated = Annotated[kind, details(option)]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotated)


def details(option: Option) -> Any:  # noqa: ANN401 (what Typer's own function returns)
    """Return everything that Typer must know about an option except its type and default."""
    return typer.Option(
        *filter(None, (option.flag, option.short)),
        metavar=option.metavar or "|".join(option.choices) or None,
        help=option.about,
        min=option.least if option.kind is int else None,
        max=option.most,
        autocompletion=(lambda: list(option.choices)) if option.choices else None,
    )


_USER = next(option for option in options_of(RunSettings) if option.name == "user")
_SHOWN_ZONE = Option(
    "Time zone of the times that are shown, such as Europe/Berlin; default: the configured one, else the system's.",
    name="timezone",
    metavar="ZONE",
)

Dsn: TypeAlias = Annotated[str | None, details(DSN)]
Home: TypeAlias = Annotated[str | None, details(HOME)]
Json: TypeAlias = Annotated[bool, details(JSON)]
User: TypeAlias = Annotated[str | None, details(_USER)]
ShownZone: TypeAlias = Annotated[str | None, details(_SHOWN_ZONE)]
RunOrLibrary: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run id, its beginning or end, or latest; default: the whole library.",
        autocompletion=complete_runs,
    ),
]
Paths: TypeAlias = Annotated[
    list[Path],
    # not checked here, because one unreadable file must not stop the others
    typer.Argument(help="Export files, folders or archives (zip, tar, gz).", metavar="PATH", readable=False),
]
Source: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SOURCE",
        help="Read only files of this service (`etl sources` lists them); auto: of all.",
        autocompletion=complete_sources,
    ),
]
