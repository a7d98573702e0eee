"""What the page on reliability is made of: its sections and the figures of each. Who records adds them here."""

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
        "`etl run` ends itself with SIGKILL at a point that `ETL_FAULT` names "
        "(`etl/core/failpoints.py` lists them), and is started again. The tables must equal those of a load that "
        "nothing disturbed, and what all batches of the ledger say they inserted must add up to the number of listens.",
        {"rounds": "rounds", "points": "kills that hit", **LOSSES},
    ),
    "killed_at_random": Section(
        "Killed at any moment",
        "SIGKILL comes from outside at a random moment, once or several times in one load. A kill counts as a hit "
        "only if batches were committed and `run.json` was not there yet. The same must hold.",
        {"draws": "runs that were to be killed", "hits": "kills that hit", **LOSSES},
    ),
    "signals": Section(
        "Ctrl-C and SIGTERM",
        "A signal comes at a random moment of a load. The program must end with 130 or 143, keep what is "
        "committed, say how to go on, and leave a `run.json` that claims no more than the database holds; the next "
        "run must complete the load.",
        {
            "draws": "runs that were to be interrupted",
            "hits": "signals that came before the end",
            "manifests": "of these, runs that left a `run.json`",
            "seconds_max": "longest time from the signal to the end of the process (s)",
            **LOSSES,
        },
    ),
    "crowd": Section(
        "Many at once",
        "Two to eight runs load exports that overlap, in an order of their own each, while listens are scrobbled: "
        "of tracks that the exports have too, of the very second even, and of others. Every listen must be there "
        "once, and no artist, album or track twice.",
        {
            "rounds": "rounds",
            "runs": "runs",
            "runs_at_once_max": "most runs at once",
            "live": "live listens",
            "retries": "batches that were tried again",
            **LOSSES,
        },
    ),
    "koito_alive": Section(
        "Koito running during a load",
        "While two loads go on, tracks, albums and artists are merged, tracks and albums deleted and listens "
        "scrobbled, in the SQL steps of Koito and with pauses between them. Every edit must go through; the loads "
        "must complete; no listen may go but those that Koito's user deleted, none may be there twice, and nothing "
        "may dangle: a track or album without its artist, a key that leads to the wrong one.",
        {
            "rounds": "rounds",
            "merges": "merges",
            "deletes": "deletes",
            "scrobbles": "scrobbles",
            "dangling": "things that dangle",
            "retries": "batches that were tried again",
            **LOSSES,
        },
    ),
    "server_lost": Section(
        "The server goes away",
        "Backends are ended in the middle of a COPY, the server is stopped at once, connections are cut after some "
        "bytes, or everything is taken and nothing answered any more. The run must end with code 3 and a manifest "
        "that claims no more than the database holds, and the next one must complete it.",
        {
            "rounds": "rounds",
            "terminated": "backends ended in the middle of a COPY",
            "stops": "immediate stops of the server",
            "cuts": "connections cut in the middle of a load",
            "silences": "servers that stopped answering in the middle of a load",
            "silence_seconds_max": "longest such run (s), with `answer_timeout=0.3`",
            "silent_stop_seconds_max": "longest time from a signal to the end, before a silent server (s)",
            **LOSSES,
        },
    ),
    "disk": Section(
        "Full disks and closed folders",
        "The disk is full under the run directory or under the server, the home is read-only or no folder, inputs are "
        "unreadable, pipes, sockets or devices. The run must say what to do with a documented code, leave only whole "
        "files, claim no more than what is there, and the next one must complete it.",
        {
            "run_directories": "run directories that could not be written",
            "servers": "servers whose disk was full",
            "closed": "homes that were closed, read-only or no folder",
            "inputs": "inputs that could not be read",
        },
    ),
    "fuzzing": Section(
        "Hostile files",
        "Samples of every format are damaged (bytes turned, cut, doubled, moved between files, strange tokens, "
        "brackets 100,000 deep), their records get strange values, and the files are read. A reader must answer "
        "with numbered rows or refuse the file, find every rejected row again, read it again with the same result, "
        "and take no longer than the size allows; `etl check` and `etl run` must end with a documented code and "
        "true accounts.",
        {
            "files": "files read or refused",
            "read": "of the generated ones, read",
            "refused": "of the generated ones, refused",
            "checked": "files given to `etl check`",
        },
    ),
    "privacy": Section(
        "What exports know of people",
        "IP addresses, user agents, account names and mail addresses are planted in samples and broken files of "
        "every format that has a place for them, and loaded. Every byte and every Parquet value of the run "
        "directory, every row of every table and everything that the commands show is searched for them.",
        {"formats": "formats", "values": "planted kinds of values", "traces": "traces found"},
    ),
}
