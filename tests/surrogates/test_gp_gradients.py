"""The Gaussian process with a face, fitted to values and gradients."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.kernels import examples
from hpcore.surrogates import GaussianProcess


def wave(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    phase = X @ np.array([4.0, -3.0, 2.0])
    return 50.0 + 10.0 * np.sin(phase), 10.0 * np.cos(phase)[:, None] * np.array([4.0, -3.0, 2.0])


def data(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X = np.random.default_rng(seed).random((n, 3))
    return X, *wave(X)


@pytest.mark.parametrize("transform", ["standard", "half_log", "log", "clip", "auto"])
def test_gradients_make_a_better_model(transform: str) -> None:
    X, y, gradients = data(20)
    Z, truth, _ = data(200, 1)
    plain = GaussianProcess(transform=transform).fit(X, y)
    model = GaussianProcess(transform=transform).fit(X, y, gradients=gradients)
    error, plain_error = (np.sqrt(np.mean((m.predict(Z) - truth) ** 2)) for m in (model, plain))
    assert error < (0.8 if transform == "log" else 0.3) * plain_error
    assert 0.0 < model.gradient_noise_ < 0.1 and plain.gradient_noise_ == 0.0


def test_some_are_enough_and_none_is_as_none() -> None:
    X, y, gradients = data(10)
    gradients[::2] = np.nan
    gradients[:, 2] = np.nan
    Z, truth, _ = data(200, 1)
    plain = GaussianProcess().fit(X, y)
    errors = [np.abs(m.predict(Z) - truth).mean() for m in (GaussianProcess().fit(X, y, gradients=gradients), plain)]
    assert errors[0] < 0.8 * errors[1]
    none = GaussianProcess().fit(X, y, gradients=np.full_like(X, np.nan))
    np.testing.assert_array_equal(none.predict(Z), plain.predict(Z))


def test_copies_appended_rows_and_the_likelihood() -> None:
    X, y, gradients = data(8)
    model = GaussianProcess().fit(X, y, gradients=gradients)
    likelihood = model.log_marginal_likelihood()
    Z, truth, _ = data(5, 1)
    before = model.predict(Z)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own data
    np.testing.assert_allclose(again.predict(Z), before, rtol=1e-9)
    model.append(Z[0], truth[0])
    assert model.predict(Z[:1])[0] == pytest.approx(truth[0], abs=0.1)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(model)).predict(Z), model.predict(Z), rtol=1e-6)  # noqa: S301
    assert math.isfinite(likelihood)
    assert model.predict(Z, return_std=True)[1][0] < again.predict(Z, return_std=True)[1][0]


def test_in_a_conditional_space() -> None:
    space = hp.Space(
        {"c": hp.Categorical(["a", "b"]), "x": hp.Float(0.0, 1.0), "y": hp.Float(0.0, 1.0, when={"c": "a"})}
    )
    X = space.encode([{"c": "a", "x": 0.2, "y": 0.7}, {"c": "b", "x": 0.4}, {"c": "a", "x": 0.9, "y": 0.1}])
    gradients = np.array([[np.nan, 1.0, 2.0], [np.nan, -1.0, np.nan], [np.nan, 0.5, np.nan]])
    model = GaussianProcess(space).fit(X, [1.0, 2.0, 3.0], gradients=gradients)
    assert np.isfinite(model.predict(X)).all()
    for i, j in ((0, 0), (1, 2)):
        wrong = gradients.copy()
        wrong[i, j] = 1.0
        with pytest.raises(InvalidArgument, match="gradients must be NaN in columns that are categories or inactive"):
            GaussianProcess(space).fit(X, [1.0, 2.0, 3.0], gradients=wrong)


@pytest.mark.parametrize(
    ("model", "gradients", "error", "words"),
    [
        (GaussianProcess(), np.ones((3, 3)), InvalidArgument, r"gradients must have shape \(4, 3\), got \(3, 3\)"),
        (GaussianProcess(), np.full((4, 3), np.inf), InvalidArgument, "gradients must be finite"),
        (GaussianProcess(), "abc", InvalidType, "gradients must be an array of numbers, got str"),
        (GaussianProcess(warp=True), np.ones((4, 3)), InvalidArgument, "gradients cannot be given with"),
        (GaussianProcess(covariance=examples.periodic), np.ones((4, 3)), InvalidArgument, "gradients cannot be given"),
    ],
)
def test_wrong_gradients_are_refused(model: GaussianProcess, gradients, error, words: str) -> None:
    X, y, _ = data(4)
    with pytest.raises(error, match=words):
        model.fit(X, y, gradients=gradients)
