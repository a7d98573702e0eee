"""What decides how a backfill asks and what it writes, checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from etl import __version__
from etl.backfill.rules.entities import Kind
from etl.backfill.rules.identify import SCORE
from etl.backfill.services.request import Service
from etl.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PUBLIC = {
    Service.MUSICBRAINZ: "https://musicbrainz.org",
    Service.COVERART: "https://coverartarchive.org",
    Service.DEEZER: "https://api.deezer.com",
}
# Requests a second, unless told otherwise. MusicBrainz allows one, Deezer 50 in 5 s; the archive names no number.
RATES = {Service.MUSICBRAINZ: 1.0, Service.COVERART: 4.0, Service.DEEZER: 5.0}
_LIMITS = {"musicbrainz.org": 1.0, "api.deezer.com": 10.0}
_WANT_CONTACT = ("musicbrainz.org", "coverartarchive.org")
_ELSEWHERE = 1.0  # for a host that we are redirected to
PROVIDERS = (Service.COVERART, Service.DEEZER)
TASKS = {
    "images": (Kind.ARTISTS, Kind.ALBUMS),
    "musicbrainz": (Kind.ARTISTS, Kind.ALBUMS, Kind.TRACKS),
    "durations": (Kind.TRACKS,),
}
_CONTACT = re.compile(r"(?=.*(?:@|://))[!-'*-~]{3,200}", re.ASCII)  # no white space, no parentheses
_TIME = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@dataclass(frozen=True)
class BackfillSettings:
    """The settings of one run."""

    task: str
    kinds: tuple[Kind, ...]
    providers: tuple[Service, ...] = PROVIDERS
    addresses: Mapping[Service, str] = field(default_factory=lambda: dict(PUBLIC))
    rates: Mapping[Service, float] = field(default_factory=lambda: dict(RATES))
    contact: str = ""
    limit: int | None = None
    max_runtime: float | None = None
    """Seconds."""
    dry_run: bool = False
    workers: int = 4
    score: int = SCORE
    missing_days: int = 30
    """How long it is believed that a service has nothing."""

    def __post_init__(self) -> None:
        """Raise ``SettingsError`` for what does not go together."""
        for service, rate in self.rates.items():
            host = _host(self.addresses[service])
            limit = next((most for name, most in _LIMITS.items() if _is_host(host, name)), None)
            if limit and rate > limit:
                raise SettingsError(
                    f"{host} may be asked {limit:g} times a second, not {rate:g}",
                    f"A higher rate is for a server of your own: --url {service}=http://HOST:PORT",
                )
        asked = {_host(self.addresses[service]) for service in self.services}
        public = [host for host in sorted(asked) if any(_is_host(host, name) for name in _WANT_CONTACT)]
        if public and not self.contact:
            raise SettingsError(
                f"{public[0]} wants to know how to reach whoever asks",
                "Give an e-mail address or a web page with --contact or ETL_CONTACT; it goes there with each request",
            )
        if self.contact and not _CONTACT.fullmatch(self.contact):
            raise SettingsError(f'--contact: "{self.contact}" is neither an e-mail address nor a web page')

    @property
    def services(self) -> frozenset[Service]:
        """Whom this run may ask: for the release group of a cover, MusicBrainz too."""
        if self.task != "images":
            return frozenset({Service.MUSICBRAINZ})
        wants_cover = Service.COVERART in self.providers and Kind.ALBUMS in self.kinds
        asked = {Service.COVERART, Service.MUSICBRAINZ} if wants_cover else set()
        return frozenset(asked | ({Service.DEEZER} & set(self.providers)))

    @property
    def agent(self) -> str:
        """The User-Agent of every request, in the form that MusicBrainz asks for."""
        return f"etl/{__version__}" + (f" ( {self.contact} )" if self.contact else "")

    def rate(self, host: str) -> float:
        """Return how many requests a second ``host``, with its port if that is none of the usual, gets."""
        rates = [rate for service, rate in self.rates.items() if _with_port(self.addresses[service]) == host]
        return min(rates, default=_ELSEWHERE)

    def as_json(self) -> dict[str, Any]:
        """Return the settings for the account of the run."""
        return {
            "providers": list(self.providers) if self.task == "images" else [],
            "addresses": {service: self.addresses[service] for service in sorted(self.services)},
            "limit": self.limit,
            "max_runtime": self.max_runtime,
            "dry_run": self.dry_run,
            "score": self.score,
            "missing_days": self.missing_days,
        }


def parse_kinds(task: str, what: str | None, providers: Iterable[Service] = PROVIDERS) -> tuple[Kind, ...]:
    """Return the kinds of entities that ``task`` is to look at: all of its own, or the one that is named.

    Only Deezer has pictures of artists.
    """
    known = TASKS[task]
    if Kind.ARTISTS in known and Service.DEEZER not in providers:
        known = tuple(kind for kind in known if kind is not Kind.ARTISTS)
    if what is None:
        return known
    if what not in known:
        raise SettingsError(f'"{what}" is not known', f"Known: {', '.join(known)}")
    return (Kind(what),)


def parse_providers(text: str) -> tuple[Service, ...]:
    """Return the services that a list like ``coverart,deezer`` names."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or not set(names) <= set(PROVIDERS):
        raise SettingsError(f'--providers: "{text}" is not known', f"Known: {', '.join(PROVIDERS)}")
    return tuple(Service(name) for name in dict.fromkeys(names))


