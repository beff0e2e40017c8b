"""Registration of hypergradients, the derivatives of scores, and what is refused."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import check_scoring, make_scorer, mean_absolute_error, mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.hypergradients import losses, registry
from hpcore.evaluation.hypergradients.fold import LastFit, recorded
from hpcore.evaluation.hypergradients.losses import Validation, score_slope
from hpcore.evaluation.hypergradients.registry import Family, find, known
from hpcore.sklearn import SearchCV, neg_squared_hinge

X, y = make_regression(40, 5, noise=5.0, random_state=0)
RNG = np.random.default_rng(0)


class Shrunk(RegressorMixin, BaseEstimator):
    """Ridge regression without an intercept, of a user."""

    def __init__(self, alpha=1.0, power=1.0):
        self.alpha = alpha
        self.power = power

    def fit(self, X, y, sample_weight=None):
        s = np.ones(len(y)) if sample_weight is None else sample_weight
        self.H_ = X.T @ (X * s[:, None]) + self.alpha * np.eye(X.shape[1])
        self.coef_ = np.linalg.solve(self.H_, X.T @ (s * y))
        return self

    def predict(self, X):
        return X @ self.coef_


def shrunk(estimator, X, y, X_valid, v, names):
    q = np.linalg.solve(estimator.H_, X_valid.T @ v)
    return {"alpha": -q @ estimator.coef_}


class Probable(ClassifierMixin, BaseEstimator):
    """Share of the second class, pulled to one half: a classifier with probabilities and no decision function."""

    def __init__(self, pull=1.0):
        self.pull = pull

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_, self.hits_ = len(y), np.sum(y == self.classes_[1])
        return self

    def predict_proba(self, X):
        p = (self.hits_ + self.pull) / (self.n_ + 2.0 * self.pull)
        return np.tile([1.0 - p, p], (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def probable(estimator, X, y, X_valid, v, names):
    slope = (estimator.n_ - 2.0 * estimator.hits_) / (estimator.n_ + 2.0 * estimator.pull) ** 2
    return {"pull": slope * (v[:, 1] - v[:, 0]).sum()}


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.known()
    monkeypatch.setattr(registry, "_families", dict(registry._families))


def search(estimator, space, X, y, **options):
    options = {"strategy": "gp", "gradient": True, "n_trials": 3, "cv": 3, "random_state": 0, **options}
    return SearchCV(estimator, space, **options).fit(X, y)


def differences(estimator, name, value, X, y, **options):
    h = 1e-5 * value
    points = [{name: value + h}, {name: value - h}]
    space = {name: hp.Float(0.5 * value, 2.0 * value)}
    up, down = search(estimator, space, X, y, n_trials=2, warm_start=points, **options).cv_results_["mean_test_score"]
    return (up - down) / (2.0 * h)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_users_own(n_jobs: int) -> None:
    assert hp.hypergradient(Shrunk)(shrunk) is shrunk
    space = {"alpha": hp.Float(0.5, 2.0), "power": hp.Float(0.0, 1.0)}
    found = search(Shrunk(), space, X, y, warm_start=[{"alpha": 1.0, "power": 0.5}], n_jobs=n_jobs)
    # No name was given, and the function knows no derivative by "power": it is chosen by the model.
    assert found.trials_[0].gradient.keys() == {"alpha"}
    assert found.trials_[0].gradient["alpha"] == pytest.approx(differences(Shrunk(), "alpha", 1.0, X, y), rel=1e-6)


def test_a_users_own_probabilities() -> None:
    hp.hypergradient(Probable, ["pull"], response="predict_proba")(probable)
    labels = (y > np.quantile(y, 0.7)).astype(int)
    space, options = {"pull": hp.Float(0.5, 2.0)}, {"scoring": "neg_log_loss"}
    found = search(Probable(), space, X, labels, warm_start=[{"pull": 1.0}], **options)
    expected = differences(Probable(), "pull", 1.0, X, labels, **options)
    assert found.trials_[0].gradient["pull"] == pytest.approx(expected, rel=1e-6)


def test_the_last_registration_counts_also_for_a_class_of_scikit_learn() -> None:
    hp.hypergradient(Ridge, ["alpha"])(shrunk)
    assert find(Ridge).function is shrunk
    assert find(LinearRegression) is None and find(type("Subclass", (Ridge,), {})) is None
    assert {"Ridge", "SVC", "LogisticRegression"} <= set(known()) and known() == sorted(known())


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"estimator": Ridge()}, InvalidType, ["estimator", "class", "Ridge()"]),
        ({"names": "alpha"}, InvalidType, ["names", "'alpha'"]),
        ({"names": [1]}, InvalidType, ["names", "1"]),
        ({"names": []}, InvalidArgument, ["names"]),
        ({"response": "transform"}, InvalidArgument, ["response", "'transform'", "'predict_proba'"]),
        ({"link": "softmax"}, InvalidArgument, ["link", "decision_function"]),
        ({"response": "decision_function", "link": "probit"}, InvalidArgument, ["link", "'probit'", "'softmax'"]),
        ({"function": lambda estimator, X, y: {}}, InvalidType, ["function of (estimator, X, y, X_valid, v, names)"]),
        ({"function": 3}, InvalidType, ["3"]),
    ],
)
def test_wrong_registrations(arguments, error, words) -> None:
    arguments = {"estimator": Shrunk, "function": shrunk, **arguments}
    estimator, function = arguments.pop("estimator"), arguments.pop("function")
    with pytest.raises(error) as caught:
        hp.hypergradient(estimator, **arguments)(function)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda *args: 3.0, InvalidType, ["Shrunk", "dict", "3.0"]),
        (lambda *args: {"beta": 3.0}, InvalidArgument, ["Shrunk", "'alpha'", "'beta'"]),
        (lambda *args: {"alpha": "much"}, InvalidType, ["Shrunk", "'alpha'", "'much'"]),
    ],
)
def test_wrong_returns_end_the_search(function, error, words) -> None:
    hp.hypergradient(Shrunk)(function)
    with pytest.raises(error) as caught:
        search(Shrunk(), {"alpha": hp.Float(0.5, 2.0)}, X, y)
    assert all(word in str(caught.value) for word in words), caught.value


def test_a_derivative_that_is_not_finite_is_not_told() -> None:
    hp.hypergradient(Shrunk)(lambda *args: {"alpha": np.nan})
    with pytest.warns(UserWarning, match="none of 3 complete candidates had a finite gradient"):
        found = search(Shrunk(), {"alpha": hp.Float(0.5, 2.0)}, X, y)
    assert [trial.gradient for trial in found.trials_] == [{}] * 3
    assert np.isfinite(found.best_score_)


def test_a_function_that_knows_no_weights_is_not_called_with_them() -> None:
    hp.hypergradient(Shrunk)(shrunk)
    with pytest.raises(InvalidArgument, match="sample_weight"):
        SearchCV(Shrunk(), {"alpha": hp.Float(0.5, 2.0)}, gradient=True).fit(X, y, sample_weight=np.ones(len(y)))


# --- derivatives of scores ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scoring", "response", "link", "k"),
    [
        ("neg_mean_squared_error", "predict", None, 0),
        ("neg_mean_squared_error", "predict", None, 2),
        ("neg_root_mean_squared_error", "predict", None, 0),
        ("neg_root_mean_squared_error", "predict", None, 2),
        ("r2", "predict", None, 0),
        ("r2", "predict", None, 2),
        ("neg_log_loss", "decision_function", "softmax", 0),
        ("neg_log_loss", "decision_function", "softmax", 3),
        (neg_squared_hinge, "decision_function", None, 0),
        (neg_squared_hinge, "decision_function", None, 3),
    ],
)
def test_the_derivative_of_a_score_by_the_response(scoring, response, link, k: int) -> None:
    n = 12
    classes = np.array(["a", "b", "c"][: k or 2])
    regression = response == "predict"
    target = RNG.normal(size=(n, k) if k else n) if regression else classes[np.arange(n) % len(classes)]
    values = RNG.normal(size=(n, k) if k else n)
    weights = RNG.uniform(0.5, 2.0, n)

    class Answers(RegressorMixin if regression else ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return X

        def decision_function(self, X):
            return X

        def predict_proba(self, X):
            from scipy.special import expit, softmax

            return np.stack([expit(-X), expit(X)], axis=1) if X.ndim == 1 else softmax(X, axis=1)

    estimator = Answers()
    estimator.classes_ = classes
    if regression:
        del Answers.predict_proba, Answers.decision_function
    scorer = check_scoring(estimator, scoring)
    family = Family(Answers, shrunk, None, response, link)
    slope = score_slope(scorer, estimator, family)
    v = slope(Validation(values, target, weights / weights.sum(), family, classes))
    assert v.shape == values.shape
    expected = np.empty_like(values)
    for index in np.ndindex(values.shape):
        scores = []
        for step in (1e-6, -1e-6):
            moved = values.copy()
            moved[index] += step
            scores.append(scorer(estimator, moved, target, sample_weight=weights))
        expected[index] = (scores[0] - scores[1]) / 2e-6
    np.testing.assert_allclose(v, expected, rtol=1e-6, atol=1e-9)


def test_scores_at_their_edges_have_a_derivative_of_zero() -> None:
    family = Family(Ridge, shrunk, None, "predict", None)
    constant = Validation(np.arange(3.0), np.ones(3), np.full(3, 1 / 3), family, None)
    exact = Validation(np.arange(3.0), np.arange(3.0), np.full(3, 1 / 3), family, None)
    assert not losses._r2(constant).any() and not losses._root_mean_squared_error(exact).any()
    sure = Validation(np.array([50.0, -50.0]), np.array([1, 1]), np.full(2, 0.5), LINKED, np.array([0, 1]))
    assert not losses._log_loss(sure).any()  # where scikit-learn clips the probabilities


LINKED = Family(LogisticRegression, shrunk, None, "decision_function", "softmax")


@pytest.mark.parametrize(
    ("scoring", "estimator", "words"),
    [
        ("accuracy", LogisticRegression(), ["LogisticRegression", "'neg_log_loss'", "accuracy"]),
        (None, LogisticRegression(), ["LogisticRegression", "score method"]),
        ("neg_mean_squared_error", LogisticRegression(), ["decision_function", "'neg_mean_squared_error'"]),
        ("neg_mean_absolute_error", Ridge(), ["Ridge", "'r2'", "mean_absolute_error"]),
        (make_scorer(mean_squared_error), Ridge(), ["Ridge", "mean_squared_error"]),  # of the wrong sign
        (make_scorer(mean_squared_error, greater_is_better=False, multioutput="raw_values"), Ridge(), ["raw_values"]),
        (make_scorer(mean_absolute_error), Ridge(), ["mean_absolute_error"]),
        (lambda estimator, X, y: 0.0, Ridge(), ["function"]),
    ],
)
def test_scores_without_a_derivative(scoring, estimator, words) -> None:
    with pytest.raises(InvalidArgument) as caught:
        score_slope(check_scoring(estimator, scoring), estimator, find(type(estimator)))
    assert all(word in str(caught.value) for word in ["scoring", *words]), caught.value


def test_the_squared_hinge_scores_a_pipeline_and_is_one_object() -> None:
    features, target = make_classification(60, 5, n_informative=3, n_classes=3, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, target)
    f = model.decision_function(features)
    signs = np.where(target[:, None] == np.arange(3), 1.0, -1.0)
    assert neg_squared_hinge(model, features, target) == pytest.approx(-np.mean(np.maximum(0, 1 - signs * f) ** 2))
    assert pickle.loads(pickle.dumps(neg_squared_hinge)) is neg_squared_hinge  # noqa: S301
    assert repr(neg_squared_hinge) == "neg_squared_hinge"


# --- the record of the last step's fit --------------------------------------------------------------------------------


def test_the_fit_of_the_last_step_is_recorded_and_nothing_stays() -> None:
    pipeline, fitted = make_pipeline(StandardScaler(), Ridge()), LastFit()
    with recorded(pipeline, fitted):
        pipeline.fit(X, y, ridge__sample_weight=np.ones(len(y)))
    assert "fit" not in vars(pipeline[-1])
    np.testing.assert_array_equal(fitted.X, StandardScaler().fit_transform(X))
    assert fitted.y is y and fitted.params.keys() == {"sample_weight"}


def test_a_fit_that_fails_leaves_nothing_either() -> None:
    ridge = Ridge(alpha=-1.0)
    with pytest.raises(ValueError, match="alpha"), recorded(ridge, LastFit()):
        ridge.fit(X, y)
    assert "fit" not in vars(ridge)


def test_a_users_function_for_a_known_estimator_stays_where_it_came_first() -> None:
    code = """
from sklearn.linear_model import Ridge
import hpcore as hp
from hpcore.evaluation.hypergradients.registry import find

@hp.hypergradient(Ridge)
def own(estimator, X, y, X_valid, v, names):
    return {}

print(find(Ridge).function is own)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
