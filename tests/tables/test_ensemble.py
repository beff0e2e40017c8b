"""Ensembles: selection against exhaustive search and single predictors, combination against the weighted mean."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.tables.ensemble import combine, scorer_of, select


def correlated(n_predictors: int = 8, n: int = 400, seed: int = 0) -> tuple[Any, list[Any]]:
    """Return a truth, and predictors whose errors share a part."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    shared = rng.normal(size=n)
    return y, [y + 0.5 * shared + (0.6 + 0.05 * i) * rng.normal(size=n) for i in range(n_predictors)]


def loss_of(y: Any) -> Any:
    return lambda predictions: -float(np.mean((predictions - y) ** 2))


def mean(predictions: Any, weights: Any) -> Any:
    return np.tensordot(weights, np.asarray(predictions), 1)


@pytest.mark.parametrize("seed", range(5))
def test_it_beats_the_best_single_one(seed: int) -> None:
    y, predictions = correlated(seed=seed)
    weights = select(predictions, loss_of(y))
    assert weights.shape == (8,)
    assert weights.sum() == pytest.approx(1.0)
    best = max(map(loss_of(y), predictions))
    assert loss_of(y)(mean(predictions, weights)) > 0.75 * best  # a loss: less than 75% of the error
    # On rows that the selection has not seen.
    half = [prediction[:200] for prediction in predictions]
    weights = select(half, loss_of(y[:200]))
    rest = [prediction[200:] for prediction in predictions]
    single = rest[int(np.argmax([loss_of(y[:200])(p) for p in half]))]
    assert loss_of(y[200:])(mean(rest, weights)) > loss_of(y[200:])(single)


def test_it_is_near_the_best_of_all_ensembles() -> None:
    y, predictions = correlated(4)
    best = max(
        loss_of(y)(mean(predictions, np.bincount(members, minlength=4) / 8))
        for members in itertools.combinations_with_replacement(range(4), 8)
    )
    weights = select(predictions, loss_of(y), size=8)
    # Better where fewer than 8 are chosen, which the search over ensembles of 8 does not see.
    assert loss_of(y)(mean(predictions, weights)) > 1.01 * best


@pytest.mark.parametrize("seed", range(20))
def test_it_is_never_worse_than_the_best_single_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, 60)
    predictions = [rng.dirichlet(np.ones(3) * 0.5, 60) for _ in range(6)]
    accuracy = lambda p: float(np.mean(np.argmax(p, axis=1) == y))  # noqa: E731
    weights = select(predictions, accuracy)
    assert accuracy(mean(predictions, weights)) >= max(map(accuracy, predictions)) - 1e-12


def test_a_small_weight_is_found() -> None:
    # Half of the second makes the first worse, a fifth makes it better.
    y = np.zeros(2)
    predictions = [np.array([1.0, 0.0]), np.array([-3.0, 3.5])]
    weights = select(predictions, loss_of(y))
    assert loss_of(y)(mean(predictions, [0.5, 0.5])) < loss_of(y)(predictions[0])
    assert 0.05 < weights[1] < 0.25


def test_a_perfect_one_stays_alone_and_ties_go_by_order() -> None:
    y, predictions = correlated()
    np.testing.assert_array_equal(select([*predictions, y], loss_of(y)), [0] * 8 + [1])
    np.testing.assert_array_equal(select([y, y, y], loss_of(y)), [1, 0, 0])
    np.testing.assert_array_equal(select([predictions[1], predictions[1]], loss_of(y)), [1, 0])


@pytest.mark.parametrize(("size", "n_members"), [(1, 10), (2, 10), (25, 1), (25, 2), (3, 5), (25, 10)])
def test_limits(size: int, n_members: int) -> None:
    y, predictions = correlated(12)
    weights = select(predictions, loss_of(y), size, n_members=n_members)
    used = weights[weights > 0]
    assert 1 <= len(used) <= min(size, n_members)
    assert used.min() >= 1 / size - 1e-12


def test_predictors_without_a_score_are_left_out() -> None:
    y, predictions = correlated(3)
    broken = np.full_like(y, np.nan)
    np.testing.assert_allclose(select([broken, *predictions], loss_of(y))[1:], select(predictions, loss_of(y)))
    with pytest.raises(InvalidArgument, match="predictions must have a finite score for at least one"):
        select([broken], loss_of(y))


