"""Where a command works, under which options, and that no password is ever shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from platformdirs import user_data_path

from etl.core.errors import SettingsError
from etl.core.settings import EMBEDDED, RunSettings, check_uri, find_workspace, parse_moment, redact

URI = "postgresql://ann@db.example:5432/koitodb"
OTHER = "postgresql://bob@db.example/koitodb"

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
    """Return ``value`` without quotation marks, what would end it escaped."""
    return "".join(f"\\{char}" if char in "'\\" or char.isspace() else char for char in value)


def dsn_file(folder: Path, content: str | bytes) -> str:
    path = folder / "dsn"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


# --- where to work -------------------------------------------------------------------------------------------


def test_an_option_goes_before_the_environment(tmp_path: Path) -> None:
    environ = {"ETL_HOME": "/from/environment", "ETL_DSN": OTHER, "ETL_DSN_FILE": dsn_file(tmp_path, OTHER)}
    place = find_workspace("/from/option", URI, environ)
    assert (place.home, place.dsn) == (Path("/from/option"), URI)
    assert place.runs == Path("/from/option/runs")


def test_the_environment_goes_before_the_default(tmp_path: Path) -> None:
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


def test_a_password_that_is_typed_draws_a_warning_and_one_from_elsewhere_does_not() -> None:
    typed = "postgresql://ann:geheim@db.example/koitodb"
    assert "ETL_DSN" in find_workspace(None, typed, {}).warning
    assert "geheim" not in find_workspace(None, typed, {}).warning
    assert find_workspace(None, "postgresql://db.example/koitodb?user=ann&password=geheim", {}).warning
    assert not find_workspace(None, URI, {}).warning
    assert not find_workspace(None, EMBEDDED, {}).warning
    assert not find_workspace(None, None, {"ETL_DSN": typed}).warning


# --- addresses -----------------------------------------------------------------------------------------------


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
def test_an_address_that_libpq_reads_is_taken(uri: str) -> None:
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
def test_what_is_no_address_is_refused_without_a_piece_of_the_password(dsn: str) -> None:
    with pytest.raises(SettingsError) as caught:
        find_workspace(None, None, {"ETL_DSN": dsn})
    assert "heim" not in str(caught.value)
    assert "postgresql://" in caught.value.hint


def test_a_word_that_is_no_address_is_shown() -> None:
    with pytest.raises(SettingsError, match='"embeded" is no database address'):
        find_workspace(None, "embeded", {})


# --- passwords -----------------------------------------------------------------------------------------------


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
def test_what_holds_no_password_stays(text: str) -> None:
    assert redact(text) == text


def test_each_line_is_redacted_for_itself() -> None:
    text = "first postgresql://u:geheim@h/db\nsecond password=geheim\nthird ann@db.example"
    assert redact(text) == "first postgresql://u:***@h/db\nsecond password=***\nthird ann@db.example"


# --- times ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2024-05-31", "2024-05-31T00:00:00+00:00", "2024-05-31T23:59:59.999999+00:00"),
        ("20240531", "2024-05-31T00:00:00+00:00", "2024-05-31T23:59:59.999999+00:00"),
        ("2024-W22-5", "2024-05-31T00:00:00+00:00", "2024-05-31T23:59:59.999999+00:00"),
        (" 2024-05-31 ", "2024-05-31T00:00:00+00:00", "2024-05-31T23:59:59.999999+00:00"),
        ("9999-12-31", "9999-12-31T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"),
        *(
            (text, expected, expected)
            for text, expected in (
                ("2024-05-31T18:00", "2024-05-31T18:00:00+00:00"),
                ("2024-05-31 18:00:01", "2024-05-31T18:00:01+00:00"),
                ("2024-05-31T00:00:00", "2024-05-31T00:00:00+00:00"),
                ("2024-05-31T18:00:00Z", "2024-05-31T18:00:00+00:00"),
                ("2024-05-31T18:00:00.5Z", "2024-05-31T18:00:00.500000+00:00"),
                ("2024-05-31T01:00:00+02:00", "2024-05-30T23:00:00+00:00"),
                ("2024-05-31T18:00:00-05:30", "2024-05-31T23:30:00+00:00"),
                ("20240531T180000Z", "2024-05-31T18:00:00+00:00"),
            )
        ),
    ],
)
def test_a_moment_is_utc_and_a_bare_date_until_is_the_whole_day(text: str, since: str, until: str) -> None:
    for option, expected in (("--since", since), ("--until", until)):
        moment = parse_moment(option, text)
        assert moment is not None
        assert moment.tzinfo is UTC
        assert moment.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "31.05.2024", "2024-05", "2024-13-01", "2024-02-30", "24-05-31", "1717171717", "2024-5-1"),
        *("2024-05-31T25:00", "2024-05-31T10:00+99:00", "2024-05-31 10:00 UTC", "0001-01-01T00:00:00+02:00"),
        *("9999-12-31T23:00:00-05:00", "٢٠٢٤-٠٥-٣١", "0000-01-01"),
    ],
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    for option in ("--since", "--until"):
        with pytest.raises(SettingsError, match=f'^{option}: "') as caught:
            parse_moment(option, text)
        assert text in caught.value.message
        assert "2024-05-31" in caught.value.hint


def test_no_moment_is_no_limit() -> None:
    assert parse_moment("--since", None) is None


# --- options of a run ----------------------------------------------------------------------------------------


def test_the_options_that_change_rows_tell_files_apart() -> None:
    plain = RunSettings()
    changed = [
        RunSettings(since=datetime(2024, 1, 1, tzinfo=UTC)),
        RunSettings(until=datetime(2024, 1, 1, tzinfo=UTC)),
        RunSettings(artist_separators=" / "),
        RunSettings(drop_doubles=True),
    ]
    for source in ("spotify", "maloja", "lastfm"):
        assert len({settings.row_options(source) for settings in (plain, *changed)}) == 5


def test_which_plays_of_spotify_count_matters_for_spotify_alone() -> None:
    heard, trackdone = RunSettings(spotify_plays="heard"), RunSettings(spotify_plays="trackdone")
    assert heard.row_options("spotify") != trackdone.row_options("spotify")
    assert heard.row_options("maloja") == trackdone.row_options("maloja")


def test_other_options_change_no_rows() -> None:
    other = RunSettings(
        source="spotify", user="ann", workers=7, dry_run=True, force=True, max_rejects=9, spotify_time="start"
    )
    assert other.row_options("spotify") == RunSettings().row_options("spotify")


def test_row_options_are_the_same_text_for_the_same_options() -> None:
    assert RunSettings().row_options("maloja") == json.dumps(
        {"artist_separators": r"\s+·\s+", "drop_doubles": False, "since": None, "until": None}
    )


def test_settings_can_be_written_into_the_manifest() -> None:
    settings = RunSettings(since=datetime(2024, 1, 1, tzinfo=UTC), user="ann")
    written = json.loads(json.dumps(settings.as_json()))
    assert written["since"] == "2024-01-01T00:00:00+00:00"
    assert (written["until"], written["user"], written["spotify_plays"]) == (None, "ann", "heard")


def test_settings_are_read_from_a_manifest_of_another_version_too() -> None:
    settings = RunSettings(since=datetime(2024, 1, 1, tzinfo=UTC), user="ann", spotify_time="start", workers=7)
    written = json.loads(json.dumps(settings.as_json()))
    assert RunSettings.from_json(written) == settings
    assert RunSettings.from_json({**written, "later": 1}) == settings
    assert RunSettings.from_json({"user": "bo"}) == RunSettings(user="bo")


def test_separators_are_checked() -> None:
    assert [pattern.pattern for pattern in RunSettings(artist_separators="a;;b").separators] == ["a", "b"]
    with pytest.raises(SettingsError, match="--artist-separators"):
        _ = RunSettings(artist_separators="(").separators
