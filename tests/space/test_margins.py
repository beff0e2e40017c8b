"""The comparison that turned a combination down, and its slopes: against central differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hpcore.space.margins import margin

PARAMS = {"a": 0.5, "b": 0.7, "n": 3, "kind": "x"}

# The refusing function, and the difference of the two sides of its last comparison.
REFUSED = {
    "sum": (lambda p: p["a"] + p["b"] <= 1, lambda p: p["a"] + p["b"] - 1),
    "sum of a generator": (lambda p: sum(p[k] for k in "abn") <= 1.0, lambda p: p["a"] + p["b"] + p["n"] - 1),
    "order": (lambda p: p["b"] < p["a"], lambda p: p["b"] - p["a"]),
    "chain": (lambda p: 0 < p["b"] < p["a"] < 1, lambda p: p["b"] - p["a"]),
    "all": (lambda p: all(x < y for x, y in [(p["a"], p["b"]), (p["n"], p["a"])]), lambda p: p["n"] - p["a"]),
    "any": (lambda p: p["a"] > 1 or p["b"] > 1, lambda p: p["b"] - 1),
    "not": (lambda p: not p["a"] < p["b"], lambda p: p["a"] - p["b"]),
    "distance": (lambda p: abs(p["a"] - p["b"]) < 0.1, lambda p: abs(p["a"] - p["b"]) - 0.1),
    "square": (lambda p: (p["a"] - 2) ** 2 + p["b"] ** 2 < 1, lambda p: (p["a"] - 2) ** 2 + p["b"] ** 2 - 1),
    "product": (lambda p: p["a"] * p["n"] * 2 < 1, lambda p: p["a"] * p["n"] * 2 - 1),
    "ratio": (lambda p: p["a"] / p["b"] > 1, lambda p: p["a"] / p["b"] - 1),
    "inverse": (lambda p: 1 / p["a"] < 1, lambda p: 1 / p["a"] - 1),
    "minus": (lambda p: 1 - p["n"] >= -p["b"] + 0, lambda p: 1 - p["n"] + p["b"]),
    "constant first": (lambda p: 1.0 >= 2 * p["b"], lambda p: 2 * p["b"] - 1.0),  # noqa: SIM300
    "largest": (lambda p: max(p["a"], p["b"]) < 0.2, lambda p: max(p["a"], p["b"]) - 0.2),
    "get": (lambda p: p.get("a", 0) + p.get("missing", 0) > 1, lambda p: p["a"] - 1),
    "whole": (lambda p: p["n"] * 2 > 7, lambda p: p["n"] * 2 - 7),
}


@pytest.mark.parametrize("name", REFUSED)
def test_slopes_are_those_of_the_deciding_comparison(name: str) -> None:
    constraint, difference = REFUSED[name]
    assert constraint(PARAMS) is False
    found = margin([lambda p: True, constraint, lambda p: 1 / 0], PARAMS)
    assert found is not None
    value, slopes = found
    assert value == pytest.approx(difference(PARAMS), rel=1e-12)
    for key in "abn":
        low, high = ({**PARAMS, key: PARAMS[key] + step} for step in (-1e-6, 1e-6))
        assert slopes.get(key, 0.0) == pytest.approx((difference(high) - difference(low)) / 2e-6, rel=1e-6, abs=1e-9)


def _raises(params: dict[str, Any]) -> bool:
    raise RuntimeError("not of this world")


@pytest.mark.parametrize(
    "constraint",
    [
        lambda p: True,
        lambda p: False,
        lambda p: p["kind"] == "y",
        lambda p: float(np.sum([p["a"], p["b"]])) < 1,  # NumPy's numbers know no slopes
        lambda p: math.sqrt(p["a"]) < 0.1,
        lambda p: p["a"] * 0 > 1,
        lambda p: p["n"] // 2 > 3,
        lambda p: p["a"] > "x",
        _raises,
    ],
)
def test_nothing_is_known_where_no_comparison_of_the_parameters_decides(constraint: Any) -> None:
    assert margin([constraint], PARAMS) is None


def test_numbers_stay_numbers_to_the_constraint() -> None:
    seen: list[Any] = []

    def constraint(params: dict[str, Any]) -> bool:
        n, a = params["n"], params["a"]
        seen.append(
            (isinstance(n, int), isinstance(a, float), list(range(n)), [10, 20, 30, 40][n], f"{a:.2f}", {n: a}[3])
        )
        assert n + 1 == 4 and a - 0.5 == 0 and n * 2 == 6 and n / 2 == 1.5 and -n == -3 and n**2 == 9 and a != n
        return False

    margin([constraint], PARAMS)
    assert seen == [(True, True, [0, 1, 2], 40, "0.50", 0.5)]
