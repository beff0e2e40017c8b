"""The callback of XGBoost, against the metrics that XGBoost records itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType

xgboost = pytest.importorskip("xgboost")

from hpcore.integrations.xgboost import PruningCallback  # noqa: E402

PARAMS = {"objective": "binary:logistic", "eval_metric": ["auc", "logloss"], "nthread": 1}
rng = np.random.default_rng(0)
X = rng.random((300, 4))
y = (X[:, 0] + 0.3 * rng.standard_normal(300) > 0.5).astype(int)


def train(rounds: int, *callbacks: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    seen: dict[str, Any] = {}
    options = {"evals": [(xgboost.DMatrix(X[200:], y[200:]), "validation")], **options}
    model = xgboost.train(
        PARAMS,
        xgboost.DMatrix(X[:200], y[:200]),
        rounds,
        callbacks=list(callbacks),
        evals_result=seen,
        verbose_eval=False,
        **options,
    )
    return model, seen


def test_it_reports_every_iteration(make_trial: Any) -> None:
    trial = make_trial()
    model, seen = train(5, PruningCallback(trial, "validation-auc"))
    assert trial.reports == dict(enumerate(seen["validation"]["auc"], 1))
    assert model.num_boosted_rounds() == 5


def test_it_ends_the_training(make_trial: Any) -> None:
    trial = make_trial(until=3)
    model, _ = train(10, PruningCallback(trial, "validation-logloss"))
    assert list(trial.reports) == [1, 2, 3]
    assert model.num_boosted_rounds() == 3


TREES = {"max_depth": 3}


@pytest.mark.parametrize(
    "booster", [TREES, TREES | {"booster": "dart"}, TREES | {"num_parallel_tree": 3}, {"booster": "gblinear"}], ids=str
)
def test_a_training_that_continues_counts_on(
    make_trial: Any, booster: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in booster.items():
        monkeypatch.setitem(PARAMS, name, value)
    trial = make_trial(until=3)
    for until in (3, 6):
        trial.resume(until)
        saved = trial.checkpoint / "model.ubj"
        start = xgboost.Booster(model_file=saved) if saved.exists() else None
        rounds = 6 - (start.num_boosted_rounds() if start else 0)
        model, _ = train(rounds, PruningCallback(trial, "validation-logloss"), xgb_model=start)
        model.save_model(saved)
    _, whole = train(6)
    assert list(trial.reports) == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(list(trial.reports.values()), whole["validation"]["logloss"], rtol=1e-5)


def test_the_mean_over_folds(make_trial: Any) -> None:
    trial = make_trial(until=4)
    callback = PruningCallback(trial, "test-auc")
    result = xgboost.cv(
        PARAMS, xgboost.DMatrix(X, y), 10, nfold=3, seed=1, callbacks=[callback], as_pandas=False, verbose_eval=False
    )
    assert list(trial.reports.values()) == result["test-auc-mean"]
    assert len(trial.reports) == 4


def test_the_interface_of_scikit_learn(make_trial: Any) -> None:
    trial = make_trial(until=3)
    model = xgboost.XGBClassifier(
        n_estimators=10, n_jobs=1, eval_metric="auc", callbacks=[PruningCallback(trial, "validation_0-auc")]
    )
    model.fit(X[:200], y[:200], eval_set=[(X[200:], y[200:])], verbose=False)
    assert list(trial.reports.values()) == model.evals_result()["validation_0"]["auc"]
    assert model.get_booster().num_boosted_rounds() == 3


def test_what_is_not_there_is_named(make_trial: Any) -> None:
    names = "'validation-auc', 'validation-logloss'"
    with pytest.raises(InvalidArgument, match=f"observation_key must be one of {names}, got 'auc'"):
        train(2, PruningCallback(make_trial(), "auc"))
    with pytest.raises(InvalidArgument, match="there are no metrics: give the training evals"):
        train(2, PruningCallback(make_trial(), "validation-auc"), evals=[])


def test_arguments(make_trial: Any) -> None:
    with pytest.raises(InvalidType, match="observation_key must be a string"):
        PruningCallback(make_trial(), 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match="trial must be a trial"):
        PruningCallback("validation-auc", make_trial())  # type: ignore[arg-type]


def test_jobs_of_a_real_run(check_run: Any) -> None:
    def objective(trial: Any, folder: Path) -> float:
        saved = folder / "model.ubj"
        start = xgboost.Booster(model_file=saved) if saved.exists() else None
        rounds = 6 - (start.num_boosted_rounds() if start else 0)
        model, seen = train(rounds, PruningCallback(trial, "validation-logloss"), xgb_model=start)
        model.save_model(saved)
        return seen["validation"]["logloss"][-1]

    check_run(objective)


WORKER = """
import json, sys
import numpy as np, xgboost
from hpcore.integrations.xgboost import PruningCallback

class Trial:
    until = float("inf")
    reports = {}
    def report(self, value, step): self.reports[step] = value
    def should_stop(self): return max(self.reports) >= 3

task, port = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(int(task))
X = rng.random((100, 4))
y = (X[:, 0] > 0.5).astype(int)
tracker = {"dmlc_tracker_uri": "127.0.0.1", "dmlc_tracker_port": port, "dmlc_task_id": task}
with xgboost.collective.CommunicatorContext(**tracker):
    data = xgboost.DMatrix(X, y)
    seen = {}
    model = xgboost.train(
        {"objective": "binary:logistic", "nthread": 1}, data, 10, evals=[(data, "train")], evals_result=seen,
        callbacks=[PruningCallback(Trial(), "train-logloss")], verbose_eval=False,
    )
    result = (xgboost.collective.get_rank(), model.num_boosted_rounds(), Trial.reports, seen["train"]["logloss"])
print(json.dumps(result))
"""


def test_distributed_workers_report_once_and_end_together() -> None:
    from xgboost.tracker import RabitTracker

    tracker = RabitTracker(n_workers=2, host_ip="127.0.0.1")
    tracker.start()
    port = str(tracker.worker_args()["dmlc_tracker_port"])
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, task, port], stdout=subprocess.PIPE, text=True)
        for task in ("0", "1")
    ]
    results = sorted(json.loads(worker.communicate(timeout=120)[0].splitlines()[-1]) for worker in workers)
    tracker.wait_for()
    assert [rank for rank, *_ in results] == [0, 1]
    assert [rounds for _, rounds, *_ in results] == [3, 3]
    (_, _, reports, losses), (_, _, others, _) = results
    assert reports == {str(step): loss for step, loss in enumerate(losses, 1)}
    assert others == {}
