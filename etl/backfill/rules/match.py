"""Compares names, titles and lengths of the database with those of a service. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from etl.backfill.services.musicbrainz_answers import CreditedArtist

T = TypeVar("T")

LENGTH_TOLERANCE = 5  # seconds between two lengths of one recording: services trim silence differently

# In a title, only Koito's "feat." counts outside brackets: "50 Ft. Queenie" and "Live at Ft. Worth" stay whole.
_FEATURE = re.compile(r"\s*[(\[]\s*(?:feat\.?|ft\.?|featuring|with)\s[^)\]]*[)\]]|\sfeat\.\s.*$", re.IGNORECASE)
_IGNORED = re.compile(r"[\W_]+")


def comparable(name: str) -> str:
    """Return ``name`` without case, spaces, compatibility forms and, unless nothing else is left, punctuation."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _IGNORED.sub("", folded) or "".join(folded.split())


def comparable_title(title: str) -> str:
    """Return ``title`` as ``comparable`` does, without featured artists: MusicBrainz has them in the credit."""
    return comparable(_FEATURE.sub("", title) or title)


def same_name(names: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether one of ``names`` equals one of ``others``."""
    return not {comparable(name) for name in names}.isdisjoint(comparable(other) for other in others)


def same_title(titles: Iterable[str], other: str) -> bool:
    """Return whether one of ``titles`` equals ``other``."""
    return comparable_title(other) in {comparable_title(title) for title in titles}


def is_credited(artists: Sequence[str], mbid: str | None, credit: Sequence[CreditedArtist]) -> bool:
    """Return whether the first of ``artists`` is in ``credit``: by ``mbid`` if it is known, else by name."""
    if mbid:
        return any(artist.id == mbid for artist in credit)
    return any(same_name(artists[:1], artist.names) for artist in credit)


def same_length(seconds: int, milliseconds: int) -> bool | None:
    """Return whether two lengths agree; None if one of them is unknown (0)."""
    if not seconds or not milliseconds:
        return None
    return abs(seconds - milliseconds / 1000) <= LENGTH_TOLERANCE


def preferred(candidates: Sequence[T], is_preferred: Callable[[T], bool]) -> Sequence[T]:
    """Return the ``candidates`` that are preferred, or all of them if none is."""
    return [candidate for candidate in candidates if is_preferred(candidate)] or candidates
