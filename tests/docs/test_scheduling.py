"""docs/scheduling.md and the files next to it name what exists: settings, options, units that systemd takes."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from etl.core.config import CONFIG_VARIABLE, SETTINGS, load_config
from tests.cli.program import ROOT, SCRIPT
from tests.docs.generate import commands

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
TEXT = (DOCS / "scheduling.md").read_text(encoding="utf-8")
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
FILES = [DOCS / "scheduling.md", DEPLOY / "Dockerfile", *sorted(DEPLOY.glob("compose.*.yaml")), *UNITS]
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in FILES}


def test_its_settings_are_known(tmp_path: Path) -> None:
    blocks = re.findall(r"^ *```toml\n(.*?)^ *```$", TEXT, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        (tmp_path / "etl.toml").write_text(block)
        assert load_config({"ETL_CONFIG": str(tmp_path / "etl.toml")})


@pytest.mark.parametrize("name", TEXTS)
def test_its_variables_are_known(name: str) -> None:
    for variable in re.findall(r"ETL_[A-Z_]+[A-Z]", TEXTS[name]):
        assert variable in {CONFIG_VARIABLE, *(setting.variable for setting in SETTINGS)}


@pytest.mark.parametrize("name", TEXTS)
def test_its_commands_have_the_options_that_it_gives_them(name: str) -> None:
    known = dict(commands())
    used = re.findall(
        r"(?:^|[ `/])etl ((?:run|runs|db|config)(?: [a-z]+)?)((?: [^`\n|;]*)?)", TEXTS[name], re.MULTILINE
    )
    for words, rest in used:
        command = known.get(f"etl {words}") or known.get(f"etl {words.split()[0]}")
        options = {option for param in command.params for option in param.opts} if command else set()
        assert set(re.findall(r"--[a-z-]+", rest)) <= options
    assert used or name in ("Dockerfile", "etl.timer")


def test_image_is_built_from_what_exists_and_is_sent() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", TEXTS["Dockerfile"], re.MULTILINE)
    copied = {name.removeprefix("./") for line in copies for name in line.split()}
    sent = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert copied == {*sent}
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_image_runs_as_an_ordinary_user_whose_folders_are_mounted() -> None:
    *_, user = re.findall(r"^USER (\d+):\d+$", TEXTS["Dockerfile"], re.MULTILINE)
    assert f"useradd --uid {user} " in TEXTS["Dockerfile"]
    owned = re.search(r"install -d -o etl -g etl (.+)$", TEXTS["Dockerfile"], re.MULTILINE)
    assert owned
    for name in (name for name in TEXTS if name.startswith("compose.")):
        mounted = re.findall(r"^ +- [^:\s]+:(/[^:\s]+)", TEXTS[name], re.MULTILINE)
        assert {*mounted} - {"/etc/koito"} <= {*owned[1].split()}


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    for path in UNITS:
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/etl/bin/etl", str(SCRIPT)))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / path.name for path in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
