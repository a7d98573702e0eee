"""Which database addresses are valid, and that no password in one is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.dsn import check_dsn, check_uri, redact
from etl.core.errors import SettingsError
from etl.core.workspace import find_workspace

if TYPE_CHECKING:
    from pathlib import Path

URI = "postgresql://ann@db.example:5432/koitodb"

NAME = st.from_regex(r"[a-z_]{0,8}(%40[a-z])?", fullmatch=True)
REST = st.sampled_from(
    ["db.example:5432/koitodb", "/koitodb", "[::1]/db?sslmode=require", "a:1,b:2/db?host=%2Frun", ""]
)
LINE = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
PASSWORD = st.text(LINE, max_size=12) | st.text("@:/?&=%'\\ a*", max_size=12)
SCHEME = st.sampled_from(["postgresql", "postgres"])


def quoted(value: str) -> str:
    """Return ``value`` in quotation marks as libpq reads them in key=value form."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def escaped(value: str) -> str:
    """Return ``value`` without quotation marks, with escapes for characters that would end it."""
    return "".join(f"\\{char}" if char in "'\\" or char.isspace() else char for char in value)


@pytest.mark.parametrize(
    "uri",
    [
        *(URI, "postgres://", "postgresql:///koitodb", "postgresql://h/", "postgresql://u:@h/db", "postgresql://:p@h"),
        *(
            "postgresql://[::1]:5432/db",
            "postgresql://a:1,b:2/db?target_session_attrs=any",
            "postgresql:///d?host=/run",
        ),
        "postgresql://u%40x:p%3Aw%2F%3F@h/db?application_name=a%20b&connect_timeout=3&",
    ],
)
def test_an_address_that_libpq_reads_is_accepted(uri: str) -> None:
    check_uri(uri)
    assert find_workspace(None, uri, {}).dsn == uri


@pytest.mark.parametrize(
    "dsn",
    [
        *("postgresql://u:geheim@x@h/db", "postgresql://u:ge?heim@h/db", "postgresql://u:ge%heim@h/db"),
        *("postgresql://u:geheim@h/db?x", "postgresql://u:geheim@h/db?x=1=2", "postgresql://u:ge heim@h/db"),
        *("postgresql://u:geheim%00@h/db", "host=h password=geheim", "host=h password='ge heim'", "u:geheim@h/db"),
        *("mysql://u:geheim@h/db", "Postgresql://u:geheim@h/db", "host=h password=ge\\ heim"),
    ],
)
def test_an_invalid_address_shows_no_part_of_the_password(dsn: str) -> None:
    with pytest.raises(SettingsError) as caught:
        find_workspace(None, None, {"ETL_DSN": dsn})
    assert "heim" not in str(caught.value)
    assert "postgresql://" in caught.value.hint


def test_a_word_that_is_not_an_address_is_shown() -> None:
    with pytest.raises(SettingsError, match='"embeded" is not a database address'):
        find_workspace(None, "embeded", {})


@given(SCHEME, NAME, PASSWORD, REST)
def test_no_password_of_a_uri_survives(scheme: str, user: str, password: str, rest: str) -> None:
    for text in (password, quote(password, safe="")):
        redacted = redact(f"cannot reach {scheme}://{user}:{text}@{rest} now")
        assert redacted == f"cannot reach {scheme}://{user}:***@{rest} now"


@given(PASSWORD, st.sampled_from(["password", "PASSWORD", "sslpassword"]), st.sampled_from(["?", "?user=ann&"]))
def test_no_password_in_the_query_of_a_uri_survives(password: str, key: str, before: str) -> None:
    encoded = quote(password, safe="")
    redacted = redact(f"postgresql://h/db{before}{key}={encoded}&sslmode=require: refused")
    assert redacted == f"postgresql://h/db{before}{key}=***&sslmode=require: refused"


@given(PASSWORD, st.sampled_from(["=", " = ", "= "]))
def test_no_password_in_key_and_value_form_survives(password: str, equals: str) -> None:
    assert redact(f"host=h password{equals}{quoted(password)} dbname=d") == f"host=h password{equals}*** dbname=d"
    if password:
        assert redact(f"host=h password{equals}{escaped(password)} dbname=d") == f"host=h password{equals}*** dbname=d"


@pytest.mark.parametrize(
    "text", ["", URI, "embedded", "no password was given", "at 10:30 ann@db.example wrote", "a://b:1/c"]
)
def test_text_without_a_password_stays(text: str) -> None:
    assert redact(text) == text


def test_each_line_is_redacted_for_itself() -> None:
    text = "first postgresql://u:geheim@h/db\nsecond password=geheim\nthird ann@db.example"
    assert redact(text) == "first postgresql://u:***@h/db\nsecond password=***\nthird ann@db.example"


@pytest.mark.parametrize("given", ["{folder}/koito.db", "sqlite:///{folder}/koito.db", "sqlite://{folder}/koito.db"])
def test_a_file_is_named_by_its_path_or_its_address(tmp_path: Path, given: str) -> None:
    (tmp_path / "koito.db").touch()
    assert check_dsn(given.format(folder=tmp_path)) == f"sqlite:///{tmp_path}/koito.db"


@pytest.mark.parametrize("given", ["koito.db", "./koito.db", "sqlite:///koito.db", "plain"])
def test_a_file_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    (tmp_path / "koito.db").touch()
    (tmp_path / "plain").touch()
    monkeypatch.chdir(tmp_path)
    assert check_dsn(given) == f"sqlite:///{tmp_path / given.rpartition('/')[2]}"


def test_a_missing_file_is_reported_by_its_target(tmp_path: Path) -> None:
    assert check_dsn(f"{tmp_path}/none.db") == f"sqlite:///{tmp_path}/none.db"
    with pytest.raises(SettingsError, match=r"Use the path of Koito's koito\.db"):
        check_dsn(f"{tmp_path}/none")
