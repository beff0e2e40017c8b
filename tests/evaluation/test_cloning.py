"""`replicate` makes what scikit-learn's clone makes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from hpcore.evaluation.cloning import replicate


def describe(value):
    """Everything in a tree of estimators, as text."""
    if isinstance(value, BaseEstimator):
        return (type(value).__name__, {k: describe(v) for k, v in sorted(vars(value).items())})
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [describe(v) for v in value])
    if isinstance(value, dict):
        return {k: describe(v) for k, v in value.items()}
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    return (type(value).__name__, repr(value))


class Stubborn(BaseEstimator):
    """Keeps something that is no parameter."""

    def __init__(self, a=1):
        self.a = a
        self.cache = {}


ESTIMATORS = [
    Ridge(alpha=2.0),
    RandomForestClassifier(random_state=np.random.RandomState(3)),
    LogisticRegression(class_weight={0: 1, 1: np.float64(2)}),
    SVC(kernel=np.dot),
    Pipeline([("scale", StandardScaler()), ("clf", SVC(C=3))]),
    Pipeline([("union", FeatureUnion([("a", StandardScaler()), ("b", FunctionTransformer(np.log1p))])), ("p", None)]),
    VotingClassifier([("a", SVC()), ("b", LogisticRegression())], weights=np.array([1.0, 2.0])),
    make_column_transformer((StandardScaler(), ["a"]), ("passthrough", [1, 2])),
    StandardScaler().set_output(transform="pandas"),
    Stubborn(a=[1, 2]),
    FrozenEstimator(Ridge()),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_equals_clone(estimator):
    copy = replicate(estimator)
    assert type(copy) is type(estimator)
    assert describe(copy) == describe(clone(estimator))
    assert copy is not estimator or isinstance(estimator, FrozenEstimator)


def test_shares_nothing_that_a_fit_could_change():
    state = np.random.RandomState(0)
    original = Pipeline([("a", StandardScaler()), ("b", RandomForestClassifier(random_state=state))])
    copy = replicate(original)
    assert copy.steps is not original.steps
    assert copy.steps[0][1] is not original.steps[0][1]
    assert copy.steps[1][1].random_state is not state


def test_a_fitted_estimator_comes_back_unfitted():
    fitted = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
    assert not hasattr(replicate(fitted), "coef_")
    nested = Pipeline([("model", fitted)])
    assert not hasattr(replicate(nested)["model"], "coef_")
