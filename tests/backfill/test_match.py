"""When two services mean the same, and what a task concludes from what it is told. No network, no database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.backfill.pace import Pace, in_words
from etl.backfill.rules.durations import track_duration
from etl.backfill.rules.entities import Album, Artist, Track
from etl.backfill.rules.findings import Change, Field, Outcome
from etl.backfill.rules.identify import SCORE, identify_album, identify_artist, identify_track
from etl.backfill.rules.images import album_image, artist_image
from etl.backfill.services import coverart, deezer, musicbrainz
from etl.backfill.services.request import Answer, FailedError, Service
from tests.backfill.world import artist, credit, mbid, recording, release

if TYPE_CHECKING:
    from etl.backfill.services.request import Question

ADDRESSES = {service: f"https://{service}.example" for service in Service}
WORDS = [
    "aliases", "artist", "artist-credit", "artists", "code", "cover_xl", "data", "error", "id", "length", "name",
    "nb_fan", "picture_xl", "primary", "recordings", "release-group", "releases", "score", "title",
]  # fmt: skip
BOTH = (Service.COVERART, Service.DEEZER)


class Told:
    """Answers questions from what a test tells; of the rest nothing is found."""

    def __init__(self, *answers: tuple[Question[Any], Any]) -> None:
        self._answers = {question.text: value for question, value in answers}
        self.asked: list[str] = []

    def __call__(self, question: Question[Any], /) -> Any:  # noqa: ANN401
        self.asked.append(question.text)
        if question.text in self._answers:
            return self._answers[question.text]
        return question.kind()


def read(question: Question[Any], **document: Any) -> tuple[Question[Any], Any]:  # noqa: ANN401
    """Return a question and what the service's JSON ``document`` says."""
    return question, question.parse(Answer(200, "", msgspec.json.encode(document)))


ANN = Artist(1, 9, None, ["Ann", "Annie"], "Debut", "First")
DEBUT = Album(1, 9, None, ["Debut"], ["Ann"], None, various_artists=False)
FIRST = Track(1, 9, None, ["First"], ["Ann"], None, ["Debut"], 200)


# --- MBIDs ----------------------------------------------------------------------------------------------------

ANNS = read(musicbrainz.search_artists("Ann"), artists=[artist(1, "Ann", "Анна"), artist(2, "ANN")])
RELEASES = musicbrainz.search_releases("Debut", "Ann")
RECORDINGS = musicbrainz.search_recordings("First", "Ann")


def test_an_artist_is_certain_by_an_album_among_several_of_the_name() -> None:
    ask = Told(ANNS, read(RELEASES, releases=[release(9, "Debut", credit(2, "Ann"), 7)]))
    finding = identify_artist(ANN, ask, SCORE)
    assert finding.outcome is Outcome.FOUND
    assert finding.changes == (Change(Field.MBID, mbid(2)), Change(Field.ALIAS, "ANN"))
    assert len(ask.asked) == 2


def test_an_artist_is_certain_by_a_track_where_albums_do_not_tell() -> None:
    both = [release(9, "Debut", credit(1, "Ann"), 7), release(8, "Debut", credit(2, "Ann"), 6)]
    ask = Told(
        ANNS,
        read(RELEASES, releases=both),
        read(RECORDINGS, recordings=[recording(5, "First", credit(1, "Ann"), None)]),
    )
    assert identify_artist(ANN, ask, SCORE).changes == (Change(Field.MBID, mbid(1)), Change(Field.ALIAS, "Анна"))


@pytest.mark.parametrize(
    "releases",
    [
        [],
        [release(9, "Debut", credit(1, "Ann"), 7), release(8, "Debut", credit(2, "Ann"), 6)],
        [release(9, "Other", credit(1, "Ann"), 7)],
        [release(9, "Debut", credit(1, "Ann"), 7, score=SCORE - 1)],
        [release(9, "Debut", credit(3, "Ann Other"), 7)],
    ],
)
def test_a_name_alone_or_evidence_for_two_is_left_to_a_person(releases: list[dict[str, Any]]) -> None:
    finding = identify_artist(ANN, Told(ANNS, read(RELEASES, releases=releases)), SCORE)
    assert finding.outcome is Outcome.UNSURE
    assert {one.value for one in finding.candidates} == {mbid(1), mbid(2)}
    assert finding.changes == ()


