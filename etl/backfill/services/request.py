"""Defines a request to a service, the response to it, and what can go wrong. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class Service(StrEnum):
    """The services that a backfill can query."""

    MUSICBRAINZ = "musicbrainz"
    COVERART = "coverart"
    DEEZER = "deezer"


class RequestFailedError(Exception):
    """A request had no usable response. This concerns one entity; the next run sends the request again."""


class ServiceBusyError(RequestFailedError):
    """The service is busy: send the same request again later, after ``pause`` seconds if the service says so."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class ServiceGivenUpError(RequestFailedError):
    """The service gets no more requests in this run."""


class StoppedError(Exception):
    """The run is stopping. The next run sends the unfinished requests."""


class Response(msgspec.Struct, frozen=True):
    """What a service sent: status 200 or 404, and the body."""

    status: int
    body: bytes = b""

    @property
    def is_not_found(self) -> bool:
        """Whether the service does not have what was requested."""
        return self.status == 404


class Request(msgspec.Struct, Generic[T], frozen=True):
    """A request for ``path`` below the service's base URL. ``parse`` turns the response into its answer.

    The answer is of ``answer_type``, which msgspec can encode and decode; a false value means that nothing was found.
    ``parse`` raises ``RequestFailedError``, ``msgspec.MsgspecError`` or ``UnicodeDecodeError``.
    """

    service: Service
    path: str
    parse: Callable[[Response], T]
    answer_type: type[T]
    params: Mapping[str, str] = msgspec.field(default_factory=dict)
    method: str = "GET"
    answering_hosts: tuple[str, ...] = ()
    """A redirect to one of these hosts, or below it, answers the request and is not followed."""

    @property
    def key(self) -> str:
        """The text that identifies this request among all requests to its service."""
        return " ".join([self.method, self.path, *(f"{name}={value}" for name, value in sorted(self.params.items()))])


class Fetch(Protocol):
    """Gets the answer to a request, from the cache or from the service."""

    def __call__(self, request: Request[T], /) -> T:
        """Return the answer. Raises ``RequestFailedError`` or ``StoppedError``."""
        ...
