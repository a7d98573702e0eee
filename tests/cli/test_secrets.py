"""A password reaches the database and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import SAMPLES, etl, python

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "s3cret-w0rd"  # noqa: S105 (what must not be seen again)
NOWHERE = f"postgresql://me:{PASSWORD}@127.0.0.1:1/nothing"


def test_a_password_in_dsn_draws_a_warning_and_is_written_nowhere(database: str, tmp_path: Path) -> None:
    uri = f"{database}{'&' if '?' in database else '?'}password={PASSWORD}"
    done = etl("run", SAMPLES / "maloja", "--dsn", uri, "--json", home=tmp_path)
    assert done.code == 0, done.err
    assert "a password in --dsn can be seen by other users" in done.err
    assert done.json["dsn"].count("password=***") == 1
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not any(PASSWORD.encode() in text for text in (done.out.encode(), done.err.encode(), *written))
    shown = etl("runs", "show", home=tmp_path).out + etl("db", "url", "--dsn", uri, home=tmp_path).out
    assert "password=***" in shown
    assert PASSWORD not in shown


def test_a_password_from_environment_or_file_stays_out_of_all_output(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text(f"{NOWHERE}\n")
    secret.chmod(0o600)
    for env in ({"ETL_DSN": NOWHERE}, {"ETL_DSN_FILE": str(secret)}):
        done = etl("run", SAMPLES, home=tmp_path / "home", env=env)
        assert done.code == 3
        assert "Connection refused" in done.err
        assert "warning" not in done.err
        assert PASSWORD not in done.err


def test_a_password_in_a_malformed_address_stays_out_of_the_error(tmp_path: Path) -> None:
    for address in (
        f"me:{PASSWORD}@host/db",
        f"postgresql://me:a@{PASSWORD}@127.0.0.1:1/db",
        f"host=h password={PASSWORD}",
    ):
        done = etl("db", "migrate", "--dsn", address, home=tmp_path)
        assert done.code == 2
        assert PASSWORD not in done.err + done.out


def test_a_defect_shows_no_traceback_and_its_report_no_password(tmp_path: Path) -> None:
    code = f"""
import sys
import etl.cli, etl.pipeline.run
def broken(*_):
    raise RuntimeError("lost in {NOWHERE}")
etl.pipeline.run.check = broken
sys.argv = ["etl", "check", "data/samples"]
etl.cli.main()
"""
    done = python(code, env={"TMPDIR": str(tmp_path)})
    assert (done.code, done.out) == (1, "")
    (report,) = tmp_path.iterdir()
    assert done.err == (
        "etl: internal error: RuntimeError: lost in postgresql://me:***@127.0.0.1:1/nothing. "
        f"This is a defect of etl; please report it with {report}\n"
    )
    assert "in broken" in report.read_text()
    assert PASSWORD not in report.read_text()
    assert report.stat().st_mode & 0o077 == 0


def test_a_defect_is_logged_if_its_report_cannot_be_written() -> None:
    code = """
import sys, tempfile
import etl.cli, etl.pipeline.run
def full(*_, **__):
    raise OSError("disk full")
etl.pipeline.run.check = tempfile.NamedTemporaryFile = full
sys.argv = ["etl", "check", "data/samples"]
etl.cli.main()
"""
    done = python(code)
    assert (done.code, done.out) == (1, "")
    assert done.err == "etl: internal error: OSError: disk full. This is a defect of etl; please report it\n"
