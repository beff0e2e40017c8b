"""Ridge and logistic regression with a penalty for each group of columns."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.cloning import replicate
from hpcore.sklearn import GroupLogisticRegression, GroupRidge

X, y = make_regression(50, 6, noise=3.0, random_state=0)
FEATURES, TARGET = make_classification(90, 6, n_informative=4, n_classes=3, random_state=0)
GROUPS = [0, 0, 1, 1, 1, 2]


@parametrize_with_checks([GroupRidge(1), GroupLogisticRegression(1)])
def test_estimators_of_scikit_learn(estimator, check) -> None:
    check(estimator)


def test_the_penalised_loss_is_least() -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    alphas = np.array([0.1, 3.0, 50.0])
    model = GroupRidge(GROUPS, alphas).fit(X, y, sample_weight=weights)

    def loss(theta):
        residuals = y - X @ theta[:-1] - theta[-1]
        return weights @ residuals**2 + alphas[GROUPS] @ theta[:-1] ** 2

    best = scipy.optimize.minimize(loss, np.zeros(7), tol=1e-12).x
    np.testing.assert_allclose([*model.coef_, model.intercept_], best, rtol=1e-4)


def test_the_penalised_log_loss_is_least() -> None:
    Cs = np.array([0.1, 3.0, 0.5])
    model = GroupLogisticRegression(GROUPS, Cs, solver="newton-cholesky", tol=1e-12).fit(FEATURES, TARGET)

    def loss(theta):
        W, b = theta[:18].reshape(3, 6), theta[18:]
        f = FEATURES @ W.T + b
        logs = scipy.special.logsumexp(f, axis=1) - f[np.arange(len(f)), TARGET]
        return logs.sum() + np.sum(W**2 / (2.0 * Cs[GROUPS]))

    fitted = np.append(model.coef_.ravel(), model.intercept_)
    best = scipy.optimize.minimize(loss, fitted + 0.1, tol=1e-10)
    assert loss(fitted) == pytest.approx(best.fun, rel=1e-9) and loss(fitted) <= best.fun + 1e-9


def test_one_penalty_is_that_of_scikit_learn() -> None:
    np.testing.assert_allclose(GroupRidge(3, 2.5).fit(X, y).predict(X), Ridge(2.5).fit(X, y).predict(X))
    ours = GroupLogisticRegression(GROUPS, 0.3, solver="newton-cholesky").fit(FEATURES, TARGET)
    theirs = LogisticRegression(C=0.3, solver="newton-cholesky").fit(FEATURES, TARGET)
    np.testing.assert_allclose(ours.predict_proba(FEATURES), theirs.predict_proba(FEATURES), atol=1e-6)
    np.testing.assert_array_equal(ours.predict(FEATURES), theirs.predict(FEATURES))


def test_sparse_rows_and_several_targets() -> None:
    for sparse, target in ((scipy.sparse.csr_array(X), y), (scipy.sparse.csr_array(X), np.c_[y, -y])):
        model = GroupRidge(GROUPS, [0.1, 3.0, 50.0])
        dense = clone(model).fit(X, target).predict(X)
        np.testing.assert_allclose(model.fit(sparse, target).predict(sparse), dense, rtol=1e-3)
    two = TARGET > 0
    model = GroupLogisticRegression(2).fit(scipy.sparse.csr_array(FEATURES), two)
    assert model.predict_proba(FEATURES).shape == (90, 2) and model.decision_function(FEATURES).shape == (90,)


@pytest.mark.parametrize(("kind", "one"), [(GroupRidge, "alpha"), (GroupLogisticRegression, "C")])
def test_each_group_is_a_parameter(kind, one: str) -> None:
    model = kind(GROUPS)
    assert {f"{one}_0", f"{one}_1", f"{one}_2", f"{one}s"} <= model.get_params().keys()
    assert f"{one}_0" not in model.get_params(deep=False)
    model.set_params(**{f"{one}_1": 7.0})
    assert [model.get_params()[f"{one}_{g}"] for g in range(3)] == [1.0, 7.0, 1.0]
    for copy in (clone(model), replicate(model), pickle.loads(pickle.dumps(model))):  # noqa: S301
        assert copy.get_params()[f"{one}_1"] == 7.0
        copy.set_params(**{f"{one}_1": 8.0})
        assert model.get_params()[f"{one}_1"] == 7.0
    # All together first, then single ones.
    model.set_params(**{f"{one}_2": 3.0, f"{one}s": 2.0})
    assert [model.get_params()[f"{one}_{g}"] for g in range(3)] == [2.0, 2.0, 3.0]
    piped = make_pipeline(StandardScaler(), kind(GROUPS))
    name = f"{kind.__name__.lower()}__{one}_1"
    assert clone(piped.set_params(**{name: 4.0})).get_params()[name] == 4.0


def test_a_space_of_all_groups() -> None:
    assert GroupRidge(2).space(0.1, 10.0) == {name: hp.Float(0.1, 10.0, log=True) for name in ("alpha_0", "alpha_1")}
    assert list(GroupLogisticRegression(GROUPS).space(prefix="m__")) == ["m__C_0", "m__C_1", "m__C_2"]


def test_a_number_of_groups_is_that_of_neighbours() -> None:
    groups, values = GroupRidge(3, [1.0, 2.0, 3.0])._by_column(7)
    np.testing.assert_array_equal(groups, [0, 0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(values, [1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"groups": 0}, InvalidArgument, ["groups", "0"]),
        ({"groups": 2.5}, InvalidType, ["groups", "2.5"]),
        ({"groups": "two"}, InvalidType, ["groups", "'two'"]),
        ({"groups": None}, InvalidType, ["groups", "None"]),
        ({"groups": [0, 1]}, InvalidArgument, ["groups", "6 columns", "2"]),
        ({"groups": [0, 0, 0, 0, 0, -1]}, InvalidType, ["groups", "-1"]),
        ({"groups": [0.0, 0.5, 0, 0, 0, 0]}, InvalidType, ["groups", "0.5"]),
        ({"groups": [[0, 1, 0, 1, 0, 1]]}, InvalidType, ["groups"]),
        ({"groups": 2, "alphas": [1.0, 2.0, 3.0]}, InvalidArgument, ["alphas", "2 groups"]),
        ({"groups": 2, "alphas": [1.0, 0.0]}, InvalidArgument, ["alphas", "> 0"]),
        ({"groups": 2, "alphas": [1.0, np.nan]}, InvalidArgument, ["alphas", "nan"]),
        ({"groups": 2, "alphas": -1.0}, InvalidArgument, ["alphas", "-1"]),
    ],
)
def test_wrong_groups_and_penalties(arguments, error, words) -> None:
    with pytest.raises(error) as caught:
        GroupRidge(**arguments).fit(X, y)
    assert all(word in str(caught.value) for word in words), caught.value


def test_wrong_names_and_solvers() -> None:
    with pytest.raises(InvalidArgument, match="alpha_3 must be of one of the 3 groups"):
        GroupRidge(GROUPS).set_params(alpha_3=1.0)
    with pytest.raises(ValueError, match="beta_0"):
        GroupRidge(GROUPS).set_params(beta_0=1.0)
    with pytest.raises(InvalidArgument, match="'liblinear'"):
        GroupLogisticRegression(GROUPS, solver="liblinear").fit(FEATURES, TARGET)
