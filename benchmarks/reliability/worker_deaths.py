"""Worker deaths: some folds kill their worker, and no finished fold may be lost.

Run with ``python benchmarks/reliability/worker_deaths.py`` (500 deaths over 2,000 folds). Folds die the first time they
are run, by SIGKILL, ``os._exit`` or a segmentation fault in turn, before or after some work. Printed: folds, deaths,
folds with a wrong or missing score, folds run more often than once for each death and once more, and the time. Folds
that were finished are run again where their worker died before the bundle that they were in, of up to 50 ms, was done.

A death costs about 1.5 seconds of processor time, nearly all of it for what the next worker imports: scikit-learn, and
with it SciPy's statistics, pandas and pyarrow where they are installed. The full count took 37 minutes on two
cores that were busy with eight other processes.
"""

from __future__ import annotations

import argparse
import collections
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from hpcore.sklearn import SearchCV


class Mortal(ClassifierMixin, BaseEstimator):
    """Estimator that kills its process once on chosen folds; its score depends on the candidate."""

    def __init__(self, k: int = 0, folder: str = "", every: int = 4) -> None:
        self.k = k
        self.folder = folder
        self.every = every

    def fit(self, X: Any, y: Any) -> Mortal:
        fold = int(X[0, 0])
        number = 10 * self.k + fold
        with Path(self.folder, "runs").open("a") as log:
            log.write(f"{number}\n")
        mark = Path(self.folder, str(number))
        if number % self.every == 0 and not mark.exists():
            mark.touch()
            time.sleep(0.002 * (number % 3))
            how = (number // self.every) % 3
            if how == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            elif how == 1:
                os._exit(1)
            else:
                os.kill(os.getpid(), signal.SIGSEGV)
        self.classes_ = np.unique(y)
        self.score_ = number / 1e5
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X))

    def score(self, X: Any, y: Any = None) -> float:
        return self.score_


def main() -> None:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=2000)
    parser.add_argument("--deaths", type=int, default=500)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()
    # Empty is off: the workers' segmentation faults are meant, and need no page of traceback each.
    os.environ["PYTHONFAULTHANDLER"] = ""
    n = args.folds // 10
    # The first training row says which fold it is.
    X = np.arange(40.0).reshape(-1, 1)
    splits = [(np.array([i, 39 - i]), np.arange(10, 20)) for i in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        model = Mortal(folder=folder, every=args.folds // args.deaths)
        start = time.perf_counter()
        search = SearchCV(model, {"k": list(range(n))}, strategy="grid", cv=splits, n_jobs=args.n_jobs, refit=False)
        search.fit(X, np.arange(40) % 2)
        seconds = time.perf_counter() - start
        found = np.array([search.cv_results_[f"split{i}_test_score"] for i in range(10)]).T
        runs = collections.Counter(int(line) for line in Path(folder, "runs").read_text().split())
        deaths = sum(path.name.isdigit() for path in Path(folder).iterdir())
    expected = (10 * np.arange(n)[:, None] + np.arange(10)) / 1e5
    again = sum(runs.values()) - 10 * n
    print(f"folds {10 * n}, deaths {deaths}, folds with a wrong or missing score {int((found != expected).sum())}")
    print(f"runs beyond one a fold {again} (of which {deaths} are the deaths themselves), {seconds:.0f} s")


if __name__ == "__main__":
    main()
