"""Best value of a few trials after many known points, by sampler.

    python benchmarks/auto/known.py [--samplers auto,gp,tpe] [--known 300,1000,1800] [--trials 15] [--seeds 0-4]
                                    [--match _d05,_d10] [--tasks FOLDER]

The known points are random ones of the problem's space, the same for all samplers. Each row is a number of them: the
mean over problems and seeds of 1 - (regret after the trials / regret of the best known point), in percent: 0 means
that the trials found nothing better; with the seconds of a suggestion.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))  # modules shared by the benchmarks
sys.path.append(str(Path(__file__).resolve().parents[1] / "quality"))
from adapter import space_of
from runner import seeds_of
from tasks import SHARED, Tasks, open_tasks

import hpcore as hp


def gain(tasks: Tasks, sampler: str, name: str, n_known: int, n_trials: int, seed: int) -> tuple[float, float]:
    """Return the share of the regret that the trials took away, and the seconds of a suggestion."""
    problem, best = tasks.problem(name), tasks.reference(name).best
    space = space_of(problem.space)
    points = space.sample(n_known, seed=seed)
    optimizer = hp.Optimizer(space, sampler, seed=seed)
    optimizer.add_many([(params, float(problem(dict(params)))) for params in points])
    before = optimizer.best_value - best
    seconds = 0.0
    for _ in range(n_trials):
        begin = time.perf_counter()
        trial = optimizer.ask()
        seconds += time.perf_counter() - begin
        optimizer.tell(trial, float(problem(dict(trial.params))))
    return 1.0 - max(optimizer.best_value - best, 0.0) / max(before, 1e-300), seconds / n_trials


def main() -> int:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samplers", default=["auto", "gp", "tpe"], type=lambda text: text.split(","))
    parser.add_argument("--known", default=[300, 1000, 1800], type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--trials", type=int, default=15)
    parser.add_argument("--seeds", default=seeds_of("0-4"), type=seeds_of)
    parser.add_argument("--match", default=["bbob", "mixint"], type=lambda text: text.split(","))
    parser.add_argument("--tasks", type=Path, default=SHARED if SHARED.is_dir() else None)
    options = parser.parse_args()
    tasks = open_tasks(options.tasks)
    names = [name for name in tasks.names(core=False) if any(part in name for part in options.match)]
    print("| known | " + " | ".join(options.samplers) + " |")
    print("| --- " * (1 + len(options.samplers)) + "|")
    for n_known in options.known:
        cells = []
        for sampler in options.samplers:
            found = np.array(
                [gain(tasks, sampler, name, n_known, options.trials, seed) for name in names for seed in options.seeds]
            )
            share, seconds = found.mean(axis=0)
            cells.append(f"{100 * share:.0f} % ({seconds:.3f} s)")
        print(f"| {n_known} | " + " | ".join(cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
