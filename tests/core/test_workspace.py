"""Where a command works: its home folder and its database."""

from __future__ import annotations

from pathlib import Path

import pytest
from platformdirs import user_data_path

from etl.core.errors import SettingsError
from etl.core.settings import EMBEDDED
from etl.core.workspace import find_workspace

URI = "postgresql://ann@db.example:5432/koitodb"
OTHER = "postgresql://bob@db.example/koitodb"


def dsn_file(folder: Path, content: str | bytes) -> str:
    path = folder / "dsn"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def test_an_option_overrides_the_environment(tmp_path: Path) -> None:
    environ = {"ETL_HOME": "/from/environment", "ETL_DSN": OTHER, "ETL_DSN_FILE": dsn_file(tmp_path, OTHER)}
    place = find_workspace("/from/option", URI, environ)
    assert (place.home, place.dsn) == (Path("/from/option"), URI)
    assert place.runs == Path("/from/option/runs")


def test_the_environment_overrides_the_default(tmp_path: Path) -> None:
    environ = {"ETL_HOME": "/from/environment", "ETL_DSN": URI, "ETL_DSN_FILE": dsn_file(tmp_path, OTHER)}
    place = find_workspace(None, None, environ)
    assert (place.home, place.dsn) == (Path("/from/environment"), URI)


def test_without_options_and_environment_it_is_the_embedded_server() -> None:
    assert find_workspace(None, None, {}).dsn == EMBEDDED
    assert find_workspace("", "", {"ETL_HOME": "", "ETL_DSN": "", "ETL_DSN_FILE": ""}).dsn == EMBEDDED


@pytest.mark.parametrize(("uid", "home"), [(0, Path("/var/lib/etl")), (1000, user_data_path("etl").absolute())])
def test_root_works_where_services_do_and_people_in_their_data_folder(
    monkeypatch: pytest.MonkeyPatch, uid: int, home: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    assert find_workspace(None, None, {}).home == home
    assert find_workspace("", None, {"ETL_HOME": ""}).home == home


def test_the_environment_is_that_of_the_process_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_HOME", "/from/process")
    monkeypatch.setenv("ETL_DSN", URI)
    assert find_workspace(None, None).home == Path("/from/process")
    assert find_workspace(None, None).dsn == URI


def test_a_home_may_be_relative_or_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert find_workspace("here", None, {}).home == tmp_path / "here"
    assert find_workspace("~/music", None, {}).home == Path("/home/ann/music")
    with pytest.raises(SettingsError, match="no home folder"):
        find_workspace("~nobody-of-that-name/music", None, {})


@pytest.mark.parametrize("content", [URI, f"{URI}\n", f"  {URI}\r\n\n"])
def test_a_file_may_hold_the_address(tmp_path: Path, content: str) -> None:
    assert find_workspace(None, None, {"ETL_DSN_FILE": dsn_file(tmp_path, content)}).dsn == URI


@pytest.mark.parametrize("content", ["", "\n", " \t\n"])
def test_an_empty_file_is_an_error_and_never_the_default(tmp_path: Path, content: str) -> None:
    with pytest.raises(SettingsError, match=r"ETL_DSN_FILE .*dsn is empty"):
        find_workspace(None, None, {"ETL_DSN_FILE": dsn_file(tmp_path, content)})


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    for path in (str(tmp_path / "missing"), str(tmp_path), dsn_file(tmp_path, b"\xff\xfep"), "a\0b"):
        with pytest.raises(SettingsError, match="cannot be read") as caught:
            find_workspace(None, None, {"ETL_DSN_FILE": path})
        assert path in caught.value.message


def test_what_a_file_holds_is_checked_and_not_shown(tmp_path: Path) -> None:
    for content in (f"{URI}\n{OTHER}", "host=h password=geheim", "ann:geheim@db.example"):
        with pytest.raises(SettingsError) as caught:
            find_workspace(None, None, {"ETL_DSN_FILE": dsn_file(tmp_path, content)})
        assert "geheim" not in str(caught.value)


WITH_PASSWORD = "postgresql://ann:geheim@db.example/koitodb"  # noqa: S105


@pytest.mark.parametrize(
    ("mode", "content", "warns"),
    [
        (0o644, WITH_PASSWORD, True),
        (0o604, WITH_PASSWORD, True),
        (0o640, WITH_PASSWORD, False),
        (0o600, WITH_PASSWORD, False),
        (0o644, URI, False),
        (0o644, "sqlite:////srv/koito/koito.db", False),
    ],
)
def test_a_password_file_open_to_others_draws_a_warning(tmp_path: Path, mode: int, content: str, warns: bool) -> None:
    path = Path(dsn_file(tmp_path, content))
    path.chmod(mode)
    reported = f"other users of this machine can read the password in {path}; `chmod 600` of that file hides it"
    assert find_workspace(None, None, {"ETL_DSN_FILE": str(path)}).warning == (reported if warns else "")
    assert not find_workspace(None, URI, {"ETL_DSN_FILE": str(path)}).warning


def test_a_password_in_settings_open_to_others_draws_a_warning(tmp_path: Path) -> None:
    settings = tmp_path / "etl.toml"
    settings.write_text(f'dsn = "{WITH_PASSWORD}"\n')
    settings.chmod(0o644)
    assert str(settings) in find_workspace(None, None, {"ETL_CONFIG": str(settings)}).warning
    assert not find_workspace(None, None, {"ETL_CONFIG": str(settings), "ETL_DSN": WITH_PASSWORD}).warning
    settings.chmod(0o600)
    assert not find_workspace(None, None, {"ETL_CONFIG": str(settings)}).warning


def test_a_typed_password_draws_a_warning_and_one_from_elsewhere_does_not() -> None:
    typed = WITH_PASSWORD
    assert "ETL_DSN" in find_workspace(None, typed, {}).warning
    assert "geheim" not in find_workspace(None, typed, {}).warning
    assert find_workspace(None, "postgresql://db.example/koitodb?user=ann&password=geheim", {}).warning
    assert not find_workspace(None, URI, {}).warning
    assert not find_workspace(None, EMBEDDED, {}).warning
    assert not find_workspace(None, None, {"ETL_DSN": typed}).warning
