"""Fills a database with a small library, runs a backfill on it, and reads the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etl.backfill.arguments import parse_kinds
from etl.backfill.run import backfill
from etl.backfill.services.request import Service
from etl.backfill.settings import BackfillSettings
from etl.core.dsn import SQLITE
from etl.core.workspace import Workspace
from tests.backfill.conftest import SHORT_LIMITS
from tests.helpers.support import execute, query

if TYPE_CHECKING:
    from pathlib import Path

    from etl.backfill.run import ReportProgress
    from tests.backfill.server import FakeService

FAST = 100_000.0  # requests a second


def run_backfill(
    home: Path,
    uri: str,
    server: FakeService,
    task: str = "images",
    what: str | None = None,
    progress: ReportProgress = lambda _done, _total, _left: None,
    url: str | None = None,
    **settings: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Run a task in this process against ``server``, or another ``url``, and return its summary."""
    checked = BackfillSettings(
        task=task,
        kinds=parse_kinds(task, what),
        addresses=dict.fromkeys(Service, url or server.url),
        rates=dict.fromkeys(Service, FAST),
        **settings,
    )
    return backfill(Workspace(home, uri), checked, progress, SHORT_LIMITS)


def server_options(server: FakeService) -> list[str]:
    """Return the command-line options that make a process query only ``server``, as fast as it can."""
    return [
        word for service in Service for word in ("--url", f"{service}={server.url}", "--rate", f"{service}={FAST:.0f}")
    ]


def add_library(uri: str, artists: int, albums: int) -> None:
    """Add artists A1, A2... and albums B1, B2... to an empty database; number 1 was played the most.

    Album Bn belongs to artist n modulo ``artists`` and has one track, Cn. Albums with odd numbers have an MBID.
    """
    if uri.startswith(SQLITE):
        _add_library_to_file(uri, artists, albums)
        return
    execute(
        uri,
        f"""
        INSERT INTO artists (id) OVERRIDING SYSTEM VALUE SELECT n FROM generate_series(1, {artists}) n;
        INSERT INTO artist_aliases SELECT n, 'A' || n, 'Canonical', true FROM generate_series(1, {artists}) n;
        INSERT INTO releases (id, musicbrainz_id) OVERRIDING SYSTEM VALUE
        SELECT n, CASE WHEN n % 2 = 1 THEN (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000')::uuid END
        FROM generate_series(1, {albums}) n;
        INSERT INTO release_aliases SELECT n, 'B' || n, 'Canonical', true FROM generate_series(1, {albums}) n;
        INSERT INTO artist_releases SELECT (n - 1) % {artists} + 1, n, true FROM generate_series(1, {albums}) n;
        INSERT INTO tracks (id, release_id) OVERRIDING SYSTEM VALUE SELECT n, n FROM generate_series(1, {albums}) n;
        INSERT INTO track_aliases SELECT n, 'C' || n, true, 'Canonical' FROM generate_series(1, {albums}) n;
        INSERT INTO artist_tracks SELECT (n - 1) % {artists} + 1, n, true FROM generate_series(1, {albums}) n;
        INSERT INTO listens
        SELECT n, '2020-01-01'::timestamptz + s * interval '1 s', 'test', u.id
        FROM generate_series(1, {albums}) n, generate_series(1, greatest(1, 10 - n)) s, users u;
        """,
    )


def _add_library_to_file(uri: str, artists: int, albums: int) -> None:
    def numbers(last: int) -> str:
        return f"WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {last})"

    execute(
        uri,
        f"""
        {numbers(artists)} INSERT INTO artists (id) SELECT n FROM s;
        {numbers(artists)} INSERT INTO artist_aliases SELECT n, 'A' || n, 'Canonical', 1 FROM s;
        {numbers(albums)} INSERT INTO releases (id, musicbrainz_id)
        SELECT n, CASE WHEN n % 2 = 1 THEN format('%08x-0000-4000-8000-000000000000', n) END FROM s;
        {numbers(albums)} INSERT INTO release_aliases SELECT n, 'B' || n, 'Canonical', 1 FROM s;
        {numbers(albums)} INSERT INTO artist_releases SELECT (n - 1) % {artists} + 1, n, 1 FROM s;
        {numbers(albums)} INSERT INTO tracks (id, release_id) SELECT n, n FROM s;
        {numbers(albums)} INSERT INTO track_aliases SELECT n, 'C' || n, 'Canonical', 1 FROM s;
        {numbers(albums)} INSERT INTO artist_tracks SELECT (n - 1) % {artists} + 1, n, 1 FROM s;
        {numbers(10)}
        INSERT INTO listens (track_id, listened_at, client, user_id)
        SELECT t.id, 1577836800 + s.n, 'test', u.id FROM tracks t, s, users u WHERE s.n <= max(1, 10 - t.id)
        """,
    )


def stored_images(uri: str, table: str) -> dict[int, tuple[str | None, str | None]]:
    """Return image and image source of every row of a table, by id."""
    rows = query(uri, f"SELECT id, CAST(image AS text), image_source FROM {table}")
    return {entity: (image, source) for entity, image, source in rows}
