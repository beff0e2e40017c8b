"""Every wrong call says what is wrong before anything is fitted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import hpcore as hp
from hpcore.errors import HpcoreError, InvalidArgument, InvalidSpace, InvalidType
from hpcore.sklearn import AllFitsFailed, SearchCV


class Never(ClassifierMixin, BaseEstimator):
    """Fails the test if it is fitted."""

    def __init__(self, C=1.0, gamma=1.0):
        self.C = C
        self.gamma = gamma

    def fit(self, X, y):
        pytest.fail("fitted, before the arguments were checked")


X = np.arange(40.0).reshape(20, 2)
y = np.arange(20) % 2


def closed_executor():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    return executor


CASES = [
    # what, arguments, error, words of its message
    ("unknown parameter", {"space": {"c": [1]}}, InvalidSpace, ["'c'", "Never", "did you mean 'C'?"]),
    ("unknown, close", {"space": {"gama": [1]}}, InvalidSpace, ["'gama'", "'gamma'"]),
    ("unknown in a union", {"space": [{"C": [1]}, {"gama": [1]}]}, InvalidSpace, ["'gama'"]),
    ("unknown step", {"estimator": Pipeline([("s", StandardScaler()), ("m", Never())]), "space": {"n__C": [1]}},
     InvalidSpace, ["'n__C'", "'m__C'"]),
    ("unknown parameter of a step", {"estimator": Pipeline([("m", Never())]), "space": {"m__c": [1]}},
     InvalidSpace, ["'m__c'", "'m__C'"]),
    ("unknown in a searched step", {"estimator": Pipeline([("m", Never())]), "space": {"m": [Never()], "m__c": [1]}},
     InvalidSpace, ["'m__c'", "'m__C'"]),
    ("empty list", {"space": []}, InvalidSpace, ["empty"]),
    ("empty choices", {"space": {"C": []}}, InvalidSpace, ["'C'", "empty"]),
    ("empty array", {"space": {"C": np.array([])}}, InvalidSpace, ["'C'", "empty"]),
    ("two-dimensional array", {"space": {"C": np.ones((2, 2))}}, InvalidSpace, ["'C'", "one dimension"]),
    ("set of choices", {"space": {"C": {1, 2}}}, InvalidType, ["'C'"]),
    ("name not a str", {"space": {1: [1]}}, InvalidType, ["name"]),
    ("space None", {"space": None}, InvalidType, ["space"]),
    ("space a str", {"space": "C"}, InvalidType, ["space"]),
    ("list of numbers", {"space": [1]}, InvalidType, ["position 0"]),
    ("constrained Space in a list",
     {"space": [hp.Space({"C": hp.Float(0, 1)}, [lambda p: p["C"] > 0.1])]}, InvalidSpace, ["constraints"]),
    ("draws without a random state", {"space": {"C": type("D", (), {"rvs": lambda self: 1})()}},
     InvalidSpace, ["space['C']", "random_state", "TypeError"]),
    ("strategy", {"strategy": "bogus"}, InvalidArgument, ["strategy", "'bogus'", "'random'"]),
    ("strategy, close", {"strategy": "randon"}, InvalidArgument, ["'random'"]),
    ("strategy a number", {"strategy": 3}, InvalidType, ["strategy", "3"]),
    ("n_trials 0", {"n_trials": 0}, InvalidArgument, ["n_trials", "0"]),
    ("n_trials negative", {"n_trials": -5}, InvalidArgument, ["n_trials", "-5"]),
    ("n_trials a float", {"n_trials": 10.0}, InvalidType, ["n_trials", "10.0"]),
    ("n_trials a bool", {"n_trials": True}, InvalidType, ["n_trials", "True"]),
    ("n_trials a str", {"n_trials": "10"}, InvalidType, ["n_trials", "'10'"]),
    ("timeout 0", {"timeout": 0}, InvalidArgument, ["timeout", "0"]),
    ("timeout negative", {"timeout": -1.0}, InvalidArgument, ["timeout", "-1.0"]),
    ("timeout NaN", {"timeout": np.nan}, InvalidArgument, ["timeout", "nan"]),
    ("timeout a str", {"timeout": "1h"}, InvalidType, ["timeout", "'1h'"]),
    ("scoring", {"scoring": "acuracy"}, InvalidArgument, ["'acuracy'", "'accuracy'"]),
    ("scoring in a list", {"scoring": ["accuracy", "f2"], "refit": "accuracy"}, InvalidArgument, ["'f2'"]),
    ("scoring in a dict", {"scoring": {"a": "bogus"}, "refit": "a"}, InvalidArgument, ["'bogus'"]),
    ("scoring a number", {"scoring": 3}, InvalidType, ["scoring", "3"]),
    ("scoring empty", {"scoring": []}, InvalidArgument, []),
    ("refit of several metrics", {"scoring": ["accuracy", "f1"]}, InvalidArgument, ["refit"]),
    ("refit not a metric", {"scoring": ["accuracy", "f1"], "refit": "recall"}, InvalidArgument, ["'recall'"]),
    ("refit a number", {"refit": 3}, InvalidType, ["refit", "3"]),
    ("error_score a word", {"error_score": "ignore"}, InvalidArgument, ["error_score", "'ignore'"]),
    ("error_score None", {"error_score": None}, InvalidType, ["error_score", "None"]),
    ("return_train_score", {"return_train_score": "yes"}, InvalidType, ["return_train_score", "'yes'"]),
    ("callbacks a function", {"callbacks": print}, InvalidType, ["callbacks"]),
    ("callbacks not functions", {"callbacks": [3]}, InvalidType, ["callbacks", "3"]),
    ("verbose", {"verbose": "a lot"}, InvalidType, ["verbose", "'a lot'"]),
    ("random_state", {"random_state": "seed"}, InvalidType, ["random_state", "'seed'"]),
    ("random_state negative", {"random_state": -1}, InvalidArgument, ["random_state", "-1"]),
    ("n_jobs 0", {"n_jobs": 0}, InvalidArgument, ["n_jobs"]),
    ("n_jobs a float", {"n_jobs": 1.5}, InvalidType, ["n_jobs", "1.5"]),
    ("executor", {"executor": "threads"}, InvalidType, ["executor", "'threads'"]),
    ("executor shut down", {"executor": closed_executor()}, InvalidArgument, ["executor", "shutdown"]),
    ("estimator a class", {"estimator": Never}, InvalidType, ["estimator"]),
    ("estimator without fit", {"estimator": object()}, InvalidType, ["estimator", "fit"]),
    ("cv 1", {"cv": 1}, InvalidArgument, ["cv", "1"]),
    ("cv a str", {"cv": "five"}, InvalidArgument, ["cv"]),
    ("cv empty", {"cv": []}, InvalidArgument, ["cv"]),
    ("cv beyond the rows", {"cv": [([0, 1], [2]), ([0], [10**6])]}, InvalidArgument, ["cv", "1000000"]),
    ("cv with an empty side", {"cv": [([], [0, 1])]}, InvalidArgument, ["cv", "split 0"]),
    ("cv of no whole numbers", {"cv": [([0, 1], [2]), ([0.5, 1.2], [2])]}, InvalidArgument, ["cv", "split 1"]),
    ("cv of short masks", {"cv": [([True, False], [2])]}, InvalidArgument, ["cv", "split 0"]),
    ("cv without groups", {"cv": GroupKFold(2)}, InvalidArgument, ["cv", "groups"]),
    ("more folds than rows", {"cv": 30}, InvalidArgument, ["cv"]),
    ("rare classes", {"y": np.arange(20) % 10}, InvalidArgument, ["cv", "n_splits=5", "each class"]),
    ("no target", {"y": None}, InvalidArgument, ["requires y"]),
    ("no rows", {"X": X[:0], "y": y[:0]}, InvalidArgument, ["X", "one row", "(0, 2)"]),
    ("warm start", {"warm_start": [{"C": 0.1}, {"C": 0.2}]}, InvalidArgument, ["warm_start[1]", "'C'", "0.2"]),
    ("warm start beyond a distribution", {"space": {"C": scipy.stats.gamma(2)}, "warm_start": [{"C": -2}]},
     InvalidArgument, ["warm_start[0]", "'C'", "0.0 .. inf", "-2"]),
    ("warm start of no number", {"space": {"C": scipy.stats.gamma(2)}, "warm_start": [{"C": "low"}]},
     InvalidType, ["warm_start[0]", "'C'", "number", "'low'"]),
    ("lengths differ", {"y": y[:-1]}, ValueError, ["inconsistent"]),
]  # fmt: skip


@pytest.mark.parametrize("arguments, error, words", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bad_input(arguments, error, words):
    given = {"estimator": Never(), "space": {"C": [0.1, 1.0]}, **arguments}
    data, target = given.pop("X", X), given.pop("y", y)
    search = SearchCV(**given)
    with pytest.raises(error) as caught:
        search.fit(data, target)
    for word in words:
        assert word in str(caught.value)
    if error is not ValueError:
        assert isinstance(caught.value, HpcoreError)
        assert isinstance(caught.value, (ValueError, TypeError))


def test_the_constructor_only_keeps_its_arguments():
    SearchCV(None, None, strategy=3, n_trials="many")


def test_all_fits_fail():
    with pytest.raises(AllFitsFailed, match="All the 10 fits failed") as caught:
        SearchCV(SVC(), {"C": [-1.0, -2.0]}).fit(X, y)
    assert "C" in str(caught.value)


def test_error_score_raise():
    with pytest.raises(ValueError, match="'C'"):
        SearchCV(SVC(), {"C": [1.0, -2.0]}, error_score="raise").fit(X, y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_error_score_raise_on_workers(n_jobs):
    with pytest.raises(ValueError, match="'C'"):
        SearchCV(SVC(), {"C": [1.0, -2.0]}, error_score="raise", n_jobs=n_jobs).fit(X, y)


def test_a_callable_with_several_metrics_needs_refit_and_says_so_at_once():
    n_calls = []

    def scoring(estimator, X, y):
        n_calls.append(1)
        return {"a": 1.0, "b": 2.0}

    with pytest.raises(InvalidArgument, match="refit"):
        SearchCV(SVC(), {"C": np.arange(1, 20)}, scoring=scoring, cv=2).fit(X, y)
    assert len(n_calls) == 1


def test_a_score_that_is_no_number():
    with pytest.raises(ValueError, match="scoring must return a number"):
        SearchCV(SVC(), {"C": [1]}, scoring=lambda est, X, y: "good").fit(X, y)


def test_a_scorer_that_fails_is_told_and_scored_as_an_error():
    def scoring(estimator, X, y):
        raise RuntimeError("no idea")

    with pytest.warns(UserWarning) as caught:
        search = SearchCV(SVC(), {"C": [1]}, scoring=scoring, error_score=-1.0).fit(X, y)
    assert any("no idea" in str(w.message) for w in caught)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], [-1.0])


def test_distributions_that_have_no_parameter_of_their_own_are_taken():
    search = SearchCV(SVC(), {"C": scipy.stats.expon(scale=10)}, n_trials=5, random_state=0, cv=2).fit(X, y)
    assert all(params["C"] > 0 for params in search.cv_results_["params"])
