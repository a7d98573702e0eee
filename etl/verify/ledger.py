"""Compares ``run.json`` with the ledger in the database."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.schema import FileStatus, RunStatus
from etl.verify.checks import Check, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from etl.targets.base import Connection

DIFFERENCES = pl.Schema({"what": pl.String, "run_json": pl.String, "ledger": pl.String})
ABOUT = "the ledger in the database agrees with run.json"


def read_run(connection: Connection, run_id: str) -> dict[str, Any] | None:
    """Return what the ledger records of a run and its batches; None if the run is not in it."""
    return next(connection.query("ledger_run", run_id).iter_rows(named=True), None)


def check_ledger(connection: Connection, manifest: dict[str, Any]) -> Check:
    """Compare ``manifest`` (``run.json``) with the ledger."""
    run_id = manifest["run_id"]
    held = read_run(connection, run_id)
    if held is None:
        rows = [("run", run_id, "not in the ledger")]
        reason = "another database, or the ledger was removed (`etl db uninstall`) or restored since"
        return Check("ledger", ABOUT, Result.FAILED, _frame(rows), reason)
    loaded = pl.Series(sorted({file["sha256"] for file in _loaded(manifest)}), dtype=pl.String)
    files = connection.query("ledger_files", run_id, loaded).to_dicts()
    rows = [*_differences(manifest, held), *_file_differences(manifest, files)]
    late = _more_than_recorded(manifest, held)
    found = Check.of("ledger", ABOUT, _frame(rows))
    return Check(found.name, found.about, found.result, found.rows, late)


def _differences(manifest: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield each difference: its name, the value in ``run.json`` and the value in the ledger.

    A failed run may not have received the answer to its last commit, so the ledger may have more than ``run.json``.
    """
    is_cut_short = manifest["error"] is not None
    counted = {"inserted": _inserted(manifest), **manifest["created"]}
    for name, recorded in counted.items():
        if held[name] < recorded or (held[name] > recorded and not is_cut_short):
            yield name if name == "inserted" else f"created {name}", recorded, held[name]
    if held["finished"]:
        for name in ("status", "exit_code"):
            if held[name] != manifest[name]:
                yield name, manifest[name], held[name]
        if held["stored"] != held["inserted"]:
            yield "inserted, in the ledger's run and its batches", held["stored"], held["inserted"]
    elif not is_cut_short:
        yield "status", manifest["status"], "not finished"


def _inserted(manifest: Mapping[str, Any]) -> int:
    """Return what the batches must have inserted; ``run.json`` of an earlier version lacks ``removed_meanwhile``."""
    return int(manifest["counts"]["inserted"] + manifest.get("removed_meanwhile", 0))


def _more_than_recorded(manifest: Mapping[str, Any], held: Mapping[str, Any]) -> str:
    more = held["inserted"] - _inserted(manifest)
    if manifest["error"] is None or more <= 0:
        return ""
    return f"the run was cut short before it recorded {more:,} more listens that it had inserted"


def _file_differences(manifest: Mapping[str, Any], held: list[dict[str, Any]]) -> Iterator[tuple[str, Any, Any]]:
    """Yield files that are not in the ledger or have other numbers there.

    A replay has no files in the ledger, and a later run may have taken over those of this one.
    """
    if not _owns_files(manifest):
        return
    of_run = {(row["sha256"], row["format"]): row for row in held if row["run_id"] == manifest["run_id"]}
    known = {(row["sha256"], row["format"]) for row in held}
    unresolved: Counter[tuple[str, str]] = Counter()
    for file in _loaded(manifest):  # copies of one file are counted together
        unresolved[file["sha256"], file["format"]] += file["counts"]["unresolved"]
    for file in _loaded(manifest):
        path, content, counts = file["path"], (file["sha256"], file["format"]), file["counts"]
        row = of_run.get(content)
        if row is None:
            if content not in known:
                yield path, "loaded", "not in the ledger"
        elif not row["finished"]:
            yield path, "loaded", "not finished"
        elif row["records"] != counts["records"]:
            yield f"records of {path}", counts["records"], row["records"]
        elif row["unresolved"] > unresolved[content]:  # a replay reduces this number
            yield f"unresolved of {path}", unresolved[content], row["unresolved"]


def _owns_files(manifest: Mapping[str, Any]) -> bool:
    is_replay = manifest["settings"].get("replay_of") is not None
    return manifest["status"] in (RunStatus.COMPLETE, RunStatus.PARTIAL) and not is_replay


def _loaded(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [file for file in manifest["files"] if file["status"] == FileStatus.LOADED and file["sha256"]]


def _frame(rows: list[tuple[str, Any, Any]]) -> pl.DataFrame:
    texts = [tuple(map(str, row)) for row in rows]
    return pl.DataFrame(texts, schema=DIFFERENCES, orient="row")
