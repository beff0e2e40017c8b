"""Early stopping on held-out training rows, against rounds counted by hand; and the model for all rows after it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_classification, make_friedman1
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.tables.early import EarlyStopping, finalise, held_out
from hpcore.tables.steps_models import LabelledClassifier
from hpcore.tables.steps_text import LevelEncoder

LIBRARIES = ("lightgbm", "xgboost", pytest.param("catboost", marks=pytest.mark.doors))
TASKS = ("classification", "regression")


def plain(library: str, task: str, **changed: Any) -> Any:
    """Return a small quick model of a library, without output."""
    module = pytest.importorskip(library)
    short = {"lightgbm": "LGBM", "xgboost": "XGB", "catboost": "CatBoost"}[library]
    kind = getattr(module, short + ("Classifier" if task == "classification" else "Regressor"))
    if library == "catboost":
        options: dict[str, Any] = {"depth": 3, "thread_count": 1, "verbose": False, "allow_writing_files": False}
    elif library == "xgboost":
        options = {"max_depth": 3, "n_jobs": 1, "verbosity": 0}
    else:
        options = {"num_leaves": 6, "n_jobs": 1, "verbosity": -1}
    seed = "random_seed" if library == "catboost" else "random_state"
    return kind(**options, **{seed: 3}, learning_rate=0.3, **changed)


def data(task: str, n: int = 400) -> tuple[Any, Any]:
    """Return noisy data, on which boosting overfits within a few rounds; classes are words."""
    if task == "regression":
        return make_friedman1(n, 8, noise=4.0, random_state=0)
    X, y = make_classification(n, 8, n_informative=4, n_classes=3, flip_y=0.3, random_state=0)
    return X, np.array(["red", "green", "blue"], dtype=object)[y]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_rounds_are_the_best_on_the_rows_held_out(library: str, task: str) -> None:
    X, y = data(task)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    model = EarlyStopping(plain(library, task), most_rounds=60, patience=60, fraction=0.2, seed=5)
    model.fit(X, y, sample_weight=weight)
    codes = np.unique(y, return_inverse=True)[1] if task == "classification" else y
    held = held_out(codes, 0.2, 5, classes=task == "classification")
    losses = []
    for n in range(1, 61):
        rounds = {"iterations" if library == "catboost" else "n_estimators": n}
        one = plain(library, task, **rounds).fit(X[~held], codes[~held], sample_weight=weight[~held])
        if task == "classification":
            losses.append(log_loss(codes[held], one.predict_proba(X[held]), sample_weight=weight[held]))
        else:
            losses.append(mean_squared_error(codes[held], one.predict(X[held]), sample_weight=weight[held]))
        if n > model.n_rounds_ + 3:
            break
    assert 1 < model.n_rounds_ <= 60
    assert losses[model.n_rounds_ - 1] == pytest.approx(min(losses), rel=1e-6)
    # Predictions are those of the best number of rounds, not of the last round.
    again = plain(library, task, **{"iterations" if library == "catboost" else "n_estimators": model.n_rounds_})
    again.fit(X[~held], codes[~held], sample_weight=weight[~held])
    if task == "classification":
        np.testing.assert_allclose(model.predict_proba(X), again.predict_proba(X), rtol=1e-5)
        assert set(model.predict(X)) <= {"red", "green", "blue"}
        assert model.classes_.tolist() == ["blue", "green", "red"]
        np.testing.assert_array_equal(model.predict(X), model.classes_[np.argmax(again.predict_proba(X), axis=1)])
    else:
        np.testing.assert_allclose(model.predict(X), again.predict(X), rtol=1e-5)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_it_is_an_estimator(library: str, task: str, capfd: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    X, y = data(task, 150)
    model = EarlyStopping(plain(library, task), most_rounds=15, patience=3)
    assert is_classifier(model) == (task == "classification") == hasattr(model, "predict_proba")
    assert is_regressor(model) == (task == "regression")
    copy = clone(model).set_params(estimator__learning_rate=0.2, patience=4)
    assert (copy.estimator.get_params()["learning_rate"], copy.patience, model.patience) == (0.2, 4, 3)
    assert model.fit(X, y) is model
    assert model.n_features_in_ == 8
    assert "early_stopping_rounds" not in {k: v for k, v in model.estimator.get_params().items() if v is not None}
    np.testing.assert_array_equal(clone(model).fit(X, y).predict(X), model.predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))  # noqa: S301
    assert model.score(X, y) > 0.3
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []  # the working folder of these tests


def test_test_rows_are_never_seen() -> None:
    X, y = data("regression")
    model = EarlyStopping(plain("lightgbm", "regression"), most_rounds=20).fit(X[:300], y[:300])
    before = model.predict(X[300:])
    y[300:] = 1e9
    again = clone(model).fit(X[:300], y[:300])
    np.testing.assert_array_equal(again.predict(X[300:]), before)


def test_rows_are_held_out_in_proportion() -> None:
    y = np.repeat(np.arange(4), [500, 300, 199, 1])
    rng = np.random.default_rng(0)
    rng.shuffle(y)
    held = held_out(y, 0.1, 0, classes=True)
    counts = np.bincount(y[held], minlength=4)
    assert held.sum() == 99
    assert np.all(np.abs(counts - [50, 30, 19.9, 0]) <= 1)
    assert counts[3] == 0
    assert (held_out(y, 0.1, 1, classes=True) != held).any()
    np.testing.assert_array_equal(held_out(y, 0.1, 0, classes=True), held)
    numbers = rng.normal(size=1000)
    held = held_out(numbers, 0.2, 0, classes=False)
    assert held.sum() == 200
    np.testing.assert_allclose(np.sort(numbers[held]), np.sort(numbers)[2::5], atol=0.5)


@pytest.mark.parametrize("fraction", [0.1, 0.34, 0.5])
def test_a_class_keeps_a_row_in_training(fraction: float) -> None:
    for seed in range(30):
        y = np.random.default_rng(seed).integers(0, 30, 60)
        held = held_out(y, fraction, seed, classes=True)
        assert held.sum() >= 1
        assert set(y[~held]) == set(y)


def test_rows_of_weight_zero_stay_in_training() -> None:
    y, weight = np.arange(100) % 2, np.ones(100)
    weight[:60] = 0.0
    held = held_out(y, 0.5, 0, classes=True, weight=weight)
    assert held.sum() == 20 and not held[:60].any()
    weight[:] = 0.0
    assert not held_out(y, 0.5, 0, classes=True, weight=weight).any()


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_rare_classes(library: str) -> None:
    X, y = data("classification", 120)
    y[0], y[1:3] = "only one", "two of them"
    model = EarlyStopping(plain(library, "classification"), most_rounds=10).fit(X, y)
    assert model.predict_proba(X).shape == (120, 5)
    # One row of each class: nothing can be held out.
    few = EarlyStopping(plain(library, "classification"), most_rounds=10).fit(X[:3], ["a", "b", "c"])
    assert few.n_rounds_ == 10
    assert few.predict(X[:3]).shape == (3,)


@pytest.mark.parametrize("library", LIBRARIES)
def test_balanced_classes_are_weights_of_rows(library: str) -> None:
    X, y = data("classification", 200)
    y[:120] = "red"
    balanced = EarlyStopping(plain(library, "classification"), most_rounds=12, class_weight="balanced").fit(X, y)
    counts = {name: np.sum(y == name) for name in set(y)}
    weight = np.array([len(y) / (3 * counts[name]) for name in y])
    by_hand = EarlyStopping(plain(library, "classification"), most_rounds=12).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), rtol=1e-6)
    without = EarlyStopping(plain(library, "classification"), most_rounds=12).fit(X, y)
    assert np.sum(balanced.predict(X) == "red") < np.sum(without.predict(X) == "red")


def test_patience_follows_the_learning_rate() -> None:
    model = plain("lightgbm", "regression")
    found = [
        EarlyStopping(clone(model).set_params(learning_rate=rate))._rounds_of_patience()
        for rate in (0.5, 0.1, 0.05, 0.01)
    ]
    assert found == [20, 50, 100, 200]
    assert EarlyStopping(model, patience=7)._rounds_of_patience() == 7


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"most_rounds": 0}, InvalidArgument, "most_rounds must be >= 1, got 0"),
        ({"patience": 0}, InvalidArgument, "patience must be >= 1, got 0"),
        ({"patience": 2.5}, InvalidType, "patience must be an integer"),
        ({"fraction": 0.0}, InvalidArgument, "fraction must be finite and > 0 and <= 0.5, got 0.0"),
        ({"fraction": 0.6}, InvalidArgument, "fraction must be"),
        ({"estimator": LogisticRegression()}, InvalidArgument, "estimator must be one of lightgbm, xgboost, catboost"),
    ],
)
def test_wrong_parameters(options: dict[str, Any], error: type[Exception], message: str) -> None:
    model = EarlyStopping(**{"estimator": plain("lightgbm", "regression"), **options})
    with pytest.raises(error, match=message):
        model.fit(np.zeros((10, 2)), np.arange(10.0))


@pytest.mark.parametrize("library", LIBRARIES)
def test_final_classifier_is_plain(library: str) -> None:
    X, y = data("classification")
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    early = EarlyStopping(plain(library, "classification"), most_rounds=30, class_weight="balanced")
    pipeline = Pipeline([("prepare", StandardScaler()), ("model", early)]).fit(X, y, model__sample_weight=weight)
    final = finalise(pipeline, X, y, sample_weight=weight)
    model = final[-1]
    # An independent fit to all rows with the rounds that were found, and the weights multiplied by hand.
    n = pipeline[-1].n_rounds_
    codes = np.unique(y, return_inverse=True)[1]
    weights = weight * (len(y) / (3 * np.bincount(codes)))[codes]
    oracle = plain(library, "classification", **{"iterations" if library == "catboost" else "n_estimators": n})
    Z = StandardScaler().fit_transform(X)
    expected = oracle.fit(Z, codes, sample_weight=weights).predict_proba(Z)
    np.testing.assert_allclose(final.predict_proba(X), expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(final.predict(X), np.unique(y)[np.argmax(expected, axis=1)])
    assert final.classes_.tolist() == ["blue", "green", "red"]
    assert type(model).__module__.startswith("lightgbm") if library == "lightgbm" else type(model) is LabelledClassifier
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(final)).predict(X), final.predict(X))  # noqa: S301


@pytest.mark.parametrize("library", LIBRARIES)
def test_final_regressor_is_plain(library: str) -> None:
    X, y = data("regression")
    early = EarlyStopping(plain(library, "regression"), most_rounds=30)
    for model in (early, TransformedTargetRegressor(early, transformer=StandardScaler())):
        pipeline = Pipeline([("prepare", StandardScaler()), ("model", clone(model))]).fit(X, y)
        final = finalise(pipeline, X, y)
        fitted, last = pipeline[-1], final[-1]
        n = getattr(fitted, "regressor_", fitted).n_rounds_
        oracle = plain(library, "regression", **{"iterations" if library == "catboost" else "n_estimators": n})
        if model is not early:
            assert type(last) is TransformedTargetRegressor
            oracle, last = TransformedTargetRegressor(oracle, transformer=StandardScaler()), last.regressor_
        assert not type(last).__module__.startswith("hpcore")
        Z = StandardScaler().fit_transform(X)
        np.testing.assert_allclose(final.predict(X), oracle.fit(Z, y).predict(Z), rtol=1e-5)


def test_the_final_model_is_fitted_to_features_that_are_free_of_its_own_targets() -> None:
    """Codes without any relation to the target: in `transform` of training rows they have the rows' own targets."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"code": rng.integers(0, 900, 1800).astype(str), "x": rng.standard_normal(1800)})
    y = X["x"].to_numpy() + rng.standard_normal(1800)
    encode = ColumnTransformer([("code", LevelEncoder(random_state=0), ["code"]), ("x", "passthrough", ["x"])])
    pipeline = Pipeline([("prepare", encode), ("model", EarlyStopping(plain("lightgbm", "regression")))]).fit(X, y)
    final = finalise(pipeline, X, y)
    n = pipeline[-1].n_rounds_
    oracle = Pipeline([("prepare", clone(encode)), ("model", plain("lightgbm", "regression", n_estimators=n))])
    np.testing.assert_allclose(final.predict(X), oracle.fit(X, y).predict(X), rtol=1e-9)


def test_other_pipelines_stay_as_they_are() -> None:
    X, y = data("classification")
    pipeline = Pipeline([("prepare", StandardScaler()), ("model", LogisticRegression())]).fit(X, y)
    assert finalise(pipeline, X, y) is pipeline


def test_importing_it_loads_no_library() -> None:
    code = "import sys, hpcore.tables.early, hpcore.tables.presets as p; p.available(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"lightgbm", "xgboost", "catboost"} & set(done.stdout.split())
