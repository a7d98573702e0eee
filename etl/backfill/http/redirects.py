"""Decides which redirects may be followed, so that no other host learns the contact in the User-Agent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.backfill.services.request import RequestFailedError

if TYPE_CHECKING:
    from collections.abc import Collection

    import httpx


def redirect_target(url: httpx.URL, location: str, answering_hosts: Collection[str]) -> httpx.URL | None:
    """Return where to send the request to ``url`` again; None if the redirect is the answer, and is not followed.

    A redirect answers a request if it leads to one of ``answering_hosts`` or below it. Every other one must stay at the
    host, and never leaves https. Raises ``RequestFailedError`` otherwise.
    """
    target = url.join(location)
    if target.scheme not in ("http", "https") or not target.host:
        raise RequestFailedError(f"{url.host} redirects to an address that is not a web page")
    if any(target.host == host or target.host.endswith(f".{host}") for host in answering_hosts):
        return None
    if target.host != url.host:
        raise RequestFailedError(f"{url.host} redirects to another host, {target.host}, which gets no requests")
    if url.scheme == "https" and target.scheme == "http":
        raise RequestFailedError(f"{url.host} redirects to http, which is not encrypted")
    return target
