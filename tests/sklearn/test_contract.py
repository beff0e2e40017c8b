"""scikit-learn's own checks of an estimator."""

from __future__ import annotations

import pickle
import threading
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from hpcore.sklearn import SearchCV

CHECKS = parametrize_with_checks(
    [
        # Three folds: data of ten rows in some checks has a class of four, which is too few for five folds here.
        SearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3),
        SearchCV(Ridge(), {"alpha": [0.1, 1.0]}, strategy="grid"),
    ]
)


# As a list: scikit-learn before 1.8 passes a generator, which new versions of pytest warn of.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        # Candidates that fail on the odd data of some checks, as they do under GridSearchCV.
        warnings.simplefilter("ignore")
        check(estimator)


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


def test_clone_keeps_the_very_callbacks_and_executor():
    search = SearchCV(SVC(), {"C": [1, 2]}, executor=(lock := threading.Lock()), callbacks=[print])
    copy = clone(search)
    assert copy.executor is lock
    assert copy.callbacks is search.callbacks
    assert copy.estimator is not search.estimator
    assert search.executor is lock


def test_clone_does_not_take_fitted_attributes(iris):
    search = SearchCV(SVC(), {"C": [1, 2]}).fit(*iris)
    assert not hasattr(clone(search), "cv_results_")


def test_nests_in_a_pipeline_and_in_cross_validation(iris):
    search = SearchCV(SVC(), {"C": [0.1, 1.0]}, cv=3, strategy="grid")
    scores = cross_val_score(make_pipeline(StandardScaler(), search), *iris, cv=3, n_jobs=1)
    assert scores.shape == (3,)
    assert scores.min() > 0.9


def test_nests_in_itself(iris):
    inner = SearchCV(SVC(), {"C": [0.1, 1.0]}, cv=2, strategy="grid")
    outer = SearchCV(inner, {"estimator__gamma": [0.1, 1.0]}, cv=2, strategy="grid").fit(*iris)
    assert outer.best_estimator_.best_params_["C"] in (0.1, 1.0)


def test_pickles_when_fitted(iris):
    X, y = iris
    search = SearchCV(SVC(), {"C": [0.1, 1.0]}, random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(search))  # noqa: S301
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert [t.params for t in again.trials_] == [t.params for t in search.trials_]


def test_delegates_to_the_best_estimator(iris):
    X, y = iris
    search = SearchCV(SVC(), {"C": [0.1, 1.0]}).fit(X, y)
    assert not hasattr(search, "predict_proba")
    assert not hasattr(search, "transform")
    np.testing.assert_array_equal(search.decision_function(X), search.best_estimator_.decision_function(X))
    np.testing.assert_array_equal(search.classes_, [0, 1, 2])
    assert search.n_features_in_ == 4
    assert search.score(X, y) == search.best_estimator_.score(X, y)
    scaler = SearchCV(StandardScaler(), {"with_mean": [True, False]}, scoring=lambda est, X, y=None: 1.0).fit(X)
    np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X)


def test_refit_false_has_no_best_estimator(iris):
    search = SearchCV(SVC(), {"C": [0.1, 1.0]}, refit=False).fit(*iris)
    assert search.best_params_["C"] in (0.1, 1.0)
    assert not hasattr(search, "best_estimator_")
    with pytest.raises(AttributeError):
        search.predict(iris[0])


@pytest.mark.skipif(not hasattr(SearchCV, "set_callbacks"), reason="scikit-learn has callbacks from 1.9 on")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scikit_learn_callbacks_see_the_tasks_of_a_search(iris, n_jobs):
    class Recorder:
        def __init__(self):
            self.begun = []
            self.ended = []
            self.life = []

        def setup(self, estimator, context):
            self.life.append("setup")

        def on_fit_task_begin(self, estimator, context):
            self.begun.append(context.task_name)

        def on_fit_task_end(self, estimator, context):
            self.ended.append(context.task_name)

        def teardown(self, estimator, context):
            self.life.append("teardown")

    recorder = Recorder()
    SearchCV(SVC(), {"C": [0.1, 1.0]}, cv=3, n_jobs=n_jobs).set_callbacks(recorder).fit(*iris)
    evaluations = ["candidate-split-evaluation"] * 6
    assert recorder.begun == ["fit", "search", *evaluations, "refit-with-best-params"]
    assert recorder.ended == [*evaluations, "search", "refit-with-best-params", "fit"]
    assert recorder.life == ["setup", "teardown"]
