"""The requests of a run, their order, and which of them are still to be resolved with the cache."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from etl.core.schema import ALIAS, NORMALIZED, TRACK_LOOKUP, empty
from etl.resolve.requests import (
    CANDIDATE_ALIASES,
    REQUESTS,
    candidate_aliases,
    distinct_requests,
    enrichment_candidates,
    misses,
    to_resolve,
)
from tests.helpers.examples import examples
from tests.helpers.frames import MBIDS, Row, at, listens

A, B, C = MBIDS
FEW = examples(17)

LACKS = ("duration", "recording_mbid", "release_mbid", "artist_mbids", "aliases")


def alias(entity: str, of: str | None, name: str) -> dict[str, Any]:
    return dict(zip(ALIAS, (entity, of, name, "Manual", False), strict=True))


ALIASES = [[alias("artist", "Ann", "Annie")], [alias("track", None, "Eins")], [alias("track", None, "Uno")]]
MBID = st.none() | st.sampled_from(MBIDS)
ROW = st.fixed_dictionaries(
    {
        "listened_at": st.integers(0, 3).map(at),
        "artist": st.sampled_from(["Ann", "ANN", "Zoë", "Zoe\N{COMBINING DIAERESIS}"]),
        "artists": st.none() | st.lists(st.sampled_from(["Ann", "ANN", "Bo"]), min_size=1, max_size=2),
        "artist_mbids": st.none() | st.lists(MBID, max_size=2),
        "track": st.sampled_from(["One", "Two"]),
        "album": st.none() | st.just("Hits"),
        "recording_mbid": MBID,
        "release_mbid": MBID,
        "duration": st.none() | st.integers(1, 2),
        "various_artists": st.none() | st.booleans(),
        "aliases": st.none() | st.sampled_from(ALIASES),
    }
)
FILES = st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=3)
LACKING = pl.Schema({"track_id": pl.Int32, **dict.fromkeys(LACKS, pl.Boolean)})


def has_mbids(request: Row) -> bool:
    return bool(request["recording_mbid"] or request["release_mbid"] or any(request["artist_mbids"] or []))


def is_rich(request: Row) -> bool:
    return bool(has_mbids(request) or request["duration"] or request["aliases"])


def content(request: Row) -> list[tuple[bool, Any]]:
    """Return what decides between requests of one second and key; a value is preferred to null."""
    names = ("artist", "track", "album", "artists", "recording_mbid", "release_mbid", "artist_mbids", "duration")
    values = [request[name] for name in (*names, "raw_artists", "raw_track", "raw_album", "various_artists")]
    values.append(
        [json.dumps(row, separators=(",", ":")) for row in request["aliases"]] if request["aliases"] else None
    )
    flat = ["\x1e".join(item or "-" for item in value) if isinstance(value, list) else value for value in values]
    return [(value is None, "" if value is None else value) for value in flat]


def expected_units(frame: pl.DataFrame) -> list[Row]:
    """Return the requests of ``frame`` as the docstring of ``requests`` defines them, in Python."""
    rows = sorted(
        frame.iter_rows(named=True), key=lambda row: (row["listened_at"], row["lookup_key"].encode(), content(row))
    )
    chosen: list[Row] = []
    seen: set[Any] = set()
    for row in rows:
        mbids = (row["recording_mbid"], row["release_mbid"], str(row["artist_mbids"]))
        marks: set[tuple[Any, ...]] = {("key", row["lookup_key"])}
        marks |= {("mbids", row["lookup_key"], *mbids)} if has_mbids(row) else set()
        marks |= {("duration", row["lookup_key"])} if row["duration"] else set()
        marks |= {("aliases", row["lookup_key"], *mbids, str(row["aliases"]))} if row["aliases"] else set()
        request = {name: row.get(name) for name in REQUESTS}
        if not marks <= seen and request not in chosen:
            chosen.append(request)
        seen |= marks
    return chosen


def hits_of(*rows: tuple[str, int]) -> pl.DataFrame:
    """Return cache hits: key and track id."""
    full = [(key, track + 100, track + 200, track) for key, track in rows]
    return pl.DataFrame(full, schema=TRACK_LOOKUP, orient="row")


def lacking_of(*rows: tuple[int, bool, bool, bool, bool, bool]) -> pl.DataFrame:
    """Return what tracks lack: id, duration, recording, release, artists, aliases."""
    return pl.DataFrame(rows, schema=LACKING, orient="row")


def times_of(frame: pl.DataFrame) -> list[int]:
    return [int((moment - at(0)).total_seconds()) for moment in frame.get_column("listened_at")]


@FEW
@given(FILES)
def test_requests_are_the_listens_that_can_add_something(files: list[list[Row]]) -> None:
    frame = pl.concat([listens(*rows) for rows in files])
    assert distinct_requests(frame).rows(named=True) == expected_units(frame)


@examples(9)
@given(FILES, st.randoms(use_true_random=False), st.permutations(["a.json", "b.json", "c.json"]))
def test_requests_do_not_depend_on_row_order_or_files(
    files: list[list[Row]], random: Any, names: list[str]  # noqa: ANN401 (hypothesis' own Random)
) -> None:  # fmt: skip
    before = pl.concat([listens(*rows, file=str(number)) for number, rows in enumerate(files)])
    moved = [listens(*random.sample(rows, len(rows)), file=name) for rows, name in zip(files, names, strict=False)]
    after = pl.concat(random.sample(moved, len(moved)))
    assert_frame_equal(distinct_requests(after), distinct_requests(before))


def test_a_credit_may_be_one_artist_where_the_source_lists_none() -> None:
    divided = {"artist": "Ann ft. Bo"}
    found = distinct_requests(
        listens(
            {**divided, "track": "One", "listened_at": at(1)},
            {**divided, "track": "Two (feat. Cy)", "listened_at": at(2), "artist_mbids": [A]},
            {**divided, "track": "x" * 1999, "listened_at": at(3)},
            {**divided, "track": "One", "listened_at": at(4), "artists": ["Ann", "Bo"]},
            {**divided, "track": "Three", "listened_at": at(5), "artist_mbids": [A, B]},
            {"artist": "Ann feat. Bo", "track": "One", "listened_at": at(6)},
            {"artist": "Ann", "track": "One ft. Bo", "listened_at": at(7)},
        )
    )
    assert found.get_column("as_one").to_list() == [["Ann ft. Bo"], ["Ann ft. Bo", "Cy"], ["Ann ft. Bo"], *[None] * 4]


def test_no_listens_make_no_requests() -> None:
    assert distinct_requests(empty(NORMALIZED)).schema == REQUESTS
    assert distinct_requests(empty(NORMALIZED)).height == 0


def test_plays_of_one_track_are_one_request_the_earliest() -> None:
    found = distinct_requests(listens({"listened_at": at(5)}, {"listened_at": at(3)}, {"listened_at": at(9)}))
    assert times_of(found) == [3]


def test_requests_are_in_the_order_of_their_earliest_listens() -> None:
    found = distinct_requests(
        listens(*({"listened_at": at(10 - n), "track": f"T{n}"} for n in range(5)), {"track": "T0"})
    )
    assert found.get_column("track").to_list() == ["T0", "T4", "T3", "T2", "T1"]


def test_content_orders_listens_of_one_second() -> None:
    rows: list[Row] = [{"track": "ONE"}, {"track": "one"}, {"track": "One"}]
    for order in (rows, rows[::-1]):
        assert distinct_requests(listens(*order)).get_column("track").to_list() == ["ONE"]


def test_first_listen_with_a_duration_is_a_request() -> None:
    found = distinct_requests(
        listens(
            {"listened_at": at(1)},
            {"listened_at": at(3), "duration": 200},
            {"listened_at": at(2), "duration": 100},
            {"listened_at": at(4), "duration": 300},
        )
    )
    assert found.select("duration").to_series().to_list() == [None, 100]


def test_each_combination_of_mbids_is_one_request() -> None:
    found = distinct_requests(
        listens(
            {"listened_at": at(1), "recording_mbid": A},
            {"listened_at": at(2), "recording_mbid": A, "release_mbid": B},
            {"listened_at": at(3), "recording_mbid": A},
            {"listened_at": at(4), "artist_mbids": [C]},
            {"listened_at": at(5), "artist_mbids": [None, C]},
            {"listened_at": at(6), "artist_mbids": [C]},
            {"listened_at": at(7), "artist_mbids": [None]},
            {"listened_at": at(8), "release_group_mbid": A},
        )
    )
    assert times_of(found) == [1, 2, 4, 5]


def test_each_set_of_aliases_is_one_request() -> None:
    found = distinct_requests(
        listens(
            {"listened_at": at(1)},
            {"listened_at": at(2), "aliases": ALIASES[0]},
            {"listened_at": at(3), "aliases": [*ALIASES[1], *ALIASES[0]]},
            {"listened_at": at(4), "aliases": [*ALIASES[0], *ALIASES[1], *ALIASES[0]]},
            {"listened_at": at(5), "aliases": ALIASES[0], "recording_mbid": A},
            {"listened_at": at(6), "aliases": ALIASES[0]},
            {"listened_at": at(7), "various_artists": True},
        )
    )
    assert times_of(found) == [1, 2, 3, 5]


def test_misses_are_the_requests_whose_keys_are_not_cached() -> None:
    found = distinct_requests(
        listens({}, {"recording_mbid": A}, {"track": "Two"}, {"track": "Three", "listened_at": at(-1)})
    )
    assert misses(found, hits_of(("ann\x1fone\x1f", 1), ("other", 2))).get_column("track").to_list() == ["Three", "Two"]
    assert_frame_equal(misses(found, hits_of()), found)
    assert misses(found.clear(), hits_of(("ann\x1fone\x1f", 1))).height == 0


def test_a_key_that_is_null_is_a_miss_and_matches_no_hit() -> None:
    found = distinct_requests(listens({})).with_columns(lookup_key=pl.lit(None, pl.String))
    hits = hits_of(("x", 1)).with_columns(lookup_key=pl.lit(None, pl.String))
    assert misses(found, hits).height == 1
    assert enrichment_candidates(found.with_columns(duration=pl.lit(1, pl.Int32)), hits).height == 0


def test_enrichment_candidates_are_hits_with_more_than_names() -> None:
    found = distinct_requests(
        listens(
            {"track": "Plain"},
            {"track": "Long", "duration": 9},
            {"track": "Known", "artist_mbids": [A]},
            {"track": "Vague", "artist_mbids": [None]},
            {"track": "New", "duration": 9},
            {"track": "Named", "aliases": ALIASES[0]},
            {"track": "Mixed", "various_artists": True},
        )
    )
    cached = ("plain", "long", "known", "vague", "named", "mixed")
    hits = hits_of(*((f"ann\x1f{name}\x1f", number) for number, name in enumerate(cached)))
    candidates = enrichment_candidates(found, hits)
    assert candidates.select("track", "track_id").rows() == [("Known", 2), ("Long", 1), ("Named", 4)]
    assert enrichment_candidates(found, hits_of()).height == 0


def test_hits_are_resolved_again_only_if_they_lack_a_field() -> None:
    rich: Row = {"duration": 9, "recording_mbid": A, "release_mbid": B, "artist_mbids": [C], "aliases": ALIASES[0]}
    for number, column in enumerate(rich):
        found = distinct_requests(listens({"track": "One", column: rich[column]}, {"track": "Two", **rich}))
        hits = hits_of(("ann\x1fone\x1f", 1), ("ann\x1ftwo\x1f", 2))
        lacks_it = [position == number for position in range(len(LACKS))]
        lacks_others = [position != number for position in range(len(LACKS))]
        every = to_resolve(found, hits, lacking_of((1, *lacks_it), (2, *lacks_it)))  # type: ignore[arg-type]
        assert every.get_column("track").to_list() == ["One", "Two"]
        some = to_resolve(found, hits, lacking_of((1, *lacks_others), (2, *lacks_others)))  # type: ignore[arg-type]
        assert some.get_column("track").to_list() == ["Two"]
        assert to_resolve(found, hits, lacking_of((1, False, False, False, False, False))).height == 0


@FEW
@given(st.lists(ROW, max_size=10), st.integers(0, 3), st.lists(st.booleans(), min_size=5, max_size=5))
def test_to_resolve_is_a_subset_of_the_requests_in_their_order(rows: list[Row], cached: int, flags: list[bool]) -> None:
    found = distinct_requests(listens(*rows))
    keys = found.get_column("lookup_key").unique(maintain_order=True).to_list()[:cached]
    hits = hits_of(*((key, number) for number, key in enumerate(keys)))
    missing_fields = lacking_of(*((number, *flags) for number, _ in enumerate(keys)))  # type: ignore[arg-type]
    wanted = to_resolve(found, hits, missing_fields)
    assert wanted.schema == REQUESTS
    expected = [
        request
        for request in found.iter_rows(named=True)
        if request["lookup_key"] not in keys
        or (request["duration"] and flags[0])
        or (request["recording_mbid"] and flags[1])
        or (request["release_mbid"] and flags[2])
        or (request["aliases"] and flags[4])
        or (request["artist_mbids"] is not None and flags[3] and is_rich(request))
    ]
    assert wanted.rows(named=True) == expected


def test_without_hits_everything_is_to_resolve() -> None:
    found = distinct_requests(listens({}, {"track": "Two"}))
    assert_frame_equal(to_resolve(found, hits_of(), lacking_of()), found)


def test_candidate_aliases_with_name_and_mbid() -> None:
    request: Row = {
        "artists": [" Ann ", "Zoe\N{COMBINING DIAERESIS}"],
        "artist_mbids": [None, C],
        "track": "One",
        "recording_mbid": A,
        "release_mbid": B,
        "aliases": [
            alias("artist", "Ann", "Annie"),
            alias("artist", "Zoe\N{COMBINING DIAERESIS}", "Zo"),
            alias("artist", "Nobody", "No"),
            alias("track", None, "Eins"),
            alias("album", None, "Hits"),
        ],
    }
    found = distinct_requests(listens(request))
    hits = hits_of((found.item(0, "lookup_key"), 7))
    assert candidate_aliases(enrichment_candidates(found, hits)).sort("alias", "name").rows() == [
        (7, "artist", "Ann", None, "Annie"),
        (7, "track", "One", A, "Eins"),
        (7, "album", "One", B, "Hits"),
        (7, "artist", "Zoe\N{COMBINING DIAERESIS}", C, "Zo"),
        (7, "artist", "Zoë", C, "Zo"),
    ]
    assert (
        candidate_aliases(enrichment_candidates(distinct_requests(listens({"duration": 9})), hits)).schema
        == CANDIDATE_ALIASES
    )


def test_unaligned_mbids_do_not_belong_to_aliases() -> None:
    found = distinct_requests(listens({"artists": ["Ann", "Bo"], "artist_mbids": [A], "aliases": ALIASES[0]}))
    hits = hits_of((found.item(0, "lookup_key"), 7))
    assert candidate_aliases(enrichment_candidates(found, hits)).rows() == [(7, "artist", "Ann", None, "Annie")]
