"""Explains what became of one row of a run, and why, using only ``run.json`` and the Parquet files."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from etl.core.errors import InputError, SettingsError
from etl.core.lists import listed
from etl.core.reasons import Reason, RejectReason, SkipReason
from etl.core.schema import FileStatus, KeyStatus, Outcome, RunStatus
from etl.dedupe import ACCOUNT_TWIN, SAME_AS
from etl.runs.directory import list_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from etl.runs.directory import RunDirectory

_NAMED = 3
_PLACE = re.compile(r"(.+):0*([1-9][0-9]{0,14})", re.DOTALL)
_HELD = re.compile(r"database!\d+:-?\d+")
_IS_IN = (str(Outcome.INSERTED), str(Outcome.ALREADY_PRESENT))

KEY_STATUS = {
    KeyStatus.HIT: "track_lookup had its ids before the run",
    KeyStatus.RESOLVED: "the run found or created its ids",
    KeyStatus.FAILED: "it has no ids",
    KeyStatus.NOT_REACHED: "the run ended before it looked for its ids",
}


class Explanation(msgspec.Struct, frozen=True):
    """What the files of a run say about one row."""

    run_id: str
    """The run that read the row."""
    known_to: str | None
    """The run that the user asked about, if it did not read the file because it knew it."""
    file: str
    row: int
    format: str
    verdict: str
    """``skipped``, ``rejected`` or an outcome."""
    meaning: str
    """A sentence."""
    rows: dict[str, dict[str, Any] | None]
    """The row in each Parquet file of the run, by the name of the file; None if it is not in that file."""
    duplicate_of: str | None
    """The listen that counts instead of a duplicate: another ``FILE:ROW``, or ``database!TRACK:SECOND``."""
    undone_by: str | None = None
    """The undo that undid the run, if any."""

    def as_json(self) -> dict[str, Any]:
        """Return the explanation as ``etl explain --json`` prints it."""
        return {
            "run_id": self.run_id,
            "known_to": self.known_to,
            "file": self.file,
            "row": self.row,
            "format": self.format,
            "verdict": self.verdict,
            "meaning": self.meaning,
            "duplicate_of": self.duplicate_of,
            "undone_by": self.undone_by,
            **self.rows,
        }


def explain(run: RunDirectory, runs: Path, place: str) -> Explanation:
    """Return what became of the row at ``place`` (FILE:ROW) in ``run``; ``runs`` is the folder of earlier runs.

    Raises ``SettingsError`` for an invalid place, ``InputError`` if there is no such file or row.
    """
    run.check_load()
    wanted, row = parse_place(place)
    manifest = run.read_manifest()
    file = find_file(manifest["files"], wanted)
    if file["status"] == FileStatus.KNOWN:
        return _from_an_earlier_run(run, runs, file, row)
    if file["status"] != FileStatus.LOADED:
        status = FileStatus(file["status"]).label
        raise InputError(f"{file['path']} was {status} by run {run.run_id}: {file['reason']}")
    found = _look(run, manifest, file, row)
    if found is None:
        raise _no_such_row(manifest, file, row)
    return found


def parse_place(place: str) -> tuple[str, int]:
    """Split FILE:ROW at its last colon; raises ``SettingsError`` if that is impossible."""
    found = _PLACE.fullmatch(place)
    if found is None:
        raise SettingsError(
            f'"{place}" is not a row',
            "Write FILE:ROW: the end of the file's path, a colon, and the number of the row, from 1",
        )
    return found[1], int(found[2])


def find_file(files: Sequence[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """Return the entry of ``files`` (as in ``run.json``) whose path is ``wanted``, or the only one that ends with it.

    A match that starts with a whole file or folder name is preferred. Raises ``InputError``.
    """
    tiers = (
        [file for file in files if file["path"] == wanted],
        [file for file in files if file["path"].endswith((f"/{wanted}", f"!{wanted}"))],
        [file for file in files if file["path"].endswith(wanted)],
    )
    found = next(filter(None, tiers), [])
    if len({file["path"] for file in found}) == 1:
        return found[0]
    if found:
        raise InputError(f'several files of the run end with "{wanted}"', f"Write more of the path: {_listed(found)}")
    raise InputError(f'no file of the run ends with "{wanted}"', _nearest(files, wanted))


def _listed(files: Sequence[dict[str, Any]]) -> str:
    return listed([file["path"] for file in files], _NAMED)


def _nearest(files: Sequence[dict[str, Any]], wanted: str) -> str:
    by_name = {_base(file["path"]): file for file in files}
    near = [by_name[name] for name in get_close_matches(_base(wanted), by_name, _NAMED, cutoff=0.5)]
    if near:
        return f"Near: {_listed(near)}"
    return f"Its files: {_listed(files)}" if files else "It has no files"


def _base(path: str) -> str:
    return path.replace("!", "/").rsplit("/", 1)[-1]


def _no_such_row(manifest: dict[str, Any], file: dict[str, Any], row: int) -> InputError:
    records = file["counts"]["records"]
    replayed = manifest["settings"].get("replay_of")
    if replayed:
        problem = f"row {row:,} of {file['path']} is not among the {records:,} that run {manifest['run_id']} replayed"
        return InputError(problem, f"`etl explain {replayed} FILE:ROW` explains the others")
    return InputError(f"{file['path']} has no row {row:,}", f"It has {records:,}, counted from 1")


def _from_an_earlier_run(run: RunDirectory, runs: Path, file: dict[str, Any], row: int) -> Explanation:
    """Explain a row of a file that ``run`` did not read, from the newest earlier run that has this row."""
    beyond = None
    for earlier, manifest, same in _loaded_before(run, runs, file["sha256"]):
        found = _look(earlier, manifest, same, row, known_to=run.run_id)
        if found is not None:
            return found
        beyond = _no_such_row(manifest, same, row)
    raise beyond or InputError(
        f"{file['path']} was known to run {run.run_id}, and no earlier run in {runs} has loaded it",
        "The run that loaded it was deleted, or used another --home; `etl run --force` reads the file again",
    )


def _loaded_before(
    run: RunDirectory, runs: Path, sha256: str
) -> Iterator[tuple[RunDirectory, dict[str, Any], dict[str, Any]]]:
    """Yield the runs before ``run`` that loaded these bytes, the newest first, with manifest and entry of the file."""
    listed = list_runs(runs)
    earlier = listed[: [one.run_id for one in listed].index(run.run_id)] if run in listed else listed
    for one in reversed(earlier):
        try:
            manifest = one.read_manifest()
        except InputError:  # the run did not finish
            continue
        if manifest["status"] == RunStatus.DRY_RUN:
            continue
        for file in manifest["files"]:
            if file["status"] == FileStatus.LOADED and file["sha256"] == sha256:
                yield one, manifest, file
                break


def _look(
    run: RunDirectory, manifest: dict[str, Any], file: dict[str, Any], row: int, known_to: str | None = None
) -> Explanation | None:
    """Return what the Parquet files of ``run`` say about a row; None if they do not have it."""
    path = file["path"]
    is_it = (pl.col("file") == path) & (pl.col("row") == row)
    rows = {name: _one(run, name, is_it) for name in ("skipped", "rejects", "listens", "outcome", "likely_doubles")}
    skipped, rejected, outcome, pair = rows["skipped"], rows["rejects"], rows["outcome"], rows["likely_doubles"]
    key, original = None, None
    if skipped is not None and pair is not None:
        verdict, meaning = "skipped", f"skipped: {_double(pair)}. `etl run --doubles keep` loads it"
    elif skipped is not None:
        verdict, meaning = "skipped", _because("skipped", SkipReason, skipped["reason"])
    elif rejected is not None:
        verdict, meaning = "rejected", _because("rejected", RejectReason, rejected["reason"])
    elif outcome is not None:
        key = _one(run, "keys", pl.col("lookup_key") == outcome["lookup_key"])
        original = _original(run, outcome)
        verdict, meaning = outcome["outcome"], _describe_outcome(outcome, key, original, manifest["status"])
        meaning += f"; {_double(pair)}" if pair is not None else _double_without_evidence(outcome)
    else:
        return None
    return Explanation(
        run_id=run.run_id,
        known_to=known_to,
        file=path,
        row=row,
        format=file["format"],
        verdict=verdict,
        meaning=meaning,
        rows={**rows, "keys": key},
        duplicate_of=original,
        undone_by=manifest.get("undone_by"),
    )


def _one(run: RunDirectory, name: str, wanted: pl.Expr) -> dict[str, Any] | None:
    found = run.read_where(name, wanted).head(1).to_dicts()
    return found[0] if found else None


def _original(run: RunDirectory, outcome: dict[str, Any]) -> str | None:
    """Return what counts instead of a duplicate: the listen in its detail, else the row of that track and second."""
    if (detail := outcome["detail"] or "").startswith(SAME_AS):
        return detail.removeprefix(SAME_AS)
    if outcome["outcome"] != Outcome.DUPLICATE_IN_INPUT:
        return None
    same = (pl.col("track_id") == outcome["track_id"]) & (pl.col("listened_at") == outcome["listened_at"])
    found = _one(run, "outcome", same & pl.col("outcome").is_in(_IS_IN))
    return f"{found['file']}:{found['row']}" if found else outcome["double_of"]


def _because(verdict: str, reasons: type[Reason], word: str) -> str:
    meaning = next((f", {reason.meaning}" for reason in reasons if reason == word), "")
    return f"{verdict}: {word}{meaning}"


def _double(pair: dict[str, Any]) -> str:
    """Say which listen a row (of ``likely_doubles.parquet``) is a double of, and why."""
    return f"likely a double of {_partner(pair)}. Evidence: {pair['evidence']}"


def _partner(pair: dict[str, Any]) -> str:
    """Name the listen that a row is a double of: as FILE:ROW, or in words if it is in the database."""
    if not _HELD.fullmatch(pair["double_of"]):
        return str(pair["double_of"])
    names = [pair[name] for name in ("of_artist", "of_track") if pair[name]]
    named = f'"{" - ".join(names)}"' if names else "the listen"
    return f"{named} of {pair['of_listened_at']:%Y-%m-%d %H:%M:%S} UTC in the database"


def _double_without_evidence(outcome: dict[str, Any]) -> str:
    """Say of which listen a row is a double from its outcome: earlier versions wrote no ``likely_doubles.parquet``."""
    detail, double_of = outcome["detail"], outcome["double_of"]
    if double_of and detail == ACCOUNT_TWIN:
        return f"; the database also has it from Spotify's account data, to the minute: {double_of}"
    return f"; likely a double of {double_of}, which another service recorded" if double_of else ""


def _describe_outcome(outcome: dict[str, Any], key: dict[str, Any] | None, original: str | None, status: str) -> str:
    """Say in a sentence what became of a listen."""
    detail = outcome["detail"]
    match outcome["outcome"]:
        case Outcome.INSERTED:
            done = "would be inserted" if status == RunStatus.DRY_RUN else "inserted"
            return f"{done}: the database did not have it"
        case Outcome.ALREADY_PRESENT:
            said = f"{SAME_AS}{original}" if original else "the database had this track at this second before"
            of_other = "the database has it for another user, and can store it for only one"
            return f"already present: {of_other if detail == 'other_user' else said}"
        case Outcome.DUPLICATE_IN_INPUT:
            what = SAME_AS if detail else "the same track at the same second as "
            return f"duplicate in the input: {what}{original or 'another row of the run'}"
        case Outcome.NOT_REACHED:
            return f"not reached, so the run did not load it: {detail}; run the same command again to load it"
        case _:
            why = f"its key could not be resolved: {key['detail']}" if key and key["status"] == "failed" else detail
            return f"unresolved, so it is not in the database: {why}"
