"""Defines the settings of a backfill, and checks that they keep the rules of the public services."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from etl.backfill.arguments import PROVIDERS, PUBLIC_URLS, RATES
from etl.backfill.rules.entities import EntityKind
from etl.backfill.rules.identify import MIN_SCORE
from etl.backfill.services.request import Service
from etl.core.errors import SettingsError
from etl.core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_RATES = {"musicbrainz.org": 1.0, "api.deezer.com": 10.0}
_CONTACT_REQUIRED = ("musicbrainz.org", "coverartarchive.org")
_CONTACT = re.compile(r"(?=.*(?:@|://))[!-'*-~]{3,200}", re.ASCII)  # no white space, no parentheses
_OTHER_RATE = 1.0  # for a host that a service redirects to


@dataclass(frozen=True)
class BackfillSettings:
    """The settings of one run."""

    task: str
    kinds: tuple[EntityKind, ...]
    providers: tuple[Service, ...] = PROVIDERS
    addresses: Mapping[Service, str] = field(default_factory=lambda: dict(PUBLIC_URLS))
    """The base URL of each service."""
    rates: Mapping[Service, float] = field(default_factory=lambda: dict(RATES))
    """The requests a second for each service."""
    contact: str = ""
    limit: int | None = None
    """About how many entities may need a request."""
    max_runtime: float | None = None
    """In seconds."""
    dry_run: bool = False
    workers: int = 4
    score: int = MIN_SCORE
    missing_days: int = 30
    """For how many days a cached answer without a result is used."""

    def __post_init__(self) -> None:
        """Raise ``SettingsError`` for a rate that is too high, or a contact that is absent or invalid."""
        self._check_rates()
        self._check_contact()

    def _check_rates(self) -> None:
        for service, rate in self.rates.items():
            host = _host(self.addresses[service])
            limit = next((most for name, most in _MAX_RATES.items() if _is_host(host, name)), None)
            if limit and rate > limit:
                raise SettingsError(
                    f"{host} allows a rate of {limit:g} per second, not {rate:g}",
                    f"A higher rate is for a server of your own: --url {service}=http://HOST:PORT",
                )

    def _check_contact(self) -> None:
        hosts = sorted({_host(self.addresses[service]) for service in self.services})
        public = [host for host in hosts if any(_is_host(host, name) for name in _CONTACT_REQUIRED)]
        if public and not self.contact:
            raise SettingsError(
                f"{public[0]} requires its clients to give contact details",
                "Give an e-mail address or a web page with --contact or ETL_CONTACT; every request sends it",
            )
        if self.contact and not _CONTACT.fullmatch(self.contact):
            raise SettingsError(f'--contact: "{self.contact}" is neither an e-mail address nor a web page')

    @property
    def services(self) -> frozenset[Service]:
        """The services that this run may query; MusicBrainz knows the release group of a cover."""
        if self.task != "images":
            return frozenset({Service.MUSICBRAINZ})
        wants_cover = Service.COVERART in self.providers and EntityKind.ALBUMS in self.kinds
        for_covers = {Service.COVERART, Service.MUSICBRAINZ} if wants_cover else set()
        return frozenset(for_covers | ({Service.DEEZER} & set(self.providers)))

    @property
    def agent(self) -> str:
        """The User-Agent header of every request, in the form that MusicBrainz requires."""
        return f"etl/{__version__}" + (f" ( {self.contact} )" if self.contact else "")

    def rate(self, host: str) -> float:
        """Return the requests a second for ``host``, which includes the port unless it is the default one."""
        rates = [rate for service, rate in self.rates.items() if _host_and_port(self.addresses[service]) == host]
        return min(rates, default=_OTHER_RATE)

    def as_json(self) -> dict[str, Any]:
        """Return the settings for the summary of the run."""
        return {
            "providers": list(self.providers) if self.task == "images" else [],
            "addresses": {service: self.addresses[service] for service in sorted(self.services)},
            "limit": self.limit,
            "max_runtime": self.max_runtime,
            "dry_run": self.dry_run,
            "score": self.score,
            "missing_days": self.missing_days,
        }


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f"{host}:{parts.port}"


def _is_host(host: str, name: str) -> bool:
    return host == name or host.endswith(f".{name}")
