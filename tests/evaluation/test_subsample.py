"""Nested, stratified subsamples."""

from __future__ import annotations

import numpy as np
import pytest

from hpcore.evaluation.subsample import nested_order, strata_of


@pytest.mark.parametrize("n", [1, 2, 17, 500])
def test_order_of_all_rows(n):
    for strata in (None, np.zeros(n, dtype=int), np.arange(n) % 3 if n > 2 else None):
        assert sorted(nested_order(n, strata, (0, 1))) == list(range(n))


def test_prefixes_have_the_shares_of_the_classes():
    rng = np.random.default_rng(0)
    strata = rng.choice(4, size=1000, p=[0.6, 0.3, 0.09, 0.01])
    order = nested_order(len(strata), strata, (5, 0))
    shares = np.bincount(strata) / len(strata)
    for m in range(4, 1001):
        counts = np.bincount(strata[order[:m]], minlength=4)
        assert (counts >= 1).all()  # each class, from as many rows on as there are classes
        assert np.abs(counts - np.maximum(1, m * shares)).max() <= 2.0
    counts = np.bincount(strata[order[:500]], minlength=4)
    assert np.abs(counts - 500 * shares).max() <= 1.0


def test_first_rows_are_one_of_each_class():
    strata = np.repeat([0, 1, 2], [900, 90, 10])
    assert sorted(strata[nested_order(1000, strata, (0, 0))[:3]]) == [0, 1, 2]


def test_rows_without_classes_are_drawn():
    first = nested_order(300, None, (1, 0))
    assert (first == nested_order(300, None, (1, 0))).all()
    assert (first != np.arange(300)).any() and (first != nested_order(300, None, (2, 0))).any()


def test_seed_decides():
    strata = np.arange(300) % 2
    first = nested_order(300, strata, (1, 0))
    assert (first == nested_order(300, strata, (1, 0))).all()
    assert (first != nested_order(300, strata, (2, 0))).any()
    assert (first != nested_order(300, strata, (1, 1))).any()


def test_rows_of_a_class_are_drawn_evenly():
    strata = np.repeat([0, 1], [80, 20])
    counts = np.zeros(100)
    for seed in range(400):
        counts[nested_order(100, strata, (seed,))[:25]] += 1
    # 20 of 80 and 5 of 20, so a quarter of each row: binomial with 400 draws.
    assert np.abs(counts / 400 - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 400)


def test_strata_of_targets():
    assert strata_of(None) is None
    assert strata_of(np.array([0.5, 1.5, 2.25])) is None
    assert strata_of(np.array([[1, 0], [0, 1], [1, 1]])) is None
    assert strata_of(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert strata_of(["c", "a", "b"]).tolist() == [2, 0, 1]
    assert strata_of(np.array([[7], [3], [7]])).tolist() == [1, 0, 1]
