"""Final fits: the number of threads, and what they leave in the pipeline."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from hpcore.evaluation.choice import ModelChoice
from hpcore.tables import autotune
from hpcore.tables.budget import Budget
from hpcore.tables.columns import classify
from hpcore.tables.final import LONG_FIT, combined, final_threads


@pytest.mark.parametrize(
    ("seconds", "n_jobs", "expected"),
    [
        (0.0, -1, 1),  # threads of a short fit would wait for each other
        (0.9 * LONG_FIT, 4, 1),
        (LONG_FIT, 4, 4),
        (100.0, 1, 1),
        (100.0, None, 1),
        (100.0, -1, 3),
    ],
)
def test_number_of_threads(monkeypatch: pytest.MonkeyPatch, seconds: float, n_jobs: int | None, expected: int) -> None:
    # Cores that the process may use, which is what joblib counts, and not those of the machine.
    monkeypatch.setattr(joblib, "effective_n_jobs", lambda n: {None: 1, -1: 3}.get(n, n))
    assert final_threads(seconds, n_jobs) == expected


@pytest.mark.parametrize(("long", "n_jobs", "expected"), [(0.0, 2, 2), (0.0, 1, 1), (1e9, 2, 1)])
def test_a_final_fit_has_the_threads_of_the_search(
    monkeypatch: pytest.MonkeyPatch, long: float, n_jobs: int, expected: int
) -> None:
    monkeypatch.setattr("hpcore.tables.final.LONG_FIT", long)
    fit, used = RandomForestClassifier.fit, list[Any]()

    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        used.append(self.n_jobs)
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(RandomForestClassifier, "fit", noted)
    X, y = load_iris(return_X_y=True, as_frame=True)
    with ThreadPoolExecutor(2) as executor:
        tuned = autotune(X, y, models=["random_forest"], n_trials=1, n_jobs=n_jobs, cv=2, executor=executor)
    assert used[-1] == expected
    assert tuned.best_estimator_.named_steps["model"].n_jobs != 2


def test_of_ensembles_with_the_same_accuracy_the_better_probabilities_are_chosen() -> None:
    """Both candidates predict each class rightly; one is sure of the first class, the other of the second."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    X, y = X[y < 2].reset_index(drop=True), y[y < 2].reset_index(drop=True)
    sure, unsure = np.array([0.99, 0.01]), np.array([0.55, 0.45])
    first = np.where(y.to_numpy()[:, None] == 0, sure, unsure[::-1])
    second = np.where(y.to_numpy()[:, None] == 0, unsure, sure[::-1])
    columns = classify(X)
    prepare = Pipeline([("read", "passthrough"), ("encode", StandardScaler())])
    choice = ModelChoice({"logistic": Pipeline([("prepare", prepare), ("model", LogisticRegression())])}, "logistic")
    rows = np.arange(len(y))
    ready = SimpleNamespace(
        problem=SimpleNamespace(X=X, y=y, task="classification"),
        scorer="accuracy",
        scoring="accuracy",
        splits=[(rows, rows)],
        sample_weight=None,
        columns=columns,
    )
    params = [{"model": "logistic", "logistic__model__C": C} for C in (0.1, 1.0)]

    def search(*tables: Any) -> Any:
        return SimpleNamespace(
            predictions_=dict(enumerate(tables)),
            trial_numbers_=np.arange(2),
            cv_results_={"mean_fit_time": np.zeros(2)},
            trials_=[SimpleNamespace(params=given) for given in params],
            best_score_=1.0,
        )

    best = (params[0], choice.chosen()[0].fit(X, y))
    ensemble, score, remarks = combined(choice, search(first, second), best, ready, Budget(None, 0.0), 1)
    assert isinstance(ensemble, VotingClassifier) and score == 1.0 and remarks == []
    np.testing.assert_allclose(ensemble.weights, [0.5, 0.5])
    # A mean that is less sure of each row than one of them is no gain.
    assert combined(choice, search(first, np.full((len(y), 2), 0.5)), best, ready, Budget(None, 0.0), 1)[0] is None
