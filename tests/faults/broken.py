"""Loads that something breaks, and the checks of each: it claims no more than is stored, and the next completes it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.core.errors import EtlError, ExitCode
from etl.core.progress import NullProgress
from etl.core.settings import RunSettings
from etl.core.workspace import Workspace
from etl.load.loader import Sizes
from etl.pipeline.run import run
from tests.helpers.disturbances import inserted
from tests.helpers.support import content, load

if TYPE_CHECKING:
    from collections.abc import Callable

IN_PIECES = Sizes(batch=3, round=7)
Content = list[tuple[str, str]]


def load_until(
    home: Path,
    uri: str,
    export: Path,
    begun: Callable[[], None] = lambda: None,
    **settings: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Load in small batches and return the manifest; ``begun`` is called when the run is about to load.

    A run that ends without a directory of its own gives its error and its exit code alone.
    """

    class Begun(NullProgress):
        def begin(self, run_id: str) -> None:  # noqa: ARG002 (as NullProgress has it)
            begun()

    chosen = replace(RunSettings(), **settings)
    try:
        return run(Workspace(home, uri), chosen, [export], Begun(), IN_PIECES)
    except EtlError as error:
        return {"exit_code": error.exit_code, "error": str(error)}


def is_lost(manifest: dict[str, Any], uri: str) -> bool:
    """Check that a run lost its server, and that it claims no more than the database has."""
    committed = inserted(uri)
    if manifest["exit_code"] == ExitCode.OK:
        return False
    assert manifest["exit_code"] == ExitCode.DATABASE, manifest["error"]
    assert " again" in manifest["error"] or "Check that the server is up" in manifest["error"]
    if "run_dir" in manifest:
        reported = json.loads((Path(manifest["run_dir"]) / "run.json").read_text())
        assert reported["status"] == manifest["status"] == "failed"
        # a batch whose commit was not answered may be there or not
        assert reported["counts"]["inserted"] <= committed
    return True


def check_completed(home: Path, uri: str, export: Path, undisturbed: Content) -> None:
    """Run again, undisturbed: the tables are as if nothing had happened, and all batches add up to them."""
    again = load(home, uri, export)
    assert (again["exit_code"], again["imbalances"]) == (ExitCode.OK, [])
    assert content(uri) == undisturbed
    assert inserted(uri) == 36
