"""Medians in place of gaps, with SimpleImputer as the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.impute import SimpleImputer

from hpcore.evaluation.purity import is_pure
from hpcore.tables.steps_numbers import MedianImputer

CELLS = st.one_of(st.just(np.nan), st.floats(-1e6, 1e6))


@settings(max_examples=60, deadline=None)
@given(
    arrays(float, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=CELLS),
    st.integers(0, 2**32 - 1),
)
def test_it_is_simple_imputer(X: np.ndarray, seed: int) -> None:
    new = np.where(np.random.default_rng(seed).random((5, X.shape[1])) < 0.4, np.nan, 1.5)
    oracle = SimpleImputer(strategy="median", keep_empty_features=True).fit(X)
    mine = MedianImputer().fit(X)
    np.testing.assert_array_equal(mine.transform(X), oracle.transform(X))
    np.testing.assert_array_equal(mine.transform(new), oracle.transform(new))


def test_frames_keep_their_names_and_are_not_changed() -> None:
    X = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [np.nan] * 3})
    before = X.copy()
    imputer = MedianImputer()
    np.testing.assert_array_equal(imputer.fit_transform(X), [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    pd.testing.assert_frame_equal(X, before)
    assert list(imputer.get_feature_names_out()) == ["a", "b"]
    assert list(MedianImputer().fit(X.to_numpy()).get_feature_names_out()) == ["x0", "x1"]


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_not_changed(order: str) -> None:
    X = np.array([[1.0, np.nan], [np.nan, 4.0]], order=order)
    before = X.copy()
    MedianImputer().fit(X).transform(X)
    np.testing.assert_array_equal(X, before)


def test_it_is_pure_and_can_be_cloned() -> None:
    assert is_pure(MedianImputer())
    assert clone(MedianImputer()).get_params() == {}
