"""CMA-ES on the test functions at 200 and 500 evaluations: its parts one by one, and other packages' runs.

    python benchmarks/quality/cmaes_parts.py [--parts default,no_model,...] [--seeds 100-119] [--tasks FOLDER]
                                             [--peers FILE ...]

Each row is the mean score (0 = random search with as many evaluations, 100 = best known value), then the difference to
the first row, paired by problem and seed, with its 95 % bootstrap interval over problems and seeds. `--peers` takes
runs of 500 evaluations in the form of the collection's ``run.py --budget 500``; then each row of ours is compared with
each peer on the seeds that both have.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))  # modules shared by the benchmarks
from adapter import space_of
from scores import best_so_far, interval
from tasks import SHARED, FloatArray, expected_best, open_tasks

import hpcore as hp
from hpcore.samplers import cmaes_replay

BUDGET, AT = 500, (50, 100, 200, 500)
N_RANDOM = 20_000  # random points behind the expected best of as many evaluations

# Options of the sampler and constants of hpcore.samplers.cmaes_replay that a part stands for.
PARTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "default": ({}, {}),
    "no_model": ({}, {"lowest_point": lambda *a: None}),
    "no_restart": ({"restart": None}, {}),
    "bipop": ({"restart": "bipop"}, {}),
    "same_population": ({}, {"LARGER": 1}),
    "random_place": ({}, {"N_FAR": 1}),
    "tolerance_0.01": ({}, {"TOLERANCE": 0.01}),
    "tolerance_0.04": ({}, {"TOLERANCE": 0.04}),
    "sigma_0.2": ({"sigma0": 0.2}, {}),
}


class Scores:
    """Scores of curves on one problem."""

    def __init__(self, tasks: Any, name: str) -> None:
        self.problem = tasks.problem(name)
        self._best = tasks.reference(name).best
        rng = np.random.default_rng(0)
        draws = np.array([self.problem(self.problem.space.sample(rng)) for _ in range(N_RANDOM)])
        self._chance = expected_best(draws, BUDGET) - self._best

    def of(self, curve: FloatArray) -> FloatArray:
        """Score of a curve (BUDGET,) at the numbers of evaluations in `AT`, as `scores.scores`."""
        at = np.array(AT) - 1
        regret = np.maximum(curve[at] - self._best, 0.0) / np.maximum(self._chance[at], 1e-300)
        out: FloatArray = 100.0 * (1.0 - np.clip(regret, 0.0, 2.0))
        return out


def search(problem: Any, options: dict[str, Any], seed: int) -> FloatArray:
    """Best value after each evaluation, (BUDGET,)."""
    opt = hp.Optimizer(space_of(problem.space), hp.samplers.CMAESSampler(**options), seed=seed)
    values = []
    for _ in range(BUDGET):
        trial = opt.ask()
        values.append(problem(dict(trial.params)))
        opt.tell(trial, values[-1])
    return np.minimum.accumulate(values)


def row(by_problem: dict[str, FloatArray]) -> str:
    """Mean at each number of evaluations, and its interval."""
    means = np.mean([values.mean(axis=0) for values in by_problem.values()], axis=0)
    low, high = interval(by_problem)
    return "  ".join(f"{m:+6.2f} [{a:+.2f}, {b:+.2f}]" for m, a, b in zip(means, low, high, strict=True))


def main() -> None:
    """Run the parts, and print the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", default=list(PARTS), type=lambda text: text.split(","))
    parser.add_argument("--seeds", default="100-119")
    parser.add_argument("--tasks", type=Path, default=SHARED if SHARED.is_dir() else None)
    parser.add_argument("--peers", type=Path, action="append", default=[])
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    seeds = list(range(first, last + 1))
    tasks = open_tasks(options.tasks)
    problems = {name: Scores(tasks, name) for name in tasks.names(core=False) if name.startswith("bbob_")}
    ours: dict[str, dict[str, FloatArray]] = {}
    print(f"{len(problems)} problems, {len(seeds)} seeds, at {AT} evaluations")
    for part in options.parts:
        settings, constants = PARTS[part]
        kept = {name: getattr(cmaes_replay, name) for name in constants}
        for name, value in constants.items():
            setattr(cmaes_replay, name, value)
        ours[part] = {
            name: np.array([scores.of(search(scores.problem, settings, seed)) for seed in seeds])
            for name, scores in problems.items()
        }
        for name, value in kept.items():
            setattr(cmaes_replay, name, value)
        means = np.mean([values.mean(axis=0) for values in ours[part].values()], axis=0)
        print(f"{part:>16s} " + " ".join(f"{m:6.2f}" for m in means), flush=True)
        if part != options.parts[0]:
            print(" " * 17 + row({k: v - ours[options.parts[0]][k] for k, v in ours[part].items()}), flush=True)
    for path in options.peers:
        runs: dict[str, dict[str, dict[int, FloatArray]]] = {}
        for line in path.read_text().splitlines():
            run = json.loads(line)
            if run["problem"] in problems and run["seed"] in seeds and run["budget"] >= BUDGET:
                curve = best_so_far(run["inc"], BUDGET)
                runs.setdefault(run["opt"], {}).setdefault(run["problem"], {})[run["seed"]] = problems[
                    run["problem"]
                ].of(curve)
        for peer, by_problem in runs.items():
            n = sum(map(len, by_problem.values()))
            theirs = np.mean([np.mean(list(r.values()), axis=0) for r in by_problem.values()], axis=0)
            print(f"{peer:>16s} " + " ".join(f"{m:6.2f}" for m in theirs) + f"  ({n} runs)")
            for part, values in ours.items():
                paired = {
                    name: np.array([values[name][seeds.index(seed)] - score for seed, score in r.items()])
                    for name, r in by_problem.items()
                }
                print(f"{part:>16s} - {peer}: {row(paired)}", flush=True)


if __name__ == "__main__":
    main()
