"""The settings keep the rules of the public services."""

from __future__ import annotations

import pytest

from etl.backfill.arguments import PUBLIC_URLS, RATES
from etl.backfill.rules.entities import EntityKind
from etl.backfill.services.request import Service
from etl.backfill.settings import BackfillSettings
from etl.core.errors import SettingsError

KINDS = (EntityKind.ARTISTS,)
MINE = {**PUBLIC_URLS, Service.MUSICBRAINZ: "http://nas:5000"}


def test_public_rate_can_be_lowered_but_not_raised() -> None:
    for address in ("https://musicbrainz.org", "https://beta.musicbrainz.org", "http://MusicBrainz.org:443/x"):
        with pytest.raises(SettingsError, match="a rate of 1 per second"):
            BackfillSettings(
                "musicbrainz",
                KINDS,
                contact="me@example.org",
                rates={**RATES, Service.MUSICBRAINZ: 1.1},
                addresses={**PUBLIC_URLS, Service.MUSICBRAINZ: address},
            )
    slow = BackfillSettings("musicbrainz", KINDS, contact="me@example.org", rates={**RATES, Service.MUSICBRAINZ: 0.2})
    assert slow.rate("musicbrainz.org") == 0.2


def test_rate_of_another_server_is_unlimited() -> None:
    settings = BackfillSettings("musicbrainz", KINDS, rates={**RATES, Service.MUSICBRAINZ: 50.0}, addresses=MINE)
    assert settings.rate("nas:5000") == 50.0
    assert settings.rate("musicbrainz.org") == 1.0  # a mirror may redirect there


def test_metabrainz_services_need_a_valid_contact() -> None:
    with pytest.raises(SettingsError, match=r"musicbrainz\.org requires its clients"):
        BackfillSettings("musicbrainz", KINDS)
    with pytest.raises(SettingsError, match="neither an e-mail address"):
        BackfillSettings("musicbrainz", KINDS, contact="me\r\nX-Evil: 1")
    agent = BackfillSettings("musicbrainz", KINDS, contact="me@example.org").agent
    assert agent.startswith("etl/")
    assert agent.endswith(" ( me@example.org )")
    assert BackfillSettings("images", KINDS, providers=(Service.DEEZER,)).services == {Service.DEEZER}
    assert BackfillSettings("musicbrainz", KINDS, addresses=MINE).agent.startswith("etl/")
