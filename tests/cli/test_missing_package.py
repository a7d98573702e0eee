"""A package that is not installed is reported by its name, with the command that installs it, as exit code 2."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from etl.core.packages import MissingPackageError, missing_package
from etl.targets.postgres.embedded import binaries
from tests.cli.program import Done, python

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
sys.argv = ["etl", *{arguments!r}]
from etl.__main__ import main
main()
"""


def run_without(module: str, *arguments: str, home: Path) -> Done:
    """Run the program in an environment where ``module`` cannot be imported."""
    return python(WITHOUT.format(module=module, arguments=arguments), home=home)


@pytest.mark.parametrize(
    ("module", "package", "arguments"),
    [
        ("typer", "typer", ("check", "data/samples/deezer")),
        ("rich", "rich", ("check", "data/samples/deezer")),
        ("polars", "polars", ("check", "data/samples/deezer")),
        ("python_calamine", "python-calamine", ("check", "data/samples/deezer")),
        ("adbc_driver_sqlite", "adbc-driver-sqlite", ("run", "--dsn", "{file}", "data/samples/deezer")),
        ("adbc_driver_postgresql", "adbc-driver-postgresql", ("db", "migrate", "--dsn", "postgresql://localhost/x")),
        ("httpx", "httpx", ("backfill", "images", "--contact", "ann@example.org", "--dsn", "{file}")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_missing_package_is_named_with_its_cure(
    tmp_path: Path, koito_file: str, module: str, package: str, arguments: tuple[str, ...]
) -> None:
    done = run_without(module, *(word.format(file=koito_file) for word in arguments), home=tmp_path)
    assert done.code == 2
    *_, last = done.err.splitlines()
    assert last.startswith(
        f"etl: error: the package {package} is missing. "
        f"Install it: python3 -m pip --python {sys.executable} install '{package}<"
    )


def test_missing_package_in_a_json_log(tmp_path: Path) -> None:
    done = run_without("rich", "check", "data/samples/deezer", "--log-format", "json", home=tmp_path)
    logged = json.loads(done.err.splitlines()[-1])
    assert (done.code, logged["level"], logged["exit_code"]) == (2, "error", 2)
    assert logged["message"].startswith("the package rich is missing")


def test_package_of_the_embedded_server_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "PACKAGE", "no_such_package")
    with pytest.raises(MissingPackageError, match="the package no-such-package is missing") as raised:
        binaries.find_install()
    assert raised.value.exit_code == 2


def test_what_needs_another_package_is_named_as_that_package() -> None:
    found = missing_package(ModuleNotFoundError("No module named '_duckdb'", name="_duckdb"))
    assert found
    assert found.message == "the package duckdb is missing"


@pytest.mark.parametrize("module", ["etl.nowhere", "_lzma", "sqlite3.dbapi2", None])
def test_module_of_ours_or_of_python_stays_a_defect(module: str | None) -> None:
    assert missing_package(ModuleNotFoundError("no such module", name=module)) is None


WITHOUT_DRIVER = """
import sys
import {driver}

{driver}._driver_path = lambda: {driver!r}  # what it returns where its library is not next to it
sys.argv = ["etl", "run", "--dsn", {dsn!r}, "data/samples/rockbox"]
from etl.cli import main
main()
"""


@pytest.mark.parametrize(
    ("driver", "dsn"),
    [("adbc_driver_sqlite", "{file}"), ("adbc_driver_postgresql", "postgresql://localhost/koitodb")],
)
def test_missing_library_of_a_driver_is_no_lost_database(
    tmp_path: Path, koito_file: str, driver: str, dsn: str
) -> None:
    done = python(WITHOUT_DRIVER.format(driver=driver, dsn=dsn.format(file=koito_file)), home=tmp_path)
    package = driver.replace("_", "-")
    assert done.code == 2
    assert (
        f"error: the package {package} is damaged: the database driver cannot be loaded. Install it again" in done.err
    )
