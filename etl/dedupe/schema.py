"""Defines the schemas of the frames that only the comparison uses."""

from __future__ import annotations

import polars as pl

_CODES: pl.DataType = pl.List(pl.UInt64)

# Plays as they are compared: listens of a run (equal ones once) and of the database. Seconds are since 1970.
_PLAY: dict[str, pl.DataType | type[pl.DataType]] = {
    "play": pl.Int64,  # the row's position
    "listen": pl.Int64,  # the row of NEARBY of a play in the database; else null
    "service": pl.String,  # the service that recorded it; null if unknown
    "source": pl.String,  # the source of the export that has it; null for the database
    "clock": pl.String,  # whether ``second`` is the play's "start" or "end"
    "second": pl.Int64,  # as it is stored
    "is_coarse": pl.Boolean,  # ``second`` is the beginning of the minute
    "is_whole": pl.Boolean,  # the service records how long a play lasted, not only when it began
    "ended": pl.Int64,  # of a whole play
    "played": pl.Int64,  # seconds without pauses; null if unknown
    "length": pl.Int64,  # of the track, in seconds; null if unknown
    "recorded": pl.Int64,  # the start of a whole play, if the service recorded that as well
    "before": pl.Int64,  # how many seconds ``second`` may be before the actual start
    "titles": _CODES,  # codes, which are equal if names are comparable
    "artists": _CODES,
    "first": pl.Int64,  # of a whole play: scrobbles of it begin in first..last; the nearer they are to ``start`` or
    "last": pl.Int64,  # ``unpaused``, the likelier they are of this play
    "start": pl.Int64,
    "unpaused": pl.Int64,
}
PLAYS = pl.Schema(_PLAY)

# The verdicts on listens of a run that are not simply loaded. ``of`` (another listen of the run, which is loaded) or
# ``listen`` (a row of NEARBY) is what it is the same as, or likely a double of. ``leader`` is the row that it is the
# same as, if both are doubles; null for that row itself.
VERDICTS = pl.Schema(
    {
        "place": pl.Int64,
        "verdict": pl.String,  # "same", "present", "likely" or "not_counted"
        "of": pl.Int64,
        "listen": pl.Int64,
        "leader": pl.Int64,
        "service": pl.String,  # display name of its service; ``of_service``: of the other listen's
        "of_service": pl.String,
        "seconds_apart": pl.Int64,  # null if one of them has only the minute
        "evidence": pl.String,
        "is_twin": pl.Boolean,  # ``listen`` is the record of the same play in an export with times to the minute
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
