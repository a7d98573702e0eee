"""Submits live listens: a cached key takes one statement or short transaction, any other goes through the resolver.

A history ends in the same rows whether it was submitted or loaded. The ledger records which files and runs brought
listens; live listens are not in it, just as Koito's own scrobbles are not.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from etl.core.schema import KeyStatus, Outcome
from etl.core.separators import DEFAULT_SEPARATORS
from etl.core.settings import RunSettings
from etl.core.workspace import find_workspace
from etl.live.listen import Listen, Submitted, ValidListen, rejected_all, validate
from etl.normalize.listens import Rules
from etl.runs.accounting import OTHER_USER
from etl.targets.base import NEEDS_NEW_PLAN, Failure, StatementError
from etl.targets.ledger import RETRIES
from etl.targets.open import find_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from etl.core.workspace import Workspace
    from etl.live.resolver import Resolver
    from etl.normalize.fast_path import Single
    from etl.targets.base import Connection, Target

__all__ = ["Listen", "LiveConnection", "Submitted", "open_live", "submit_listen", "submit_listenbrainz"]


def submit_listen(live: LiveConnection, listen: Listen) -> Submitted:
    """Store ``listen`` and return what became of it. An invalid listen gives a result, never an exception.

    Raises ``DatabaseError`` if the database is lost or not ready, ``SettingsError`` for an unknown user.

        from datetime import UTC, datetime
        import etl

        with etl.open_live("postgresql://koito@localhost/koitodb") as live:
            listen = etl.Listen("Björk", "Jóga", datetime.now(UTC), album="Homogenic", duration=305)
            done = etl.submit_listen(live, listen)
        print(done.outcome, done.track_id)  # inserted 17
    """
    validated = validate(listen, live.rules())
    return live.submit(validated) if isinstance(validated, ValidListen) else validated


def submit_listenbrainz(live: LiveConnection, data: bytes) -> list[Submitted]:
    """Store ListenBrainz submissions in the order of their times. If one listen is rejected, none is stored.

    Returns and raises as ``submit_listen`` does, and raises ``InputError`` if ``data`` contains no listens.
    """
    from etl.live.listenbrainz import validate_submissions  # noqa: PLC0415 (imports all formats)

    validated = validate_submissions(data, live.rules())
    results = rejected_all(validated)
    return submit_validated(live, validated) if results is None else results


def submit_validated(live: LiveConnection, validated: Sequence[ValidListen | Submitted]) -> list[Submitted]:
    """Store the valid listens of ``validated`` in the order of their times; return the results in the order given."""
    results = {one.row: one for one in validated if isinstance(one, Submitted)}
    seen: set[tuple[int | None, int]] = set()
    for one in sorted(
        (one for one in validated if isinstance(one, ValidListen)), key=lambda ready: ready.single.second
    ):
        done = live.submit(one)
        pair = (done.track_id, one.single.second)
        if pair in seen and done.outcome == Outcome.ALREADY_PRESENT:
            done = replace(done, outcome=str(Outcome.DUPLICATE_IN_INPUT))
        seen.add(pair)
        results[one.row] = done
    return [results[one.row] for one in validated]


class LiveConnection:
    """A connection for live listens, opened by ``open_live``. Only one thread at a time may use it."""

    def __init__(self, target: Target, connection: Connection, workspace: Workspace, settings: RunSettings) -> None:
        """Use ``connection``, in autocommit, for cached keys; other keys open their own connection."""
        self._target = target
        self._connection = connection
        self._workspace = workspace
        self._resolver: Resolver | None = None
        self._separators = settings.separators
        self._user = settings.user
        self._user_id: int | None = None

    def rules(self) -> Rules:
        """Return the rules that apply to a listen at this moment."""
        return Rules(datetime.now(UTC), self._separators)

    def submit(self, ready: ValidListen) -> Submitted:
        """Store a listen."""
        found = self._submit_cached(ready.single)
        if found and not found["unsettled"]:
            return ready.result(**_became(found, ready.single))
        resolved = self._resolve(ready.frame())
        if found:  # the statement stored the listen; the resolver added the MBIDs of its artists
            became = _became(found, ready.single)
            resolved |= {"status": became["status"], "outcome": became["outcome"]}
        return ready.result(**resolved)

    def _submit_cached(self, single: Single) -> dict[str, Any] | None:
        """Run the one statement of a cached key and return its row; None if the key is not cached."""
        for attempt in range(RETRIES + 1):
            try:
                rows = self._target.submit_cached(self._connection, single, self._user, self._user_id).rows(named=True)
            except StatementError as error:
                if error.failure is Failure.NOT_READY:
                    return None
                # Koito has just merged or deleted the entity, or another entity got the same MBID
                needs_new_plan = error.failure in (*NEEDS_NEW_PLAN, Failure.TRANSIENT)
                if not needs_new_plan or attempt == RETRIES:
                    raise
                continue
            if not rows:
                return None
            self._user_id = rows[0]["user_id"]
            if rows[0]["inserted"] or rows[0]["held_for"] is not None:
                return rows[0]
            # the same listen was inserted at this very moment: another attempt shows for which user
        return None

    def _resolve(self, listen: pl.DataFrame) -> dict[str, Any]:
        from etl.live.resolver import Resolver  # noqa: PLC0415 (most processes do not need it)

        if self._resolver is None:
            self._resolver = Resolver(self._workspace, self._user)
        return self._resolver.resolve(listen)

    def close(self) -> None:
        """Close what was opened."""
        if self._resolver is not None:
            self._resolver.close()
        self._connection.close()


def _became(row: dict[str, Any], single: Single) -> dict[str, Any]:
    """Return the fields of ``Submitted`` that the row of a cached key's statement gives."""
    details = []
    if not row["inserted"] and row["held_for"] != row["user_id"]:
        details.append(OTHER_USER)
    if row["foreign_recording"] or row["foreign_release"]:
        from etl.resolve.planner import foreign_mbid  # noqa: PLC0415 (seldom)

        kind = "recording" if row["foreign_recording"] else "release"
        details.append(foreign_mbid(kind, getattr(single, f"{kind}_mbid")))
    return {
        "outcome": str(Outcome.INSERTED if row["inserted"] else Outcome.ALREADY_PRESENT),
        "detail": "; ".join(details) or None,
        "status": str(KeyStatus.HIT),
        **{name: row[name] for name in ("artist_id", "album_id", "track_id")},
    }


@contextmanager
def open_live(
    dsn: str | None = None, *, home: str | None = None, user: str | None = None, artist_separators: str | None = None
) -> Iterator[LiveConnection]:
    """Connect for live listens; leaving the context closes everything that was opened.

    ``dsn``, ``home``, ``user`` and ``artist_separators`` mean the same as the options of ``etl run``, with the same
    defaults. Raises ``SettingsError`` and ``DatabaseError``.
    """
    workspace = find_workspace(home, dsn)
    settings = RunSettings(user=user, artist_separators=artist_separators or DEFAULT_SEPARATORS)
    live = connect_live(workspace, settings)
    try:
        yield live
    finally:
        live.close()


def connect_live(workspace: Workspace, settings: RunSettings) -> LiveConnection:
    """Return a connection for live listens; only the user and the artist separators of ``settings`` are used."""
    target = find_target(workspace)
    return LiveConnection(target, target.open_live(), workspace, settings)
