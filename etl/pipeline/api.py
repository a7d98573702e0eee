"""``etl.run``, ``etl.check`` and ``etl.undo``: the jobs of these commands, for scripts. They neither ask nor print."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from etl.core.errors import (
    INTERRUPTIONS,
    AccountingError,
    DatabaseError,
    EtlError,
    ExitCode,
    InputError,
    InterruptedRunError,
    LockedError,
    SettingsError,
)
from etl.core.options import one_of, options_of
from etl.core.settings import AUTO, RunSettings
from etl.core.workspace import find_workspace
from etl.formats import SOURCES
from etl.pipeline import run as pipeline
from etl.pipeline.undo import undo as undo_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from etl.load.remover import Preview

Paths: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"

DEFAULTS = RunSettings()

_ERRORS = {error.exit_code: error for error in (AccountingError, DatabaseError, InputError, LockedError, SettingsError)}


def run(
    paths: Paths, settings: RunSettings = DEFAULTS, *, dsn: str | None = None, home: str | None = None
) -> dict[str, Any]:
    """Load export files, as ``etl run`` does, and return the content of ``run.json``.

    ``paths`` is one path or several: files, folders, zips. ``dsn`` and ``home`` are the values of ``--dsn`` and
    ``--home``, with the same defaults. A run with rejected rows or a refused file returns normally: see ``exit_code``.

    Raises a subclass of ``EtlError`` if the run could not begin, did not finish, or does not balance. The error's
    ``manifest`` says what was loaded until then; it is None if no run began.
    """
    chosen = _checked(settings)
    return _returned(pipeline.run(find_workspace(home, dsn), chosen, _listed(paths)))


def check(paths: Paths, settings: RunSettings = DEFAULTS) -> dict[str, Any]:
    """Read export files as ``run`` does, without a database; return what ``etl check --json`` prints.

    Raises ``InputError`` if there is nothing to read, ``SettingsError`` for an invalid setting.
    """
    return pipeline.check(_checked(settings), _listed(paths))


def undo(run: str, *, dsn: str | None = None, home: str | None = None, dry_run: bool = False) -> dict[str, Any]:
    """Undo a run, as ``etl undo --yes`` does, and return the content of ``run.json`` of the undo.

    ``run`` is a run id, its beginning or end, or ``latest``. With ``dry_run``, nothing changes. If the run was undone
    before, nothing is removed and ``undone_before`` is true. Raises as ``run`` does.
    """
    return _returned(undo_run(find_workspace(home, dsn), run, _agree, dry_run=dry_run))


def _agree(_run: str, _expected: Preview | int) -> bool:
    return True


def _listed(paths: Paths) -> list[Path]:
    listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if "" in listed:
        raise InputError("a path is empty", "Give the current folder as '.'")
    return list(map(Path, listed))


def _checked(settings: RunSettings) -> RunSettings:
    """Return ``settings``; raises ``SettingsError`` for a value that the options do not allow."""
    one_of("source", settings.source, (AUTO, *SOURCES))
    given = {option.name: getattr(settings, option.name) for option in options_of(RunSettings)}
    return RunSettings.from_options(given, settings.source)


def _returned(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of a run that finished and balances; for any other, raise its error."""
    code = next(code for code in ExitCode if code == manifest["exit_code"])
    message = manifest["error"] or ("; ".join(manifest["imbalances"]) if code is ExitCode.UNBALANCED else None)
    if message is None:
        return manifest
    is_signal = code in INTERRUPTIONS
    error = InterruptedRunError(code) if is_signal else _ERRORS.get(code, EtlError)(message)
    error.manifest = manifest
    raise error
