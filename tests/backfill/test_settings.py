"""What may be asked of whom, and how often: the public services' rules cannot be switched off."""

from __future__ import annotations

import pytest

from etl.backfill.rules.entities import Kind
from etl.backfill.services.request import Service
from etl.backfill.settings import (
    PUBLIC,
    RATES,
    BackfillSettings,
    parse_addresses,
    parse_kinds,
    parse_providers,
    parse_rates,
    parse_time,
)
from etl.core.errors import SettingsError

KINDS = (Kind.ARTISTS,)
MINE = {**PUBLIC, Service.MUSICBRAINZ: "http://nas:5000"}


def test_the_rate_of_public_musicbrainz_cannot_be_raised_but_lowered() -> None:
    for address in ("https://musicbrainz.org", "https://beta.musicbrainz.org", "http://MusicBrainz.org:443/x"):
        with pytest.raises(SettingsError, match="1 times a second"):
            BackfillSettings(
                "musicbrainz",
                KINDS,
                contact="me@example.org",
                rates={**RATES, Service.MUSICBRAINZ: 1.1},
                addresses={**PUBLIC, Service.MUSICBRAINZ: address},
            )
    slow = BackfillSettings("musicbrainz", KINDS, contact="me@example.org", rates={**RATES, Service.MUSICBRAINZ: 0.2})
    assert slow.rate("musicbrainz.org") == 0.2


def test_the_rate_of_another_server_is_free() -> None:
    settings = BackfillSettings("musicbrainz", KINDS, rates={**RATES, Service.MUSICBRAINZ: 50.0}, addresses=MINE)
    assert settings.rate("nas:5000") == 50.0
    assert settings.rate("musicbrainz.org") == 1.0  # where a mirror might redirect to


def test_public_services_of_metabrainz_want_to_know_whom_to_write_to() -> None:
    with pytest.raises(SettingsError, match=r"musicbrainz\.org wants to know"):
        BackfillSettings("musicbrainz", KINDS)
    with pytest.raises(SettingsError, match="neither an e-mail address"):
        BackfillSettings("musicbrainz", KINDS, contact="me\r\nX-Evil: 1")
    agent = BackfillSettings("musicbrainz", KINDS, contact="me@example.org").agent
    assert agent.startswith("etl/")
    assert agent.endswith(" ( me@example.org )")
    assert BackfillSettings("images", KINDS, providers=(Service.DEEZER,)).services == {Service.DEEZER}
    assert BackfillSettings("musicbrainz", KINDS, addresses=MINE).agent.startswith("etl/")


def test_options_come_before_the_environment_and_both_before_the_public_ones() -> None:
    environ = {"ETL_DEEZER_URL": "http://a:1/", "ETL_COVERART_URL": "http://b", "ETL_DEEZER_RATE": "2"}
    assert parse_addresses(["deezer=http://c/d/"], environ) == {
        Service.MUSICBRAINZ: "https://musicbrainz.org", Service.COVERART: "http://b", Service.DEEZER: "http://c/d",
    }  # fmt: skip
    assert parse_rates(["musicbrainz=0.5"], environ) == {**RATES, Service.MUSICBRAINZ: 0.5, Service.DEEZER: 2.0}


@pytest.mark.parametrize("pair", ["deezer", "spotify=http://x", "deezer=x", "deezer=ftp://x", "deezer=http://u:p@x",
                                  "deezer=http://x?a=b", "deezer=http://[", "deezer=http://x:99999999"])  # fmt: skip
def test_an_address_that_is_none_is_refused(pair: str) -> None:
    with pytest.raises(SettingsError):
        parse_addresses([pair], {})


@pytest.mark.parametrize("pair", ["deezer=0", "deezer=-1", "deezer=fast", "deezer=nan", "deezer=inf", "=1"])
def test_a_rate_that_is_none_is_refused(pair: str) -> None:
    with pytest.raises(SettingsError):
        parse_rates([pair], {})


def test_times_providers_and_kinds_are_read() -> None:
    assert [parse_time(text) for text in (None, "90m", "1h30m", "45s", "10")] == [None, 5400.0, 5400.0, 45.0, 10.0]
    assert parse_providers("deezer, coverart,deezer") == (Service.DEEZER, Service.COVERART)
    assert parse_kinds("images", None) == (Kind.ARTISTS, Kind.ALBUMS)
    assert parse_kinds("images", None, [Service.COVERART]) == (Kind.ALBUMS,)
    assert parse_kinds("musicbrainz", "tracks") == (Kind.TRACKS,)


@pytest.mark.parametrize("text", ["", "0", "0m", "soon", "1d", "-5m"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_time(text)


def test_unknown_providers_and_kinds_are_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="coverart, deezer"):
        parse_providers("lastfm")
    with pytest.raises(SettingsError, match="Known: albums"):
        parse_kinds("images", "artists", [Service.COVERART])
