"""A round is planned on one state of the database, which is read once however many steps the round has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.load import snapshot
from etl.load.loader import Sizes
from tests.helpers.support import load, query, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    import pytest

    from etl.resolve.catalog import Catalog
    from etl.targets.base import Connection

ARTISTS = 4
TRACKS = [scrobble(1000 * n, [f"Artist {n % ARTISTS}"], f"Track {n}", f"Album {n % ARTISTS}") for n in range(20)]


def test_names_are_read_once_a_round_whatever_the_steps(
    tmp_path: Path, any_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read_catalog = snapshot.read_catalog

    def read(catalog: Catalog, connection: Connection, requests: pl.DataFrame, hits: pl.DataFrame) -> None:
        reads.append(requests.height)
        read_catalog(catalog, connection, requests, hits)

    monkeypatch.setattr(snapshot, "read_catalog", read)
    load(tmp_path / "home", any_database, write_maloja(tmp_path / "a.json", TRACKS), sizes=Sizes(round=12, step=3))

    assert reads == [12, 8]
    counted = (
        "SELECT (SELECT count(*) FROM artists) AS a, (SELECT count(*) FROM releases) AS b, count(*) AS c FROM listens"
    )
    assert query(any_database, counted) == [(ARTISTS, ARTISTS, 20)]
