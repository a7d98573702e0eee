"""``--quiet`` shows errors and the closing line, ``--verbose`` shows every file and what is logged for debugging."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.backfill.library import add_library, server_options
from tests.backfill.replies import every_image
from tests.backfill.server import serving
from tests.cli.program import SAMPLES, etl, sent_to_terminal
from tests.docs.generate import commands
from tests.helpers.support import scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

TELLING = [
    "run", "check", "verify", "undo", "dedupe", "rejects replay",
    "backfill images", "backfill musicbrainz", "backfill durations",
]  # fmt: skip
MALOJA = SAMPLES / "maloja"


@pytest.mark.parametrize("command", TELLING)
def test_commands_that_log_take_quiet_and_verbose(command: str) -> None:
    options = {option for param in dict(commands())[f"etl {command}"].params for option in param.opts}
    assert {"-q", "--quiet", "-v", "--verbose"} <= options


def test_quiet_commands_print_one_line_and_log_nothing(any_database: str, tmp_path: Path) -> None:
    path = write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T"), scrobble(2, ["A"], "U")])
    home, dsn = tmp_path / "home", ("--dsn", any_database)
    checked = etl("check", path, "-q")
    loaded = etl("run", path, "-q", *dsn, home=home)
    found = etl("dedupe", "-q", *dsn, home=home)
    verified = etl("verify", "-q", *dsn, home=home)
    replayed = etl("rejects", "replay", "latest", "-q", *dsn, home=home)
    undone = etl("undo", "latest", "--yes", "-q", *dsn, home=home)
    done = (checked, loaded, found, verified, replayed, undone)
    assert [(one.code, one.err) for one in done] == [(0, "")] * len(done)
    assert [len(one.out.splitlines()) for one in done] == [1] * len(done)
    assert checked.out == "checked: 2 listens in 2 records\n"
    assert loaded.out.startswith("complete: 2 listens inserted")
    assert verified.out.startswith("all checks passed")
    assert undone.out.endswith(": complete\n")


def test_quiet_backfill_prints_how_it_ended(database: str, tmp_path: Path) -> None:
    add_library(database, 2, 2)
    with serving(every_image) as services:
        options = ("--dsn", database, *server_options(services))
        quiet = etl("backfill", "images", "artists", "-q", *options, home=tmp_path / "a")
        verbose = etl("backfill", "images", "albums", "-v", *options, home=tmp_path / "b")
    assert (quiet.err, len(quiet.out.splitlines())) == ("", 1)
    assert quiet.out.startswith("complete: ")
    assert f"HEAD {services.url}" in verbose.err


def test_quiet_run_shows_refused_files_and_errors(tmp_path: Path) -> None:
    write_maloja(tmp_path / "a.json", [scrobble(1, ["A"], "T")])
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 cut off")
    done = etl("check", tmp_path, "-q")
    assert done.code == 4
    assert done.out == "checked: 1 listen in 1 record\n"
    (line,) = done.err.splitlines()
    assert line.startswith(f"etl: error: refused: {tmp_path}/cut.zip: ")
    assert "does not exist" in etl("check", tmp_path / "gone", "-q").err


def test_quiet_run_has_no_progress_on_a_terminal(database: str, tmp_path: Path) -> None:
    _, sent = sent_to_terminal(80, "run", str(MALOJA), "-q", "--dsn", database, home=tmp_path)
    assert sent.count("\n") == 1
    assert "\x1b[K" not in sent


def test_quiet_run_with_json_shows_how_it_ended(database: str, tmp_path: Path) -> None:
    done = etl("run", MALOJA, "-q", "--log-format", "json", "--dsn", database, home=tmp_path)
    (line,) = done.err.splitlines()
    assert '"event": "run_finished"' in line


def test_verbose_run_logs_its_steps_and_every_file(database: str, tmp_path: Path) -> None:
    done = etl("run", MALOJA, "--verbose", "--dsn", database, home=tmp_path)
    assert "etl: reading took " in done.err
    assert any(line.split()[:2] == ["export/scrobbles_v2.json", "maloja-export"] for line in done.out.splitlines())
    assert "took" not in etl("run", MALOJA, "--dsn", database, home=tmp_path).err
