"""How options and environment variables are parsed."""

from __future__ import annotations

import pytest

from etl.backfill.arguments import RATES, parse_addresses, parse_kinds, parse_providers, parse_rates, parse_time
from etl.backfill.rules.entities import EntityKind
from etl.backfill.services.request import Service
from etl.core.errors import SettingsError


def test_options_override_variables_and_both_override_defaults() -> None:
    environ = {"ETL_DEEZER_URL": "http://a:1/", "ETL_COVERART_URL": "http://b", "ETL_DEEZER_RATE": "2"}
    assert parse_addresses(["deezer=http://c/d/"], environ) == {
        Service.MUSICBRAINZ: "https://musicbrainz.org", Service.COVERART: "http://b", Service.DEEZER: "http://c/d",
    }  # fmt: skip
    assert parse_rates(["musicbrainz=0.5"], environ) == {**RATES, Service.MUSICBRAINZ: 0.5, Service.DEEZER: 2.0}


@pytest.mark.parametrize("pair", ["deezer", "spotify=http://x", "deezer=x", "deezer=ftp://x", "deezer=http://u:p@x",
                                  "deezer=http://x?a=b", "deezer=http://[", "deezer=http://x:99999999"])  # fmt: skip
def test_invalid_address_is_refused(pair: str) -> None:
    with pytest.raises(SettingsError):
        parse_addresses([pair], {})


@pytest.mark.parametrize("pair", ["deezer=0", "deezer=-1", "deezer=fast", "deezer=nan", "deezer=inf", "=1"])
def test_invalid_rate_is_refused(pair: str) -> None:
    with pytest.raises(SettingsError):
        parse_rates([pair], {})


def test_times_providers_and_kinds() -> None:
    assert [parse_time(text) for text in (None, "90m", "1h30m", "45s", "10")] == [None, 5400.0, 5400.0, 45.0, 10.0]
    assert parse_providers("deezer, coverart,deezer") == (Service.DEEZER, Service.COVERART)
    assert parse_kinds("images", None) == (EntityKind.ARTISTS, EntityKind.ALBUMS)
    assert parse_kinds("images", None, [Service.COVERART]) == (EntityKind.ALBUMS,)
    assert parse_kinds("musicbrainz", "tracks") == (EntityKind.TRACKS,)


@pytest.mark.parametrize("text", ["", "0", "0m", "soon", "1d", "-5m"])
def test_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_time(text)


def test_unknown_providers_and_kinds_are_refused() -> None:
    with pytest.raises(SettingsError, match="coverart, deezer"):
        parse_providers("lastfm")
    with pytest.raises(SettingsError, match="Known: albums"):
        parse_kinds("images", "artists", [Service.COVERART])
