"""Checks the name of a time zone that a user typed."""

from __future__ import annotations

from difflib import get_close_matches
from zoneinfo import available_timezones

from etl.core.errors import SettingsError

_NAMED = 3


def parse_timezone(option: str, name: str) -> str:
    """Return the IANA ``name`` of a time zone. Raises ``SettingsError``, with similar names, if it does not exist.

    Polars decides whether it exists, because Polars converts the times.
    """
    import polars as pl  # noqa: PLC0415 (most commands do not need it)

    zone = name.strip()
    try:
        if zone[:1].isalpha():  # not an offset such as +02:00
            pl.Series([0], dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
            return zone
    except pl.exceptions.ComputeError:
        pass
    near = near_zones(zone)
    hint = f"Near: {', '.join(near)}" if near else "Give an IANA name such as Europe/Berlin"
    raise SettingsError(f'{option}: "{name}" is not a time zone', hint)


def near_zones(name: str) -> list[str]:
    """Return up to three zone names that resemble ``name``, which may be only a city, in any case."""
    wanted = name.lower().replace(" ", "_")
    zones = {zone.lower(): zone for zone in sorted(available_timezones())}
    cities = {zone.rpartition("/")[2]: full for zone, full in zones.items() if "/" in zone}
    exact = [full for zone, full in zones.items() if wanted in (zone, zone.rpartition("/")[2])]
    close = [zones[zone] for zone in get_close_matches(wanted, zones, _NAMED, 0.7)]
    close += [cities[city] for city in get_close_matches(wanted.rpartition("/")[2], cities, _NAMED, 0.7)]
    return list(dict.fromkeys(exact + close))[:_NAMED]
