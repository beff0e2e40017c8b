"""Arguments of a search with a scheduler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.schedulers import ASHA, Hyperband, Racing, SuccessiveHalving
from hpcore.sklearn import SearchCV

X, Y = load_iris(return_X_y=True)
FOREST = RandomForestClassifier(random_state=0)
DEPTH = {"max_depth": [1, 2, 3]}


class Unused(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fail if it is fitted: arguments are checked before."""

    def __init__(self, depth: int = 1, n_trees: int = 10, share: float = 0.5, flag: bool = True) -> None:
        self.depth, self.n_trees, self.share, self.flag = depth, n_trees, share, flag

    def fit(self, X: Any, y: Any) -> Unused:
        raise AssertionError("fitted")


def refused(error: type[Exception], match: str, estimator: Any = None, space: Any = None, **options: Any) -> None:
    data = options.pop("X", X), options.pop("y", Y)
    estimator = Unused() if estimator is None else estimator
    search = SearchCV(estimator, {"depth": [1, 2, 3]} if space is None else space, error_score="raise", **options)
    with pytest.raises(error, match=match):
        search.fit(*data)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scheduler": "asha"}, "scheduler needs resource="),
        ({"resource": "n_samples"}, "resource needs a scheduler"),
        ({"min_resources": 10}, "min_resources needs a scheduler"),
        ({"max_resources": 10}, "max_resources needs a scheduler"),
        ({"factor": 2}, "factor needs a scheduler"),
        ({"eta": 2}, "factor needs a scheduler"),
        ({"strategy": "halving", "scheduler": "asha"}, "strategy='halving' is a scheduler by itself"),
        ({"scheduler": "ashe", "resource": "n_samples"}, "did you mean 'asha'"),
        ({"strategy": "halving", "factor": 1}, "factor must be finite and >= 1.1, got 1"),
        ({"strategy": "halving", "min_resources": "least"}, "'exhaust' or 'smallest', got 'least'"),
        ({"strategy": "halving", "max_resources": "all"}, "max_resources must be an integer or 'auto', got 'all'"),
        ({"strategy": "halving", "min_resources": 0}, "min_resources must be >= 1, got 0"),
        (
            {"strategy": "halving", "min_resources": 90, "max_resources": 60},
            "min_resources must be <= max_resources=60",
        ),
        ({"strategy": "halving", "min_resources": 151}, "min_resources must be <= max_resources=150, got 151"),
        ({"strategy": "halving", "max_resources": 151}, "at most the 150 rows of X, got 151"),
        (
            {"strategy": "halving", "min_resources": 3},
            "min_resources must be >= 4, so that each fold has a row of each",
        ),
        ({"strategy": "halving", "resource": "n_sample"}, "did you mean 'n_samples'"),
        ({"strategy": "halving", "resource": "trees"}, "did you mean 'n_trees'"),
        ({"strategy": "halving", "resource": "share"}, "integer parameter, and 'share' has the value 0.5"),
        ({"strategy": "halving", "resource": "flag"}, "integer parameter, and 'flag' has the value True"),
        ({"strategy": "halving", "resource": "depth"}, "resource='depth' is also a parameter of space"),
        ({"strategy": "halving", "resource": "epochs"}, "needs an estimator with partial_fit, which Unused has not"),
        ({"scheduler": ASHA(), "resource": "n_samples", "factor": 2}, "factor must be left out with a Scheduler"),
        ({"scheduler": ASHA(max_resource=200), "resource": "n_samples"}, "max_resource of the scheduler must be <= "),
        ({"scheduler": ASHA(), "resource": "n_samples"}, "min_resource of the scheduler must be >= 4"),
        ({"strategy": "halving", "storage": ":memory:", "study_name": "a"}, "storage must be None with a scheduler"),
    ],
)
def test_values(options, match):
    refused(InvalidArgument, match, **options)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scheduler": 3, "resource": "n_samples"}, "scheduler must be a name, a Scheduler or None, got 3"),
        ({"scheduler": Racing(), "resource": "n_samples"}, "give a Racing as racing="),
        ({"strategy": "halving", "resource": 3}, "resource must be 'n_samples', 'epochs' or the name"),
        ({"strategy": "halving", "min_resources": 3.0}, "min_resources must be an integer"),
        ({"strategy": "halving", "max_resources": True}, "max_resources must be an integer"),
        ({"strategy": "halving", "factor": "3"}, "factor must be a number"),
    ],
)
def test_types(options, match):
    refused(InvalidType, match, **options)


def test_too_few_rows():
    few = np.r_[0:5, 50:55, 100:105]
    refused(InvalidArgument, "at least 2 rows a class and fold, 30 in all", strategy="halving", X=X[few], y=Y[few])
    one = np.arange(30) < 2
    refused(
        InvalidArgument,
        "a row of each of the 3 classes, got one of 2 rows",
        strategy="halving",
        cv=[(np.flatnonzero(one), np.flatnonzero(~one))],
        X=X[::5],
        y=Y[::5],
    )


def test_largest_value_must_be_known():
    refused(
        InvalidArgument,
        "max_resources must be an integer for resource='epochs'",
        SGDClassifier(),
        {"alpha": [1e-3, 1e-2]},
        strategy="hyperband",
        resource="epochs",
    )


def test_steps_of_a_pipeline():
    model = make_pipeline(StandardScaler(), FOREST)
    space = {"randomforestclassifier__max_depth": [1, 2, 3]}
    refused(
        InvalidArgument,
        "did you mean 'randomforestclassifier__n_estimators'",
        model,
        space,
        strategy="halving",
        resource="n_estimators",
    )
    refused(
        InvalidArgument,
        "needs an estimator with partial_fit, which SVC has not",
        make_pipeline(StandardScaler(), SVC()),
        {"svc__C": [1.0, 2.0]},
        strategy="halving",
        resource="epochs",
    )


def test_schedulers_of_another_kind():
    scheduler = SuccessiveHalving(min_resource=0.5, max_resource=4.0)
    search = SearchCV(
        FOREST, DEPTH, strategy="grid", scheduler=scheduler, resource="n_estimators", cv=2, random_state=0
    ).fit(X, Y)
    assert search.max_resources_ == 4
    assert search.n_resources_[-1] <= 4


def test_copies():
    search = SearchCV(FOREST, DEPTH, scheduler=Hyperband(min_resource=3), resource="n_estimators", eta=3)
    copied = clone(search)
    assert copied.get_params()["factor"] == 3
    assert copied.scheduler is not None
    assert repr(copied.scheduler) == repr(search.scheduler)
