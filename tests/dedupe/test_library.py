"""Likely doubles among the listens of a database: which are removed, which stay, and which are not doubles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.core.schema import NEARBY
from etl.dedupe import stored_doubles
from tests.dedupe.listener import SERVICES, Database, Play, histories, number_of_plays, recorded, rows_of
from tests.dedupe.rows import Row, held
from tests.helpers.examples import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow

FEW = examples(13)
SCROBBLERS = ["lastfm", "listenbrainz", "maloja", "koito"]


def found(listens: Sequence[Row], coarse: Sequence[str] = ()) -> dict[int, int]:
    """Return the places of the listens to remove, each with the one that stays."""
    library = pl.DataFrame([{**row, "track_id": place} for place, row in enumerate(listens)], schema=NEARBY)
    return dict(stored_doubles(library, SERVICES, coarse).select("listen", "of").iter_rows())


def test_the_start_of_a_scrobble_and_the_end_of_its_spotify_play() -> None:
    assert found([held(0, "lastfm"), held(200, "spotify")]) == {1: 0}


def test_a_play_that_may_be_a_second_one_stays() -> None:
    assert found([held(0, "lastfm"), held(400, "spotify")]) == {}
    assert found([held(0, "lastfm"), held(100, "spotify", "Ebb"), held(400, "spotify")]) == {}


def test_a_play_that_began_when_the_one_before_it_ended() -> None:
    library = [held(0, "spotify", "Ebb"), held(2, "lastfm", duration=0), held(90, "spotify", duration=0)]
    assert found(library) == {2: 1}


def test_a_second_dedupe_takes_no_play_whose_neighbours_are_gone() -> None:
    heard = [held(201, "spotify"), held(401, "spotify"), held(850, "spotify")]
    library = [held(0, "Player"), held(201, "lastfm"), *heard]
    gone = found(library)
    assert gone == {2: 0, 3: 1}
    assert found([one for place, one in enumerate(library) if place not in gone]) == {}


def test_the_preferred_service_stays_whichever_was_stored_first() -> None:
    assert found([held(3, "maloja"), held(0, "lastfm"), held(203, "spotify")]) == {0: 1, 2: 1}


def test_a_listen_of_an_unknown_client_goes_before_imported_ones() -> None:
    assert found([held(0, "lastfm"), held(3, "Navidrome"), held(200, "spotify")]) == {0: 1, 2: 1}


def test_plays_of_one_client_in_different_seconds_stay() -> None:
    assert found([held(0, "Navidrome"), held(5, "Navidrome")]) == {}
    assert found([held(0, None), held(5, None)]) == {}


def test_one_second_stored_under_two_tracks_is_one_play() -> None:
    alone = held(0, "lastfm", album="Tide", duration=0)
    assert found([alone, held(0, "lastfm", "TIDE (feat. LiLa)")]) == {0: 1}


def test_a_minute_of_account_data_and_the_exact_end() -> None:
    plays = [held(240, "spotify", album="Tide"), held(265, "spotify")]
    assert found(plays) == {}
    assert found(plays, ["spotify"]) == {0: 1}
    assert found([held(240, "spotify"), held(275, "spotify")], ["spotify"]) == {}


def test_other_names_and_other_times_are_other_plays() -> None:
    assert found([held(0, "lastfm"), held(0, "maloja", "Ebb"), held(0, "Player", artist="Mossrose")]) == {}
    assert found([held(0, "lastfm"), held(30, "maloja")]) == {}


def test_the_evidence_names_the_service_and_the_seconds() -> None:
    library = pl.DataFrame([held(0, "lastfm"), held(3, "maloja")], schema=NEARBY)
    text = stored_doubles(library, SERVICES).item(0, "evidence")
    assert "lastfm" in text
    assert "3 s apart" in text


def _stored(plays: Sequence[Play], services: Sequence[str]) -> pl.DataFrame:
    """Return the library after each service was loaded, likely doubles too."""
    database = Database()
    for service in services:
        database.load(rows_of([(service, list(plays))]), drop_doubles=False)
    return database.nearby()


@FEW
@given(histories(), st.sampled_from(["lastfm", "listenbrainz", "maloja", "koito", "extended", "old_extended"]))
def test_a_library_of_one_service_has_no_doubles(plays: list[Play], service: str) -> None:
    library = _stored(plays, [service] if recorded(plays, service) else ["extended"])
    assert stored_doubles(library, SERVICES).is_empty()


@FEW
@given(histories(has_account=True), st.lists(st.sampled_from(SCROBBLERS), unique=True, min_size=2))
def test_a_library_of_scrobblers_keeps_each_play_once(plays: list[Play], services: list[str]) -> None:
    library = _stored(plays, services)
    doubles = stored_doubles(library, SERVICES)
    assert library.height - doubles.height == number_of_plays(plays, services)
    gone = pl.int_range(pl.len(), dtype=pl.Int64).is_in(doubles.get_column("listen").implode())
    assert stored_doubles(library.filter(~gone), SERVICES).is_empty()
