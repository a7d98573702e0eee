"""``python -m tests.helpers.koito_process FILE`` uses the file like a running Koito, until its stdin ends.

It scrobbles continuously, and from time to time merges or deletes a track that another program wrote, or adds an alias
to one. At the end it prints what it did, as JSON.
"""

from __future__ import annotations

import json
import random
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbc_driver_manager import Error

from tests.helpers.koito_sqlite import opened_file
from tests.helpers.koito_sqlite_actions import SWEEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Run = Callable[..., list[tuple[Any, ...]]]

CLIENT = "koito"
EDIT_EVERY = 8  # scrobbles
ALIAS_EVERY = 5
TRIES = 60  # of a user who adds an alias
FIRST_SECOND = 1_700_000_000
PAUSE = 0.01


@dataclass
class Deeds:
    """What the process did, and the results."""

    scrobbles: int = 0
    failed_scrobbles: int = 0
    longest: float = 0.0
    """The seconds of the slowest scrobble."""
    edits: int = 0
    failed_edits: int = 0
    aliases: int = 0
    refused_aliases: int = 0
    """Attempts to add an alias that failed: another program wrote between Koito's read and its write."""
    lost_aliases: int = 0
    """Aliases that failed at every attempt."""


def scrobble(run: Run, number: int) -> None:
    """Store a scrobble of a new track as Koito does: each entity in a transaction of its own, the listen last."""
    artist = _saved(run, "artist", f"Live {number % 20}", "INSERT INTO artists DEFAULT VALUES RETURNING id")
    release = _saved(run, "release", f"Live album {number % 50}", "INSERT INTO releases DEFAULT VALUES RETURNING id")
    run("INSERT OR IGNORE INTO artist_releases VALUES (?1, ?2, 1)", artist, release)
    title = f"Live song {number}"
    track = _saved(run, "track", title, f"INSERT INTO tracks (release_id) VALUES ({release}) RETURNING id")
    run("INSERT OR IGNORE INTO artist_tracks VALUES (?1, ?2, 1)", artist, track)
    listen = "INSERT OR IGNORE INTO listens (track_id, listened_at, user_id, client) VALUES (?1, ?2, 1, ?3)"
    run(listen, track, FIRST_SECOND + number, CLIENT)


def _saved(run: Run, entity: str, name: str, insert: str) -> int:
    """Return the id of the entity called ``name``, creating it if necessary."""
    if found := run(f"SELECT {entity}_id FROM {entity}_aliases WHERE alias = ?1 LIMIT 1", name):
        return int(found[0][0])
    ((number,),) = _together(run, [insert])
    run(f"INSERT OR IGNORE INTO {entity}_aliases VALUES (?1, ?2, 'Canonical', 1)", number, name)
    return int(number)


def edit(run: Run, chance: random.Random) -> None:
    """Merge two tracks that another program has loaded, or delete one."""
    others = "SELECT track_id FROM listens WHERE client <> ?1 GROUP BY track_id ORDER BY track_id"
    tracks = [track for (track,) in run(others, CLIENT)]
    if len(tracks) < 2:
        return
    old, new = chance.sample(tracks, 2)
    if chance.random() < 0.3:
        _together(run, [f"DELETE FROM tracks WHERE id = {old}", *SWEEP])
    else:
        is_there = f"EXISTS (SELECT 1 FROM tracks WHERE id = {new})"  # an undo may have removed it since
        merge = f"UPDATE OR IGNORE listens SET track_id = {new} WHERE track_id = {old} AND {is_there}"
        _together(run, [merge, *SWEEP])


def add_alias(run: Run, number: int) -> bool:
    """Add an alias to another program's track as Koito does, reading before it writes; say whether it succeeded."""
    run("BEGIN")
    try:
        tracks = run("SELECT track_id FROM listens WHERE client <> ?1 ORDER BY track_id DESC LIMIT 1", CLIENT)
        for (track,) in tracks:
            run(f"INSERT INTO track_aliases VALUES ({track}, ?1, 'Manual', 0)", f"Alias {number}")
        run("COMMIT")
    except Error:
        run("ROLLBACK")
        return False
    return True


def insist_on_alias(run: Run, deeds: Deeds) -> None:
    """Add an alias, and try again if Koito refuses it, as a user would."""
    deeds.aliases += 1
    for _ in range(TRIES):
        if add_alias(run, deeds.aliases):
            return
        deeds.refused_aliases += 1
        time.sleep(PAUSE)
    deeds.lost_aliases += 1


def _together(run: Run, statements: Sequence[str]) -> list[tuple[Any, ...]]:
    """Run ``statements`` in one transaction, begun as Koito does, and return the rows of the first."""
    run("BEGIN")
    try:
        rows = [run(sql) for sql in statements]
        run("COMMIT")
    except Error:
        run("ROLLBACK")
        raise
    return rows[0]


def main(file: Path) -> None:
    """Use ``file`` until stdin ends."""
    deeds, chance = Deeds(), random.Random(1)
    with opened_file(file) as run:
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            began = time.monotonic()
            try:
                scrobble(run, deeds.scrobbles)
            except Error:
                deeds.failed_scrobbles += 1
            deeds.scrobbles += 1
            deeds.longest = max(deeds.longest, time.monotonic() - began)
            if deeds.scrobbles % ALIAS_EVERY == 0:
                insist_on_alias(run, deeds)
            if deeds.scrobbles % EDIT_EVERY == 0:
                deeds.edits += 1
                try:
                    edit(run, chance)
                except Error:
                    deeds.failed_edits += 1
            if deeds.scrobbles == 1:
                print("begun", flush=True)  # noqa: T201 (for the parent)
    print(json.dumps(asdict(deeds)))  # noqa: T201


@contextmanager
def running_koito(file: Path) -> Iterator[list[Deeds]]:
    """Let a process use ``file`` in the block; afterwards the list has what it did."""
    done: list[Deeds] = []
    words = [sys.executable, "-m", "tests.helpers.koito_process", str(file)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            yield done
            out, _ = process.communicate(timeout=60)
            done.append(Deeds(**json.loads(out)))
        finally:
            process.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
