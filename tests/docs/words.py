"""The meaning of the columns of a run's Parquet files, with units, and of the words in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from etl.core.schema import FileStatus, KeyStatus, Outcome, RunStatus

if TYPE_CHECKING:
    from enum import StrEnum


class Column(NamedTuple):
    """A column of a Parquet file."""

    about: str
    nullable: bool = False


_FILE = Column("path of the export, as in `run.json`; a file in an archive is `a.zip!inner/name`")
_ROW = Column("number of the record in its file, from 1; a header does not count, and numbers continue across pages")
_KEY = Column("the text that is looked up: credit, title and album in lower case, separated by U+001F")
_SECOND = Column("time of the listen, in whole seconds")

COLUMNS: dict[str, dict[str, Column]] = {
    "listens": {
        "file": _FILE,
        "row": _ROW,
        "listened_at": _SECOND,
        "artist": Column("credit as one text, cleaned"),
        "track": Column("title, cleaned"),
        "album": Column("album title, cleaned", nullable=True),
        "artists": Column(
            "artists of the credit: the base artist, then the featured ones; never empty. A whole credit with `ft.` or "
            "`featuring` may be the name of one artist in the database; `keys.parquet` then has the id of that artist"
        ),
        "artist_mbids": Column(
            "MusicBrainz ids of the artists. If there are as many as `artists`, they are in the same order, and some "
            "may be null; otherwise, they belong to the credit as a whole",
            nullable=True,
        ),
        "release_mbid": Column("MusicBrainz id of the release", nullable=True),
        "release_group_mbid": Column("MusicBrainz id of the release group", nullable=True),
        "recording_mbid": Column("MusicBrainz id of the recording", nullable=True),
        "duration": Column("length of the track in seconds", nullable=True),
        "client": Column("program that recorded the listen, as Koito stores it", nullable=True),
        "source": Column("service that the export is from: a value of `etl run --source`"),
        "lookup_key": _KEY,
    },
    "skipped": {
        "file": _FILE,
        "row": _ROW,
        "reason": Column("why the row was skipped: one of the [skip reasons](reference.md#skip-reasons)"),
    },
    "rejects": {
        "file": _FILE,
        "row": _ROW,
        "offset": Column("start of the record in its file, in bytes; null in UTF-16", nullable=True),
        "length": Column("length of the record, in bytes; null in UTF-16", nullable=True),
        "reason": Column("what is wrong: one of the [reject reasons](reference.md#reject-reasons)"),
        "detail": Column("the value that is wrong, or its place in the record", nullable=True),
        "record": Column("the fields that `etl` reads, as JSON; null if the record cannot be parsed", nullable=True),
    },
    "keys": {
        "lookup_key": _KEY,
        "listens": Column("number of listens of the run with this key"),
        "spellings": Column("spellings that share the key, each as `artist / track / album`"),
        "status": Column("how the key got its ids: one of the [key statuses](reference.md#key-statuses)"),
        "detail": Column("why the key failed, or an MBID that was not stored because of another one", nullable=True),
        "artist_id": Column("id of the first artist in Koito's `artists`; null for a key without ids", nullable=True),
        "album_id": Column("id in Koito's `releases`; null for a key without ids", nullable=True),
        "track_id": Column("id in Koito's `tracks`; null for a key without ids", nullable=True),
    },
    "outcome": {
        "file": _FILE,
        "row": _ROW,
        "lookup_key": _KEY,
        "track_id": Column("id in Koito's `tracks`; null if the key has none", nullable=True),
        "listened_at": _SECOND,
        "outcome": Column("one of the [outcomes](reference.md#outcomes)"),
        "detail": Column(
            "the listen that it equals, the reason why it is not loaded, `other_user`, or `account_twin`",
            nullable=True,
        ),
        "double_of": Column(
            "the listen that it is a likely double of: `FILE:ROW` of the run, or `database!TRACK_ID:SECOND`, with "
            "seconds since 1970",
            nullable=True,
        ),
    },
    "likely_doubles": {
        "file": _FILE,
        "row": _ROW,
        "listened_at": _SECOND,
        "artist": Column("credit of the listen"),
        "track": Column("title of the listen"),
        "service": Column("service that recorded the listen"),
        "double_of": Column(
            "the listen that it is a likely double of: `FILE:ROW` of the run, or `database!TRACK_ID:SECOND`, with "
            "seconds since 1970"
        ),
        "of_listened_at": Column("time of the other listen"),
        "of_artist": Column("its credit; from the database, the primary names of the track's artists", nullable=True),
        "of_track": Column("its title; from the database, the track's primary title", nullable=True),
        "of_service": Column("service that recorded it; null if the database does not say", nullable=True),
        "seconds_apart": Column(
            "seconds between their starts, or their ends; null if one of them has only the minute", nullable=True
        ),
        "evidence": Column("why the two count as one play, in words"),
    },
}

WORDS: dict[type[StrEnum], dict[StrEnum, str]] = {
    Outcome: {
        Outcome.INSERTED: "the listen was new, and is now in the database",
        Outcome.ALREADY_PRESENT: "the database had it before; `detail` is `other_user` if it belongs to another user",
        Outcome.DUPLICATE_IN_INPUT: "another row of the run is the same listen and counts instead",
        Outcome.UNRESOLVED: "its key failed; `etl rejects replay` tries it again",
        Outcome.NOT_REACHED: "the run was interrupted or failed before this listen; the same command loads it",
    },
    KeyStatus: {
        KeyStatus.HIT: "`track_lookup` had its ids before the run",
        KeyStatus.RESOLVED: "the run found its artist, album and track, or created them",
        KeyStatus.FAILED: "it has no ids, because the database refused it",
        KeyStatus.NOT_REACHED: "it has no ids, because the run was interrupted or failed before this key",
    },
    FileStatus: {
        FileStatus.LOADED: "the file was read; its counts say what became of its rows",
        FileStatus.KNOWN: "the same bytes were loaded before with the same options, so the file was not read again",
        FileStatus.REFUSED: "the file cannot be read, or is of a kind that is not loaded; the exit code is 4",
        FileStatus.LEFT_ASIDE: (
            "the file is ignored: it is not an export, is private, belongs to another source than `--source`, or is "
            "still arriving in an inbox; this is not an error"
        ),
    },
    RunStatus: {
        RunStatus.COMPLETE: "everything was loaded: exit code 0",
        RunStatus.PARTIAL: "everything was loaded except some files, rows or keys: exit code 4 or 5",
        RunStatus.INTERRUPTED: "a signal ended the run; the same command completes it: exit code 129, 130 or 143",
        RunStatus.FAILED: "an error ended the run early, or its accounting does not balance: any other exit code",
        RunStatus.DRY_RUN: "nothing was written to the database",
    },
}
"""The meaning of each word, by kind: two kinds may have a word in common."""
