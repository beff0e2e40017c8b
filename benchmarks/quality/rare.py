"""Rare constraints: the final regret of each sampler if a millionth of the space is allowed.

    python benchmarks/quality/rare.py [--seeds 20] [--trials 50]

Weighted squared distances from a random allowed goal, in sets that random points do not meet: fractions (sum at most
1), ascending values, and fractions that sum to 1 within 0.001. Printed: mean over the seeds of log10 of the best value,
with its standard error; lower is better.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import hpcore as hp

SETS: dict[str, tuple[Callable[[dict[str, Any]], bool], Callable[[np.random.Generator, int], Any]]] = {
    "fractions": (lambda p: sum(p.values()) <= 1.0, lambda rng, d: rng.dirichlet(np.ones(d + 1))[:d]),
    "ascending": (lambda p: all(a < b for a, b in pairwise(p.values())), lambda rng, d: np.sort(rng.random(d))),
    "band": (lambda p: abs(sum(p.values()) - 1.0) <= 1e-3, lambda rng, d: rng.dirichlet(np.ones(d))),
}


def log_regret(name: str, d: int, sampler: str, seed: int, n_trials: int) -> float:
    """Return the logarithm of the best value of one search."""
    constraint, draw_goal = SETS[name]
    rng = np.random.default_rng(seed)
    goal, weights = draw_goal(rng, d), rng.uniform(0.5, 2.0, d)
    space = hp.Space({f"x{i}": hp.Float(0.0, 1.0) for i in range(d)}, constraints=[constraint])
    opt = hp.Optimizer(space, sampler, seed=seed)
    for _ in range(n_trials):
        trial = opt.ask()
        opt.tell(trial, float(weights @ (np.array(list(trial.values())) - goal) ** 2))
    return float(np.log10(opt.best_value))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=50)
    given = parser.parse_args()
    print(f"{'':12s}" + "".join(f"{name + ' ' + str(d):>16s}" for name in SETS for d in (6, 12)))
    for sampler in ("random", "tpe", "gp"):
        cells = []
        for name in SETS:
            for d in (6, 12):
                found = [log_regret(name, d, sampler, seed, given.trials) for seed in range(given.seeds)]
                cells.append(f"{np.mean(found):8.2f} ±{np.std(found, ddof=1) / np.sqrt(len(found)):5.2f} ")
        print(f"{sampler:12s}" + "".join(f"{cell:>16s}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
