"""Verifies one run: its Parquet files, ``run.json``, the ledger, and the listens that are in the database."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.dsn import redact
from etl.core.errors import InputError
from etl.runs.directory import is_removal
from etl.runs.identity import RUN_JSON
from etl.runs.insertions import read_removed
from etl.verify.checks import Check, Result, Verdict
from etl.verify.files import opened, run_checks
from etl.verify.ledger import ABOUT as LEDGER_ABOUT
from etl.verify.ledger import check_ledger, read_run
from etl.verify.listens import CHANGES_ABOUT, LISTENS_ABOUT, check_listens, count_stored
from etl.verify.session import snapshot
from etl.verify.undone import check_removal_ledger, check_removed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl.core.workspace import Workspace
    from etl.runs.directory import RunDirectory
    from etl.targets.base import Connection
    from etl.targets.pool import Pool

logger = logging.getLogger(__name__)

FILES_ABOUT = "the Parquet files are there and can be read"
IN_DATABASE = {"listens": LISTENS_ABOUT, "changes": CHANGES_ABOUT}
NEEDS_FILES = "it needs the Parquet files"
DRY_RUN = "a dry run writes nothing to the database"
NOT_ENDED = (
    "the run has no run.json: it is still running, or it was killed, and running the same command again completes it"
)
UNFINISHED = "unfinished"


def verify_run(run: RunDirectory, workspace: Workspace) -> Verdict:
    """Check ``run`` against itself and, unless it was a dry run, against the database of ``workspace``.

    Raises ``InputError`` if ``run.json`` cannot be read, ``DatabaseError`` if the database cannot be read.
    """
    if not (run.path / RUN_JSON).exists():
        return _verify_unfinished(run, workspace)
    manifest = run.read_manifest()
    about = {"run_id": run.run_id, "status": manifest["status"]}
    if manifest.get("undone_by"):
        about["undone_by"] = manifest["undone_by"]
    if is_removal(manifest):
        return _verify_removal(run, manifest, workspace)
    if manifest["settings"]["dry_run"]:
        checks, _ = _check_files(run, manifest, None)
        return Verdict([*checks, *_not_checked({"ledger": LEDGER_ABOUT, **IN_DATABASE}, DRY_RUN)], about)
    if redact(workspace.dsn) != manifest["dsn"]:
        logger.warning("run %s loaded into %s, but this is %s", run.run_id, manifest["dsn"], redact(workspace.dsn))
    with snapshot(workspace) as pool:
        ledger = pool.control(lambda control: check_ledger(control, manifest))
        checks, numbers = _check_files(run, manifest, pool)
    return Verdict([*checks, ledger], {**about, "dsn": redact(workspace.dsn), **numbers})


def _verify_removal(run: RunDirectory, manifest: Mapping[str, Any], workspace: Workspace) -> Verdict:
    """Check that the counts of an undo or dedupe, its Parquet file and the ledger agree."""
    about = {"run_id": run.run_id, "status": manifest["status"]}
    counts = check_removed(manifest, read_removed(run))
    if manifest["settings"]["dry_run"]:
        return Verdict([counts, *_not_checked({"ledger": LEDGER_ABOUT}, DRY_RUN)], about)
    with snapshot(workspace) as pool:
        ledger = pool.control(lambda control: check_removal_ledger(control, manifest))
    return Verdict([counts, ledger], {**about, "dsn": redact(workspace.dsn)})


def _check_files(
    run: RunDirectory, manifest: Mapping[str, Any], pool: Pool | None
) -> tuple[list[Check], dict[str, Any]]:
    """Check the files against each other and, with a ``pool``, their listens against the database."""
    try:
        with opened(run, manifest) as files:
            checks = [Check("files", FILES_ABOUT, Result.OK), *files.check()]
            if pool is None:
                return checks, {}
            more, numbers = pool.control(lambda control: check_listens(control, files, run.run_id))
            return [*checks, *more], numbers
    except InputError as error:
        # a run that could not write its files has reported that
        result = Result.NOT_CHECKED if manifest["error"] else Result.FAILED
        broken = Check("files", FILES_ABOUT, result, reason=str(error))
        others = {check.name: check.about for check in run_checks()}
        return [broken, *_not_checked({**others, **IN_DATABASE}, NEEDS_FILES)], {}


def _verify_unfinished(run: RunDirectory, workspace: Workspace) -> Verdict:
    """Report what a run without ``run.json`` has left: no file says what its result should be."""
    with snapshot(workspace) as pool:
        held = pool.control(lambda control: read_run(control, run.run_id))
        stored = pool.control(lambda control: _present(control, run))
    batches = f"its batches inserted {held['inserted']:,} listens" if held else "the ledger does not know the run"
    checks = [
        Check("files", FILES_ABOUT, Result.NOT_CHECKED, reason=NOT_ENDED),
        Check("ledger", LEDGER_ABOUT, Result.NOT_CHECKED, reason=batches),
        Check("listens", LISTENS_ABOUT, Result.NOT_CHECKED, reason=stored),
    ]
    return Verdict(checks, {"run_id": run.run_id, "status": UNFINISHED, "dsn": redact(workspace.dsn)})


def _present(connection: Connection, run: RunDirectory) -> str:
    """Say how many of the listens that ``run`` read are in the database."""
    try:
        listens = run.read_frame("listens").select("lookup_key", "listened_at")
    except InputError:
        return "it had not read all files"
    lookup = connection.query("lookup_keys", listens.get_column("lookup_key").unique())
    pairs = listens.join(lookup, on="lookup_key").select("track_id", second=pl.col("listened_at").dt.epoch("s"))
    present = count_stored(connection, pairs.unique()).listens
    return f"{present:,} of the {listens.height:,} listens that it read are in the database"


def _not_checked(names: Mapping[str, str], reason: str) -> list[Check]:
    return [Check(name, about, Result.NOT_CHECKED, reason=reason) for name, about in names.items()]
