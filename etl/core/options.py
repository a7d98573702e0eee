"""Declares each option once. Parameters, keys of ``etl.toml``, variables and defaults are derived from it.

The declarations are in ``etl.core.settings``: as fields of dataclasses, or as constants for options without a field.
"""

from __future__ import annotations

from dataclasses import field, fields
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec.structs import replace

from etl.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


T = TypeVar("T")


class Option(msgspec.Struct, frozen=True):
    """An option on the command line and, if ``configurable``, a key in ``etl.toml`` and a variable ``ETL_<NAME>``."""

    about: str
    """The help text."""
    name: str = ""
    """The key; with dashes, the option. ``options_of`` derives the name, kind and default from the field."""
    kind: type[str | int | bool | Path | list[str]] = str
    default: str | int | bool | None = None
    commands: tuple[str, ...] = ()
    """The commands that take it and use the configured value as its default. Empty for an option that any command can
    have in its signature: such a command reads the configured value elsewhere, not as a default."""
    metavar: str | None = None
    """What ``--help`` calls the value; if there are choices, these."""
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    parse: Callable[[str, str], object] | None = None
    """Takes the option and the text that was typed, and returns the value; raises ``SettingsError``."""
    short: str = ""
    """A one-letter form of the option, such as ``-q``."""
    shows_default: bool = True
    configurable: bool = True
    is_path: bool = False
    """Whether it is a path: a relative one in ``etl.toml`` starts at the folder of that file."""

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"ETL_{self.name.upper()}"

    def parsed(self, value: object) -> object:
        """Return the value of the field for what was typed; raises ``SettingsError``."""
        if self.choices:
            return one_of(self.flag, str(value), self.choices)
        if self.kind is int and not self._fits(value):
            most = f" to {self.most}" if self.most else " or more"
            raise SettingsError(f"{self.flag}: {value} is not possible", f"Give {self.least}{most}")
        return self.parse(self.flag, str(value)) if self.parse else value

    def _fits(self, number: object) -> bool:
        """Return whether a number is within the limits. Typer checks that too, but scripts do not go through Typer."""
        return isinstance(number, int) and self.least <= number <= (number if self.most is None else self.most)


def declare(default: T, option: Option) -> T:
    """Return a dataclass field with a ``default`` that declares an ``option``; a type checker sees the default."""
    return field(default=default, metadata={"option": option})


def options_of(declared: type) -> tuple[Option, ...]:
    """Return the options that the fields of the dataclass ``declared`` declare, in order."""
    return tuple(
        replace(
            one.metadata["option"],
            name=one.name,
            default=one.default,
            kind=type(one.default) if isinstance(one.default, int) else one.metadata["option"].kind,
        )
        for one in fields(declared)
        if "option" in one.metadata
    )


def one_of(flag: str, value: str, known: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``known``; else raise ``SettingsError``, which lists them."""
    if value not in known:
        raise SettingsError(f'{flag}: "{value}" is not known', f"Known: {', '.join(known)}")
    return value
