"""``etl submit``: stores live listens."""

from __future__ import annotations

import logging
import re
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli import options
from etl.cli.output import show_json
from etl.cli.streams import unless_closed
from etl.cli.workspace import open_workspace
from etl.core.errors import SettingsError, decisive
from etl.normalize.durations import TEN_YEARS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from etl.core.settings import RunSettings
    from etl.core.workspace import Workspace
    from etl.live.listen import Listen, Submitted, ValidListen

logger = logging.getLogger(__name__)


@options.expand_options
def submit(
    artist: Annotated[
        str | None, typer.Option(metavar="NAME", help="Credit; featured and other artists are split from it.")
    ] = None,
    track: Annotated[str | None, typer.Option(metavar="TITLE", help="Title of the track.")] = None,
    album: Annotated[str | None, typer.Option(metavar="TITLE", help="Title of the album.")] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Time of the listen (ISO 8601; UTC without an offset); default: now."),
    ] = None,
    duration: Annotated[
        int | None, typer.Option(min=1, max=TEN_YEARS, metavar="SECONDS", help="Length of the track.")
    ] = None,
    recording_mbid: Annotated[str | None, typer.Option("--mbid", metavar="MBID", help="MBID of the recording.")] = None,
    release_mbid: Annotated[str | None, typer.Option(metavar="MBID", help="MBID of the release.")] = None,
    artist_mbid: Annotated[
        list[str] | None,
        typer.Option(metavar="MBID", help="MBID of an artist; one for each, in their order."),
    ] = None,
    client: Annotated[str | None, typer.Option(metavar="NAME", help="Program that recorded the listen.")] = None,
    dsn: options.Dsn = None,
    home: options.Home = None,
    *,
    given: options.RunOptions,
    _json: Annotated[
        bool,
        typer.Option(
            "--json", show_default=False, help="Print JSON. This is the default, so the option has no effect."
        ),
    ] = True,
) -> None:
    """Store one listen given as options, or every listen in ListenBrainz submit-listens JSON on stdin."""
    from datetime import UTC, datetime

    from etl.live.listen import rejected_all, validate
    from etl.normalize.listens import Rules

    signal.siginterrupt(signal.SIGINT, True)  # as in `etl run`
    settings = given.settings()
    workspace = open_workspace(home, dsn)
    now = datetime.now(UTC)
    rules = Rules(now, settings.separators)
    fields = (artist, track, album, at, duration, recording_mbid, release_mbid, artist_mbid, client)
    validated: Sequence[ValidListen | Submitted]
    if any(value is not None for value in fields):
        validated = [validate(_typed(*fields, now=now), rules)]
    else:
        from etl.live.listenbrainz import validate_submissions

        validated = validate_submissions(_stdin(), rules)
    results = rejected_all(validated)
    _conclude(_store(workspace, settings, validated) if results is None else results)


def _typed(
    artist: str | None,
    track: str | None,
    album: str | None,
    at: str | None,
    duration: int | None,
    recording_mbid: str | None,
    release_mbid: str | None,
    artist_mbids: Sequence[str] | None,
    client: str | None,
    *,
    now: datetime,
) -> Listen:
    """Return the listen given by options; raises ``SettingsError`` for an invalid time or MBID."""
    from etl.core.settings import parse_moment
    from etl.live.listen import Listen

    given = [("--mbid", recording_mbid), ("--release-mbid", release_mbid)]
    for option, text in (*given, *(("--artist-mbid", one) for one in artist_mbids or ())):
        _check_mbid(option, text)
    return Listen(
        artist,
        track,
        parse_moment("--at", at) or now,
        album,
        artist_mbids=artist_mbids or (),
        recording_mbid=recording_mbid,
        release_mbid=release_mbid,
        duration=duration,
        client=client,
    )


def _check_mbid(option: str, text: str | None) -> None:
    from etl.normalize.listens import MBID

    if text is not None and not re.fullmatch(MBID, text.strip().lower()):
        raise SettingsError(
            f'{option}: "{text}" is not an MBID', "Write a UUID like 0383dadf-2a4e-4d10-a46a-e9e041da8eb3"
        )


def _stdin() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise SettingsError(
            "no listen was given", "Give --artist and --track, or ListenBrainz submit-listens JSON on stdin"
        )
    return sys.stdin.buffer.read()


def _store(
    workspace: Workspace, settings: RunSettings, validated: Sequence[ValidListen | Submitted]
) -> list[Submitted]:
    """Store the valid listens in a thread: the main thread only waits, so that it handles a signal at once."""
    from concurrent.futures import ThreadPoolExecutor

    from etl.core.signals import wait_interruptibly
    from etl.live.submit import connect_live, submit_validated

    def work() -> list[Submitted]:
        live = connect_live(workspace, settings)
        try:
            return submit_validated(live, validated)
        finally:
            live.close()

    return wait_interruptibly(ThreadPoolExecutor(1, "etl-submit").submit(work))


def _conclude(results: Sequence[Submitted]) -> None:
    for one in results:
        with unless_closed():
            show_json(one.as_json(), indent=None)
        if one.reason or one.detail:
            logger.info("listen %d: %s", one.row, ": ".join(filter(None, (one.outcome, one.reason, one.detail))))
    if code := decisive(one.exit_code for one in results):
        raise typer.Exit(code)
