"""Splits an artist credit into its artists: the base artist first, then the features.

The rules are those of Koito v0.1.7 (``ParseArtists``) without three of its defects: there, the features came first,
"and" split words like "Brandy", and "feat." matched inside "Defeat.".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl.normalize.text import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = r"(?:feat\.|ft\.|featuring(?=\s|\Z))"
_WORDS = rf"(?:{_WORD}\s*)+"  # a repeated word counts once
_ROUND = re.compile(rf"\(\s*{_WORDS}([^)]*)\)", re.IGNORECASE)
_SQUARE = re.compile(rf"\[\s*{_WORDS}([^\]]*)\]", re.IGNORECASE)
_ANY = re.compile(rf"(?<!\S){_WORDS}", re.IGNORECASE)
_KOITOS = re.compile(rf"(?<!\S)feat\.\s*(?:{_WORDS})?", re.IGNORECASE)
_WORDS_FIRST = re.compile(rf"\A{_WORDS}", re.IGNORECASE)
_AMONG_FEATURES = re.compile(r"\s*(?:,|&|·|(?<=\s)and(?=\s|\Z))\s*", re.IGNORECASE)
_NAME = re.compile(r"[^\s,&·]")
_NUMERAL = (
    r"(?:\d+(?:[.,/]\d+)*[½¼¾⅓⅔]?|[½¼¾⅓⅔]|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|dozen"
    r"|hundred|thousand|million)"
)
_NUMBER = re.compile(rf"(?:an?\s+)?{_NUMERAL}(?:(?:\s+and\s+|\s*-\s*|\s+){_NUMERAL})*", re.IGNORECASE)

# Cheap pre-checks: only texts that match can contain a feature, and only credits that match may be one artist.
FEATURE_HINT = r"(?i)feat\.|ft\.|featuring"
AS_ONE_HINT = r"(?i)ft\.|featuring"
_HINT = re.compile(FEATURE_HINT)


def split_credit(artist: str, title: str, separators: Sequence[re.Pattern[str]]) -> list[str]:
    """Return the artists of the credit ``artist`` on a track called ``title``, each once, the base artist first.

    Features follow "feat.", "ft." or "featuring" in brackets, or "feat." at the end, in the credit or the title. At
    the end of a credit, "ft." and "featuring" count too if they are between two names: "10 Ft." is a length. The list
    is empty only for a blank credit.
    """
    base, features = _features_of(artist, _ANY, separators)
    names = [part for separator in separators for part in _split(separator, base) if part != base]
    if not any(name.strip() for name in names):
        names = [base]
    credited = distinct([*names, *features]) or [artist.strip()]
    return distinct([*credited, *_features_of(title, _KOITOS)[1]]) or credited


def as_one_artist(artist: str, title: str) -> list[str] | None:
    """Return the artists of the credit ``artist`` with its whole text as one name, if that is possible; else None.

    It is possible if only "ft." or "featuring" without brackets divides the credit.
    """
    is_koitos = any("feat." in found[0].lower() for found in _ANY.finditer(artist))
    if is_koitos or _cut_brackets(artist)[1] or not _cut_end(artist, _ANY, ())[1]:
        return None
    return distinct([artist, *_features_of(title, _KOITOS)[1]])


def _features_of(
    text: str, words: re.Pattern[str], separators: Sequence[re.Pattern[str]] = ()
) -> tuple[str, list[str]]:
    """Return ``text`` without its features, and their names: those in brackets, and those behind one of ``words``."""
    if not _HINT.search(text):
        return text.strip(), []
    rest, bracketed = _cut_brackets(text)
    base, at_end = _cut_end(rest, words, separators)
    return base, [*bracketed, *at_end]


def _split(separator: re.Pattern[str], text: str) -> list[str]:
    """Split as Go does; ``re.split`` would also return the matches of groups in the pattern."""
    gaps = [found.span() for found in separator.finditer(text)]
    edges = [0, *(edge for gap in gaps for edge in gap), len(text)]
    return [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


def distinct(names: Sequence[str]) -> list[str]:
    """Return ``names`` trimmed, without blanks, and without those that equal an earlier one ignoring case."""
    return [names[position].strip() for position in distinct_positions(names)]


def distinct_positions(names: Sequence[str | None]) -> list[int]:
    """Return the positions in ``names`` of those that ``distinct`` keeps."""
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if name and not name.isspace():
            first.setdefault(fold(name.strip()), position)
    return list(first.values())


def _cut_brackets(text: str) -> tuple[str, list[str]]:
    """Return ``text`` without its features in round and in square brackets, and the features' names."""
    features: list[str] = []
    for bracket, pattern in (("(", _ROUND), ("[", _SQUARE)):
        if bracket in text and pattern.search(text):
            features += [name for found in pattern.finditer(text) for name in _divide(found[1])]
            text = pattern.sub("", text)
    return text.strip(), features


def _cut_end(text: str, words: re.Pattern[str], separators: Sequence[re.Pattern[str]]) -> tuple[str, list[str]]:
    """Return ``text`` up to the first of ``words`` that names features, and the features' names behind it."""
    no_bracket_from = 1 + max(map(text.rfind, "()[]"))
    for found in words.finditer(text):
        if found.end() >= no_bracket_from and _names_features(found, text[: found.start()], separators):
            return text[: found.start()].strip(), _divide(text[found.end() :])
    return text, []


def _divide(features: str) -> list[str]:
    """Return the names in a list of features; some may be blank."""
    if not _HINT.search(features):
        return _AMONG_FEATURES.split(features)
    names, start = [], 0
    for found in _ANY.finditer(features):
        if _names_features(found, features[start : found.start()], ()):
            names.append(features[start : found.start()])
            start = found.end()
    listed = [name for part in (*names, features[start:]) for name in _AMONG_FEATURES.split(part)]
    return [_WORDS_FIRST.sub("", name) for name in listed]


def _names_features(word: re.Match[str], before: str, separators: Sequence[re.Pattern[str]]) -> bool:
    """Say whether features follow ``word``; for "ft." and "featuring" that takes a name on both sides."""
    if not _NAME.search(word.string, word.end()):
        return False
    if "feat." in word[0].lower():
        return True
    for separator in separators:
        before = _split(separator, before)[-1]
    is_number = _NUMBER.fullmatch(_AMONG_FEATURES.split(before)[-1].strip())
    return bool(_NAME.search(before)) and not is_number
