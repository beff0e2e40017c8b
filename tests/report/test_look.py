"""Look of the report: texts, numbers in few bytes, ranges."""

from __future__ import annotations

import html
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.svm import SVC

from hpcore.report.look import LARGEST, bare, layout, number, packed, plain, robust_range, text, value_text


@given(st.text())
def test_text_is_escaped_and_says_the_same(given_text: str) -> None:
    escaped = text(given_text)
    assert not set(escaped) & set("<>\"'")
    assert html.unescape(escaped) == plain(given_text)
    assert all(c.isprintable() for c in escaped)


def test_bare_text_has_no_tags() -> None:
    assert bare("<b>&\n") == "‹b›& "


def test_text_is_one_short_line() -> None:
    assert text("a\nb\x1b[2J") == "a b\N{REPLACEMENT CHARACTER}[2J"
    assert text("ab" * 200, 5) == "abab…"
    assert text("<" * 5, 5) == "&lt;" * 5  # cut before it is escaped, not within an entity
    assert text("\ud800") == "?"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (math.nan, "–"), (0.1 + 0.2, "0.3"), (math.inf, "inf"), (123456.7, "1.2346e+05")],
)
def test_number(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_value_text() -> None:
    def inner() -> None: ...

    assert [value_text(v) for v in (0.1 + 0.2, True, 3, None, math.nan, math.inf, "a.b", b"\xff", (1, 2))] == [
        "0.3", "True", "3", "None", "nan", "inf", "a.b", "b'\\xff'", "(1, 2)",
    ]  # fmt: skip
    assert [value_text(v) for v in (SVC, Ridge(alpha=2.5), inner, lambda: 0)] == [
        "SVC", "Ridge(alpha=2.5)", "inner", "<lambda>",
    ]  # fmt: skip


@given(st.lists(st.floats(width=64), min_size=1))
def test_packed_keeps_what_a_screen_shows(values: list[float]) -> None:
    array = np.array(values)
    out = packed(array).astype(float)
    finite = np.isfinite(array)
    assert np.array_equal(np.isfinite(out), finite)  # 32 bits did not overflow
    shown = np.clip(array[finite], -LARGEST, LARGEST)
    if len(shown):
        # The error is less than a pixel of the range of the values, and of six digits.
        error = np.abs(out[finite] - shown)
        assert np.all(error <= 1e-6 * np.abs(shown))
        assert error.max() <= 1e-4 * np.ptp(shown) or np.ptp(shown) == 0.0
        assert np.array_equal(out[finite] > 0.0, shown > 0.0)  # a logarithm of it is drawn


def test_packed_takes_few_bytes() -> None:
    assert packed([0.25, 1e3]).dtype == np.float32
    assert packed([1e9, 1e9 + 0.1]).dtype == np.float64
    assert packed([]).size == 0


values = st.lists(st.floats(width=64), max_size=40)


@given(values, st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3))
def test_a_range_has_most_values_and_those_to_keep(values: list[float], keep: list[float]) -> None:
    array = np.array(values)
    found = robust_range(array, keep)
    finite = np.clip(array[np.isfinite(array)], -LARGEST, LARGEST)
    if not finite.size:
        assert found is None
        return
    assert found is not None
    low, high = found
    assert low < high
    assert np.isfinite(high - low)
    inside = (finite >= low) & (finite <= high)
    assert inside.mean() >= 0.5
    assert all(low <= min(max(v, -LARGEST), LARGEST) <= high for v in keep)


def test_a_range_leaves_out_what_would_press_the_others_flat() -> None:
    rng = np.random.default_rng(0)
    low, high = robust_range(np.append(rng.random(100), [1e9, np.inf, np.nan]))  # type: ignore[misc]
    assert -0.1 < low < 0.0 < 1.0 < high < 1.1


@pytest.mark.parametrize("share", [0.3, 0.75, 0.95])
def test_a_range_of_tied_values_shows_the_others(share: float) -> None:
    n = 100
    scores = np.where(np.arange(n) < share * n, 1.0, np.linspace(0.5, 0.9, n))
    low, high = robust_range(scores)  # type: ignore[misc]
    assert np.mean((scores >= low) & (scores <= high)) > 0.9


def test_layout_completes_axes() -> None:
    made = layout(xaxis={"title": "a"}, yaxis2={"visible": False}, height=3)
    assert made["xaxis"]["title"]["text"] == "a"
    assert made["xaxis"]["automargin"] is made["yaxis2"]["automargin"] is True
    assert made["height"] == 3
