"""A question to a service, and what becomes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class Service(StrEnum):
    """Whom we ask."""

    MUSICBRAINZ = "musicbrainz"
    COVERART = "coverart"
    DEEZER = "deezer"


class FailedError(Exception):
    """A question was not answered, or not as documented: data about one entity, which the next run asks again."""


class BusyError(FailedError):
    """The service has no time now: the same question later, after ``pause`` seconds if it says so."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class UnreachableError(FailedError):
    """A service is not asked any more in this run."""


class StoppedError(Exception):
    """The run ends; what was under way is left for the next one."""


@dataclass(frozen=True)
class Answer:
    """What a service sent. ``url`` is where it came from, ``status`` 200, 404 or that of a redirect to another host."""

    status: int
    url: str
    body: bytes = b""

    @property
    def is_missing(self) -> bool:
        """Whether the service does not have what was asked for."""
        return self.status == 404


@dataclass(frozen=True)
class Question(Generic[T]):
    """A request of ``path`` below the service's address. ``parse`` turns the answer into a value of ``kind``.

    ``kind`` is a type that msgspec can write and read; a false value means that nothing was found. ``parse`` raises
    ``FailedError``.
    """

    service: Service
    path: str
    parse: Callable[[Answer], T]
    kind: type[T]
    params: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    elsewhere_is_found: bool = False
    """A redirect to another host is the answer, not followed."""

    @property
    def text(self) -> str:
        """What tells questions to one service apart."""
        return " ".join([self.method, self.path, *(f"{name}={value}" for name, value in sorted(self.params.items()))])


class Ask(Protocol):
    """Answers a question: from the cache, or by asking. Raises ``FailedError`` or ``StoppedError``."""

    def __call__(self, question: Question[T], /) -> T:
        """Return the value of the answer."""
        ...
