"""The Cover Art Archive: whether a release, or its release group, has a front cover. Pure.

It answers with a redirect to the image at the Internet Archive, which is as good as the image. What is stored, as
Koito does, is the archive's own address of it.
"""

from __future__ import annotations

from etl.backfill.services.request import Answer, Question, Service


def front(entity: str, mbid: str) -> Question[bool]:
    """Ask whether there is a front cover; ``entity`` is release or release-group."""
    return Question(Service.COVERART, front_path(entity, mbid), _is_there, bool, method="HEAD", elsewhere_is_found=True)


def front_path(entity: str, mbid: str) -> str:
    """Return the path of the front cover below the archive's address."""
    return f"/{entity}/{mbid}/front"


def _is_there(answer: Answer) -> bool:
    return not answer.is_missing
