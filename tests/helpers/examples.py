"""Sets how many examples a generated test uses: few, or ``ETL_TEST_EXAMPLES`` times as many, as CI does."""

from __future__ import annotations

import os

from hypothesis import settings

TIMES = int(os.environ.get("ETL_TEST_EXAMPLES", "1"))


def examples(few: int, like: settings | None = None) -> settings:
    """Return the settings of the profile, or ``like``, with ``few`` times ETL_TEST_EXAMPLES examples."""
    return settings(like, max_examples=few * TIMES)
