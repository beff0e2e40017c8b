"""Final fits: the number of threads, and what they leave in the pipeline."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from hpcore.tables import autotune
from hpcore.tables.final import LONG_FIT, final_threads


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