def test_even_the_only_artist_of_a_name_needs_evidence() -> None:
    only = read(musicbrainz.search_artists("Ann"), artists=[artist(1, "Ann"), artist(2, "Ann", score=SCORE - 1)])
    assert identify_artist(ANN, Told(only), SCORE).outcome is Outcome.UNSURE
    assert identify_artist(ANN, Told(), SCORE).outcome is Outcome.NOT_FOUND


def test_an_artist_with_an_mbid_gets_further_names() -> None:
    known = Artist(1, 9, mbid(1), ["Ann"], "Debut", "First")
    names = read(musicbrainz.artist_names(mbid(1)), **artist(1, "Ann", "Анна", "Ann"))
    assert identify_artist(known, Told(names), SCORE).changes == (Change(Field.ALIAS, "Анна"),)
    assert identify_artist(known, Told(), SCORE).outcome is Outcome.NOT_FOUND


def test_an_album_is_the_earliest_official_release_of_the_only_group_that_agrees() -> None:
    releases = [
        release(1, "Debut", credit(1, "Ann"), 7, date="1999", status="Bootleg"),
        release(2, "Debut", credit(1, "Ann"), 7, date="2003"),
        release(3, "debut!", credit(1, "Ann"), 7, date="1990"),
        release(4, "Debut", credit(1, "Ann"), 7, date="2001-05-01"),
        release(5, "Debut", credit(4, "Bo"), 8),
        release(6, "Debut Live", credit(1, "Ann"), 9),
        release(7, "Debut", credit(1, "Ann"), 7, date=None, status=None),
    ]
    titles = read(musicbrainz.titles_of_group(mbid(7)), title="Debut", releases=[{"title": "Debut (Deluxe)"}] * 2)
    finding = identify_album(DEBUT, Told(read(RELEASES, releases=releases), titles), SCORE)
    assert finding.changes == (Change(Field.MBID, mbid(4)), Change(Field.ALIAS, "Debut (Deluxe)"))


def test_an_album_and_a_single_of_one_title_are_left_to_a_person() -> None:
    both = [release(1, "Debut", credit(1, "Ann"), 7), release(2, "Debut", credit(1, "Ann"), 8)]
    assert identify_album(DEBUT, Told(read(RELEASES, releases=both)), SCORE).outcome is Outcome.UNSURE


def test_the_mbid_of_its_artist_decides_whose_an_album_is() -> None:
    hers = Album(1, 9, None, ["Debut"], ["Ann"], mbid(2), various_artists=False)
    both = [release(1, "Debut", credit(1, "Ann"), 7), release(2, "Debut", credit(2, "Anna"), 8)]
    assert identify_album(hers, Told(read(RELEASES, releases=both)), SCORE).changes == (Change(Field.MBID, mbid(2)),)


def test_a_sampler_is_looked_for_under_various_artists() -> None:
    sampler = Album(1, 9, None, ["Hits"], ["Ann", "Bo"], mbid(1), various_artists=True)
    found = read(
        musicbrainz.search_releases("Hits", "Various Artists"),
        releases=[release(3, "Hits", credit(9, "Various Artists"), 7)],
    )
    assert identify_album(sampler, Told(found), SCORE).changes == (Change(Field.MBID, mbid(3)),)


def test_an_album_with_an_mbid_gets_the_titles_of_its_group() -> None:
    known = Album(1, 9, mbid(3), ["Debut"], ["Ann"], None, various_artists=False)
    group = read(musicbrainz.group_of_release(mbid(3)), **{"release-group": {"id": mbid(7)}})
    titles = read(musicbrainz.titles_of_group(mbid(7)), title="Début", releases=[{"title": "Debut"}])
    assert identify_album(known, Told(group, titles), SCORE).changes == (Change(Field.ALIAS, "Début"),)


