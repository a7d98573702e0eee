"""Names of time zones."""

from __future__ import annotations

import pytest

from etl.core.errors import ExitCode, SettingsError
from etl.core.timezones import near_zones, parse_timezone


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT-2", " Asia/Tokyo"])
def test_known_zones_are_kept(name: str) -> None:
    assert parse_timezone("--timezone", name) == name.strip()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("America/NewYork", "America/New_York"),
        ("Australia/Melborne", "Australia/Melbourne"),
    ],
)
def test_unknown_zone_is_refused_with_similar_ones(name: str, near: str) -> None:
    with pytest.raises(SettingsError, match=f'--timezone: "{name}" is not a time zone') as refused:
        parse_timezone("--timezone", name)
    assert refused.value.exit_code == ExitCode.USAGE
    assert near_zones(name)[0] == near
    assert near in refused.value.hint


@pytest.mark.parametrize("name", ["", "+02:00", "xyzzy", "\0"])
def test_zone_without_a_similar_one_gets_an_example(name: str) -> None:
    with pytest.raises(SettingsError, match="is not a time zone"):
        parse_timezone("--timezone", name)
