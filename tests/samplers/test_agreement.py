"""Agreement of gradients with values."""

from __future__ import annotations

import numpy as np
import pytest

from hpcore._core.samplers import agree


def case(seed: int, n: int = 30, d: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X, centre = rng.random((n, d)), rng.random(d)
    slopes = np.sinh(2.0 * (X - centre))
    return X, np.cosh(2.0 * (X - centre)).sum(axis=1) / 2.0, slopes


@pytest.mark.parametrize("seed", range(10))
def test_true_gradients_agree_and_wrong_ones_do_not(seed: int) -> None:
    X, values, gradients = case(seed)
    rng = np.random.default_rng(100 + seed)
    assert agree(X, values, gradients)
    assert agree(X, 1e300 * values, 1e300 * gradients) and agree(X, 1e-300 * values, 1e-300 * gradients)
    assert not agree(X, values, -gradients)
    assert not agree(X, values, 30.0 * gradients)
    assert not agree(X, values, 10.0 * rng.standard_normal(X.shape))


def test_noise_in_values_is_no_fault_of_the_gradients() -> None:
    agreed = []
    for seed in range(20):
        X, values, gradients = case(seed)
        agreed.append(agree(X, values + 3.0 * np.random.default_rng(seed).standard_normal(len(X)), gradients))
    assert np.mean(agreed) > 0.7


def test_some_derivatives_are_enough() -> None:
    X, values, gradients = case(0)
    gradients[:, 2:] = np.nan
    gradients[::3] = np.nan
    X[::5, 3] = np.nan
    assert agree(X, values, gradients)
    assert not agree(X, values, -gradients)


def test_of_a_few_trials_nothing_can_be_said() -> None:
    X, values, gradients = case(0, n=3)
    assert agree(X, values, -gradients)
    assert agree(X[:0], values[:0], gradients[:0])
    assert agree(np.full((9, 2), 0.5), np.ones(9), np.zeros((9, 2)))
    assert agree(np.random.default_rng(0).random((9, 2)), np.zeros(9), np.zeros((9, 2)))


def test_a_difference_is_predicted_by_the_gradients_at_both_ends() -> None:
    X = np.array([[0.3, 0.0], [0.65, 0.0], [0.3, 1.0], [0.65, 1.0]])  # beyond a minimum, and exact by both alone
    values, gradients = 50.0 * (X[:, 0] - 0.5) ** 2, np.zeros((4, 2))
    gradients[:, 0] = 100.0 * (X[:, 0] - 0.5)
    assert agree(X, values, gradients)


def test_trials_with_other_active_columns_are_far_apart() -> None:
    x = np.arange(10) / 10.0
    around = np.concatenate([x + 0.01, x - 0.01])
    with_it, without = np.stack([around, np.full(20, 0.5)], axis=1), np.stack([x, np.full(10, np.nan)], axis=1)
    # One branch falls to both sides of each x, the other one rises with x, far below.
    values = np.concatenate([np.full(20, 100.0), 2.0 * x])
    slopes = np.repeat([-3.0, 3.0], 10)
    gradients = np.concatenate([np.stack([slopes, np.zeros(20)], axis=1), np.tile([2.0, np.nan], (10, 1))])
    assert agree(np.concatenate([with_it, without]), values, gradients)
