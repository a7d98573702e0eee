"""Finds the words that Google Takeout puts around every title, in the language of the account. Pure.

"Watched Song" is "Song angesehen" in German. The entry of a removed video shows the words, because its title is its
address. Without such an entry, the words of the known languages are tried. Otherwise the words are the text that all
titles share, without parts of words; in a file with few titles that may be too much ("Watched The ..."). If the titles
share nothing, because downloads in several languages were joined, each title has the words of one of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ADDRESS = re.compile(r"https?://(?:[a-z]+\.)?youtube\.com/[A-Za-z0-9/?=&%_.~:#+-]+")


class Wording(NamedTuple):
    """The text in front of every title, and the text behind it."""

    before: str = ""
    behind: str = ""

    def surrounds(self, text: str) -> bool:
        """Say whether ``text`` has both, and something between them."""
        fits = text.startswith(self.before) and text.endswith(self.behind)
        return fits and len(text) > len(self.before) + len(self.behind)


# The words in front of a title and behind it, as far as users have reported them.
_KNOWN = (
    Wording("Watched "),
    Wording(behind=" angesehen"),
    Wording("„", "“ angesehen"),
    Wording("Vous avez regardé "),
    Wording("Has visto "),
    Wording("Hai guardato "),
    Wording("Je hebt naar ", " gekeken"),
    Wording("Tittade på "),
    Wording("Så på "),
    Wording("Så "),
    Wording("Obejrzano: "),
    Wording("Zhlédli jste video "),
    Wording("Просмотрено видео "),
    Wording("Ви дивилися відео "),
    Wording("Ați vizionat "),
    Wording(behind=" katsottiin"),
    Wording(behind=" adlı videoyu izlediniz"),
    Wording(behind=" を視聴しました"),
    Wording(behind=" 을(를) 시청했습니다."),
)
_LAST_WORD = re.compile(r"\w+\Z")
_FIRST_WORD = re.compile(r"\A\w+")


def find_wordings(titles: Collection[str], others: Iterable[str]) -> list[Wording]:
    """Return the words around ``titles``, the longest first; empty if they cannot be distinguished from the titles.

    ``others`` are titles of the same file that are not read; only the entries of removed videos among them are used.
    """
    distinct = set(titles)
    removed = {_around_address(title) for title in (*distinct, *others) if ADDRESS.search(title)}
    seen = {words: sum(map(words.surrounds, distinct)) for words in (*removed, *_KNOWN)}
    common = [words for words, count in seen.items() if count > 0.9 * len(distinct)]
    if common:
        # A title that is an address and nothing else may be that of an advert, and shows no words.
        shown = [words for words in common if words in removed and words != Wording()]
        return [max(shown or common, key=_length)]
    if len(distinct) < 2:
        return []
    before, behind = _shared_beginning(distinct), _shared_beginning({title[::-1] for title in distinct})[::-1]
    shared = Wording(_LAST_WORD.sub("", before), _FIRST_WORD.sub("", behind))
    spoken = sorted((words for words, count in seen.items() if count), key=_length, reverse=True)
    surrounded = sum(any(words.surrounds(title) for words in spoken) for title in distinct)
    return spoken if shared == Wording() and surrounded > 0.9 * len(distinct) else [shared]


def _length(words: Wording) -> tuple[int, Wording]:
    return len(words.before) + len(words.behind), words


def _around_address(title: str) -> Wording:
    before, behind = ADDRESS.split(title, maxsplit=1)
    return Wording(before, behind)


def _shared_beginning(texts: Collection[str]) -> str:
    """Return the common beginning of all ``texts``: that of the first and the last in sorted order."""
    first, last = min(texts), max(texts)
    length = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first[: min(len(first), len(last)) if length is None else length]
