"""Binding of the process over learning curves: shapes and errors; its mathematics is tested in C++."""

from __future__ import annotations

import numpy as np
import pytest

from hpcore._core import fidelity as native
from hpcore._core.acquisition import Kind, SearchOptions
from hpcore.space import Float, Space

X = np.array([[0.1, 0.2], [0.6, 0.3], [0.9, 0.8]])
OF = np.array([0, 0, 1, 2])
U = np.array([0.0, 1.0, 0.5, 1.0])
Y = np.array([0.3, -0.2, 0.1, -0.2])
TYPES = ([False, False], [False, False])
PRIOR = native.Prior.standard(2)
CODEC = Space({"a": Float(0.0, 1.0), "b": Float(0.0, 1.0)}).columns.codec


def fitted() -> native.Model:
    theta = native.fit_map(X, OF, U, Y, *TYPES, PRIOR, 20)
    model = native.Model(*TYPES)
    model.assign(theta.tolist(), X, OF, U, Y)
    return model


def test_shapes_and_values() -> None:
    theta = native.fit_map(X, OF, U, Y, *TYPES, PRIOR, 20)
    assert theta.shape == (11,)
    value, gradient = native.log_posterior(X, OF, U, Y, theta, *TYPES, PRIOR)
    assert np.isfinite(value) and gradient.shape == (11,)
    mean, variance = fitted().predict_full()
    assert mean.shape == variance.shape == (3,) and (variance > 0).all()
    at_full = fitted().predict(np.arange(3), np.ones(3))
    np.testing.assert_allclose(at_full, (mean, variance), atol=1e-9)
    # A new point at the place of a known one differs by its own offset only.
    np.testing.assert_allclose(fitted().predict_new(X)[0], mean, atol=0.05)


def test_propose() -> None:
    search = native.Search(CODEC, [False, False], SearchOptions())
    found = search.propose(fitted(), Kind.log_ei, 2.0, X, 0, 0, 7, 0, None)
    assert found is not None and found[0].shape == (2,) and found[2] > 0
    with pytest.raises(ZeroDivisionError):
        search.propose(fitted(), Kind.ucb, 2.0, X, 0, 0, 7, 0, lambda rows: 1 / 0)
    with pytest.raises(ValueError, match="kind must be"):
        search.propose(fitted(), Kind.user, 2.0, X, 0, 0, 7, 0, None)
    with pytest.raises(ValueError, match="known must have shape"):
        search.propose(fitted(), Kind.ucb, 2.0, X[:, :1].copy(), 0, 0, 7, 0, None)


@pytest.mark.parametrize(
    ("of", "u", "y", "message"),
    [
        (np.array([0, 3]), U[:2], Y[:2], "configuration must have indices"),
        (np.array([0, -1]), U[:2], Y[:2], "configuration must have indices"),
        (OF, np.array([0.0, 1.0, 1.5, 1.0]), Y, "fidelity must be within"),
        (OF, np.array([0.0, 1.0, np.nan, 1.0]), Y, "fidelity must be within"),
        (OF[:3], U, Y, "configuration must have shape"),
        (OF, U, np.append(Y, 0.0), "y must"),
    ],
)
def test_bad_input(of: np.ndarray, u: np.ndarray, y: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        native.fit_map(X, of, u, y, *TYPES, PRIOR, 20)
    with pytest.raises(ValueError, match=message):
        native.Model(*TYPES).assign([0.0] * 11, X, of, u, y)


def test_bad_hyperparameters() -> None:
    with pytest.raises(ValueError, match="theta must have one entry"):
        native.Model(*TYPES).assign([0.0] * 10, X, OF, U, Y)
    with pytest.raises(ValueError, match="start must have one entry"):
        native.fit_map(X, OF, U, Y, *TYPES, PRIOR, 20, [0.0])
    with pytest.raises(ValueError, match="configuration must have indices"):
        fitted().predict(np.array([3]), np.ones(1))
