"""The callback of LightGBM, against the metrics that LightGBM records itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType

lightgbm = pytest.importorskip("lightgbm")

from hpcore.integrations.lightgbm import PruningCallback  # noqa: E402

PARAMS = {"objective": "binary", "metric": ["auc", "binary_logloss"], "verbose": -1, "num_threads": 1, "num_leaves": 7}
rng = np.random.default_rng(0)
X = rng.random((300, 4))
y = (X[:, 0] + 0.3 * rng.standard_normal(300) > 0.5).astype(int)


def data() -> tuple[Any, Any]:
    train = lightgbm.Dataset(X[:200], y[:200], free_raw_data=False)
    return train, lightgbm.Dataset(X[200:], y[200:], reference=train, free_raw_data=False)


def train(rounds: int, *callbacks: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    training, valid = data()
    options = {"valid_sets": [valid], **options}
    seen: dict[str, Any] = {}
    callbacks = (*callbacks, lightgbm.record_evaluation(seen))
    return lightgbm.train(PARAMS, training, rounds, callbacks=list(callbacks), **options), seen


def test_it_reports_every_iteration(make_trial: Any) -> None:
    trial = make_trial()
    model, seen = train(5, PruningCallback(trial, "auc"))
    assert trial.reports == dict(enumerate(seen["valid_0"]["auc"], 1))
    assert model.num_trees() == 5


def test_it_ends_the_training(make_trial: Any) -> None:
    trial = make_trial(until=3)
    model, seen = train(10, PruningCallback(trial, "binary_logloss"))
    assert list(trial.reports) == [1, 2, 3]
    assert model.num_trees() == model.best_iteration == len(seen["valid_0"]["auc"]) == 3


def test_intervals_and_names_of_data(make_trial: Any) -> None:
    trial = make_trial(until=7)
    callback = PruningCallback(trial, "auc", valid_name="held", report_interval=3)
    _, seen = train(10, callback, valid_names=["held"])
    assert trial.reports == {step: seen["held"]["auc"][step - 1] for step in (3, 6, 7)}


def test_it_reports_before_early_stopping_ends_the_training(make_trial: Any) -> None:
    trial = make_trial()
    model, seen = train(200, lightgbm.early_stopping(3, verbose=False), PruningCallback(trial, "auc"))
    assert len(trial.reports) == len(seen["valid_0"]["auc"]) < 200
    assert model.best_iteration < len(trial.reports)


def test_a_training_that_continues_counts_on(make_trial: Any) -> None:
    trial = make_trial(until=3)
    for until in (3, 6):
        trial.resume(until)
        saved = trial.checkpoint / "model.txt"
        start = lightgbm.Booster(model_file=saved) if saved.exists() else None
        rounds = 6 - (start.current_iteration() if start else 0)
        model, _ = train(rounds, PruningCallback(trial, "auc"), init_model=start)
        model.save_model(saved)
    _, whole = train(6)
    assert list(trial.reports) == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(list(trial.reports.values()), whole["valid_0"]["auc"], rtol=1e-6)
    assert model.num_trees() == 6


def test_the_mean_over_folds(make_trial: Any) -> None:
    trial = make_trial(until=4)
    result = lightgbm.cv(PARAMS, data()[0], 10, nfold=3, seed=1, callbacks=[PruningCallback(trial, "auc")])
    assert list(trial.reports.values()) == result["valid auc-mean"]
    assert len(trial.reports) == 4


def test_the_folds_have_training_data_too(make_trial: Any) -> None:
    trial = make_trial()
    result = lightgbm.cv(
        PARAMS, data()[0], 3, nfold=3, eval_train_metric=True, callbacks=[PruningCallback(trial, "auc", "train")]
    )
    assert list(trial.reports.values()) == result["train auc-mean"]


def test_the_results_of_folds_before_version_4_7(make_trial: Any) -> None:
    trial = make_trial()
    env = lightgbm.callback.CallbackEnv(
        model=lightgbm.CVBooster(),
        params={},
        iteration=0,
        begin_iteration=0,
        end_iteration=1,
        evaluation_result_list=[("cv_agg", "train auc", 0.9, True, 0.1), ("cv_agg", "valid auc", 0.7, True, 0.1)],
    )
    PruningCallback(trial, "auc")(env)
    assert trial.reports == {1: 0.7}


def test_the_interface_of_scikit_learn(make_trial: Any) -> None:
    trial = make_trial(until=3)
    model = lightgbm.LGBMClassifier(n_estimators=10, num_leaves=7, verbose=-1, n_jobs=1)
    names = [f"x{i}" for i in range(4)]
    model.fit(
        X[:200],
        y[:200],
        eval_X=(X[200:],),
        eval_y=(y[200:],),
        eval_metric="auc",
        feature_name=names,
        callbacks=[PruningCallback(trial, "auc")],
    )
    assert list(trial.reports.values()) == model.evals_result_["valid_0"]["auc"]
    assert model.booster_.num_trees() == 3


def test_what_is_not_there_is_named(make_trial: Any) -> None:
    with pytest.raises(InvalidArgument, match="metric must be one of 'auc', 'binary_logloss', got 'rmse'"):
        train(2, PruningCallback(make_trial(), "rmse"))
    with pytest.raises(InvalidArgument, match="valid_name must be one of 'valid_0', got 'test'"):
        train(2, PruningCallback(make_trial(), "auc", "test"))
    with pytest.raises(InvalidArgument, match="there are no metrics: give the training validation data"):
        lightgbm.train(PARAMS, data()[0], 2, callbacks=[PruningCallback(make_trial(), "auc")])


def test_arguments(make_trial: Any) -> None:
    with pytest.raises(InvalidType, match="metric must be a string"):
        PruningCallback(make_trial(), 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match="valid_name must be a string"):
        PruningCallback(make_trial(), "auc", 0)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="report_interval must be >= 1, got 0"):
        PruningCallback(make_trial(), "auc", report_interval=0)


def test_jobs_of_a_real_run(check_run: Any) -> None:
    def objective(trial: Any, folder: Path) -> float:
        saved = folder / "model.txt"
        start = lightgbm.Booster(model_file=saved) if saved.exists() else None
        rounds = 6 - (start.current_iteration() if start else 0)
        model, seen = train(rounds, PruningCallback(trial, "binary_logloss"), init_model=start)
        model.save_model(saved)
        return seen["valid_0"]["binary_logloss"][-1]

    check_run(objective)
