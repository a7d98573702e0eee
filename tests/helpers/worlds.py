"""Makes small histories with every kind of difficulty, in the tests' own format, which can express all of a listen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from etl.core.schema import EXTRACTED, conform
from etl.formats import Format, ReadOptions
from etl.parsers import JsonList
from tests.helpers.support import execute, sqlite_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Row: TypeAlias = dict[str, Any]
"""The columns of EXTRACTED that are not null, with the time in seconds after 2020-01-01."""

START = datetime(2020, 1, 1, tzinfo=UTC)
MBIDS = [f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc"]


def _read(data: bytes, options: ReadOptions) -> pl.DataFrame:
    rows = [
        {**dict.fromkeys(EXTRACTED), **row, "row": number, "listened_at": START + timedelta(seconds=row["listened_at"])}
        for number, row in enumerate(json.loads(data)["plain"], start=1)
    ]
    return conform(pl.DataFrame(rows, schema=EXTRACTED), EXTRACTED)


class Anything(msgspec.Struct):
    """A record without mapped fields."""


PLAIN = Format(
    name="plain",
    source="plain",
    title="Rows as a reader returns them",
    file_names=(),
    how_to_get="",
    sample="",
    recognise=lambda peek: "plain" in peek.keys,
    read=_read,
    layout=JsonList(Anything, ("plain",)),
    earliest=datetime(2002, 10, 1, tzinfo=UTC),
    client=None,
    preference=60,
)


def write_plain(path: Path, rows: Sequence[Row]) -> Path:
    """Write an export of the tests' own format, which the fixture ``plain`` registers."""
    path.write_text(json.dumps({"plain": list(rows)}))
    return path


# Names that differ only in case or Unicode form, titles that are also those of albums, and times that repeat.
NAMES = ["LISA", "LiSA", "Zoë", "Zoe\u0308", "Bo", "LISA ft. Bo"]  # the last is one artist if it is listed
_MBID = st.none() | st.sampled_from(MBIDS)
_CREDIT = st.one_of(
    st.sampled_from(NAMES).map(lambda name: {"artist": name}),
    st.sampled_from(["LISA feat. Bo", "LiSA · Zoë"]).map(lambda text: {"artist": text}),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(lambda names: {"artists": names}),
    st.lists(st.tuples(st.sampled_from(NAMES), _MBID), min_size=1, max_size=2).map(
        lambda pairs: {"artists": [name for name, _ in pairs], "artist_mbids": [mbid for _, mbid in pairs]}
    ),
)
LISTEN = st.builds(
    lambda credit, **rest: {**credit, **{name: value for name, value in rest.items() if value is not None}},
    _CREDIT,
    track=st.sampled_from(["One", "ONE", "Two"]),
    album=st.sampled_from([None, "One", "Hits"]),
    listened_at=st.integers(0, 9),
    duration=st.sampled_from([None, None, 100, 200]),
    release_mbid=st.none() | _MBID,
    recording_mbid=st.none() | _MBID,
    client=st.sampled_from(["one", "two"]),
)
HISTORY = st.lists(LISTEN, min_size=1, max_size=12)
LEFT_OUT = st.sampled_from(
    [{"skip": "podcast"}, {"skip": "too_short"}, {"reject": "bad_time"}, {"reject": "malformed"}]
)
RECORDS = st.lists(LISTEN | st.builds(dict.__or__, LISTEN, LEFT_OUT), min_size=1, max_size=12)

# One database serves all examples of a test; by default hypothesis would report this as a health-check failure.
ON_A_DATABASE = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


_SEQUENCES = """
ALTER SEQUENCE artists_id_seq RESTART WITH 1000;
ALTER SEQUENCE releases_id_seq RESTART WITH 1000;
ALTER SEQUENCE tracks_id_seq RESTART WITH 1000;
"""
_STOCK = """
INSERT INTO artists (id) OVERRIDING SYSTEM VALUE VALUES (1), (2), (3);
INSERT INTO artist_aliases (artist_id, alias, source, is_primary) VALUES
    (1, 'Bo', 'Canonical', true), (2, E'Zoe\\u0308', 'Canonical', true), (3, 'Bo', 'Canonical', true),
    (3, 'LISA', 'Manual', false);
INSERT INTO releases (id) OVERRIDING SYSTEM VALUE VALUES (1), (2);
INSERT INTO release_aliases (release_id, alias, source, is_primary) VALUES
    (1, 'Hits', 'Canonical', true), (2, 'Hits', 'Canonical', true), (2, 'One', 'MusicBrainz', false);
INSERT INTO artist_releases (artist_id, release_id, is_primary) VALUES
    (1, 1, true), (2, 1, false), (3, 2, true);
INSERT INTO tracks (id, release_id) OVERRIDING SYSTEM VALUE VALUES (1, 1), (2, 2);
INSERT INTO track_aliases (track_id, alias, source, is_primary) VALUES
    (1, 'One', 'Canonical', true), (2, 'Two', 'Canonical', true);
INSERT INTO artist_tracks (artist_id, track_id, is_primary) VALUES (1, 1, true), (2, 1, false), (3, 2, true);
"""
_LISTENS = """
INSERT INTO listens (track_id, listened_at, client, user_id)
SELECT t.id, '2020-01-01T00:00:03Z', 'koito', u.id FROM tracks t, users u;
"""
_LISTENS_SQLITE = "INSERT INTO listens SELECT t.id, 1577836803, u.id, 'koito' FROM tracks t, users u"


def stock(uri: str) -> None:
    """Fill an empty database with what Koito may have: two artists of one name, an alias, and a name not in NFC."""
    if sqlite_file(uri):
        plain = _STOCK.replace("E'Zoe\\u0308'", "'Zoe\u0308'").replace("OVERRIDING SYSTEM VALUE", "")
        execute(uri, plain + _LISTENS_SQLITE)
        return
    execute(uri, _SEQUENCES + _STOCK + _LISTENS)


def wipe(uri: str) -> None:
    """Remove everything that loads have stored in the database."""
    ours = ("etl_runs", "etl_files", "etl_batches", "etl_track_lookup") if sqlite_file(uri) else ("etl.runs",)
    execute(uri, "".join(f"DELETE FROM {table};" for table in ("releases", "artists", *ours)))
