"""Says what the comparison has to know of a service, and which service recorded a listen. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

START: Final = "start"
END: Final = "end"
LISTENBRAINZ: Final = "listenbrainz"
KOITO: Final = "koito"


class RecordingService(NamedTuple):
    """What one service records of a play, and what its listens are worth."""

    name: str
    """As in the column ``source`` of listens."""
    client: str | None
    """The client that stands for this service alone, here as in Koito; null if its listens name others."""
    rank: int
    """Of two likely doubles the one of the lower rank stays."""
    is_whole: bool = False
    """It records how long a play lasted, not only when it began."""
    clock: str = START
    """What the second that is stored is: the ``START`` or the ``END`` of the play."""
    title: str = ""
    """Its name for people; by default ``name``."""


def service_of(services: Sequence[RecordingService], source: pl.Expr, client: pl.Expr) -> pl.Expr:
    """Return who recorded a listen; null if that cannot be known.

    That is its ``source``. A listen that Koito handed on, or that the database holds (null ``source``), is the
    service's whose client it names; else Koito's own, or nobody's.
    """
    handed_on = source.is_null() | (source == KOITO)
    of_client = client.replace_strict(_clients(services), default=None, return_dtype=pl.String)
    return pl.when(handed_on).then(pl.coalesce(of_client, source)).otherwise(source)


def rank_of(services: Sequence[RecordingService], service: pl.Expr) -> pl.Expr:
    """Return the rank of each service; an unknown one comes last."""
    ranks = {one.name: one.rank for one in services}
    return service.replace_strict(ranks, default=max(ranks.values(), default=0) + 1, return_dtype=pl.Int64)


def is_one_of(service: pl.Expr, wanted: Iterable[RecordingService]) -> pl.Expr:
    """Say whether a service is one of ``wanted``; an unknown one is not."""
    return service.is_in([one.name for one in wanted]).fill_null(value=False)


def title_of(services: Sequence[RecordingService], service: pl.Expr) -> pl.Expr:
    """Return the name for people of each service."""
    titles = {one.name: one.title or one.name for one in services}
    return service.replace_strict(titles, default=service, return_dtype=pl.String)


def _clients(services: Sequence[RecordingService]) -> dict[str, str]:
    return {one.client: one.name for one in services if one.client is not None}
