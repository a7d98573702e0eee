"""The embedded server's files: where they are, their owners and modes, and who may use a home."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from etl.core.errors import DatabaseError, SettingsError
from etl.core.write_error_advice import account
from etl.targets.postgres.embedded import binaries, os_user, paths, postmaster
from etl.targets.postgres.embedded.server import EmbeddedServer
from tests.helpers.logs import logged

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

AS_ROOT = os.geteuid() == 0
REPOSITORY = Path(__file__).parents[4]

# Changes its account after the imports, so that it works with an interpreter below /root, too.
AS_USER = """
import os, sys
from pathlib import Path
from etl.targets.postgres.embedded import binaries
from etl.targets.postgres.embedded.server import EmbeddedServer
home, install, uid, gid = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
binaries.find_install = lambda: install
server = EmbeddedServer(home)
server.start()
print(server.status().running, server.stop(), server.status().running)
"""


@pytest.fixture
def far(base: Path) -> Iterator[EmbeddedServer]:
    """Yield a server whose path is too long for a socket."""
    server = EmbeddedServer(base / ("long" * 25))
    yield server
    server.stop()


def owner_of(server: EmbeddedServer) -> tuple[int, int]:
    found = server.status().data.stat()
    return found.st_uid, found.st_gid


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def state(*paths: Path) -> list[tuple[Path, int, int, int]]:
    return [(path, (found := path.lstat()).st_mode, found.st_uid, found.st_gid) for path in paths]


def test_folders_are_closed_and_nothing_outside_the_home_is_changed(server: EmbeddedServer, base: Path) -> None:
    install = binaries.find_install()
    outside = [base, *base.parents, install, *install.parents, *install.rglob("*")]
    before = state(*outside)
    server.start()
    assert state(*outside) == before

    data, socket, root = server.status().data, server.status().socket, server.status().data.parent
    assert (mode(data), mode(socket)) == (0o700, 0o700)
    assert mode(root) == mode(root.parent) == (0o711 if AS_ROOT else 0o700)
    assert owner_of(server)[0] == socket.stat().st_uid == (socket / paths.SOCKET).stat().st_uid
    assert (owner_of(server)[0] == os.geteuid()) is not AS_ROOT  # root's server has an account of its own
    assert root.stat().st_uid == os.geteuid()
    copies = {path.name for path in root.glob("binaries-*")}  # where the account cannot reach the installed ones
    assert {path.name for path in root.iterdir()} - copies == {"data", "socket", "etl.conf", "lock", "log"}
    assert [path.name for path in base.iterdir()] == ["home"]


def test_an_existing_home_is_used_if_all_in_it_is_ours(server: EmbeddedServer, base: Path) -> None:
    (base / "home" / "runs").mkdir(parents=True, mode=0o700)
    (base / "home" / "report.html").touch()
    (base / "home").chmod(0o700)
    before = os.umask(0o077)
    try:
        server.start()
    finally:
        os.umask(before)
    assert mode(base / "home" / "runs") == 0o700
    assert mode(base / "home") == mode(base / "home" / "postgres") == (0o711 if AS_ROOT else 0o700)


def test_the_folder_that_is_in_the_way_of_a_home_is_named(base: Path) -> None:
    (base / "closed" / "inner").mkdir(parents=True)
    (base / "closed" / "inner").chmod(0o755 if AS_ROOT else 0o500)
    (base / "closed").chmod(0o700)
    home = base / "closed" / "inner" / "home"
    try:
        with pytest.raises(SettingsError, match=f"{base / 'closed'}.* --home"):
            EmbeddedServer(home).start()
        assert mode(base / "closed") == 0o700
    finally:
        (base / "closed" / "inner").chmod(0o755)


def test_a_home_that_holds_other_things_keeps_its_mode(server: EmbeddedServer, base: Path) -> None:
    (base / "home").mkdir(mode=0o700)
    (base / "home" / "diary.txt").touch()
    if AS_ROOT:
        with pytest.raises(SettingsError, match=f"cannot pass through {base / 'home'} "):
            server.start()
    else:
        server.start()
    assert mode(base / "home") == 0o700


def test_a_home_that_is_a_file_is_refused(base: Path) -> None:
    (base / "file").touch()
    with pytest.raises(SettingsError, match=f"cannot use {base / 'file'}"):
        EmbeddedServer(base / "file").start()


def test_a_home_of_another_account_is_refused(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.start()
    server.stop()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 4242)
    with pytest.raises(SettingsError, match=rf"belongs to another account \({account(me)}\)"):
        server.start()


def test_only_the_files_of_a_dead_server_are_cleared_away(server: EmbeddedServer, base: Path) -> None:
    places = paths.Places.of(base / "home")
    files = [places.data / "postmaster.pid", places.socket / paths.SOCKET, places.socket / f"{paths.SOCKET}.lock"]
    server.start()
    postmaster.clear_remains(places)
    assert [file.exists() for file in files] == [True, True, True]
    server.stop()
    for file in files:
        file.touch()
    assert server.stop() is False
    assert [file.exists() for file in files] == [False, False, False]


def test_a_long_path_gets_a_short_socket_that_goes_with_the_server(far: EmbeddedServer) -> None:
    socket = far.status().socket
    assert socket.parent == Path("/tmp")  # noqa: S108
    far.start()
    assert far.status().running
    assert mode(socket) == 0o700
    assert socket.stat().st_uid == owner_of(far)[0]
    far.stop()
    assert not socket.exists()


def test_a_short_socket_folder_of_somebody_else_is_refused(far: EmbeddedServer, base: Path) -> None:
    far.start()
    far.stop()
    socket = far.status().socket
    (base / "elsewhere").mkdir(mode=0o700)
    for kind in ("link", "open"):
        if kind == "link":
            socket.symlink_to(base / "elsewhere")
        else:
            socket.mkdir()
            socket.chmod(0o777)
        try:
            for attempt in (far.start, far.stop):
                with pytest.raises(DatabaseError, match=f"{socket}, .* somebody else"):
                    attempt()
        finally:
            socket.unlink() if kind == "link" else socket.rmdir()


def test_binaries_that_the_servers_account_cannot_execute_are_copied(
    server: EmbeddedServer, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = server.status().data.parent
    (base / "closed").mkdir(mode=0o700)
    install = copy_of_install(base / "closed")
    monkeypatch.setattr(binaries, "find_install", lambda: install)
    (root / "binaries.partial").mkdir(parents=True)  # of a copy that was killed
    server.start()
    server.stop()
    copies = list(root.glob("binaries-*"))
    assert [copy.name for copy in copies] == ([f"binaries-{server.status().version}"] if AS_ROOT else [])
    for copy in copies:
        assert {mode(path) for path in copy.rglob("*")} == {0o755, 0o644}
        initdb = copy / binaries.PACKAGE / install.name / "bin" / "initdb"
        initdb.write_bytes(b"")  # as after a power cut
        server.start()
        assert initdb.read_bytes() == (install / "bin" / "initdb").read_bytes()
    assert mode(base / "closed") == 0o700


def test_an_ordinary_user_has_a_server_of_its_own(base: Path) -> None:
    user = pwd.getpwnam("nobody") if AS_ROOT else pwd.getpwuid(os.geteuid())
    install = copy_of_install(base)
    (base / "own").mkdir()
    os.chown(base / "own", user.pw_uid, user.pw_gid)
    done = subprocess.run(
        [sys.executable, "-c", AS_USER, base / "own" / "home", install, str(user.pw_uid), str(user.pw_gid)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True True False\n", "")
    made = [base / "own" / "home", *(base / "own" / "home").rglob("*")]
    assert {path.lstat().st_uid for path in made} == {user.pw_uid}
    assert {mode(base / "own" / "home" / part) for part in (".", "postgres", "postgres/data", "postgres/socket")} == {
        0o700
    }


def copy_of_install(folder: Path) -> Path:
    package = binaries.find_install().parent
    for name in (package.name, f"{package.name}.libs"):
        if (package.parent / name).is_dir():
            shutil.copytree(package.parent / name, folder / name, ignore=shutil.ignore_patterns("pginstall", "include"))
    return folder / package.name / binaries.find_install().name


def fake_useradd(base: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    (base / "useradd").write_text(f"#!/bin/sh\n{script}\n")
    (base / "useradd").chmod(0o755)
    monkeypatch.setitem(os_user.ENVIRONMENT, "PATH", str(base))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os_user, "ACCOUNT", "etl-no-such-account")


def test_a_missing_account_is_created_and_reported(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_useradd(base, monkeypatch, 'echo "$@" >"${0%useradd}called"')
    entry = pwd.getpwuid(os.getuid())
    monkeypatch.setattr(os_user, "_find_account", lambda: entry if (base / "called").exists() else None)
    with logged() as said:
        found = os_user.server_account(base / "data")
    assert (found.uid, found.gid, found.switched) == (entry.pw_uid, entry.pw_gid, True)
    assert (base / "called").read_text().startswith("--system --no-create-home --shell /usr/sbin/nologin ")
    assert len(said) == 1
    assert "Created the system account" in said[0]


def test_an_account_that_cannot_be_created_is_an_error_with_advice(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_useradd(base, monkeypatch, "echo the disk is read-only >&2; exit 1")
    with pytest.raises(SettingsError, match=r"the disk is read-only\. Create it yourself"):
        os_user.server_account(base / "data")
    (base / "useradd").unlink()
    with pytest.raises(SettingsError, match="has no useradd"):
        os_user.server_account(base / "data")
