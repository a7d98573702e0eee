"""Turns the words of the command line into checked settings."""

from __future__ import annotations

from typing import TypeVar, get_args

from etl.core.errors import SettingsError
from etl.core.separators import DEFAULT_SEPARATORS
from etl.core.settings import AUTO, Plays, PlayTime, RunSettings, parse_moment
from etl.formats import SOURCES

Word = TypeVar("Word", bound=str)


def run_settings(
    *,
    source: str = AUTO,
    user: str | None = None,
    since: str | None = None,
    until: str | None = None,
    workers: int = 2,
    dry_run: bool = False,
    force: bool = False,
    max_rejects: int = 0,
    spotify_plays: str = "heard",
    spotify_time: str = "end",
    artist_separators: str | None = None,
    drop_doubles: bool = False,
    no_overlap: bool = False,
    move_to: str | None = None,
) -> RunSettings:
    """Return the settings of a run or check; raises ``SettingsError``, listing the values that are known."""
    settings = RunSettings(
        source=one_of("--source", source, (AUTO, *SOURCES)),
        user=user,
        since=parse_moment("--since", since),
        until=parse_moment("--until", until),
        workers=workers,
        dry_run=dry_run,
        force=force,
        max_rejects=max_rejects,
        spotify_plays=one_of("--spotify-plays", spotify_plays, get_args(Plays)),
        spotify_time=one_of("--spotify-time", spotify_time, get_args(PlayTime)),
        artist_separators=DEFAULT_SEPARATORS if artist_separators is None else artist_separators,
        drop_doubles=drop_doubles,
        no_overlap=no_overlap,
        move_to=move_to,
    )
    if settings.since and settings.until and settings.since > settings.until:
        raise SettingsError("--since is later than --until", "Exchange them")
    settings.check_separators()
    return settings


def one_of(option: str, value: str, known: tuple[Word, ...]) -> Word:
    """Return ``value`` as one of the words that are known; raises ``SettingsError``, listing them."""
    for word in known:
        if value == word:
            return word
    raise SettingsError(f'{option}: "{value}" is not known', f"Known: {', '.join(known)}")
