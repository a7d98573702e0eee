"""Values go in and come out unchanged, frames of another schema are stopped, a URI keeps what its user wrote."""

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import polars as pl
import pytest

from etl.core.errors import InternalError
from etl.core.schema import ARTIST_ALIASES, ARTISTS, STAGE, TIME, TRACKS
from etl.targets.base import Failure
from etl.targets.postgres.connection import connect
from etl.targets.postgres.errors import PostgresError
from tests.helpers.support import opened, query, with_query

TEXTS = [
    "", " ", "plain", "it's", 'say "hi"', "back\\slash", "\\N", "\\x00", "{a,b}", "NULL", "null", "$1", "%s", "a,b",
    "tab\there", "line\nend", "\u001f", "\u001e", "Sigur Rós", "椎名林檎", "🎧", "e\u0301", "\u202eright",
    "x" * 100_000,
]  # fmt: skip


@pytest.fixture
def by_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``read`` and ``write`` take the text of a statement instead of its name."""
    monkeypatch.setattr("etl.targets.postgres.connection.statement", lambda _, text: text)


# --- parameters ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("by_text")
def test_a_text_parameter_arrives_as_it_is(server: str) -> None:
    with opened(server) as connection:
        assert [connection.query("SELECT $1::text AS value", text).item() for text in TEXTS] == TEXTS


@pytest.mark.usefixtures("by_text")
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pl.Series(TEXTS), "text[]"),
        (pl.Series(["a", None, "", "NULL", None]), "text[]"),
        (pl.Series([], dtype=pl.String), "text[]"),
        (pl.Series([0, -1, None, 2**31 - 1, -(2**31)], dtype=pl.Int32), "integer[]"),
        (pl.Series([], dtype=pl.Int32), "integer[]"),
        (pl.Series([0, None, 2**63 - 1, -(2**63)], dtype=pl.Int64), "bigint[]"),
        (pl.Series([True, None, False]), "boolean[]"),
        (pl.Series(range(100_000), dtype=pl.Int32), "integer[]"),
    ],
    ids=["texts", "null texts", "no texts", "integers", "no integers", "bigints", "booleans", "many"],
)
def test_a_series_arrives_as_an_array(server: str, values: pl.Series, kind: str) -> None:
    with opened(server) as connection:
        found = connection.query(
            f"SELECT value FROM unnest($1::{kind}) WITH ORDINALITY AS u (value, place) ORDER BY place", values
        )

    assert found.get_column("value").to_list() == values.to_list()


@pytest.mark.usefixtures("by_text")
@pytest.mark.parametrize(
    ("value", "kind"),
    [(0, "integer"), (-(2**31), "integer"), (2**63 - 1, "bigint"), (True, "boolean"), (False, "boolean")],
)
def test_a_number_or_boolean_arrives_as_it_is(server: str, value: int, kind: str) -> None:
    with opened(server) as connection:
        assert connection.query(f"SELECT $1::{kind} AS value", value).item() == value


@pytest.mark.usefixtures("by_text")
@pytest.mark.parametrize("kind", ["text", "integer", "boolean", "timestamptz", "uuid"])
def test_none_arrives_as_null_of_any_type(server: str, kind: str) -> None:
    with opened(server) as connection:
        assert connection.query(f"SELECT $1::{kind} IS NULL AS missing", None).item() is True


@pytest.mark.usefixtures("by_text")
def test_parameters_of_several_kinds_keep_their_places(server: str) -> None:
    sql = "SELECT $1::text AS a, $2::integer[] AS b, $3::text IS NULL AS c, $4::integer AS d, $5::text[] AS e"
    with opened(server) as connection:
        row = connection.query(sql, "it's", pl.Series([1, 2], dtype=pl.Int32), None, 7, pl.Series(["x", None]))

    assert row.rows() == [("it's", [1, 2], True, 7, ["x", None])]


@pytest.mark.usefixtures("by_text")
def test_text_that_postgresql_cannot_hold_fails_for_its_data(server: str) -> None:
    with opened(server) as connection:
        with pytest.raises(PostgresError) as caught:
            connection.query("SELECT $1::text AS value", "a\x00b")
        connection.rollback()

        assert (caught.value.sqlstate, caught.value.failure) == ("22021", Failure.DATA)
        assert connection.query("SELECT 1 AS one").item() == 1


# --- frames --------------------------------------------------------------------------------------------------


def _artists(**changed: pl.Series) -> pl.DataFrame:
    columns = {"id": pl.Series([1], dtype=pl.Int32), "musicbrainz_id": pl.Series([None], dtype=pl.String)}
    return pl.DataFrame(columns | changed)


WRONG = {
    "int64 for int32": (_artists(id=pl.Series([1], dtype=pl.Int64)), "id: Int64 instead of Int32"),
    "int128": (_artists(id=pl.Series([1], dtype=pl.Int128)), "id: Int128 instead of Int32"),
    "unsigned": (_artists(id=pl.Series([1], dtype=pl.UInt32)), "id: UInt32 instead of Int32"),
    "object": (_artists(musicbrainz_id=pl.Series([object()], dtype=pl.Object)), "musicbrainz_id: Object"),
    "bytes for an MBID": (_artists(musicbrainz_id=pl.Series([b"0" * 16])), "musicbrainz_id: Binary instead of String"),
    "another text for an MBID": (_artists(musicbrainz_id=pl.Series(["0" * 32])), "a musicbrainz_id is not an MBID"),
    "untyped nulls": (_artists(musicbrainz_id=pl.Series([None])), "musicbrainz_id: Null instead of String"),
    "categories": (_artists(musicbrainz_id=pl.Series(["a"], dtype=pl.Categorical)), "musicbrainz_id: Categorical"),
    "missing column": (_artists().drop("musicbrainz_id"), "musicbrainz_id: missing instead of String"),
    "another name": (_artists().rename({"id": "number"}), "id: missing instead of Int32"),
}


@pytest.mark.parametrize(("frame", "said"), WRONG.values(), ids=WRONG)
def test_a_frame_of_another_schema_is_stopped_before_copy(shared_database: str, frame: pl.DataFrame, said: str) -> None:
    with opened(shared_database) as connection:
        with pytest.raises(InternalError, match=said):
            connection.append("artists", frame, ARTISTS)

        connection.append("artists", _artists(), ARTISTS)
        assert connection.query_text("SELECT id FROM artists").rows() == [(1,)]


@pytest.mark.parametrize(
    "dtype", [pl.Int64(), pl.Datetime("us"), pl.Datetime("ms", "UTC"), pl.Datetime("us", "Europe/Oslo"), pl.Date()]
)
def test_a_time_of_another_type_is_stopped_before_copy(shared_database: str, dtype: pl.DataType) -> None:
    frame = pl.DataFrame(
        {"track_id": [1], "listened_at": pl.Series([None], dtype=dtype), "client": ["x"], "user_id": [1]},
        schema_overrides={"track_id": pl.Int32, "user_id": pl.Int32},
    )

    with (
        opened(shared_database) as connection,
        pytest.raises(InternalError, match=r"listened_at: .* instead of Datetime"),
    ):
        connection.append("listens", frame, STAGE)


def test_columns_are_matched_by_name_and_others_are_left_out(shared_database: str) -> None:
    frame = pl.DataFrame(
        {"is_primary": [True], "alias": [TEXTS[3]], "noise": [1.5], "source": ["Canonical"], "artist_id": [1]},
        schema_overrides={"artist_id": pl.Int32},
    )
    with opened(shared_database) as connection:
        connection.append("artists", _artists(), ARTISTS)
        connection.append("artist_aliases", frame, ARTIST_ALIASES)
        rows = connection.query_text("SELECT * FROM artist_aliases").rows()

    assert rows == [(1, "it's", "Canonical", True)]


def test_an_empty_frame_of_the_right_schema_is_fine(shared_database: str) -> None:
    with opened(shared_database) as connection:
        connection.append("tracks", TRACKS.to_frame(), TRACKS)
        assert connection.query_text("SELECT count(*) AS tracks FROM tracks").item() == 0


def test_times_come_back_as_utc_whatever_the_server_thinks(server: str) -> None:
    with opened(with_query(server, "options=-c%20timezone%3DAsia/Tokyo")) as connection:
        frame = connection.query_text("SELECT '2020-01-01 00:00:00+00'::timestamptz AS moment")

    assert frame.schema == pl.Schema({"moment": TIME})
    assert frame.item().isoformat() == "2020-01-01T00:00:00+00:00"


# --- connections ---------------------------------------------------------------------------------------------


def test_each_thread_works_on_a_clone_of_its_own(database: str) -> None:
    together = Barrier(4, timeout=30)

    def work(number: int) -> tuple[int, int]:
        clone = original.clone()
        try:
            together.wait()
            rows = pl.DataFrame({"id": range(number * 1000, number * 1000 + 500)}, schema={"id": pl.Int32})
            clone.append("artists", rows.with_columns(musicbrainz_id=pl.lit(None, pl.String)), ARTISTS)
            clone.commit()
            return clone.query_text("SELECT pg_backend_pid() AS pid").item(), rows.height
        finally:
            clone.close()

    with opened(database) as original, ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, range(4)))
        own = original.query_text("SELECT pg_backend_pid() AS pid, (SELECT count(*) FROM artists) AS artists").row(0)

    assert len({own[0], *(pid for pid, _ in done)}) == 5
    assert own[1] == 2000


def test_a_clone_has_the_settings_of_its_original(server: str) -> None:
    with opened(with_query(server, "application_name=mine")) as original:
        clone = original.clone()
        try:
            settings = "SELECT current_setting('application_name') AS name, current_setting('TimeZone') AS zone"
            assert clone.query_text(settings).row(0) == ("mine", "UTC")
        finally:
            clone.close()


def test_uncommitted_changes_are_lost_after_closing(shared_database: str) -> None:
    with opened(shared_database) as connection:
        connection.append("artists", _artists(), ARTISTS)

    assert query(shared_database, "SELECT count(*) FROM artists") == [(0,)]


# --- URIs ----------------------------------------------------------------------------------------------------


def _settings(uri: str, *names: str) -> list[str]:
    with opened(uri) as connection:
        return [connection.query_text(f"SELECT current_setting('{name}') AS value").item() for name in names]


def test_options_that_the_user_gives_are_kept(server: str) -> None:
    uri = with_query(server, "options=-c%20statement_timeout%3D4321%20-c%20work_mem%3D5MB&application_name=a+b%26c")

    assert _settings(uri, "statement_timeout", "work_mem", "application_name") == ["4321ms", "5MB", "a+b&c"]


def test_without_options_the_session_has_our_name_and_koitos_tables(server: str) -> None:
    assert _settings(server, "application_name", "search_path", "TimeZone") == [f"etl {os.getpid()}", "public", "UTC"]


def test_a_time_out_that_the_user_gives_is_kept() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        begun = time.monotonic()
        with pytest.raises(PostgresError) as caught:
            connect(f"postgresql://127.0.0.1:{deaf.getsockname()[1]}/koitodb?connect_timeout=1")

    assert caught.value.failure is Failure.LOST
    assert time.monotonic() - begun < 5  # without it: 10 s


def test_a_percent_encoded_host_works(server: str) -> None:
    """As ``postgresql://user@%2Fvar%2Frun%2Fpostgresql/koitodb``, which Koito's users have for a socket."""
    parts = urlsplit(server)
    given = dict(parse_qsl(parts.query))
    host = given.pop("host", None) or unquote(parts.hostname or "localhost")
    user = given.pop("user", None) or parts.username or "postgres"
    port = given.pop("port", None) or parts.port or 5432
    password = f":{parts.password}" if parts.password else ""
    encoded = "".join(f"%{byte:02X}" for byte in host.encode())

    uri = f"postgresql://{quote(user)}{password}@{encoded}:{port}{parts.path}?{urlencode(given)}"

    assert _settings(uri, "application_name") == [f"etl {os.getpid()}"]
