"""Names a package that is not installed, and says how to install it. Imports nothing that may be missing itself."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, requires

from etl.core.errors import SettingsError

DISTRIBUTION = "koito-etl"


class MissingPackageError(SettingsError):
    """The package that brings ``module``, which the program needs for what it was asked, is not installed."""

    def __init__(self, module: str) -> None:
        requirement = _requirement(module)
        super().__init__(
            f"the package {_project(requirement)} is missing",
            f"Install it: python3 -m pip --python {sys.executable} install '{requirement}'",
        )


def missing_package(error: ModuleNotFoundError) -> MissingPackageError | None:
    """Return what a user can do about an import that failed; None where it was of Python's or of our own modules."""
    module = (error.name or "").partition(".")[0]
    ours = __name__.partition(".")[0]
    return None if module in {"", ours, *sys.stdlib_module_names} else MissingPackageError(module)


def _requirement(module: str) -> str:
    """Return what installs ``module``: the requirement of this program that brings it, else the like-named package."""
    try:
        known = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # a clone that was not installed
        known = []
    texts = [text.partition(";")[0].strip() for text in known]
    name = _normalised(module)
    return next((text for text in texts if _normalised(_project(text)) == name), name)


def _project(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _normalised(name: str) -> str:
    """Return ``name`` in the form by which package names are compared, e.g. ``adbc-driver-sqlite``."""
    return re.sub(r"[-_.]+", "-", name).strip("-").lower()
