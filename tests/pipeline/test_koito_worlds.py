"""Koito's own export of any database comes back as it was, however it is cut, ordered or divided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.load.loader import Sizes
from tests.formats.koito import album, alias, artist, listen, track
from tests.helpers.examples import examples
from tests.helpers.support import content, load, query
from tests.helpers.worlds import ON_A_DATABASE, wipe
from tests.pipeline.test_koito_export import write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.slow

SIZES = st.builds(
    Sizes,
    batch=st.integers(1, 60),
    round=st.integers(1, 12),
    together=st.sampled_from([1, 1 << 30]),
    chunk=st.integers(1, 40),
) | st.just(Sizes(1, 1))
SOURCE = st.sampled_from(["Canonical", "MusicBrainz", "Manual", "Import"])
CLIENT = st.sampled_from(["", "navidrome", "spotify"])


# --- worlds such as Koito's database holds: each entity has one MBID, flag, duration and set of names -------------


def mbid(kind: int, number: int, draw: st.DrawFn) -> str | None:
    return draw(st.sampled_from([None, f"{kind:08x}-0000-4000-8000-{number:012x}"]))


def names(kind: str, number: int, draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return a primary name and up to two others, which no other entity has."""
    others = [
        alias(f"{kind} {number} ~ {place}", draw(SOURCE), primary=False) for place in range(draw(st.integers(0, 2)))
    ]
    return [alias(f"{kind} {number}", draw(SOURCE)), *others]


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return listens as Koito exports them; the aliases of an entity are in another order each time."""
    artists = [artist(*names("Artist", n, draw), mbid=mbid(1, n, draw)) for n in range(draw(st.integers(1, 3)))]
    albums = []
    for number in range(draw(st.integers(1, 3))):
        one = album(*names("Album", number, draw), mbid=mbid(2, number, draw), various=draw(st.booleans()))
        base = None if one["mbid"] else draw(st.sampled_from(artists))  # without MBID, its first artist tells it apart
        albums.append((one, base))
    tracks = []
    for number in range(draw(st.integers(1, 5))):
        on, base = draw(st.sampled_from(albums))
        credited = draw(st.lists(st.sampled_from(artists), min_size=1, max_size=3, unique_by=id))
        if base is not None:
            credited = [base, *(one for one in credited if one is not base)]
        duration = draw(st.sampled_from([0, 180, 240]))
        tracks.append(
            (track(*names("Track", number, draw), mbid=mbid(3, number, draw), duration=duration), on, credited)
        )
    return [
        listen(
            second, client=draw(CLIENT), track=shuffled(one, draw), album=shuffled(on, draw),
            artists=[shuffled(entry, draw) for entry in credited],
        )
        for second in range(draw(st.integers(1, 8)))
        for one, on, credited in [draw(st.sampled_from(tracks))]
    ]  # fmt: skip


def shuffled(entity: dict[str, Any], draw: st.DrawFn) -> dict[str, Any]:
    return {**entity, "aliases": draw(st.permutations(entity["aliases"]))}


def names_said(entity: dict[str, Any]) -> tuple[tuple[str, str, bool], ...]:
    return tuple(sorted((row["alias"], row["source"], row["is_primary"]) for row in entity["aliases"]))


def said(rows: Sequence[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Return what an export says, in the form of ``held``."""
    found: set[tuple[Any, ...]] = set()
    for row in rows:
        credit = [(names_said(one), place == 0) for place, one in enumerate(row["artists"])]
        on = (row["album"]["mbid"], row["album"]["various_artists"], names_said(row["album"]))
        one = (row["track"]["mbid"], row["track"]["duration"], names_said(row["track"]))
        found.add(("listen", one, on, row["listened_at"], row["client"] or None))
        found |= {("artist", entry["mbid"], names_said(entry)) for entry in row["artists"]}
        found |= {("credit", one, on, *entry) for entry in credit}
    return found


_ALIASES = "(SELECT array_agg(ROW(n.alias, n.source, n.is_primary)::text) FROM {0}_aliases n WHERE n.{0}_id = {1}.id)"


def held(uri: str) -> set[tuple[Any, ...]]:
    """Return what the database holds of artists, credits and listens, without ids."""
    known = {
        (kind, number): tuple(sorted((name, source, primary) for name, source, primary in rows))
        for kind in ("artist", "release", "track")
        for number, rows in _grouped(query(uri, f"SELECT {kind}_id, alias, source, is_primary FROM {kind}_aliases"))
    }
    artists = dict(query(uri, "SELECT id, musicbrainz_id::text FROM artists"))
    albums = {
        number: (own, various, known["release", number])
        for number, own, various in query(uri, "SELECT id, musicbrainz_id::text, various_artists FROM releases")
    }
    tracks = {
        number: ((own, duration, known["track", number]), albums[on])
        for number, own, duration, on in query(uri, "SELECT id, musicbrainz_id::text, duration, release_id FROM tracks")
    }
    played = query(uri, """SELECT track_id, to_char(listened_at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), client FROM listens""")
    credited = query(uri, "SELECT track_id, artist_id, is_primary FROM artist_tracks")
    return {
        *(("artist", own, known["artist", number]) for number, own in artists.items()),
        *(("listen", *tracks[number], time, client) for number, time, client in played),
        *(("credit", *tracks[number], known["artist", of], primary) for number, of, primary in credited),
    }


def _grouped(rows: Sequence[tuple[Any, ...]]) -> list[tuple[int, list[tuple[Any, ...]]]]:
    groups: dict[int, list[tuple[Any, ...]]] = {}
    for number, *rest in rows:
        groups.setdefault(number, []).append(tuple(rest))
    return list(groups.items())


@examples(2, ON_A_DATABASE)
@given(rows=histories(), sizes=SIZES)
def test_an_export_comes_back_from_the_database_as_it_was(
    tmp_path: Path, database: str, rows: list[dict[str, Any]], sizes: Sizes
) -> None:
    wipe(database)
    file = write(tmp_path, rows)
    manifest = load(tmp_path / "home", database, file, sizes=sizes)
    assert manifest["exit_code"] == 0
    assert manifest["counts"]["inserted"] == len(rows)
    assert held(database) == said(rows)

    before = content(database)
    again = load(tmp_path / "home", database, file, sizes=sizes, force=True)
    assert content(database) == before
    assert again["counts"]["already_present"] == again["counts"]["records"] == len(rows)
    assert again["created"] == {"artists": 0, "albums": 0, "tracks": 0}


@examples(2, ON_A_DATABASE)
@given(data=st.data(), rows=histories(), sizes=SIZES, workers=st.sampled_from([1, 4]))
def test_the_result_does_not_depend_on_batches_or_the_order_of_files(
    tmp_path: Path, database: str, data: st.DataObject, rows: list[dict[str, Any]], sizes: Sizes, workers: int
) -> None:
    plain = [{**row, "track": {**row["track"], "aliases": row["track"]["aliases"][:1]}} for row in rows[::2]]
    wipe(database)
    load(tmp_path / "home", database, write(tmp_path, [*rows, *plain]), workers=1)
    expected = content(database)

    wipe(database)
    moved = data.draw(st.permutations([*rows, *plain]))
    folder = tmp_path / uuid4().hex
    folder.mkdir()
    files = [write(folder, moved[start::3]) for start in range(3)]
    dry = load(tmp_path / "home", database, *files, sizes=sizes, workers=workers, dry_run=True)
    real = load(tmp_path / "home", database, *files, sizes=sizes, workers=workers)

    assert content(database) == expected
    assert (dry["counts"], dry["created"]) == (real["counts"], real["created"])
