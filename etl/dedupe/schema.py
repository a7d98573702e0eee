"""The schemas of the frames that only the comparison has."""

from __future__ import annotations

import polars as pl

_CODES: pl.DataType = pl.List(pl.UInt64)

# Plays as they are compared: listens of a run (equal ones once) and of the database. Seconds are since 1970.
_PLAY: dict[str, pl.DataType | type[pl.DataType]] = {
    "play": pl.Int64,  # the row's position
    "listen": pl.Int64,  # of a play in the database: its row of NEARBY; else null
    "service": pl.String,  # who recorded it; null if nobody knows
    "source": pl.String,  # whose export it is in; null in the database
    "clock": pl.String,  # what ``second`` is of the play: "start" or "end"
    "second": pl.Int64,  # as it is stored
    "is_coarse": pl.Boolean,  # ``second`` is the beginning of the minute
    "is_whole": pl.Boolean,  # the service records how long a play lasted, not only when it began
    "ended": pl.Int64,  # of a whole play
    "played": pl.Int64,  # seconds without pauses, where that is known
    "length": pl.Int64,  # of the track, in seconds, where that is known
    "recorded": pl.Int64,  # the start of a whole play, where the service recorded that too
    "before": pl.Int64,  # how many seconds before the play began ``second`` may be
    "titles": _CODES,  # codes: equal where names are comparable
    "artists": _CODES,
    "first": pl.Int64,  # of a whole play: scrobbles of it begin in first..last, and the nearer to ``start`` or
    "last": pl.Int64,  # ``unpaused`` the likelier
    "start": pl.Int64,
    "unpaused": pl.Int64,
}
PLAYS = pl.Schema(_PLAY)

# What the comparison says of a listen of a run that is not simply loaded. ``of`` is another of them, which is loaded,
# ``listen`` a row of NEARBY: what it is the same as, or likely a double of. ``leader`` is the row that it is the same
# as where both are doubles; null for that row itself.
VERDICTS = pl.Schema(
    {
        "place": pl.Int64,
        "verdict": pl.String,  # "same", "present", "likely" or "not_counted"
        "of": pl.Int64,
        "listen": pl.Int64,
        "leader": pl.Int64,
        "service": pl.String,  # who recorded it, and who recorded what it is a double of, for people
        "of_service": pl.String,
        "seconds_apart": pl.Int64,  # null where one of them knows only the minute
        "evidence": pl.String,
        "is_twin": pl.Boolean,  # ``listen`` is the record of the same play in an export that knows only minutes
    }
)

# Two plays, and how far apart they began (0 for the same second; less for two records of one service).
PAIRS = pl.Schema({"play": pl.Int64, "other": pl.Int64, "distance": pl.Int64})

STORED_DOUBLES = pl.Schema(
    {
        "listen": pl.Int64,
        "of": pl.Int64,
        "service": pl.String,
        "of_service": pl.String,
        "seconds_apart": pl.Int64,
        "evidence": pl.String,
    }
)
"""Listens of a database that are doubles, and the one of each that stays: positions in schema NEARBY."""
