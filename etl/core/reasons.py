"""Why a row is not loaded, and when its file is read again."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """A word and its ``meaning``, the line that the documentation prints."""

    def __new__(cls, value: str, *_: object) -> Self:
        """Return the member for ``value``."""
        member = str.__new__(cls, value)
        member._value_ = value
        return member

    def __init__(self, _: str, meaning: str) -> None:
        self.meaning = meaning


class SkipReason(Reason):
    """Why a valid row is not a listen."""

    PODCAST = "podcast", "an episode of a podcast"
    AUDIOBOOK = "audiobook", "a chapter of an audiobook"
    NOT_A_TRACK = (
        "not_a_track",
        "a row that names no track, artist, episode or book: a removed track or a video",
    )
    VIDEO = "video", "a video, not a track"
    ADVERT = "advert", "an advertisement"
    TOO_SHORT = "too_short", "played for less than 30 s and not to the end"
    NOT_PLAYED_TO_END = "not_played_to_end", "not played to the end, under --spotify-plays trackdone"
    NOW_PLAYING = "now_playing", "the track that was playing when the export was made, which is not a listen yet"
    SKIPPED_TRACK = "skipped_track", "a track that the listener skipped, according to the player"
    NOT_A_PLAY = "not_a_play", "a record of something other than a play, such as its start, or a loved or blocked track"
    OUTSIDE_WINDOW = "outside_window", "before --since or after --until"
    LIKELY_DOUBLE = "likely_double", "a listen that another service recorded too, unless --doubles keep is given"


class ReadAgain(StrEnum):
    """When a file with a rejected row is read again, because the verdict on the row may have changed.

    The ledger knows a file by a key. A verdict is final for a file only if the key covers what the verdict depends on.
    """

    NEVER = "never"
    """It depends only on the bytes of the file: the file is known, and ``--move-to`` moves it."""
    BY_ANOTHER_VERSION = "by another version"
    """It depends on what the program can read or accepts: the file is known to the version that read it, and moved."""
    BY_THE_NEXT_RUN = "by the next run"
    """It depends on the clock of this computer or on the files next to it: the file is neither known nor moved."""


class RejectReason(Reason):
    """Why a row is broken, and when its file is ``read_again``."""

    def __init__(self, value: str, meaning: str, read_again: ReadAgain = ReadAgain.NEVER) -> None:
        super().__init__(value, meaning)
        self.read_again = read_again

    MALFORMED = "malformed", "the record is not well-formed, so its fields cannot be read", ReadAgain.BY_ANOTHER_VERSION
    BAD_ENCODING = (
        "bad_encoding",
        "the record holds bytes that are not UTF-8, or half of a surrogate pair",
        ReadAgain.BY_ANOTHER_VERSION,
    )
    WRONG_TYPE = (
        "wrong_type",
        "a field has the wrong type, or the record is not an object",
        ReadAgain.BY_ANOTHER_VERSION,
    )
    ERROR_PAGE = (
        "error_page",
        "an API's error response instead of a page of listens: the plays of that page are missing",
    )
    MISSING_ARTIST = "missing_artist", "no artist, or a blank one"
    MISSING_TRACK = "missing_track", "no track title, or a blank one"
    ARTIST_UNKNOWN = (
        "artist_unknown",
        "the export names no artist, and the files next to it do not determine it",
        ReadAgain.BY_THE_NEXT_RUN,
    )
    MISSING_TIME = "missing_time", "no time of listening"
    BAD_TIME = (
        "bad_time",
        "the time of listening cannot be read, or is in milliseconds instead of seconds",
        ReadAgain.BY_ANOTHER_VERSION,
    )
    TIME_TOO_EARLY = (
        "time_too_early",
        "before the service existed: a wrong clock, or another unit",
        ReadAgain.BY_ANOTHER_VERSION,
    )
    TIME_IN_FUTURE = "time_in_future", "more than a day in the future: a wrong clock", ReadAgain.BY_THE_NEXT_RUN
    NAME_TOO_LONG = (
        "name_too_long",
        "a name of more than 2,000 bytes, which Koito's indexes cannot hold",
        ReadAgain.BY_ANOTHER_VERSION,
    )
