"""Says what the columns of a run's Parquet files hold, in which unit, and what the words in them mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from etl.core.schema import FileStatus, KeyStatus, Outcome, RunStatus

if TYPE_CHECKING:
    from enum import StrEnum


class Column(NamedTuple):
    """A column of a Parquet file."""

    about: str
    nullable: bool = False


_FILE = Column("path of the export as in `run.json`; of a file in an archive `a.zip!inner/name`")
_ROW = Column("number of the record in its file, from 1; a header is not counted, pages are counted on")
_KEY = Column("what the listen is looked up by: credit, title and album in lower case, divided by U+001F")
_SECOND = Column("when it was played, in whole seconds")

COLUMNS: dict[str, dict[str, Column]] = {
    "listens": {
        "file": _FILE,
        "row": _ROW,
        "listened_at": _SECOND,
        "artist": Column("the credit as one text, cleaned"),
        "track": Column("title, cleaned"),
        "album": Column("title of the album, cleaned", nullable=True),
        "artists": Column(
            "the artists of the credit, base artist first, then features; never empty. A credit with `ft.` or"
            " `featuring` may have found one artist of that whole name: `keys.parquet` has its id"
        ),
        "artist_mbids": Column(
            "MusicBrainz ids of the artists. Where there are as many as `artists`, they stand in the same order, and "
            "may be null; others belong to the credit as a whole",
            nullable=True,
        ),
        "release_mbid": Column("MusicBrainz id of the release", nullable=True),
        "release_group_mbid": Column("MusicBrainz id of the release group", nullable=True),
        "recording_mbid": Column("MusicBrainz id of the recording", nullable=True),
        "duration": Column("length of the track in seconds", nullable=True),
        "client": Column("the program that recorded the listen, as Koito stores it", nullable=True),
        "source": Column("whose export it is from: a source of `etl run --source`"),
        "lookup_key": _KEY,
    },
    "skipped": {
        "file": _FILE,
        "row": _ROW,
        "reason": Column("why it is no listen: one of the [skip reasons](reference.md#skip-reasons)"),
    },
    "rejects": {
        "file": _FILE,
        "row": _ROW,
        "offset": Column("where the record begins in its file, in bytes; null in UTF-16", nullable=True),
        "length": Column("how long the record is, in bytes; null in UTF-16", nullable=True),
        "reason": Column("what is wrong: one of the [reject reasons](reference.md#reject-reasons)"),
        "detail": Column("which value, or where in the record", nullable=True),
        "record": Column("the fields that are read of it, as JSON; null where it cannot be parsed", nullable=True),
    },
    "keys": {
        "lookup_key": _KEY,
        "listens": Column("listens of the run that have this key"),
        "spellings": Column("the spellings that share the key, each as `artist / track / album`"),
        "status": Column("how it got its ids: one of the [key statuses](reference.md#key-statuses)"),
        "detail": Column("why it failed, or a foreign MBID that was not stored", nullable=True),
        "artist_id": Column("id in Koito's `artists`: the first artist; null for a key without ids", nullable=True),
        "album_id": Column("id in Koito's `releases`; null for a key without ids", nullable=True),
        "track_id": Column("id in Koito's `tracks`; null for a key without ids", nullable=True),
    },
    "outcome": {
        "file": _FILE,
        "row": _ROW,
        "lookup_key": _KEY,
        "track_id": Column("id in Koito's `tracks`; null where its key has none", nullable=True),
        "listened_at": _SECOND,
        "outcome": Column("one of the [outcomes](reference.md#outcomes)"),
        "detail": Column(
            "of which listen it is the same, why it is not loaded, `other_user`, or `account_twin`",
            nullable=True,
        ),
        "double_of": Column(
            "the listen that it probably is a double of: `FILE:ROW` of the run, or `database!TRACK_ID:SECOND` with "
            "seconds since 1970",
            nullable=True,
        ),
    },
    "likely_doubles": {
        "file": _FILE,
        "row": _ROW,
        "listened_at": _SECOND,
        "artist": Column("its credit"),
        "track": Column("its title"),
        "service": Column("who recorded it"),
        "double_of": Column(
            "the listen that it probably is a double of: `FILE:ROW` of the run, or `database!TRACK_ID:SECOND` with "
            "seconds since 1970"
        ),
        "of_listened_at": Column("when that one was played"),
        "of_artist": Column("its credit; in the database the primary names of the track's artists", nullable=True),
        "of_track": Column("its title; in the database the track's primary title", nullable=True),
        "of_service": Column("who recorded it; null if the database does not say", nullable=True),
        "seconds_apart": Column(
            "how far apart they began, or ended; null where one of the two knows only the minute", nullable=True
        ),
        "evidence": Column("why they count as one play, in words"),
    },
}

WORDS: dict[type[StrEnum], dict[StrEnum, str]] = {
    Outcome: {
        Outcome.INSERTED: "the listen was new, and is in the database",
        Outcome.ALREADY_PRESENT: "the database had it before; `detail` says `other_user` where it is another user's",
        Outcome.DUPLICATE_IN_INPUT: "another row of the run is the same listen, and counts instead",
        Outcome.UNRESOLVED: "its key failed; `etl rejects replay` tries it again",
        Outcome.NOT_REACHED: "the run was interrupted or failed before its turn; the same command again loads it",
    },
    KeyStatus: {
        KeyStatus.HIT: "`track_lookup` had its ids before the run",
        KeyStatus.RESOLVED: "the run found its ids, or made them",
        KeyStatus.FAILED: "it has no ids: the database refused it",
        KeyStatus.NOT_REACHED: "it has no ids: the run was interrupted or failed before its turn",
    },
    FileStatus: {
        FileStatus.LOADED: "it was read; its counts say what became of its rows",
        FileStatus.KNOWN: "the same bytes were loaded before under the same options, so it was left alone",
        FileStatus.REFUSED: "it could not be read, or is known as something that is not loaded; the exit code is 4",
        FileStatus.LEFT_ASIDE: (
            "it is not an export, is private, belongs to another source than `--source`, or is still arriving in an "
            "inbox; this is not an error"
        ),
    },
    RunStatus: {
        RunStatus.COMPLETE: "all loaded: exit code 0",
        RunStatus.PARTIAL: "loaded except some files, rows or keys: exit code 4 or 5",
        RunStatus.INTERRUPTED: "ended by a signal, which the same command again completes: exit code 129, 130 or 143",
        RunStatus.FAILED: "ended early by an error, or its accounting does not balance: any other exit code",
        RunStatus.DRY_RUN: "a rehearsal: nothing was written to the database",
    },
}
"""The meaning of each word, by kind: two kinds may have a word in common."""
