"""A batch loader for listening histories: what scripts can call. Each name is imported when it is first used."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from etl.core.version import __version__

if TYPE_CHECKING:
    from etl.core.errors import (
        AccountingError,
        DatabaseError,
        EtlError,
        ExitCode,
        InputError,
        InterruptedRunError,
        LockedError,
        SettingsError,
    )
    from etl.core.settings import RunSettings
    from etl.live.listen import Listen, Submitted
    from etl.live.submit import open_live, submit_listen
    from etl.pipeline.api import check, run, undo

__all__ = [
    "AccountingError",
    "DatabaseError",
    "EtlError",
    "ExitCode",
    "InputError",
    "InterruptedRunError",
    "Listen",
    "LockedError",
    "RunSettings",
    "SettingsError",
    "Submitted",
    "__version__",
    "check",
    "open_live",
    "run",
    "submit_listen",
    "undo",
]

_MODULES = {
    "etl.core.errors": (
        "AccountingError", "DatabaseError", "EtlError", "ExitCode", "InputError", "InterruptedRunError", "LockedError",
        "SettingsError",
    ),
    "etl.core.settings": ("RunSettings",),
    "etl.live.listen": ("Listen", "Submitted"),
    "etl.live.submit": ("open_live", "submit_listen"),
    "etl.pipeline.api": ("check", "run", "undo"),
}  # fmt: skip
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

logging.getLogger(__name__).addHandler(logging.NullHandler())  # else Python prints warnings if no handler is set


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a class or a function; mypy reads the imports above)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
