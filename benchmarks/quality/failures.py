"""Searches with failing trials: the number of failures, and the best loss.

``python benchmarks/quality/failures.py [--seeds 10] [--trials 50] [--penalty 1e5]`` prints a Markdown table: failed
trials, and the mean of log10 of the best loss, for hpcore's samplers and, where it is installed, Optuna's. With a
penalty, failing trials are told this value.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import hpcore as hp

Params = Mapping[str, Any]
Loss = Callable[[Params], float | None]


def branch(p: Params) -> float | None:
    """Fail for one choice, and for the side of the range with the optimum."""
    if p["k"] == "b" or p["x"] < 0.3:
        return None
    return float((p["x"] - 0.25) ** 2 + (p["y"] - 0.5) ** 2 + (p["k"] == "c"))


def hole(p: Params) -> float | None:
    """Fail in half a disc around the optimum."""
    radius = math.hypot(p["x"] - 1.0, p["y"] - 1.0)
    return None if radius < 1.4 and p["x"] < 1.05 else radius**2


def memory(p: Params) -> float | None:
    """Fail if width times depth exceeds a bound, like a memory limit."""
    if p["width"] * p["depth"] > 2000:
        return None
    return (math.log(p["width"]) - 4) ** 2 + (p["depth"] - 12) ** 2 / 40 + (math.log10(p["rate"]) + 3) ** 2


def chance(seed: int) -> Loss:
    """Fail at random in 15 of 100 trials."""
    rng = np.random.default_rng(seed)

    def loss(p: Params) -> float | None:
        value = sum((p[f"x{i}"] - 0.3 * i) ** 2 for i in range(4)) + 0.3 * (p["k"] != "a")
        return None if rng.random() < 0.15 else float(value)

    return loss


TASKS: dict[str, tuple[dict[str, hp.Float | hp.Int | hp.Categorical], Callable[[int], Loss]]] = {
    "branch": (
        {"k": hp.Categorical(["a", "b", "c"]), "x": hp.Float(0, 1), "y": hp.Float(0, 1)},
        lambda seed: branch,
    ),
    "hole": ({"x": hp.Float(-3, 3), "y": hp.Float(-3, 3)}, lambda seed: hole),
    "memory": (
        {"width": hp.Int(8, 1024, log=True), "depth": hp.Int(1, 30), "rate": hp.Float(1e-5, 1, log=True)},
        lambda seed: memory,
    ),
    "chance": ({**{f"x{i}": hp.Float(-1, 2) for i in range(4)}, "k": hp.Categorical(["a", "b"])}, chance),
}
Outcome = tuple[int, float]


def ours(name: str, task: str, seed: int, n_trials: int, penalty: float | None) -> Outcome:
    space, of_seed = TASKS[task]
    loss, opt = of_seed(seed), hp.Optimizer(space, name, seed=seed)
    n_failed = 0
    for _ in range(n_trials):
        trial = opt.ask()
        value = loss(trial)
        n_failed += value is None
        opt.tell(trial, penalty if value is None else value)
    return n_failed, opt.best_value


def optunas(name: str, task: str, seed: int, n_trials: int, penalty: float | None) -> Outcome:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space, of_seed = TASKS[task]
    loss = of_seed(seed)
    of = optuna.distributions
    distributions: dict[str, Any] = {}
    for key, p in space.items():
        if isinstance(p, hp.Categorical):
            distributions[key] = of.CategoricalDistribution(list(p.choices))
        else:
            kind = of.IntDistribution if isinstance(p, hp.Int) else of.FloatDistribution
            distributions[key] = kind(p.low, p.high, log=p.log)
    sampler = {"gp": optuna.samplers.GPSampler, "tpe": optuna.samplers.TPESampler}[name](seed=seed)
    study = optuna.create_study(sampler=sampler)
    n_failed = 0
    for _ in range(n_trials):
        trial = study.ask(distributions)
        value = loss(trial.params)
        n_failed += value is None
        value = penalty if value is None else value
        if value is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, value)
    return n_failed, study.best_value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--penalty", type=float, help="the value of a trial that fails; without it there is none")
    arguments = parser.parse_args()
    searches: dict[str, tuple[Callable[..., Outcome], str]] = {
        f"hpcore {name}": (ours, name) for name in ("gp", "tpe", "random")
    }
    try:
        import optuna  # noqa: F401
    except ImportError:
        print("optuna is not installed and skipped\n")
    else:
        searches |= {"optuna gp": (optunas, "gp"), "optuna tpe": (optunas, "tpe")}
    print("| task |", " | ".join(searches), "|\n| --- |", " --- |" * len(searches), sep="")
    for task in TASKS:
        cells = []
        for search, name in searches.values():
            runs = [search(name, task, seed, arguments.trials, arguments.penalty) for seed in range(arguments.seeds)]
            failed = np.mean([n for n, _ in runs])
            cells.append(f"{failed:.1f} failed, {np.mean([math.log10(best + 1e-9) for _, best in runs]):.2f}")
        print(f"| {task} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
