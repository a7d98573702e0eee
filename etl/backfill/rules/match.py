"""Compares names, titles and lengths of the database with those of a service. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from etl.backfill.services.musicbrainz_answers import Credited

T = TypeVar("T")

LENGTH_TOLERANCE = 5  # seconds between two lengths of one recording: services cut silence in different ways

_FEATURE = re.compile(
    r"\s*[(\[]\s*(?:feat\.?|ft\.?|featuring|with)\s[^)\]]*[)\]]|\s(?:feat\.|ft\.|featuring)\s.*$", re.IGNORECASE
)
_NOT_READ = re.compile(r"[\W_]+")


def comparable(name: str) -> str:
    """Return ``name`` without case, punctuation, spaces and compatibility forms; of one with nothing else, all."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _NOT_READ.sub("", folded) or "".join(folded.split())


def comparable_title(title: str) -> str:
    """Return a title as ``comparable`` does, and without featured artists, which MusicBrainz has in the credit."""
    return comparable(_FEATURE.sub("", title) or title)


def same_name(names: Iterable[str], others: Iterable[str]) -> bool:
    """Say whether one of ``names`` is one of ``others``."""
    return not {comparable(name) for name in names}.isdisjoint(comparable(other) for other in others)


def same_title(titles: Iterable[str], other: str) -> bool:
    """Say whether ``other`` is one of ``titles``."""
    return comparable_title(other) in {comparable_title(title) for title in titles}


def is_credited(artists: Sequence[str], mbid: str | None, credit: Sequence[Credited]) -> bool:
    """Say whether the first of ``artists`` is in ``credit``: by ``mbid`` where it is known, else by name."""
    if mbid:
        return any(one.id == mbid for one in credit)
    return any(same_name(artists[:1], one.names) for one in credit)


def same_length(seconds: int, milliseconds: int) -> bool | None:
    """Say whether two lengths agree; None where one of them is unknown (0)."""
    if not seconds or not milliseconds:
        return None
    return abs(seconds - milliseconds / 1000) <= LENGTH_TOLERANCE


def narrowed(candidates: Sequence[T], wanted: Callable[[T], bool]) -> Sequence[T]:
    """Return those of ``candidates`` that are ``wanted``, or all where none is."""
    return [one for one in candidates if wanted(one)] or candidates