@pytest.mark.parametrize(
    ("recordings", "outcome"),
    [
        ([recording(1, "First", credit(1, "Ann"), 201_000)], Outcome.FOUND),
        ([recording(1, "First", credit(1, "Ann"), None, "Debut")], Outcome.FOUND),
        (
            [
                recording(1, "First", credit(1, "Ann"), 201_000, "Hits"),
                recording(2, "First", credit(1, "Ann"), 199_000, "Debut"),
            ],
            Outcome.FOUND,
        ),
        ([recording(1, "First", credit(1, "Ann"), 260_000, "Debut")], Outcome.NOT_FOUND),
        ([recording(1, "First", credit(1, "Ann"), 201_000, video=True)], Outcome.NOT_FOUND),
        ([recording(1, "First", credit(4, "Bo"), 201_000, "Debut")], Outcome.NOT_FOUND),
        ([recording(1, "First (Live)", credit(1, "Ann"), 201_000, "Debut")], Outcome.NOT_FOUND),
        ([recording(1, "First", credit(1, "Ann"), 201_000, "Debut", score=SCORE - 1)], Outcome.NOT_FOUND),
        ([recording(1, "First", credit(1, "Ann"), None, "Hits")], Outcome.UNSURE),
        ([recording(n, "First", credit(1, "Ann"), 200_000 + n, "Debut") for n in (1, 2)], Outcome.UNSURE),
    ],
)
def test_a_track_is_certain_if_one_recording_alone_agrees(recordings: list[dict[str, Any]], outcome: Outcome) -> None:
    assert identify_track(FIRST, Told(read(RECORDINGS, recordings=recordings)), SCORE).outcome is outcome