@pytest.mark.parametrize(
    ("predictions", "options", "error", "message"),
    [
        ([], {}, InvalidArgument, "predictions must be arrays of one shape"),
        ([np.zeros(3), np.zeros(4)], {}, InvalidArgument, r"got shapes \[\(3,\), \(4,\)\]"),
        ([np.zeros(3)], {"size": 0}, InvalidArgument, "size must be >= 1"),
        ([np.zeros(3)], {"size": 2.0}, InvalidType, "size must be an integer"),
        ([np.zeros(3)], {"n_members": 0}, InvalidArgument, "n_members must be >= 1"),
    ],
)
def test_wrong_arguments_of_select(predictions: Any, options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        select(predictions, lambda p: 0.0, **options)


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr", "f1_macro", "balanced_accuracy"])
@pytest.mark.parametrize("words", [False, True])
def test_scores_of_classes_are_those_of_cross_validation(scoring: str, words: bool) -> None:
    X, y = load_iris(return_X_y=True)
    if words:
        y = np.array(["z", "m", "a"], dtype=object)[y]
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05))
    score = scorer_of(scoring, y, np.unique(y), folds.split(X, y))
    probabilities = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
    assert score(probabilities) == pytest.approx(cross_val_score(model, X, y, cv=folds, scoring=scoring).mean())


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "f1", "neg_brier_score", "accuracy"])
def test_scores_of_two_classes(scoring: str) -> None:
    X, y = load_iris(return_X_y=True)
    y = (y == 1).astype(int)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    model = KNeighborsClassifier(9)
    score = scorer_of(scoring, y, np.unique(y), folds.split(X, y))
    probabilities = cross_val_predict(model, X, y, cv=folds, method="predict_proba")
    assert score(probabilities) == pytest.approx(cross_val_score(model, X, y, cv=folds, scoring=scoring).mean())


@pytest.mark.parametrize("scoring", ["r2", "neg_root_mean_squared_error", make_scorer(mean_absolute_error)])
def test_scores_of_numbers(scoring: Any) -> None:
    X, y = load_diabetes(return_X_y=True)
    folds = KFold(4, shuffle=True, random_state=0)
    predictions = cross_val_predict(Ridge(), X, y, cv=folds)
    expected = cross_val_score(Ridge(), X, y, cv=folds, scoring=scoring).mean()
    assert scorer_of(scoring, y, None, folds.split(X, y))(predictions) == pytest.approx(expected)


@pytest.mark.parametrize("labels", [["setosa", "versicolor", "virginica"], [3, 5, 9]])
def test_classifier_is_the_weighted_mean(labels: list[Any]) -> None:
    X, codes = load_iris(return_X_y=True)
    y = np.array(labels)[codes]
    models = [
        make_pipeline(StandardScaler(), model).fit(X[::2], y[::2])
        for model in (LogisticRegression(), KNeighborsClassifier(7), DecisionTreeClassifier(max_depth=2))
    ]
    voting = combine(models, [0.6, 0.0, 0.4], "classification", np.unique(y))
    check_is_fitted(voting)
    expected = 0.6 * models[0].predict_proba(X) + 0.4 * models[2].predict_proba(X)
    for fitted in (voting, pickle.loads(pickle.dumps(voting))):  # noqa: S301
        np.testing.assert_allclose(fitted.predict_proba(X), expected)
        np.testing.assert_array_equal(fitted.predict(X), np.array(labels)[np.argmax(expected, axis=1)])
    assert voting.score(X, y) > 0.9
    assert voting.classes_.tolist() == labels
    assert voting.n_features_in_ == 4
    assert voting.named_estimators_["model_1"] is models[2] is voting.estimators_[1]


def test_regressor_is_the_weighted_mean() -> None:
    X, y = load_diabetes(return_X_y=True)
    models = [make_pipeline(StandardScaler(), model).fit(X, y) for model in (Ridge(), KNeighborsRegressor(9))]
    voting = combine(models, np.array([1.0, 3.0]), "regression")
    expected = 0.25 * models[0].predict(X) + 0.75 * models[1].predict(X)
    np.testing.assert_allclose(voting.predict(X), expected)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(voting)).predict(X), expected)  # noqa: S301
    assert combine(models, [0.0, 1.0], "regression") is models[1]


def test_a_frame_keeps_its_names() -> None:
    data = load_diabetes(as_frame=True)
    models = [make_pipeline(StandardScaler(), Ridge(alpha)).fit(data.data, data.target) for alpha in (1, 10)]
    voting = combine(models, [0.5, 0.5], "regression")
    assert voting.feature_names_in_.tolist() == data.feature_names
    assert voting.predict(data.data).shape == (442,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], "classification", [0, 1, 2]), "weights must be one number for each of 2 pipelines"),
        (([0.0, 0.0], "classification", [0, 1, 2]), "weights must be finite, >= 0 and not all 0"),
        (([-1.0, 2.0], "classification", [0, 1, 2]), "weights must be finite"),
        (([np.nan, 2.0], "classification", [0, 1, 2]), "weights must be finite"),
        (([0.5, 0.5], "classification", None), "classes must be given"),
        (([1.0, 0.0], "classification", [0, 1]), "classes must be those of every pipeline"),
        (([0.5, 0.5], "classification", [0, 1, 2]), r"predict_proba\), got RidgeClassifier"),
        (([0.5, 0.5], "clustering", None), "task must be one of 'classification', 'regression'"),
    ],
)
def test_wrong_arguments_of_combine(arguments: Any, message: str) -> None:
    X, y = load_iris(return_X_y=True)
    models = [LogisticRegression(max_iter=500).fit(X, y), RidgeClassifier().fit(X, y)]
    with pytest.raises(InvalidArgument, match=message):
        combine(models, *arguments)
