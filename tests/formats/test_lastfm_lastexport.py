"""The exported_tracks.txt of lastexport.py, as written, trimmed and cut."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.formats import Format, ReadOptions, lastfm_lastexport, maloja_tsv, peek_at, recognise, timed_lines
from tests.helpers.examples import examples

MBID = "9a0c7c11-0f3c-4b1e-8a53-6a1f0e8cd002"
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
FIELDS = st.tuples(st.integers(0, 2**33), TEXT, TEXT, TEXT, *[st.sampled_from(["", MBID])] * 3)


@examples(70)
@given(st.lists(FIELDS, max_size=5), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_generated_tracks_are_read_back(
    tracks: list[tuple[int, str, str, str, str, str, str]], trimmed: bool, end: str
) -> None:
    lines = ["\t".join(map(str, track)) for track in tracks]
    if trimmed:
        lines = [line.rstrip("\t") + "\t" * max(0, 2 - line.rstrip("\t").count("\t")) for line in lines]
    found = lastfm_lastexport.read_tracks("".join(line + end for line in lines).encode(), ReadOptions()).to_dicts()
    assert len(found) == len(tracks)
    for got, (time, track, artist, album, recording, _, release) in zip(found, tracks, strict=True):
        assert (got["track"], got["artist"], got["album"]) == (track or None, artist or None, album or None)
        assert got["listened_at"] == datetime.fromtimestamp(time, UTC)
        assert (got["recording_mbid"], got["release_mbid"]) == (recording or None, release or None)
        assert got["client"] == "lastfm"
        blank = [name for name, text in (("artist", artist), ("track", track)) if not text.strip()]
        assert got["reject"] == (f"missing_{blank[0]}" if blank else None)


@pytest.mark.parametrize(
    "data",
    [
        b"1301911200\tt\tA\tL\t\t\t\n",
        b"1301911200\tt\tA\n1301911201\tt\tA\tL\t\t" + MBID.encode() + b"\n",
        b"broken\n1301911200\tt\tA\t\t" + MBID.encode() + b"\n",
        "1301911200\tt\tA\tL\t\t\t".encode("utf-16"),
    ],
)
def test_mbids_or_their_columns_prove_it(data: bytes) -> None:
    assert recognise(peek_at("2019_3.tsv", data)) is lastfm_lastexport.FORMAT


@pytest.mark.parametrize(
    "data", [b"1301911200\tA\tt\tL\t-\n", b"1301911200\tA\tt\n1301911201\tA\tt\tL\t240\n", b"1301911200\tA\tt\t-\n"]
)
def test_signs_of_maloja_prove_the_opposite(data: bytes) -> None:
    assert recognise(peek_at("exported_tracks.txt", data)) is maloja_tsv.FORMAT


def test_table_that_proves_nothing_is_refused_with_both_orders() -> None:
    known = recognise(peek_at("plays.txt", b"1301911200\tt\tA\tL\n"))
    assert known is timed_lines.REFUSAL
    assert "lastfmimport.tsv if the artist comes first" in known.advice


@pytest.mark.parametrize("data", [b"1301911200\tt\tA\tL\tx\ty\tz\n", b"1\tt\tA\tL\t\t\t\n", b"a\tb\tc\n"])
def test_other_lines_are_not_recognised(data: bytes) -> None:
    assert not isinstance(recognise(peek_at("x.txt", data)), Format)