def test_what_lucene_would_read_as_syntax_is_quoted() -> None:
    params = musicbrainz.search_releases('7" \\ (Mix) AND/OR', "AC/DC").params
    assert params["query"] == r'release:"7\" \\ (Mix) AND/OR" AND artist:"AC/DC"'
    assert deezer.album_covers('Ann "A" Bo', "T").params["q"] == 'artist:"Ann  A  Bo" album:"T"'


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(mbid(1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)
_QUESTIONS: list[Question[Any]] = [
    musicbrainz.search_artists("a"),
    musicbrainz.search_releases("a", "b"),
    musicbrainz.search_recordings("a", "b"),
    musicbrainz.artist_names("a"),
    musicbrainz.group_of_release("a"),
    musicbrainz.titles_of_group("a"),
    musicbrainz.length_of_recording("a"),
    deezer.artist_pictures("a"),
    deezer.album_covers("a", "b"),
]


@given(st.binary(max_size=40) | _JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
def test_whatever_a_service_sends_is_read_or_is_a_failure_and_what_is_read_can_be_kept(body: bytes) -> None:
    for question in _QUESTIONS:
        try:
            value = question.parse(Answer(200, "", body))
        except (msgspec.MsgspecError, UnicodeDecodeError, FailedError):
            continue
        assert msgspec.json.decode(msgspec.json.encode(value), type=question.kind) == value


# --- durations ------------------------------------------------------------------------------------------------


def test_a_duration_is_that_of_the_recording_in_whole_seconds() -> None:
    known = Track(1, 9, mbid(1), ["First"], ["Ann"], None, ["Debut"], 0)
    lengths = [read(musicbrainz.length_of_recording(mbid(1)), id=mbid(1), length=ms) for ms in (201_999, 999, None)]
    found = [track_duration(known, Told(length), SCORE) for length in lengths]
    assert [(one.outcome, one.changes) for one in found] == [
        (Outcome.FOUND, (Change(Field.DURATION, "201"),)),
        (Outcome.NOT_FOUND, ()),
        (Outcome.NOT_FOUND, ()),
    ]


@pytest.mark.parametrize(
    ("lengths", "album", "outcome"),
    [
        ([200_000, 202_900], "Debut", Outcome.FOUND),
        ([200_000, 204_000], "Debut", Outcome.UNSURE),
        ([200_000], "Hits", Outcome.UNSURE),
        ([None], "Debut", Outcome.NOT_FOUND),
    ],
)
def test_of_a_track_without_mbid_the_lengths_on_its_album_must_agree(
    lengths: list[int | None], album: str, outcome: Outcome
) -> None:
    unknown = Track(1, 9, None, ["First"], ["Ann"], None, ["Debut"], 0)
    recordings = [recording(number, "First", credit(1, "Ann"), ms, album) for number, ms in enumerate(lengths)]
    assert track_duration(unknown, Told(read(RECORDINGS, recordings=recordings)), SCORE).outcome is outcome


# --- images ---------------------------------------------------------------------------------------------------


def faces(*fans: tuple[str, str, int]) -> tuple[Question[Any], Any]:
    """Return Deezer's answer about artists called Ann: name, address of the picture, fans."""
    data = [{"name": name, "picture_xl": url, "nb_fan": number} for name, url, number in fans]
    return read(deezer.artist_pictures("Ann"), data=data)


def test_a_picture_is_of_an_artist_of_exactly_this_name() -> None:
    found = artist_image(ANN, Told(faces(("Ann Other", "https://x/1", 9), ("ANN", "https://x/2", 0))))
    assert found.changes == (Change(Field.IMAGE, "https://x/2"),)


def test_deezers_silhouettes_and_odd_addresses_are_no_pictures() -> None:
    odd = [
        "https://x/artist//1000x1000.jpg",
        "https://x/artist/d41d8cd98f00b204e9800998ecf8427e/1.jpg",
        "",
        "ftp://x/y",
    ]
    finding = artist_image(ANN, Told(faces(*(("Ann", url, 1) for url in odd))))
    assert finding.outcome is Outcome.NOT_FOUND


def test_of_two_artists_of_a_name_one_must_be_much_better_known() -> None:
    clear, close = (
        faces(("Ann", "https://x/1", 3), ("Ann", "https://x/2", 30)),
        faces(("Ann", "https://x/1", 4), ("Ann", "https://x/2", 30)),
    )
    assert artist_image(ANN, Told(clear)).changes == (Change(Field.IMAGE, "https://x/2"),)
    assert artist_image(ANN, Told(close)).outcome is Outcome.UNSURE


def test_other_names_are_tried_where_the_first_is_unknown() -> None:
    annie = read(deezer.artist_pictures("Annie"), data=[{"name": "Annie", "picture_xl": "https://x/3"}])
    assert artist_image(ANN, Told(annie)).changes == (Change(Field.IMAGE, "https://x/3"),)


def test_covers_come_from_the_release_then_its_group_then_deezer() -> None:
    known = Album(1, 9, mbid(3), ["Debut"], ["Ann"], None, various_artists=False)
    group = musicbrainz.group_of_release(mbid(3)), mbid(7)
    of_release = coverart.front("release", mbid(3)), True
    of_group = coverart.front("release-group", mbid(7)), True
    deezers = read(
        deezer.album_covers("Ann", "Debut"),
        data=[
            {"title": "Debut (Live)", "cover_xl": "https://x/0", "artist": {"name": "Ann"}},
            {"title": "Debut", "cover_xl": "https://x/1", "artist": {"name": "Bo"}},
            {"title": "DEBUT", "cover_xl": "https://x/2", "artist": {"name": "ann"}},
        ],
    )
    base = ADDRESSES[Service.COVERART]
    for told, providers, url in (
        (Told(of_release, of_group, group, deezers), BOTH, f"{base}/release/{mbid(3)}/front"),
        (Told(of_group, group, deezers), BOTH, f"{base}/release-group/{mbid(7)}/front"),
        (Told(group, deezers), BOTH, "https://x/2"),
        (Told(of_release, deezers), BOTH[::-1], "https://x/2"),
    ):
        assert album_image(known, told, providers, ADDRESSES).changes == (Change(Field.IMAGE, url),)
    assert album_image(known, Told(deezers), (Service.COVERART,), ADDRESSES).outcome is Outcome.NOT_FOUND
    told = Told(deezers)
    album_image(DEBUT, told, BOTH, ADDRESSES)
    assert len(told.asked) == 1  # without an MBID the archive cannot be asked


# --- the time that is left ------------------------------------------------------------------------------------


def test_what_the_cache_answers_promises_nothing_about_the_rest() -> None:
    pace = Pace(0.0)
    for number in range(1_000):
        pace.done(number / 1_000, was_asked=False)
    assert pace.left(100) is None
    for second in range(1, 11):
        pace.done(1.0 + second, was_asked=True)
        pace.done(1.1 + second, was_asked=False)
    assert pace.left(100) == pytest.approx(100.0, rel=0.01)


def test_a_time_is_told_in_words() -> None:
    assert [in_words(seconds) for seconds in (0.2, 45, 600, 7_800)] == ["1 s", "45 s", "10 min", "2 h 10 min"]
