"""Says which package is missing or damaged, and how to install it. Imports nothing that may itself be missing."""

from __future__ import annotations

import re
import sys
from shlex import quote

from etl.core.errors import SettingsError

DISTRIBUTION = "koito-etl"
_DRIVER_MISSING = "[Driver Manager] Could not load"


class MissingPackageError(SettingsError):
    """The package that provides ``module``, which the command needs, is not installed."""

    def __init__(self, module: str) -> None:
        super().__init__(
            f"the package {_project(_requirement(module))} is missing", f"Install it: {pip_install(module)}"
        )


class BrokenPackageError(SettingsError):
    """The package that provides ``module`` is incomplete."""

    def __init__(self, module: str, part: str) -> None:
        super().__init__(
            f"the package {_project(_requirement(module))} is damaged: {part} cannot be loaded",
            f"Install it again: {pip_install(module, '--force-reinstall')}",
        )


def pip_install(module: str, *options: str) -> str:
    """Return the command that installs the package of ``module`` into this installation, with the pip of any Python."""
    where, what = quote(sys.executable), quote(_requirement(module))
    return " ".join(["python3 -m pip --python", where, "install", *options, what])


def check_driver(error: Exception, module: str) -> None:
    """Raise ``BrokenPackageError`` if ``error`` says that ADBC did not find the shared library of its driver."""
    if _DRIVER_MISSING in str(error):
        raise BrokenPackageError(module, "the database driver") from error


def missing_package(error: ModuleNotFoundError) -> MissingPackageError | None:
    """Return the error for a failed import, with advice; None if the module is Python's or our own."""
    module = (error.name or "").partition(".")[0]
    ours = __name__.partition(".")[0]
    return None if module in {"", ours, *sys.stdlib_module_names} else MissingPackageError(module)


def _requirement(module: str) -> str:
    """Return what to install for ``module``: the requirement of this program, else the package of the same name."""
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415 (slow, and seldom needed)

    try:
        known = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # a clone that is not installed
        known = []
    texts = [text.partition(";")[0].strip() for text in known]
    name = _normalised(module)
    return next((text for text in texts if _normalised(_project(text)) == name), name)


def _project(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _normalised(name: str) -> str:
    """Return ``name`` in the form by which package names are compared, e.g. ``adbc-driver-sqlite``."""
    return re.sub(r"[-_.]+", "-", name).strip("-").lower()
