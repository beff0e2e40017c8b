"""Time of `Trial.report` with a scheduler: in memory, in a store, and in a worker process of a run."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import hpcore as hp

SPACE = {"x": hp.Float(0, 1)}
# One that decides on every report, and one that pauses trials.
SCHEDULERS = {"median": hp.schedulers.MedianStopping(), "asha": hp.schedulers.ASHA(max_resource=10**6)}


def timed(trial: hp.Trial, n: int) -> list[float]:
    """Report `n` steps and return the times in microseconds."""
    out = []
    for step in range(1, n + 1):
        value = trial["x"] + 1 / step
        begin = time.perf_counter_ns()
        trial.report(value, step)
        out.append((time.perf_counter_ns() - begin) / 1e3)
    return out


def objective(trial: hp.Trial) -> float:
    """Report as often as the environment says, and keep the times."""
    trial.user_attrs["microseconds"] = timed(trial, 300)
    return trial["x"]


def here(scheduler: Any, n_trials: int, n: int, **where: Any) -> list[float]:
    """Measure reports in this process, after `n_trials` trials with `n` reports each."""
    study = hp.Study(SPACE, sampler="random", seed=0, scheduler=scheduler, **where)
    out: list[float] = []
    for _ in range(n_trials):
        trial = study.ask()
        out = timed(trial, n)
        study.tell(trial, trial["x"])
    return out


def there(scheduler: Any, **where: Any) -> list[float]:
    """Measure reports in worker processes of a run."""
    study = hp.Study(SPACE, sampler="random", seed=0, scheduler=scheduler, **where)
    study.run(objective, n_trials=8, n_jobs=2)
    return [us for trial in study.trials[4:] for us in trial.user_attrs["microseconds"]]


def figures(times: list[float]) -> dict[str, float]:
    """Summarise times in microseconds."""
    ordered = sorted(times)
    return {"median_us": round(statistics.median(ordered), 1), "p99_us": round(ordered[int(0.99 * len(ordered))], 1)}


def main() -> None:
    """Print one line of JSON for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--reports", type=int, default=100)
    options = parser.parse_args()
    n_trials, n = options.trials, options.reports
    with tempfile.TemporaryDirectory() as folder:
        for name, scheduler in {"none": None, **SCHEDULERS}.items():
            store = Path(folder, f"{name}.db")
            for case, times in (
                ("in memory", lambda s=scheduler: here(s, n_trials, n)),
                ("stored", lambda s=scheduler, f=store: here(s, 3, n, storage=f, name="a")),
                ("in a worker", lambda s=scheduler: there(s)),
                ("in a worker, stored", lambda s=scheduler, f=store: there(s, storage=f, name="b")),
            ):
                print(json.dumps({"scheduler": name, "report": case, **figures(times())}), flush=True)


if __name__ == "__main__":
    main()
