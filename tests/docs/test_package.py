"""What is built from the tree: the wheel works without it, the source distribution is whole and holds no more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys; sys.argv[0] = 'etl'; from etl.__main__ import main; main()"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a wheel and a source distribution, built by the tools that are installed, offline."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds what the wheel installs, far from the tree."""
    folder = tmp_path_factory.mktemp("installed")
    (wheel,) = built.glob("*.whl")
    shutil.unpack_archive(wheel, folder, "zip")
    return folder


def run_installed(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as the wheel brings it, in a folder that has nothing to do with the tree."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=installed,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_has_every_statement_and_only_the_package(installed: Path) -> None:
    statements = {path.relative_to(ROOT / "sql") for path in (ROOT / "sql").rglob("*.sql")}
    assert {path.relative_to(installed / "etl/_sql") for path in (installed / "etl/_sql").rglob("*.sql")} == statements
    templates = {path.relative_to(ROOT) for path in (ROOT / "etl/report/templates").iterdir()}
    assert {path.relative_to(installed) for path in (installed / "etl/report/templates").iterdir()} == templates
    modules = {path.relative_to(ROOT) for path in (ROOT / "etl").rglob("*.py")}
    assert {path.relative_to(installed) for path in installed.rglob("*.py")} == modules
    assert (installed / "etl/py.typed").exists()
    assert sorted(path.suffix for path in installed.iterdir()) == ["", ".dist-info"]


def test_the_installed_program_finds_its_statements_and_reads_files(installed: Path) -> None:
    where = (
        "from etl.core.statements import sql_folder, statement\n"
        "print(sql_folder())\nprint(len(statement('postgres', 'insert_listens')) > 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=installed, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == [str(installed / "etl/_sql"), "True"]
    assert "maloja" in run_installed(installed, "sources").stdout
    checked = run_installed(installed, "check", "--json", str(ROOT / "data/samples"))
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["counts"]["listens"] > 0


def test_the_installed_program_loads_and_reports(installed: Path, koito_file: str, tmp_path: Path) -> None:
    where = ("--home", str(tmp_path), "--json")
    loaded = run_installed(installed, "run", str(ROOT / "data/samples/maloja"), "--dsn", koito_file, *where)
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout)["counts"]["inserted"] > 0
    reported = run_installed(installed, "report", "latest", *where)
    assert reported.returncode == 0, reported.stderr


def test_the_metadata_is_what_an_index_shows(installed: Path) -> None:
    (found,) = distributions(path=[str(installed)])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (found.name, found.version) == (project["name"], project["version"]) == ("koito-etl", project["version"])
    assert found.metadata["Description"] == (ROOT / "README.md").read_text(encoding="utf-8")
    assert found.metadata["License-File"] == "LICENSE"
    assert found.read_text("licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert [entry.value for entry in found.entry_points if entry.name == "etl"] == ["etl.__main__:main"]
    assert {*found.metadata.get_all("Provides-Extra", [])} == {"backfill", "dev"}


def test_the_source_distribution_is_the_tree_that_is_kept_and_no_more(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    folders = {name.partition("/")[0] for name in names if "/" in name}
    assert folders == {".ci", ".github", "benchmarks", "data", "deploy", "docs", "etl", "sql", "tests"}
    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md"} <= names
    assert "requirements.lock" in names
    kept = [
        part
        for folder in ("deploy", "docs", "etl", "sql", "tests", "data")
        for part in (ROOT / folder).rglob("*")
        if part.is_file()
    ]
    expected = {str(part.relative_to(ROOT)) for part in kept if part.suffix != ".pyc"}
    assert expected <= names
    assert not any("results/" in name or "__pycache__" in name for name in names)
