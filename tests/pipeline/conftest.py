"""What the tests of the whole job share."""

from __future__ import annotations

import pytest

from etl import sources
from tests.worlds import PLAIN


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tests' own format known, for runs in this process."""
    monkeypatch.setattr(sources, "FORMATS", (*sources.FORMATS, PLAIN))
