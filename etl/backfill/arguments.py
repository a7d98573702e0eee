"""Parses the options of a backfill, and the environment variables that replace them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from etl.backfill.rules.entities import EntityKind
from etl.backfill.services.request import Service
from etl.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TASKS = {
    "images": (EntityKind.ARTISTS, EntityKind.ALBUMS),
    "musicbrainz": (EntityKind.ARTISTS, EntityKind.ALBUMS, EntityKind.TRACKS),
    "durations": (EntityKind.TRACKS,),
}
PROVIDERS = (Service.COVERART, Service.DEEZER)
PUBLIC_URLS = {
    Service.MUSICBRAINZ: "https://musicbrainz.org",
    Service.COVERART: "https://coverartarchive.org",
    Service.DEEZER: "https://api.deezer.com",
}
# Default requests a second. MusicBrainz allows 1, Deezer 50 in 5 seconds; the Cover Art Archive publishes no limit.
RATES = {Service.MUSICBRAINZ: 1.0, Service.COVERART: 4.0, Service.DEEZER: 5.0}
_MAX_RATE = 100_000
_TIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_kinds(task: str, what: str | None, providers: Iterable[Service] = PROVIDERS) -> tuple[EntityKind, ...]:
    """Return the kinds of entities that ``task`` looks up: all of its own, or only the one that ``what`` names.

    Raises ``SettingsError`` for an unknown kind. Only Deezer has pictures of artists.
    """
    known = TASKS[task]
    if EntityKind.ARTISTS in known and Service.DEEZER not in providers:
        known = tuple(kind for kind in known if kind is not EntityKind.ARTISTS)
    if what is None:
        return known
    if what not in known:
        raise SettingsError(f'"{what}" is not known', f"Known: {', '.join(known)}")
    return (EntityKind(what),)


def parse_providers(text: str) -> tuple[Service, ...]:
    """Return the services in a list like ``coverart,deezer``; raises ``SettingsError`` for an unknown one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or not set(names) <= set(PROVIDERS):
        raise SettingsError(f'--providers: "{text}" is not known', f"Known: {', '.join(PROVIDERS)}")
    return tuple(Service(name) for name in dict.fromkeys(names))


def parse_addresses(options: Iterable[str], environ: Mapping[str, str]) -> dict[Service, str]:
    """Return each service's base URL: from ``--url NAME=URL``, else from ``ETL_<NAME>_URL``, else the public one.

    Raises ``SettingsError`` for an invalid URL.
    """
    given = _given("--url", options, environ, "URL")
    for service, url in given.items():
        if not _is_base_url(url):
            raise SettingsError(
                f"--url {service}: not a web address", f"Write --url {service}=https://HOST[:PORT][/PATH]"
            )
    return {**PUBLIC_URLS, **{service: url.rstrip("/") for service, url in given.items()}}


def _is_base_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is invalid
    except ValueError:
        return False
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isascii()
    return is_web and not (parts.query or parts.fragment or parts.username or parts.password)


def parse_rates(options: Iterable[str], environ: Mapping[str, str]) -> dict[Service, float]:
    """Return each service's requests a second: from ``--rate NAME=N``, ``ETL_<NAME>_RATE``, or the default.

    Raises ``SettingsError`` for an invalid number.
    """
    rates = dict(RATES)
    for service, text in _given("--rate", options, environ, "RATE").items():
        try:
            rates[service] = float(text)
        except ValueError:
            rates[service] = 0.0
        if not 0 < rates[service] <= _MAX_RATE:
            raise SettingsError(f'--rate {service}: "{text}" is not a number of requests per second')
    return rates


def parse_time(text: str | None) -> float | None:
    """Return the seconds of a text like ``90m``, ``1h30m`` or ``45s``; a bare number means seconds.

    Raises ``SettingsError`` for any other text, and for no time at all.
    """
    if text is None:
        return None
    found = _TIME.fullmatch(text.strip() + ("s" if text.strip().isdecimal() else ""))
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = float(hours * 3600 + minutes * 60 + seconds)
    if not total:
        raise SettingsError(f'--max-runtime: "{text}" is not a duration', "Write 90m, 1h30m or 45s")
    return total


def _given(option: str, pairs: Iterable[str], environ: Mapping[str, str], suffix: str) -> dict[Service, str]:
    """Return the text given for each service: in ``NAME=VALUE`` pairs, else in an environment variable."""
    given = {
        service: value for service in Service if (value := environ.get(f"ETL_{service.upper()}_{suffix}", "").strip())
    }
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in list(Service):
            raise SettingsError(f'{option}: "{pair}" is not NAME=VALUE', f"NAME is one of {', '.join(Service)}")
        given[Service(name)] = value.strip()
    return given
