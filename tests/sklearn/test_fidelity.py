"""Resource and scheduler of a search on its data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.model_selection import StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from hpcore.errors import InvalidArgument
from hpcore.evaluation.resources import Epochs, Parameter
from hpcore.schedulers import ASHA, MedianStopping
from hpcore.sklearn import SearchCV
from hpcore.sklearn.checks import check_settings
from hpcore.sklearn.fidelity import Fidelity, make_fidelity
from hpcore.space import Float, Space

X, Y = load_iris(return_X_y=True)
SPLITS = list(StratifiedKFold(5).split(X, Y))


def fidelity(estimator: Any, searched: Any = (), n_trials: int | None = 20, y: Any = Y, **options: Any) -> Fidelity:
    search = SearchCV(estimator, {}, n_trials=n_trials, random_state=0, **{"strategy": "halving", **options})
    space = Space({"x": Float(0, 1)})
    return make_fidelity(check_settings(search), space, dict.fromkeys(searched, ()), X, y, SPLITS)


def continues(estimator: Any, resource: str, searched: Any = ()) -> bool:
    made = fidelity(estimator, searched, resource=resource, max_resources=10).resource
    assert isinstance(made, Parameter)
    return made.continues


class Grower(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    def __init__(self, n_rules: int = 5, warm_start: bool = False) -> None:
        self.n_rules, self.warm_start = n_rules, warm_start

    def fit(self, X: Any, y: Any) -> Grower:
        return self


def test_which_fits_continue():
    forest = RandomForestClassifier()
    assert continues(forest, "n_estimators")
    assert continues(GradientBoostingClassifier(), "n_estimators")
    assert continues(HistGradientBoostingClassifier(), "max_iter")
    assert continues(BaggingClassifier(), "n_estimators")
    assert continues(Grower(), "n_rules")
    # Solvers count the iterations of each fit.
    assert not continues(LogisticRegression(), "max_iter")
    assert not continues(MLPClassifier(), "max_iter")
    assert not continues(DecisionTreeClassifier(max_depth=3), "max_depth")
    # A pipeline fits its last step itself, other estimators a clone.
    piped = make_pipeline(StandardScaler(), forest)
    assert continues(piped, "randomforestclassifier__n_estimators")
    assert continues(make_pipeline(StandardScaler(), piped), "pipeline__randomforestclassifier__n_estimators")
    assert not continues(OneVsRestClassifier(forest), "estimator__n_estimators")
    # What is searched is the search's.
    assert not continues(forest, "n_estimators", ["warm_start"])
    assert not continues(piped, "randomforestclassifier__n_estimators", ["randomforestclassifier"])


def test_classes_for_partial_fit():
    options: Any = {"resource": "epochs", "max_resources": 9}
    made = fidelity(SGDClassifier(), **options).resource
    assert isinstance(made, Epochs)
    assert made._classes.tolist() == [0, 1, 2]
    assert fidelity(make_pipeline(StandardScaler(), GaussianNB()), **options).resource._classes.tolist() == [0, 1, 2]
    assert fidelity(SGDRegressor(), **options).resource._classes is None
    many = np.stack([Y, Y % 2, Y], axis=1)
    assert [part.tolist() for part in fidelity(SGDClassifier(), y=many, **options).resource._classes] == [
        [0, 1, 2],
        [0, 1],
        [0, 1, 2],
    ]
    indicator = (np.arange(3) == Y[:, None]).astype(int)
    assert fidelity(MLPClassifier(), y=indicator, **options).resource._classes.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "bounds"),
    [
        ({}, (30, 90)),
        ({"min_resources": "smallest", "n_trials": 3}, (30, 90)),
        ({"min_resources": 10, "n_trials": 81}, (10, 90)),
        ({"strategy": "hyperband", "min_resources": 6}, (6, 150)),
        ({"strategy": "gp", "scheduler": "asha", "n_trials": 3}, (50, 150)),
        ({"strategy": "gp", "scheduler": "asha", "n_trials": 3, "max_resources": 150}, (50, 150)),
        ({"strategy": "gp", "scheduler": "asha", "resource": "n_estimators"}, (11, 100)),
        ({"resource": "n_estimators", "n_trials": 1000}, (1, 81)),
        ({"resource": "n_estimators", "n_trials": 9}, (11, 99)),
        ({"resource": "n_estimators", "min_resources": "smallest", "max_resources": 30}, (1, 9)),
        ({"strategy": "gp", "scheduler": ASHA(5, 60), "resource": "n_estimators"}, (5, 60)),
        ({"strategy": "gp", "scheduler": ASHA(5), "resource": "n_estimators"}, (5, 100)),
        ({"strategy": "gp", "scheduler": ASHA(5), "resource": "n_estimators", "max_resources": 70}, (5, 70)),
    ],
)
def test_bounds(options, bounds):
    options = {"resource": "n_samples", **options}
    made = fidelity(RandomForestClassifier(), **options)
    assert (made.low, made.full) == bounds


def test_rows_of_a_regression_need_no_classes():
    y = X[:, 0]
    assert fidelity(SGDRegressor(), y=y, min_resources="smallest", resource="n_samples").low == 10
    assert fidelity(SGDRegressor(), y=y, min_resources=2, resource="n_samples").low == 2


def test_number_of_candidates():
    options: Any = {"resource": "n_estimators", "n_trials": None}
    forest = RandomForestClassifier()
    assert fidelity(forest, **options).n_trials == 50
    # 27 at 1/27, 12 at 1/9, 6 at 1/3 and 4 at all of it.
    assert fidelity(forest, strategy="hyperband", **options).n_trials == 27 + 12 + 6 + 4
    assert fidelity(forest, strategy="hyperband", resource="n_estimators", n_trials=7).n_trials == 7


def test_next_level():
    made = fidelity(RandomForestClassifier(), resource="n_estimators", min_resources=2, n_trials=81)
    assert made.full == 54
    assert [made.level(until, ()) for until in (2.0, 2.2, 53.9, 54.0, 60.0, float("inf"))] == [2, 3, 54, 54, 54, 54]
    assert made.level(2.0 + 1e-12, ()) == 2, "up to rounding"
    # Rules that stop by reports get them on the way.
    options: Any = {"scheduler": MedianStopping(), "strategy": "gp", "resource": "n_estimators"}
    made = fidelity(RandomForestClassifier(), **options)
    assert made.ladder == (11, 33, 99, 100)
    assert [made.level(float("inf"), made.ladder[:k]) for k in range(len(made.ladder))] == list(made.ladder)


def test_possible_rungs_are_counted_by_whole_multiples_of_the_lowest():
    made = fidelity(RandomForestClassifier(), resource="n_estimators", min_resources=2, max_resources=7, factor=3.5)
    assert (made.low, made.most, made.n_possible) == (2, 7, 1)


def test_a_level_has_enough_rows():
    made = fidelity(RandomForestClassifier(), resource="n_samples")
    assert made.level(float(made.smallest), ()) == made.smallest
    with pytest.raises(InvalidArgument, match=f"min_resource of the scheduler must be >= {made.smallest}"):
        made.level(made.smallest - 1.0, ())


def test_the_last_fit_has_the_full_resource():
    made = fidelity(RandomForestClassifier(), resource="n_estimators", max_resources=3, min_resources=3)
    forest = RandomForestClassifier(1, random_state=0)
    made.refitted(forest, X, Y, {})
    assert made.full == len(forest.estimators_) == 3
