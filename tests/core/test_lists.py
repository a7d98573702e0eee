"""A list that is shortened says how many names are missing."""

from __future__ import annotations

import pytest

from etl.core.lists import listed


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d"], "a, b, c and 1 more"),
        ([str(number) for number in range(5003)], "0, 1, 2 and 5,000 more"),
    ],
)
def test_a_list_of_at_most_three(names: list[str], text: str) -> None:
    assert listed(names, 3) == text
