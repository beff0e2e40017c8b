"""CatCMA with margin, as in the sampler, against CMA-ES with margin on one-hot choices, on problems with both.

    python benchmarks/quality/cmaes_mixed.py [--seeds 100-109] [--tasks FOLDER]

Both are run for 100 evaluations on the problems with integers or categories that take no time. The one-hot form is
``cmaes.CMAwM`` as the package gives it: a choice is the largest of its coordinates, a grid has equal steps, repeated
points are drawn again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import cmaes
import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))  # modules shared by the benchmarks
from adapter import space_of
from scores import interval, scores
from tasks import SHARED, FloatArray, open_tasks

import hpcore as hp
from hpcore.samplers.cmaes_columns import MOST_LEVELS
from hpcore.samplers.cmaes_distribution import default_population

BUDGET, AT = 100, (25, 50, 100)
SUITES = ("mixint", "tabular", "yahpo")
N_DRAWS = 5  # draws of a point that is new, before a random one takes its place


def sampler(problem: Any, seed: int) -> FloatArray:
    """Best value after each evaluation of the sampler."""
    opt = hp.Optimizer(space_of(problem.space), "cmaes", seed=seed)
    values = []
    for _ in range(BUDGET):
        trial = opt.ask()
        values.append(problem(dict(trial.params)))
        opt.tell(trial, values[-1])
    return np.minimum.accumulate(values)


def one_hot(problem: Any, seed: int) -> FloatArray:
    """Best value after each evaluation of the one-hot form."""
    space = space_of(problem.space)
    columns, rng = space.columns, np.random.default_rng(seed)
    steps: list[float] = []
    starts = []
    for kind, n in zip(columns.kinds, columns.n_levels, strict=True):
        starts.append(len(steps))
        steps += [1.0] * n if kind == "categorical" else [1.0 / (n - 1) if 1 < n <= MOST_LEVELS else 0.0]
    p = len(steps)
    bounds = np.tile([0.0, 1.0], (p, 1))
    population = default_population(columns.d)
    es = cmaes.CMAwM(np.full(p, 0.5), 0.3, bounds, np.array(steps), seed=seed, population_size=population)
    values: list[float] = []
    seen: set[bytes] = set()
    solutions = []
    while len(values) < BUDGET:
        for draw in range(N_DRAWS + 60):
            x, raw = es.ask()
            row = rng.random((1, columns.d))
            for j, (kind, n, i) in enumerate(zip(columns.kinds, columns.n_levels, starts, strict=True)):
                if draw >= N_DRAWS:
                    break
                if kind == "categorical":
                    row[0, j] = (rng.choice(np.flatnonzero(x[i : i + n] == x[i : i + n].max())) + 0.5) / n
                else:
                    row[0, j] = (round(x[i] / steps[i]) + 0.5) / n if steps[i] else x[i]
            columns.codec.snap(row)
            if row.tobytes() not in seen:
                break
        seen.add(row.tobytes())
        values.append(problem(dict(space.decode(row)[0])))
        solutions.append((raw, values[-1]))
        if len(solutions) == population:
            es.tell(solutions)
            solutions = []
    return np.minimum.accumulate(values)


def main() -> None:
    """Run both, and print a line per problem and the difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="100-109")
    parser.add_argument("--tasks", type=Path, default=SHARED if SHARED.is_dir() else None)
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    tasks = open_tasks(options.tasks)
    at = np.array(AT) - 1
    differences = {}
    for name in tasks.names(core=False):
        if not name.startswith(SUITES):
            continue
        problem, reference = tasks.problem(name), tasks.reference(name)
        ours, theirs = (
            np.array([scores(run(problem, seed), reference, reference.best)[at] for seed in range(first, last + 1)])
            for run in (sampler, one_hot)
        )
        differences[name] = ours - theirs
        print(f"{name:36s} {ours.mean(axis=0).round(1)} one-hot {theirs.mean(axis=0).round(1)}", flush=True)
    means = np.mean([values.mean(axis=0) for values in differences.values()], axis=0)
    low, high = interval(differences)
    print(", ".join(f"at {n}: {m:+.1f} [{a:+.1f}, {b:+.1f}]" for n, m, a, b in zip(AT, means, low, high, strict=True)))


if __name__ == "__main__":
    main()
