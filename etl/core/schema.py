"""The schema of every frame, and every status and outcome that a frame can hold.

A frame must pass through ``conform`` before it reaches ``adbc_ingest`` or a Parquet file: ADBC does not check types
and turns wrong ones into silent garbage or a crash.
"""

from __future__ import annotations

from enum import StrEnum

import polars as pl

from etl.core.errors import InternalError

TIME = pl.Datetime("us", "UTC")
NAMES = pl.List(pl.String)


def _schema(columns: dict[str, pl.DataType | type[pl.DataType]]) -> pl.Schema:
    return pl.Schema(columns)


# --- terms ---------------------------------------------------------------------------------------------------


class KeyStatus(StrEnum):
    """How a lookup key got its ids."""

    HIT = "hit"
    RESOLVED = "resolved"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


class Outcome(StrEnum):
    """What became of a listen."""

    INSERTED = "inserted"
    ALREADY_PRESENT = "already_present"
    DUPLICATE_IN_INPUT = "duplicate_in_input"
    UNRESOLVED = "unresolved"
    NOT_REACHED = "not_reached"


class FileStatus(StrEnum):
    """What a run did with a file."""

    LOADED = "loaded"
    KNOWN = "known"
    REFUSED = "refused"
    LEFT_ASIDE = "left_aside"

    @property
    def label(self) -> str:
        """The word that people see."""
        return "ignored" if self is FileStatus.LEFT_ASIDE else self.value


