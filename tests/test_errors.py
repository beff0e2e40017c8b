"""Suggestions for a mistyped name."""

from __future__ import annotations

import pytest

from hpcore.errors import closest


@pytest.mark.parametrize(
    ("word", "n", "expected"),
    [
        ("svcc", 1, "; did you mean 'svc'?"),
        ("PRICE", 1, "; did you mean 'Price'?"),
        ("svd", 2, "; did you mean 'svr' or 'svc'?"),
        ("anything", 1, ""),
    ],
)
def test_closest(word: str, n: int, expected: str) -> None:
    assert closest(word, ["svc", "svr", "Price"], n) == expected
