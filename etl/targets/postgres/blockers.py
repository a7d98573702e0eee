"""Finds the sessions of the server that hold a lock for which ours wait."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.statements import statement
from etl.targets.processes import describe_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adbc_driver_postgresql import dbapi

_OURS = re.compile(r"etl (\d+)")
"""The ``application_name`` of our sessions (see ``session``), with the id of their process."""


def blockers(raw: dbapi.Connection, pids: Sequence[int]) -> list[str]:
    """Return a sentence for each session that blocks one of the backends ``pids``, which are ours."""
    asked = pl.DataFrame({"pids": pl.Series(pids, dtype=pl.Int32).implode()})
    with raw.cursor() as cursor:
        cursor.execute(statement("postgres", "blockers"), asked)
        found = cursor.fetch_arrow_table().to_pylist()
    return [f"waiting for {_lock(one)} {session(one)}; Ctrl-C stops waiting" for one in found]


def session(found: dict[str, Any]) -> str:
    """Describe a session to the user: ``pid``, ``program``, ``username``, ``state`` and ``since``, if visible to us."""
    known = [found["program"], f"user {found['username']}" if found["username"] else None, _state(found)]
    about = ", ".join(filter(None, known))
    named = f"server process {found['pid']}{f' ({about})' if about else ''}"
    return f"{named}{''.join(_stopped(found['program'] or ''))}"


def _lock(found: dict[str, Any]) -> str:
    relation = f" on {found['relation']}" if found["relation"] else ""
    return f"a lock{relation} that is held by"


def _state(found: dict[str, Any]) -> str | None:
    return f"{found['state']} since {found['since']} UTC" if found["state"] and found["since"] else None


def _stopped(program: str) -> Iterator[str]:
    """Yield a note if the session belongs to a process of ours on this machine that is stopped."""
    if (own := _OURS.fullmatch(program)) and "stopped" in (words := describe_process(int(own[1]))):
        yield f": {words}"
