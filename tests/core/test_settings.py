"""The settings of a run: how typed options become them, how they are written down, and which of them change rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from etl.core.errors import SettingsError
from etl.core.settings import OutputSettings, RunSettings, parse_moment


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
def test_an_invalid_time_is_refused_with_an_example(text: str) -> None:
    for option in ("--since", "--until"):
        with pytest.raises(SettingsError, match=f'^{option}: "') as caught:
            parse_moment(option, text)
        assert text in caught.value.message
        assert "2024-05-31" in caught.value.hint


def test_no_moment_is_no_limit() -> None:
    assert parse_moment("--since", None) is None


def test_the_options_that_change_rows_tell_files_apart() -> None:
    plain = RunSettings()
    changed = [
        RunSettings(since=datetime(2024, 1, 1, tzinfo=UTC)),
        RunSettings(until=datetime(2024, 1, 1, tzinfo=UTC)),
        RunSettings(artist_separators=" / "),
        RunSettings(doubles="keep"),
    ]
    for source in ("spotify", "maloja", "lastfm"):
        assert len({settings.row_options(source, has_local_times=False) for settings in (plain, *changed)}) == 5


def test_spotify_plays_affects_only_spotify_files() -> None:
    heard, trackdone = RunSettings(spotify_plays="heard"), RunSettings(spotify_plays="trackdone")
    assert heard.row_options("spotify", has_local_times=False) != trackdone.row_options(
        "spotify", has_local_times=False
    )
    assert heard.row_options("maloja", has_local_times=False) == trackdone.row_options("maloja", has_local_times=False)


def test_other_options_change_no_rows() -> None:
    other = RunSettings(
        source="spotify", user="ann", workers=7, dry_run=True, force=True, max_rejects=9, spotify_time="start"
    )
    assert other.row_options("spotify", has_local_times=False) == RunSettings().row_options(
        "spotify", has_local_times=False
    )


def test_row_options_are_the_same_text_for_the_same_options() -> None:
    assert RunSettings().row_options("maloja", has_local_times=False) == json.dumps(
        {"artist_separators": r"\s+·\s+", "doubles": "skip", "since": None, "until": None}
    )


def test_zone_matters_only_for_files_with_local_times() -> None:
    plain, utc, berlin = RunSettings(), RunSettings(timezone="UTC"), RunSettings(timezone="Europe/Berlin")
    local, others = (
        [settings.row_options("rockbox", has_local_times=has) for settings in (plain, utc, berlin)]
        for has in (True, False)
    )
    assert (local[0] == local[1], local[0] == local[2]) == (True, False)
    assert len(set(others)) == 1


def test_companions_count_where_there_are_some() -> None:
    plain = RunSettings().row_options("applemusic")
    assert RunSettings().row_options("applemusic", companions="") == plain
    assert len({plain, *(RunSettings().row_options("applemusic", companions=digest) for digest in "ab")}) == 3


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


# --- settings from options -----------------------------------------------------------------------------------


def test_settings_from_options() -> None:
    typed = {
        "since": "2024-05-31",
        "until": None,
        "workers": 4,
        "artist_separators": None,
        "spotify_time": "start",
    }
    assert RunSettings.from_options(typed, "spotify") == RunSettings(
        source="spotify", since=datetime(2024, 5, 31, tzinfo=UTC), workers=4, spotify_time="start"
    )


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"until": "soon"}, '--until: "soon" is not an ISO 8601 date or time'),
        ({"spotify_time": "noon"}, '--spotify-time: "noon" is not known. Known: end, start'),
        ({"since": "2024-02-01", "until": "2024-01-01"}, "--since is later than --until"),
        ({"artist_separators": ""}, "--artist-separators is empty"),
    ],
)
def test_settings_from_invalid_options(typed: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=f"^{message}"):
        RunSettings.from_options(typed)


@pytest.mark.parametrize("typed", [{"progress": "loud"}, {"log_format": "xml"}])
def test_output_settings_refuse_an_unknown_choice(typed: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="is not known"):
        OutputSettings(**typed)  # type: ignore[arg-type] # each value is a text here
