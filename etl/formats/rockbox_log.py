"""Reads the .scrobbler.log of Rockbox and other players (Audioscrobbler 1.1): tab separated, comments in front.

Columns are artist, album, title, track number, length in seconds, rating (L for listened, S for skipped), Unix start,
and the MBID of the recording, which may be absent. With ``#TZ/UNKNOWN``, or without a line ``#TZ/``, the player had no
time zone: it computed the Unix time from the local time as if that were UTC. A player without a clock writes time 0.
"""

from __future__ import annotations

import re

import polars as pl

from etl.core.reasons import RejectReason, SkipReason
from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions, durations, finish
from etl.formats.local_times import localized
from etl.formats.scrobble_rows import with_verdicts
from etl.formats.unix_times import unix_times
from etl.parsers import Delimited, Dialect, to_utf8

CLIENT = "rockbox"
UNTAGGED = "<Untagged>"

_COMMENT = re.compile(r"#(?:AUDIOSCROBBLER|TZ|CLIENT)/")
_ZONE = re.compile(rb"^#TZ/(UTC)?", re.MULTILINE)
_LINE = re.compile(r"(?:[^\t]*\t){3}-?\d*\t\d*\t[LS]\t\d+(?:\t[^\t]*)?\r?")
_NAMES = ("artist", "album", "track", None, "length", "rating", "time", "recording_mbid")

LAYOUT = Delimited(Dialect(_NAMES, "\t", quoting=False, at_least=7, comment=_COMMENT))


def read_log(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one file. Columns out: ``EXTRACTED``."""
    table = LAYOUT.read(data)
    frame = table.frame.with_columns(
        unix_times(table.frame["time"].replace("0", None)).alias("listened_at"),
        is_local=_local_rows(data, table.frame.height),
        client=pl.lit(CLIENT),
        length=pl.col("length").cast(pl.Float64, strict=False),
        album=pl.when(pl.col("album") != UNTAGGED).then("album"),
        is_untagged=pl.any_horizontal((pl.col("artist", "track") == UNTAGGED).fill_null(value=False)),
    ).with_columns(durations("length"), pl.when(pl.col("artist", "track") != UNTAGGED).then(pl.col("artist", "track")))
    return finish(_with_verdicts(_with_local_times(frame, options.timezone)), table.broken)


def _with_local_times(frame: pl.DataFrame, zone: str | None) -> pl.DataFrame:
    """Move the times of ``is_local`` rows from ``zone`` to UTC, and add ``local_time``."""
    local = localized(frame["listened_at"].dt.replace_time_zone(None), zone)
    return frame.with_columns(
        listened_at=pl.when("is_local").then(local["time"]).otherwise("listened_at"),
        local_time=pl.when("is_local").then(local["local_time"]),
    )


def _with_verdicts(frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``skip``, ``reject`` and ``detail``."""
    rating = pl.col("rating").str.strip_chars().str.to_uppercase().fill_null("")
    no_clock = pl.col("time").str.strip_chars() == "0"
    is_bad_time = pl.col("reject") == RejectReason.BAD_TIME
    return with_verdicts(frame, ["time"]).with_columns(
        skip=pl.when(rating == "S").then(pl.lit(str(SkipReason.SKIPPED_TRACK))),
        reject=pl.when(is_bad_time & no_clock).then(pl.lit(str(RejectReason.MISSING_TIME))).otherwise("reject"),
        detail=pl.when("is_untagged")
        .then(pl.lit(f'the player wrote "{UNTAGGED}"'))
        .when(is_bad_time & no_clock)
        .then(pl.lit("time: 0, as the player had no clock"))
        .otherwise("detail"),
    )


def _local_rows(data: bytes, rows: int) -> pl.Series:
    """Say for each of the ``rows`` records whether its time is local: logs that were joined may differ in this."""
    body = to_utf8(data).body
    zones = {zone == b"UTC" for zone in _ZONE.findall(body)}
    if len(zones) < 2:
        return pl.repeat(zones != {True}, rows, dtype=pl.Boolean, eager=True)
    local, is_local = [], True
    for line in body.split(b"\n"):
        if line.startswith(b"#TZ/"):
            is_local = not line.startswith(b"#TZ/UTC")
        elif line.strip(b" \r") and not _COMMENT.match(line.decode("utf-8", "replace")):
            local.append(is_local)
    return pl.Series(local, dtype=pl.Boolean)


def is_log(peek: Peek) -> bool:
    """Say whether a file is a scrobbler log, also one that lost its first lines."""
    if peek.head.startswith(b"#AUDIOSCROBBLER/"):
        return True
    lines = [line for line in peek.first_lines if not _COMMENT.match(line)]
    return bool(lines) and all(map(_LINE.fullmatch, lines))


FORMAT = Format(
    name="rockbox-log",
    source="rockbox",
    title="Scrobbler log of Rockbox and other players",
    file_names=("scrobbler*.log", ".scrobbler*.log", "*.scrobbler.log"),
    how_to_get=(
        "The file .scrobbler.log in the main folder of the player; its name begins with a dot, so a file manager may "
        "hide it. Where it says #TZ/UNKNOWN, give the zone of the player's clock: --timezone Europe/Berlin."
    ),
    sample="rockbox/log",
    recognise=is_log,
    read=read_log,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=45,  # it records when a play began, by a clock that users set by hand
)
