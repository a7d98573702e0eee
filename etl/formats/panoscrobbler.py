"""Turns the records of Pano Scrobbler, the same in its two exports, into rows.

``timeMs`` is when a play began, in Unix milliseconds. ``timeHuman`` is the same time in the phone's language and zone;
it is not read. ``event`` exists only in newer versions; every record of an older version is a scrobble.
"""

from __future__ import annotations

import polars as pl

from etl.core.reasons import SkipReason
from etl.formats.base import durations, is_blank
from etl.formats.scrobble_rows import with_verdicts
from etl.formats.unix_times import unix_times

CLIENT = "panoscrobbler"
# Right after Last.fm and ListenBrainz, to which it submits: it has the length of a track, but no MBIDs.
PREFERENCE = 32
SERVICE = "Pano Scrobbler"
HOW_TO_GET = "Pano Scrobbler > Settings > Export > {}."

FIELDS = ("timeMs", "artist", "track", "album", "durationMs", "event")

_SCROBBLE = "scrobble"


def rows_of(fields: pl.DataFrame) -> pl.DataFrame:
    """Turn the text columns ``FIELDS`` into rows. Columns out: those of ``EXTRACTED`` that Pano Scrobbler knows."""
    length = pl.col("durationMs").cast(pl.Float64, strict=False) / 1000  # "null" is one of its texts
    event = pl.col("event").str.strip_chars().str.to_lowercase()
    is_scrobble = is_blank("event") | (event == _SCROBBLE)
    if (fields["event"].fill_null(_SCROBBLE) == _SCROBBLE).all():
        is_scrobble = pl.lit(value=True)
    rows = fields.with_columns(
        unix_times(fields["timeMs"], 1000).alias("listened_at"),
        client=pl.lit(CLIENT),
        length=length,
        skip=pl.when(~is_scrobble).then(pl.lit(str(SkipReason.NOT_A_PLAY))),
    ).with_columns(durations("length"))
    return with_verdicts(rows, ["timeMs"], "milliseconds")
