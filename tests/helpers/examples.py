"""How many examples a generated test looks at: few, or ``ETL_TEST_EXAMPLES`` times as many."""

from __future__ import annotations

import os

from hypothesis import settings

TIMES = int(os.environ.get("ETL_TEST_EXAMPLES", "1"))


def examples(few: int, like: settings | None = None) -> settings:
    """Return settings as the profile has them, or as in ``like``, with ``few`` examples times ETL_TEST_EXAMPLES."""
    return settings(like, max_examples=few * TIMES)
