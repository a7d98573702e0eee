"""Features in credits and titles: what becomes an artist, and credits that the database or the run knows as one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from etl.live.listen import Listen
from etl.live.submit import open_live, submit_listen
from tests.helpers.support import execute, load, query
from tests.helpers.worlds import START, write_plain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.worlds import Row

pytestmark = pytest.mark.usefixtures("plain")

DUO = "Kruder ft. Dorfmeister"
HELD = f"""
INSERT INTO artists (id) VALUES (900);
INSERT INTO artist_aliases (artist_id, alias, source, is_primary) VALUES
    (900, 'K & D', 'Canonical', true), (900, '{DUO}', 'Manual', false);
INSERT INTO releases (id) VALUES (900);
INSERT INTO release_aliases (release_id, alias, source, is_primary) VALUES (900, 'Old', 'Canonical', true);
INSERT INTO artist_releases (artist_id, release_id, is_primary) VALUES (900, 900, true);
INSERT INTO tracks (id, release_id) VALUES (900, 900);
INSERT INTO track_aliases (track_id, alias, source, is_primary) VALUES (900, 'Old', 'Canonical', true);
INSERT INTO artist_tracks (artist_id, track_id, is_primary) VALUES (900, 900, true);
"""

_SEQUENCES = "".join(f"SELECT setval('{entity}_id_seq', 900);" for entity in ("artists", "releases", "tracks"))
_CREDITS = """
SELECT t.alias AS title, a.alias AS artist
FROM artist_tracks c
JOIN track_aliases t ON t.track_id = c.track_id AND t.is_primary
JOIN artist_aliases a ON a.artist_id = c.artist_id AND a.is_primary
"""


@pytest.fixture
def database(any_database: str) -> str:
    """Return the address of PostgreSQL's database, then of Koito's file."""
    return any_database


def artists(uri: str) -> set[str]:
    """Return the primary names of all artists."""
    return {name for (name,) in query(uri, "SELECT alias FROM artist_aliases WHERE is_primary")}


def credits_of(uri: str) -> dict[str, set[str]]:
    """Return the artists of each track, by its title."""
    found: dict[str, set[str]] = {}
    for title, artist in query(uri, _CREDITS):
        found.setdefault(title, set()).add(artist)
    return found


def held(uri: str) -> str:
    """Put an artist named like a credit of two into the database, and return its address."""
    postgres = HELD.replace("(id) VALUES", "(id) OVERRIDING SYSTEM VALUE VALUES")
    postgres = postgres.replace("(id, release_id) VALUES", "(id, release_id) OVERRIDING SYSTEM VALUE VALUES")
    execute(uri, HELD if uri.startswith("sqlite") else postgres + _SEQUENCES)
    return uri


def row(second: int, title: str, **rest: object) -> Row:
    return {"artist": DUO, **rest, "track": title, "listened_at": second}


def test_titles_and_names_that_only_look_like_features(tmp_path: Path, home: Path, database: str) -> None:
    named = {
        "50 Ft. Queenie": "C39 Harvey", "20 Ft. Tall": "C39 Badu", "Attack of the 50 ft. Woman (Live)": "C39 B",
        "Medley featuring Autumn Leaves": "C39 C", "Six ft. Under": "C39 D", "Live at Ft. Worth": "C39 G",
        "Song (Ft. Guest)": "C39 E", "Song ft. Guest Two": "C39 F", "Song feat. Guest Three": "C39 H",
        "One": "10 Ft. Ganja Plant", "Two": "Six Ft. Ditch", "Three": "Featuring Yourself",
        "Four": "C39 I ft. Guest Four",
    }  # fmt: skip
    tracks = [
        {"name": title, "artist": {"#text": artist}, "date": {"uts": str(1_700_200_000 + 300 * number)}}
        for number, (title, artist) in enumerate(named.items())
    ]
    export = tmp_path / "recenttracks-u-1.json"
    export.write_text(json.dumps([{"track": tracks}]))

    manifest = load(home, database, export)

    assert manifest["counts"]["inserted"] == len(named)
    guests = {"Guest", "Guest Three", "Guest Four"}
    assert artists(database) == {name.removesuffix(" ft. Guest Four") for name in named.values()} | guests
    assert credits_of(database)["Four"] == {"C39 I", "Guest Four"}


def test_credit_that_the_database_knows_as_one_stays_whole(tmp_path: Path, home: Path, database: str) -> None:
    export = write_plain(
        tmp_path / "a.json", [row(1, "One"), row(2, "Two (feat. Bo)"), row(3, "Three", artist="Ann ft. Bo")]
    )
    before = held(database)
    dry = load(home, before, export, dry_run=True)
    manifest = load(home, before, export)

    one, guest = {"K & D"}, {"K & D", "Bo"}
    assert credits_of(database) == {"Old": one, "One": one, "Two (feat. Bo)": guest, "Three": {"Ann", "Bo"}}
    assert manifest["created"] == dry["created"] == {"artists": 2, "albums": 3, "tracks": 3}
    again = load(home, database, export, force=True)
    assert again["counts"]["already_present"] == again["counts"]["records"] == 3


def test_live_credit_that_the_database_knows_as_one_stays_whole(home: Path, database: str) -> None:
    with open_live(held(database), home=str(home)) as live:
        done = submit_listen(live, Listen(DUO, "One", START))
    assert done.created == {"artists": 0, "albums": 1, "tracks": 1}
    assert credits_of(database)["One"] == {"K & D"}


def test_credit_that_the_run_knows_as_one_stays_whole(tmp_path: Path, home: Path, database: str) -> None:
    rows = [row(1, "One"), row(2, "Two", artist=None, artists=[DUO]), row(3, "Three"), row(4, "One")]
    load(home, database, write_plain(tmp_path / "a.json", rows))
    pair, one = {"Kruder", "Dorfmeister"}, {DUO}
    # rules are applied in the order of the listens, as for live ones: the first came before the artist was known
    assert credits_of(database) == {"One": pair, "Two": one, "Three": one}


def test_artists_that_a_source_lists_are_never_joined(tmp_path: Path, home: Path, database: str) -> None:
    pair = ["Kruder", "Dorfmeister"]
    mbids = [f"{digit * 8}-0000-4000-8000-000000000000" for digit in "ab"]
    rows = [row(1, "One", artists=pair), row(2, "Two", artist_mbids=mbids)]
    load(home, held(database), write_plain(tmp_path / "a.json", rows))
    assert credits_of(database) == {"Old": {"K & D"}, "One": set(pair), "Two": set(pair)}
