"""Personal data of exports, and passwords, appear in nothing that this program writes, shows or passes on."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from etl.core.errors import ExitCode
from etl.formats import FORMATS, Format, by_name, peek_at, recognise
from etl.targets.postgres.embedded.paths import SOCKET
from etl.targets.postgres.embedded.server import EmbeddedServer
from tests.cli.program import SCRIPT, environment
from tests.faults.record import record
from tests.faults.scarcity import AS_ROOT, run_etl
from tests.formats.test_golden import files_of
from tests.helpers.disturbances import disturbance, inserted, wait_for, waiting
from tests.helpers.support import execute, opened, query, scrobble, with_query, write_maloja

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.faults

PLANTED = ("203.0.113.77", "Plantedagent/9.9", "planted_account", "planted@example.org")
_KEYS = ("ip_addr", "ip_addr_decrypted", "user_agent", "user_agent_decrypted", "username", "user_name", "user", "email")
_JSON = ",".join(f'"{key}":"{PLANTED[place % 4]}"' for place, key in enumerate(_KEYS))
_ATTRIBUTES = f' user="{PLANTED[2]}" ip="{PLANTED[0]}" agent="{PLANTED[1]}"'
NOTHING_PERSONAL = {"lastfm-lastexport", "lastfm-minutes", "librefm-table", "maloja-tsv", "rockbox-log"}
"""Formats without a place for such things."""


def planted(fmt: Format, text: str) -> str:
    """Return a file of a format with personal values in every place that may hold some."""
    if text.lstrip("\ufeff \r\n")[:1] in ("{", "["):
        return re.sub(r'\{(?=\s*")', lambda _: f"{{{_JSON},", text)
    if text.lstrip("\ufeff \r\n")[:1] == "<":
        text = re.sub(r'\buser="[^"]*"', f'user="{PLANTED[2]}"', text)
        return re.sub(r"<(track|recenttracks)(?=[\s>])", lambda found: f"<{found[1]}{_ATTRIBUTES}", text)
    header, _, rest = text.partition("\n")
    if fmt.name in NOTHING_PERSONAL or not rest:
        return text
    delimiter = next((mark for mark in ";,\t" if mark in header), ",")
    quote = '"' if '"' in header else ""
    header = re.sub(r"(?i)date#[^;,\t\"]*", f"Date#{PLANTED[2]}", header)
    more = [delimiter + delimiter.join(f"{quote}{part}{quote}" for part in parts) for parts in (_KEYS[:4], PLANTED)]
    lines = [line.rstrip("\r") for line in rest.split("\n") if line.strip()]
    if any(line.count('"') % 2 for line in lines):  # a cell of several lines: more cells would be part of it
        return text
    return "\n".join([header.rstrip("\r") + more[0], *(line + more[1] for line in lines)]) + "\n"


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with samples and broken files of every format, with personal values planted in them."""
    folder = tmp_path_factory.mktemp("exports")
    for fmt in FORMATS:
        (folder / fmt.name).mkdir()
        for number, path in enumerate(files_of(fmt)):
            data = path.read_bytes()
            if data.startswith((b"\xff\xfe", b"\xfe\xff")):
                continue
            text = planted(fmt, data.decode("utf-8", "surrogateescape"))
            (folder / fmt.name / f"{number}{path.suffix}").write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder


def traces(text: str) -> list[str]:
    """Return what was planted and is in ``text``; keys are in lower case."""
    return [word for word in PLANTED if word.lower() in text.lower()]


def tables(uri: str) -> dict[str, str]:
    """Return all rows of all tables as text, as a dump has them."""
    names = query(
        uri,
        """
        SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
        """,
    )
    return {name: "\n".join(row for (row,) in query(uri, f"SELECT t::text FROM {name} t")) for (name,) in names}


@pytest.mark.parametrize("name", sorted({fmt.name for fmt in FORMATS} - NOTHING_PERSONAL))
def test_personal_values_are_planted_where_the_format_is_still_read(exports: Path, name: str) -> None:
    files = [path.read_bytes() for path in (exports / name).iterdir()]
    full = [data for data in files if traces(data.decode("utf-8", "replace"))]
    kinds = [recognise(peek_at("x", data)) for data in full]
    assert by_name(name) in kinds
    assert set(kinds) <= {by_name(name), None}


