"""Shows the runs of a home, one per row: when, from what, into what, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from etl.cli.output import show_table
from etl.core.dsn import SQLITE
from etl.core.lists import listed
from etl.core.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Manifest = Mapping[str, Any]

_HEADERS = ("run", "started", "target", "sources", "files", "inserted", "status", "exit", "seconds")
_RIGHT = (4, 5, 7, 8)
_BELOW = (2, 3, 4, 8)
_NAMED = 3  # sources of a run that are named


def show_runs(manifests: Iterable[Manifest], begun: set[str]) -> None:
    """Print a table of runs; the undo of those in ``begun`` was interrupted. Times are in the zone of this computer."""
    rows = [_row(manifest, is_begun=manifest["run_id"] in begun) for manifest in manifests]
    show_table(_HEADERS, rows, right=_RIGHT, below=_BELOW)


def target_name(dsn: str) -> str:
    """Return the common name of a database: ``embedded``, the path of a file, or ``host/database`` of a server."""
    if dsn == EMBEDDED:
        return dsn
    if dsn.startswith(SQLITE):
        return dsn.removeprefix(SQLITE)
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    host = parts.netloc.rpartition("@")[2] or query.get("host", ["localhost"])[0]
    return f"{host}/{parts.path.removeprefix('/') or query.get('dbname', [''])[0]}"


def _row(manifest: Manifest, *, is_begun: bool) -> tuple[object, ...]:
    code = manifest["exit_code"]
    return (
        manifest["run_id"],
        f"{_started(manifest):%Y-%m-%d %H:%M}",
        target_name(manifest.get("dsn", "")) if manifest.get("dsn") else "",
        listed(_sources(manifest), _NAMED),
        len(manifest.get("files", ())),
        _inserted(manifest),
        _status(manifest, is_begun=is_begun),
        "" if code is None else code,
        _seconds(manifest),
    )


def _started(manifest: Manifest) -> datetime:
    """Return when a run began; for a run without ``run.json``, its id says so."""
    if "started_at" in manifest:
        return datetime.fromisoformat(manifest["started_at"]).astimezone()
    return datetime.strptime(manifest["run_id"][:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone()


def _sources(manifest: Manifest) -> list[str]:
    """Return the services whose files were read, or else the source in the run's id, such as ``undo`` or ``auto``."""
    formats = [file.get("format") for file in manifest.get("files", ())]
    read = {name.partition("-")[0] for name in formats if name}  # a format is named after its source
    kind = manifest["run_id"].split("-")[1]
    return [kind] if "removed" in manifest or not read else sorted(read)


def _inserted(manifest: Manifest) -> object:
    """Return how many more listens the database has after a run; negative for a run that removed listens."""
    counts = manifest.get("counts", {})
    return -counts["removed"] if "removed" in counts else counts.get("inserted", "")


def _status(manifest: Manifest, *, is_begun: bool) -> str:
    """Return how a run ended, or that an undo removed all or part of what it inserted."""
    if manifest["undone_by"]:
        return "undone"
    return "part undone" if is_begun else str(manifest["status"]).replace("_", " ")


def _seconds(manifest: Manifest) -> str:
    if not manifest.get("finished_at"):
        return ""
    started, finished = (datetime.fromisoformat(manifest[name]) for name in ("started_at", "finished_at"))
    return f"{(finished - started).total_seconds():,.1f}"
