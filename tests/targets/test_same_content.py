"""The same files give the same library in every kind of database."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.helpers.library import library
from tests.helpers.support import load, query

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def test_the_samples_give_the_same_library_in_both(tmp_path: Path, database: str, koito_file: str) -> None:
    manifests = [load(tmp_path / "home", uri, SAMPLES) for uri in (database, koito_file)]

    assert manifests[0]["counts"] == manifests[1]["counts"]
    assert manifests[0]["counts"]["inserted"] > 100
    assert manifests[0]["created"] == manifests[1]["created"]
    in_postgres = library(partial(query, database), is_sqlite=False)
    assert library(partial(query, koito_file), is_sqlite=True) == in_postgres