def test_nothing_personal_is_written_shown_or_stored(exports: Path, home: Path, database: str) -> None:
    done = run_etl("run", exports, "--dsn", database, "--json", home=home)
    assert done.code in (ExitCode.REJECTS, ExitCode.INPUT)
    assert done.json["counts"]["inserted"] == inserted(database) > 50
    assert done.json["counts"]["rejected"] > 50
    (run,) = (home / "runs").iterdir()
    rejects = pl.read_parquet(run / "rejects.parquet")
    places = rejects.group_by("file").first()
    shown = [
        done,
        run_etl("check", exports),
        run_etl("runs", "show", home=home),
        run_etl("rejects", "list", "--json", home=home),
        run_etl("explain", "latest", f"{places['file'][0]}:{places['row'][0]}", home=home),
    ]
    texts = {f"shown {number}": reported.out + reported.err for number, reported in enumerate(shown)}
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) == 8  # with likely_doubles.parquet and the number of the run
    texts |= {path.name: path.read_bytes().decode("latin-1") for path in files}
    texts |= {f"values of {path.name}": pl.read_parquet(path).write_json() for path in run.glob("*.parquet")}
    stored = tables(database)
    assert {"public.listens", "public.track_aliases", "etl.files", "public.track_lookup"} <= set(stored)
    found = {name: seen for name, text in (texts | stored).items() if (seen := traces(text))}
    record("privacy", formats=len(FORMATS), values=len(PLANTED), traces=sum(map(len, found.values())))
    assert found == {}


def test_the_scan_finds_what_is_there(exports: Path, home: Path, database: str) -> None:
    export = write_maloja(exports.parent / "maloja_export.json", [scrobble(1, ["Ann"], PLANTED[2].title())])
    done = run_etl("run", export, "--dsn", database, "--json", home=home)
    assert done.code == ExitCode.OK
    (run,) = (home / "runs").iterdir()
    assert traces(pl.read_parquet(run / "listens.parquet").write_json()) == [PLANTED[2]]
    stored = tables(database)
    assert {name for name, rows in stored.items() if traces(rows)} == {
        "public.release_aliases",
        "public.track_aliases",
        "public.track_lookup",
    }


# --- modes and sockets -----------------------------------------------------------------------------------------


def test_run_directories_are_closed_to_others_whatever_the_umask(home: Path, database: str, export: Path) -> None:
    done = run_etl("run", export, "--dsn", database, "--json", home=home, before=lambda: void(os.umask(0)))
    assert done.code == ExitCode.OK
    for folder in (home / "runs", Path(done.json["run_dir"])):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def void(_value: object) -> None:
    """Return nothing."""


_CONNECT = """
import os, socket, sys
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except OSError as error:
    print(type(error).__name__)
"""


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    home = Path(tempfile.mkdtemp(prefix="etl-", dir="/tmp"))
    home.chmod(0o755)
    server = EmbeddedServer(home)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


def test_the_embedded_server_is_reached_by_its_owner_alone(own_server: EmbeddedServer) -> None:
    folder = own_server.status().socket
    found = [stat.S_IMODE(path.lstat().st_mode) & 0o077 for path in (folder, folder / SOCKET)]
    assert found == [0, 0]
    settings = "SELECT current_setting('listen_addresses') AS a, current_setting('unix_socket_permissions') AS b"
    assert query(own_server.uri, settings) == [("", "0700")]
    if AS_ROOT:  # another account is at hand
        done = subprocess.run(
            [sys.executable, "-c", _CONNECT, folder / SOCKET], capture_output=True, text=True, check=True
        )
        assert done.stdout == "PermissionError\n"


# --- passwords -------------------------------------------------------------------------------------------------

PASSWORD = "s3cret-w0rd"  # noqa: S105 (what must not be seen again)


def commands() -> str:
    """Return the command lines of all processes."""
    if Path("/proc/self/cmdline").exists():
        found = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found.append(process.read_bytes().decode("utf-8", "replace"))
            except OSError:  # it has ended
                continue
        return "\n".join(found)
    return subprocess.run(["ps", "-axww", "-o", "command"], capture_output=True, text=True, check=True).stdout


def test_a_password_is_in_no_process_list_while_a_run_is_under_way(home: Path, database: str, export: Path) -> None:
    env = environment(home, {"ETL_DSN": with_query(database, f"password={PASSWORD}")})
    with opened(database) as holder:
        holder.query("round_lock")
        with subprocess.Popen(
            [SCRIPT, "run", "--json", export], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            wait_for(lambda: waiting(database, "advisory"))
            assert str(export) in commands()
            assert PASSWORD not in commands()
            activity = query(database, "SELECT string_agg(concat(query, application_name), ' ') FROM pg_stat_activity")
            assert PASSWORD not in activity[0][0]
            holder.commit()
            out, err = process.communicate(timeout=30)
    assert json.loads(out)["exit_code"] == ExitCode.OK
    assert PASSWORD not in out + err
    assert not any(PASSWORD.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_lost_connection_does_not_show_the_password(home: Path, database: str, export: Path) -> None:
    """The report of a defect, which has the values that the program worked with, does not show it either."""
    execute(database, disturbance("BEFORE INSERT ON listens", "PERFORM pg_terminate_backend(pg_backend_pid());"))
    env = {"ETL_DSN": with_query(database, f"password={PASSWORD}")}
    done = run_etl("run", export, "--json", home=home, env=env)
    assert done.code == ExitCode.DATABASE
    assert done.json["error"]
    written = "".join(path.read_bytes().decode("latin-1") for path in home.rglob("*") if path.is_file())
    assert PASSWORD not in done.out + done.err + written
