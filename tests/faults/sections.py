"""The sections of the page on reliability, and the figures of each. A test that records a new figure adds it here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Section:
    """A section of the page."""

    title: str
    about: str
    """What is done to the program, and what must hold then."""
    figures: Mapping[str, str]
    """Label by name. The values of all tests are summed; of a name that ends in ``_max``, the largest is taken."""


# In the order of the page. LOSSES and DUPLICATES are what every section about loads counts.
LOSSES = {"losses": "listens or entities lost", "duplicates": "listens or entities stored twice"}

SECTIONS: dict[str, Section] = {
    "killed_at_points": Section(
        "Killed at a named point",
        "`etl run` kills itself with SIGKILL at the point that `ETL_FAULT` names (`etl/core/failpoints.py` lists the "
        "points), and is then started again. The tables must equal those of an uninterrupted load, and the inserted "
        "listens that the ledger has for each batch must add up to the number of listens.",
        {"postgres": "kills, PostgreSQL", "sqlite": "kills, SQLite", **LOSSES},
    ),
    "undo_killed": Section(
        "An undo or a dedupe is killed",
        "`etl undo` and `etl dedupe` kill themselves with SIGKILL at a named point and are started again. After an "
        "undo, the database must hold what the other runs hold, and no more. After a dedupe, it must hold each play "
        "once, and undoing the dedupe must bring it back as it was.",
        {
            "undos_postgres": "undos killed, PostgreSQL",
            "undos_sqlite": "undos killed, SQLite",
            "dedupes_postgres": "dedupes killed, PostgreSQL",
            "dedupes_sqlite": "dedupes killed, SQLite",
        },
    ),
    "killed_at_random": Section(
        "Killed at any moment",
        "Another process kills the load with SIGKILL at a random moment, once or several times. A kill counts only if "
        "it came after the first commit and before `run.json` was written. The same must hold as in the previous "
        "section.",
        {
            "draws": "kills planned",
            "postgres": "kills that counted, PostgreSQL",
            "sqlite": "kills that counted, SQLite",
            **LOSSES,
        },
    ),
    "signals": Section(
        "Ctrl-C and SIGTERM",
        "The load gets a signal at a random moment. It must end with exit code 130 or 143, keep what is committed, say "
        "how to continue, and leave a `run.json` that claims no more than the database holds. The next run must "
        "complete the load.",
        {
            "draws": "runs to interrupt",
            "hits": "signals that arrived before the end of the run",
            "manifests": "interrupted runs that left a `run.json`",
            "seconds_max": "longest time from the signal to the end of the process, in seconds",
            **LOSSES,
        },
    ),
    "crowd": Section(
        "Many at once",
        "Two to eight runs load overlapping exports at the same time, each in a different order. Listens are scrobbled "
        "in the meantime: of other tracks, of tracks in the exports, and even at the same second. In the end, every "
        "listen must be in the database once, and no artist, album or track twice.",
        {
            "rounds": "rounds",
            "runs": "runs",
            "runs_at_once_max": "most runs at the same time",
            "live": "live listens",
            "retries": "batches tried again",
            **LOSSES,
        },
    ),
    "koito_alive": Section(
        "Koito running during a load",
        "During two loads, tracks, albums and artists are merged, tracks and albums are deleted, and listens are "
        "scrobbled. These edits run the SQL statements of Koito, with pauses between them. Every edit must succeed and "
        "the loads must complete. No listen may be lost, except those that Koito's user deleted, and none may be there "
        "twice. No track or album may lose its artist, and no key may lead to the wrong track.",
        {
            "rounds": "rounds",
            "merges": "merges",
            "deletes": "deletes",
            "scrobbles": "scrobbles",
            "dangling": "tracks or albums without an artist, keys that lead to the wrong track",
            "retries": "batches tried again",
            **LOSSES,
        },
    ),
    "server_lost": Section(
        "The server goes away",
        "A backend is ended during a COPY, the server is stopped immediately, the connection is cut after some bytes, "
        "or the server accepts everything and no longer answers. The run must end with exit code 3, and its `run.json` "
        "must claim no more than the database holds. The next run must complete the load.",
        {
            "rounds": "rounds",
            "terminated": "backends ended during a COPY",
            "stops": "immediate stops of the server",
            "cuts": "connections cut during a load",
            "silences": "servers that stopped answering during a load",
            "silence_seconds_max": "longest run with such a server and `answer_timeout=0.3`, in seconds",
            "silent_stop_seconds_max": "longest time from a signal to the end of such a run, in seconds",
            **LOSSES,
        },
    ),
    "disk": Section(
        "Full disks and closed folders",
        "The disk of the run directory or of the server is full, the home is read-only or not a folder, or an input is "
        "unreadable, a pipe, a socket or a device. The run must say what to do, end with a documented exit code, leave "
        "only complete files, and claim no more than the database holds. The next run must complete the load.",
        {
            "run_directories": "run directories that could not be written",
            "servers": "servers whose disk was full",
            "closed": "homes that were not accessible, read-only or not a folder",
            "inputs": "inputs that could not be read",
        },
    ),
    "fuzzing": Section(
        "Hostile files",
        "Samples of every format are damaged: bytes are changed, removed, repeated or moved between files, invalid "
        "tokens and brackets nested 100,000 deep are inserted, and records get unusual values. A reader must return "
        "numbered rows or refuse the file. It must find every rejected row again and read it with the same result, "
        "within a time that depends on the file's size. `etl check` and `etl run` must end with a documented exit "
        "code, and their counts must be right.",
        {
            "files": "files read or refused",
            "read": "generated files that were read",
            "refused": "generated files that were refused",
            "checked": "files given to `etl check`",
        },
    ),
    "privacy": Section(
        "Personal data in exports",
        "IP addresses, user agents, account names and mail addresses are put into samples and broken files of every "
        "format that can hold them, and the files are loaded. Then all bytes and Parquet values of the run directory, "
        "all rows of all tables, and the output of all commands are searched for them.",
        {"formats": "formats", "values": "kinds of values", "traces": "traces found"},
    ),
}
