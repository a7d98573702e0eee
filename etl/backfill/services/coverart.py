"""Asks the Cover Art Archive whether a release or a release group has a front cover. Pure.

The archive redirects to the image at the Internet Archive, so the redirect proves that there is one. The URL that is
stored is the archive's own, as Koito does.
"""

from __future__ import annotations

from etl.backfill.services.request import Request, Response, Service

IMAGE_HOSTS = ("archive.org",)
"""The hosts of the images. A redirect to another host, such as a Wi-Fi log-in page, proves nothing."""


def front_cover(entity: str, mbid: str) -> Request[bool]:
    """Ask whether a front cover exists; ``entity`` is ``release`` or ``release-group``."""
    path = front_cover_path(entity, mbid)
    return Request(Service.COVERART, path, _is_found, bool, method="HEAD", answering_hosts=IMAGE_HOSTS)


def front_cover_path(entity: str, mbid: str) -> str:
    """Return the path of the front cover below the archive's base URL."""
    return f"/{entity}/{mbid}/front"


def _is_found(response: Response) -> bool:
    return not response.is_not_found