def parse_addresses(options: Iterable[str], environ: Mapping[str, str]) -> dict[Service, str]:
    """Return each service's base URL: of ``--url NAME=URL``, else of ``ETL_<NAME>_URL``, else the public one."""
    given = _given("--url", options, environ, "URL")
    for service, url in given.items():
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
            good = good and not (parts.username or parts.password) and (parts.port or 1) and url.isascii()
        except ValueError:
            good = False
        if not good:
            raise SettingsError(f"--url {service}: no web address", f"Write --url {service}=https://HOST[:PORT][/PATH]")
    return {**PUBLIC, **{service: url.rstrip("/") for service, url in given.items()}}


def parse_rates(options: Iterable[str], environ: Mapping[str, str]) -> dict[Service, float]:
    """Return each service's requests a second: of ``--rate NAME=N``, of ``ETL_<NAME>_RATE``, or the usual ones."""
    rates = dict(RATES)
    for service, text in _given("--rate", options, environ, "RATE").items():
        try:
            rates[service] = float(text)
        except ValueError:
            rates[service] = 0.0
        if not 0 < rates[service] <= 100_000:
            raise SettingsError(f'--rate {service}: "{text}" is no number of requests a second')
    return rates


def parse_time(text: str | None) -> float | None:
    """Return the seconds of a text like ``90m``, ``1h30m`` or ``45s``; a bare number means seconds."""
    if text is None:
        return None
    found = _TIME.fullmatch(text.strip() + ("s" if text.strip().isdecimal() else ""))
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = float(hours * 3600 + minutes * 60 + seconds)
    if not total:
        raise SettingsError(f'--max-runtime: "{text}" is no time', "Write 90m, 1h30m or 45s")
    return total


def _given(option: str, pairs: Iterable[str], environ: Mapping[str, str], suffix: str) -> dict[Service, str]:
    found = {
        service: value for service in Service if (value := environ.get(f"ETL_{service.upper()}_{suffix}", "").strip())
    }
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in list(Service):
            raise SettingsError(f'{option}: "{pair}" is not NAME=VALUE', f"NAME is one of {', '.join(Service)}")
        found[Service(name)] = value.strip()
    return found


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").rstrip(".")


def _with_port(address: str) -> str:
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f"{host}:{parts.port}"


def _is_host(host: str, name: str) -> bool:
    return host == name or host.endswith(f".{name}")