class RunStatus(StrEnum):
    """How a run ended."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    DRY_RUN = "dry_run"


ROW_COUNTS = (
    "records",
    "skipped",
    "rejected",
    "duplicate_in_input",
    "already_present",
    "inserted",
    "unresolved",
    "not_reached",
)
"""The first is the sum of the others."""
KEY_COUNTS = ("keys", "cache_hits", "resolved", "failed", "keys_not_reached")
"""The first is the sum of the others."""
COUNTS = (*ROW_COUNTS, *KEY_COUNTS)

# --- frames inside the program -------------------------------------------------------------------------------

CANONICAL = "Canonical"  # the source that Koito stores for a name that was submitted

# Names that an export has in addition to those of the listen itself. ``entity`` is artist, album or track; ``of`` is
# the artist's name as listed in ``artists`` (null for album and track); ``source`` is the word that Koito stores.
ALIAS = _schema(
    {"entity": pl.String, "of": pl.String, "alias": pl.String, "source": pl.String, "is_primary": pl.Boolean}
)
ALIASES = pl.List(pl.Struct(ALIAS))

# Properties of a listen that the run directory does not have; null if the format does not have them.
_IN_MEMORY_ONLY: dict[str, pl.DataType | type[pl.DataType]] = {
    "started_at": TIME,  # best estimate of when the play started, if the exported time is its end
    "ended_at": TIME,  # when the play ended, if known
    "played_ms": pl.Int64,  # how long it was played
    "minute_only": pl.Boolean,  # true if the time is known to the minute only; it is then the start of the minute
    "various_artists": pl.Boolean,  # of the album
    "aliases": ALIASES,
}

# What a format's ``read`` returns: one row per record, in the file's order. ``artists`` is null if the file has the
# credit as one text. The last three columns are the verdict on a row, and null for a listen:
#   skip    a SkipReason: the row is valid, but not a listen (a podcast)
#   reject  a RejectReason: the row is broken (it has no time); null if skip is set
#   detail  for people: what is wrong with a rejected row ("time: 'yesterday'"); may be null
EXTRACTED = _schema(
    {
        "row": pl.Int32,  # counts records from 1
        "listened_at": TIME,  # may have a fraction of a second
        "artist": pl.String,
        "artists": NAMES,
        "artist_mbids": NAMES,
        "track": pl.String,
        "album": pl.String,
        "release_mbid": pl.String,
        "release_group_mbid": pl.String,
        "recording_mbid": pl.String,
        "duration": pl.Int32,  # seconds; null if unknown
        "client": pl.String,
        **_IN_MEMORY_ONLY,
        "local_time": pl.String,  # a value of etl.formats.local_times if the file gives the time without a zone
        "skip": pl.String,
        "reject": pl.String,
        "detail": pl.String,
    }
)

# The bounds of a record in its file, in bytes, and those of its fields that are read, as JSON.
LOCATIONS = _schema({"row": pl.Int32, "offset": pl.Int64, "length": pl.Int64, "record": pl.String})

# --- the run directory (other programs rely on the columns and their order) -----------------------------------

LISTENS = _schema(
    {
        "file": pl.String,
        "row": pl.Int32,
        "listened_at": TIME,
        "artist": pl.String,
        "track": pl.String,
        "album": pl.String,
        "artists": NAMES,
        "artist_mbids": NAMES,
        "release_mbid": pl.String,
        "release_group_mbid": pl.String,
        "recording_mbid": pl.String,
        "duration": pl.Int32,
        "client": pl.String,
        "source": pl.String,
        "lookup_key": pl.String,
    }
)
SKIPPED = _schema({"file": pl.String, "row": pl.Int32, "reason": pl.String})
REJECTS = _schema(
    {
        "file": pl.String,
        "row": pl.Int32,
        "offset": pl.Int64,
        "length": pl.Int64,
        "reason": pl.String,
        "detail": pl.String,
        "record": pl.String,
    }
)
KEYS = _schema(
    {
        "lookup_key": pl.String,
        "listens": pl.Int32,
        "spellings": NAMES,
        "status": pl.String,
        "detail": pl.String,
        "artist_id": pl.Int32,
        "album_id": pl.Int32,
        "track_id": pl.Int32,
    }
)
OUTCOME = _schema(
    {
        "file": pl.String,
        "row": pl.Int32,
        "lookup_key": pl.String,
        "track_id": pl.Int32,
        "listened_at": TIME,
        "outcome": pl.String,
        "detail": pl.String,
        "double_of": pl.String,
    }
)
# What became of the listens that an undone run had inserted; ``track_id`` is the one in that run's outcome.
REMOVED = _schema(
    {
        "file": pl.String,
        "row": pl.Int32,
        "lookup_key": pl.String,
        "track_id": pl.Int32,
        "listened_at": TIME,
        "outcome": pl.String,  # removed, gone_before or not_reached
    }
)
# The likely doubles of a run, whether skipped or loaded, each with the listen that it is a double of (``of_``).
# For a listen in the database, the names are the primary ones of its track.
LIKELY_DOUBLES = _schema(
    {
        "file": pl.String,
        "row": pl.Int32,
        "listened_at": TIME,
        "artist": pl.String,
        "track": pl.String,
        "service": pl.String,
        "double_of": pl.String,
        "of_listened_at": TIME,
        "of_artist": pl.String,
        "of_track": pl.String,
        "of_service": pl.String,
        "seconds_apart": pl.Int64,
        "evidence": pl.String,
    }
)
RUN_FILES = {"listens": LISTENS, "skipped": SKIPPED, "rejects": REJECTS, "keys": KEYS, "outcome": OUTCOME}
FILES_OF_SOME_RUNS = {"likely_doubles": LIKELY_DOUBLES}
"""Files that are written only if they have rows."""

# The listens of a run in memory: LISTENS, and the texts as exported if cleaning changed them.
NORMALIZED = _schema(
    {**LISTENS, **_IN_MEMORY_ONLY, "raw_artists": NAMES, "raw_track": pl.String, "raw_album": pl.String}
)

# --- doubles: listens that several files, services or runs recorded ---------------------------------------------

# Rows that their own export does not count as listens; another export of the same service may not know that.
NOT_COUNTED = _schema({"ended_at": TIME, "played_ms": pl.Int64, "artist": pl.String, "track": pl.String})

# Listens in the database near those of a run: one row per listen, with all aliases of its track, albums and artists.
NEARBY = _schema(
    {
        "track_id": pl.Int32,
        "second": pl.Int64,
        "client": pl.String,
        "duration": pl.Int32,
        "titles": NAMES,
        "artists": NAMES,
        "albums": NAMES,
    }
)

# Lookup keys that the database knows, with their tracks.
CACHED = _schema({"lookup_key": pl.String, "track_id": pl.Int32})

# Listens that are not loaded because they exist already: in the database (``track_id``) or as another row (``of_*``).
DUPLICATES = _schema(
    {
        "file": pl.String,
        "row": pl.Int32,
        "lookup_key": pl.String,
        "listened_at": TIME,
        "outcome": pl.String,
        "detail": pl.String,
        "track_id": pl.Int32,
        "of_file": pl.String,
        "of_row": pl.Int32,
    }
)
KEPT_DOUBLES = _schema({"file": pl.String, "row": pl.Int32, "double_of": pl.String, "note": pl.String})

# --- tables that we write (name, columns; the connection encodes MBIDs and times for its database) ------------------

ARTISTS = _schema({"id": pl.Int32, "musicbrainz_id": pl.String})
ARTIST_ALIASES = _schema({"artist_id": pl.Int32, "alias": pl.String, "source": pl.String, "is_primary": pl.Boolean})
RELEASES = _schema({"id": pl.Int32, "musicbrainz_id": pl.String, "various_artists": pl.Boolean})
RELEASE_ALIASES = _schema({"release_id": pl.Int32, "alias": pl.String, "source": pl.String, "is_primary": pl.Boolean})
ARTIST_RELEASES = _schema({"artist_id": pl.Int32, "release_id": pl.Int32, "is_primary": pl.Boolean})
TRACKS = _schema({"id": pl.Int32, "musicbrainz_id": pl.String, "duration": pl.Int32, "release_id": pl.Int32})
TRACK_ALIASES = _schema({"track_id": pl.Int32, "alias": pl.String, "source": pl.String, "is_primary": pl.Boolean})
ARTIST_TRACKS = _schema({"artist_id": pl.Int32, "track_id": pl.Int32, "is_primary": pl.Boolean})
TRACK_LOOKUP = _schema({"lookup_key": pl.String, "artist_id": pl.Int32, "album_id": pl.Int32, "track_id": pl.Int32})
STAGE = _schema({"track_id": pl.Int32, "listened_at": TIME, "client": pl.String, "user_id": pl.Int32})
LOOKUP_STAGE = _schema({"lookup_key": pl.String, "artist_id": pl.Int32, "track_id": pl.Int32, "second": pl.Int64})

# In an order that satisfies the foreign keys.
ENTITY_TABLES = {
    "artists": ARTISTS,
    "artist_aliases": ARTIST_ALIASES,
    "releases": RELEASES,
    "release_aliases": RELEASE_ALIASES,
    "tracks": TRACKS,
    "artist_releases": ARTIST_RELEASES,
    "track_aliases": TRACK_ALIASES,
    "artist_tracks": ARTIST_TRACKS,
}
LOOKUPS = "track_lookup"  # written after the tables above; each target stores it in its own way


# The dtypes of a statement's parameters. Of others, some crash the driver (Int128) and some change type (UInt64).
PARAMETERS = frozenset({pl.String(), pl.Boolean(), pl.Int32(), pl.Int64()})


def conform(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Return ``frame`` with exactly the columns of ``schema``, in its order.

    Raises ``InternalError``, naming the columns, if one is missing or has another dtype. Nothing is cast: a wrong dtype
    is a defect, and a cast would hide it.
    """
    if frame.columns == schema.names() and frame.dtypes == schema.dtypes():
        return frame
    found = frame.schema  # Polars builds it at each access, which takes longer than the comparison above
    wrong = [
        f"{name}: {found.get(name, 'missing')} instead of {dtype}"
        for name, dtype in schema.items()
        if found.get(name) != dtype
    ]
    if wrong:
        raise InternalError(f"a frame does not have its schema: {'; '.join(wrong)}")
    return frame.select(schema.names())


def empty(schema: pl.Schema) -> pl.DataFrame:
    """Return a frame of ``schema`` without rows."""
    return pl.DataFrame(schema=schema)
