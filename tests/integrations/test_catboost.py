"""The callback of CatBoost, against the metrics that CatBoost records itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType

catboost = pytest.importorskip("catboost")

from hpcore.integrations.catboost import PruningCallback  # noqa: E402

pytestmark = pytest.mark.doors

rng = np.random.default_rng(0)
X = rng.random((300, 4))
y = (X[:, 0] + 0.3 * rng.standard_normal(300) > 0.5).astype(int)
VALID = (X[200:], y[200:])


def fit(iterations: int, callback: Any = None, eval_set: Any = VALID, init_model: Any = None, **options: Any) -> Any:
    options = {"custom_metric": ["AUC"], "depth": 3, "learning_rate": 0.1, "verbose": 0, "thread_count": 1, **options}
    options.setdefault("allow_writing_files", "snapshot_file" in options)
    model = catboost.CatBoostClassifier(iterations=iterations, **options)
    callbacks = None if callback is None else [callback]
    return model.fit(X[:200], y[:200], eval_set=eval_set, callbacks=callbacks, init_model=init_model)


def losses(model: Any) -> list[float]:
    return model.evals_result_["validation"]["Logloss"]


def test_it_reports_every_iteration(make_trial: Any) -> None:
    trial = make_trial()
    model = fit(5, PruningCallback(trial, "AUC"))
    assert trial.reports == dict(enumerate(model.evals_result_["validation"]["AUC"], 1))
    assert len(trial.reports) == 5


def test_it_ends_the_training(make_trial: Any) -> None:
    trial = make_trial(until=3)
    model = fit(10, PruningCallback(trial, "Logloss"), use_best_model=False)
    assert list(trial.reports) == [1, 2, 3]
    assert model.tree_count_ == 3


def test_it_reports_what_is_evaluated(make_trial: Any) -> None:
    trial = make_trial()
    model = fit(8, PruningCallback(trial, "Logloss"), metric_period=3)
    every = losses(fit(8))
    assert trial.reports == {step: every[step - 1] for step in (1, 4, 7, 8)}
    assert losses(model) == list(trial.reports.values())


@pytest.mark.parametrize(("index", "name"), [(0, "validation_0"), (1, "validation_1")])
def test_several_evaluation_sets(make_trial: Any, index: int, name: str) -> None:
    trial = make_trial()
    model = fit(3, PruningCallback(trial, "Logloss", index), eval_set=[VALID, (X[200:250], y[200:250])])
    assert list(trial.reports.values()) == model.evals_result_[name]["Logloss"]


def test_a_list_of_one_evaluation_set(make_trial: Any) -> None:
    trial = make_trial()
    model = fit(3, PruningCallback(trial, "Logloss", 0), eval_set=[VALID])
    assert list(trial.reports.values()) == losses(model)


@pytest.mark.parametrize("period", [1, 2])
def test_a_training_that_continues_counts_on(make_trial: Any, tmp_path: Path, period: int) -> None:
    trial = make_trial()
    for until in (3, 6):
        trial.resume(until)
        options = {"save_snapshot": True, "snapshot_file": str(trial.checkpoint / "snapshot"), "train_dir": tmp_path}
        model = fit(6, PruningCallback(trial, "Logloss"), metric_period=period, use_best_model=False, **options)
    whole = losses(fit(6))
    # With a period of 2, iterations 1, 3, 5 and the last one are evaluated.
    assert trial.reports == {step: whole[step - 1] for step in ((1, 2, 3, 4, 5, 6) if period == 1 else (1, 3, 5, 6))}
    assert model.tree_count_ == 6


def test_a_snapshot_with_other_parameters(make_trial: Any, tmp_path: Path) -> None:
    trial = make_trial(until=2)
    options = {"save_snapshot": True, "snapshot_file": str(tmp_path / "snapshot"), "train_dir": tmp_path}
    fit(6, PruningCallback(trial, "Logloss"), **options)
    with pytest.raises(catboost.CatBoostError, match="differ"):
        fit(6, PruningCallback(trial, "Logloss"), l2_leaf_reg=9, **options)
    trial.until = 4
    fit(6, PruningCallback(trial, "Logloss"), **options | {"learning_rate": 0.3})
    assert list(trial.reports) == [1, 2, 3, 4]


def test_what_is_not_there_is_named(make_trial: Any) -> None:
    # CatBoost makes an error of its own of each error in a callback, with its text.
    with pytest.raises(catboost.CatBoostError, match=r"InvalidArgument: metric must be .*'Logloss'.*, got 'RMSE'"):
        fit(2, PruningCallback(make_trial(), "RMSE"))
    with pytest.raises(catboost.CatBoostError, match="must be one of 'validation', got 'validation_1'"):
        fit(2, PruningCallback(make_trial(), "AUC", 1))
    with pytest.raises(catboost.CatBoostError, match="there are no metrics: give fit an eval_set"):
        fit(2, PruningCallback(make_trial(), "AUC"), eval_set=None)


def test_arguments(make_trial: Any) -> None:
    with pytest.raises(InvalidType, match="metric must be a string"):
        PruningCallback(make_trial(), 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="eval_set_index must be >= 0, got -1"):
        PruningCallback(make_trial(), "AUC", -1)


def test_jobs_of_a_real_run(check_run: Any, tmp_path: Path) -> None:
    def objective(trial: Any, folder: Path) -> float:
        options = {"save_snapshot": True, "snapshot_file": str(folder / "snapshot"), "train_dir": tmp_path}
        return losses(fit(6, PruningCallback(trial, "Logloss"), **options))[-1]

    check_run(objective)
