"""Defines the facts about a service that the comparison uses, and finds which service recorded a listen. Pure."""

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
    """How one service records plays, and how far its listens are preferred."""

    name: str
    """As in the column ``source`` of listens."""
    client: str | None
    """The client that only this service has, here as in Koito; null if its listens name other clients."""
    rank: int
    """Of two likely doubles, the one with the lower rank stays."""
    is_whole: bool = False
    """Whether it records how long a play lasted, not only when it began."""
    clock: str = START
    """Whether the stored second is the ``START`` or the ``END`` of the play."""
    title: str = ""
    """Its display name; by default ``name``."""


def service_of(services: Sequence[RecordingService], source: pl.Expr, client: pl.Expr) -> pl.Expr:
    """Return the service that recorded a listen; null if unknown.

    That is its ``source``. A listen from Koito's export, or from the database (null ``source``), belongs to the service
    whose client it names. If there is none, it is Koito's own in the export, and unknown in the database.
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
    """Return the display name of each service."""
    titles = {one.name: one.title or one.name for one in services}
    return service.replace_strict(titles, default=service, return_dtype=pl.String)


def _clients(services: Sequence[RecordingService]) -> dict[str, str]:
    return {one.client: one.name for one in services if one.client is not None}
