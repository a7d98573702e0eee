"""Resolves live listens whose keys are not cached: in rounds of one listen, as a run does, but without the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.schema import KeyStatus, Outcome
from etl.load.load_log import LoadLog
from etl.load.loader import Loader, Sizes
from etl.load.result import summarize
from etl.resolve.requests import distinct_requests
from etl.runs.accounting import OTHER_USER
from etl.targets import ledger
from etl.targets.open import find_target
from etl.targets.pool import Pool

if TYPE_CHECKING:
    from etl.core.workspace import Workspace


class Resolver:
    """Connects when it is first used. Only one thread at a time may use it."""

    def __init__(self, workspace: Workspace, user: str | None) -> None:
        self._workspace = workspace
        self._user = user
        self._pool: Pool | None = None
        self._user_id = 0

    def resolve(self, listen: pl.DataFrame) -> dict[str, Any]:
        """Resolve and store ``listen`` (schema NORMALIZED, one row); return the fields of ``Submitted`` that result.

        Raises ``DatabaseError`` if the database is not ready, ``SettingsError`` for an unknown user.
        """
        log = LoadLog()
        Loader(self._opened(), None, self._user_id, listen, Sizes(), log).resolve(distinct_requests(listen))
        result = summarize(log.entries())
        (key,) = result.keys.rows(named=True)
        ids = {name: key[name] for name in ("status", "artist_id", "album_id", "track_id")}
        if key["status"] == KeyStatus.FAILED:
            return {**ids, "outcome": str(Outcome.UNRESOLVED), "detail": key["detail"]}
        inserted, of_others = (
            pairs.filter(pl.col("track_id") == key["track_id"]).height
            for pairs in (result.inserted, result.of_other_users)
        )
        details = [OTHER_USER if of_others else None, key["detail"]]
        return {
            **ids,
            "outcome": str(Outcome.INSERTED if inserted else Outcome.ALREADY_PRESENT),
            "detail": "; ".join(filter(None, details)) or None,
            "created": {name: result.created.get(name, 0) for name in ("artists", "albums", "tracks")},
        }

    def _opened(self) -> Pool:
        if self._pool is None:
            target = find_target(self._workspace)
            connection, _ = target.open()
            self._pool = Pool(target, connection, 1, target.prepare_live_writer)
            self._user_id = self._pool.control(lambda control: ledger.find_user(control, self._user))
        return self._pool

    def close(self) -> None:
        """Close what was opened."""
        if self._pool is not None:
            self._pool.close()
