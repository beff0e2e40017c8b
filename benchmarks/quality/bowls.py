"""Valleys of one to five parameters: how near to the optimum TPE comes in 100, 400 and 1,000 trials.

    OMP_NUM_THREADS=1 python benchmarks/quality/bowls.py [bowl funnel ridge ripples] [--seeds 5] [--everywhere]
                                                         [--optuna]

Printed is the geometric mean of the best value over seeds; the optimum, 0, lies elsewhere for each. `--everywhere` adds
TPE without its turns near the best trial, `--optuna` Optuna's TPE with its defaults, which takes minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

import hpcore as hp
from hpcore.samplers import TPESampler

FloatArray = npt.NDArray[np.float64]
Search = Callable[[Callable[[FloatArray], float], int, int], Iterator[float]]

DIMENSIONS, AT = (1, 2, 3, 5), (100, 400, 1000)


def ridge(z: FloatArray) -> float:
    """An ellipsoid a hundred times as steep along one direction as along another, none of them an axis."""
    d = len(z)
    turn = np.linalg.qr(np.random.default_rng(d).standard_normal((d, d)))[0]
    return float(((turn @ z) ** 2 * 10 ** np.linspace(0, 2, d)).sum())


SHAPES: dict[str, Callable[[FloatArray], float]] = {
    "bowl": lambda z: float((z**2).sum()),
    # a root on one side, steep on the other: no parabola anywhere
    "funnel": lambda z: float(np.where(z > 0, 5 * z, np.sqrt(np.abs(z))).sum()),
    "ridge": ridge,
    # five valleys a parameter, 0.2 apart
    "ripples": lambda z: float((25 * z**2 - np.cos(10 * np.pi * z) + 1).sum()),
}


def by_hpcore(sampler: TPESampler) -> Search:
    """Search with a sampler of hpcore."""

    def search(f: Callable[[FloatArray], float], d: int, seed: int) -> Iterator[float]:
        opt = hp.Optimizer({f"x{j}": hp.Float(0, 1) for j in range(d)}, sampler, seed=seed)
        while True:
            trial = opt.ask()
            value = f(np.array(list(trial.params.values())))
            opt.tell(trial, value)
            yield value

    return search


def by_optuna() -> Search:
    """Search with Optuna's TPE."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def search(f: Callable[[FloatArray], float], d: int, seed: int) -> Iterator[float]:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        while True:
            trial = study.ask()
            value = f(np.array([trial.suggest_float(f"x{j}", 0, 1) for j in range(d)]))
            study.tell(trial, value)
            yield value

    return search


def main() -> None:
    """Print a line per shape, number of parameters and sampler."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shapes", nargs="*", default=list(SHAPES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--everywhere", action="store_true")
    parser.add_argument("--optuna", action="store_true")
    given = parser.parse_args()
    searches = {"hpcore tpe": by_hpcore(TPESampler())}
    if given.everywhere:
        searches["hpcore tpe, local=False"] = by_hpcore(TPESampler(local=False))
    if given.optuna:
        searches["Optuna TPE"] = by_optuna()
    print(f"{'':48}" + "".join(f"{n:>10}" for n in AT))
    for name in given.shapes:
        for d in DIMENSIONS:
            for label, search in searches.items():
                logs = []
                for seed in range(given.seeds):
                    optimum = np.random.default_rng(100 + seed).uniform(0.15, 0.85, d)
                    values = search(lambda x, at=optimum, shape=SHAPES[name]: shape(x - at), d, seed)
                    best = np.minimum.accumulate([next(values) for _ in range(AT[-1])])
                    logs.append(np.log(best[np.array(AT) - 1] + 1e-16))
                row = "".join(f"{v:10.0e}" for v in np.exp(np.mean(logs, axis=0)))
                print(f"{name:8} {d} parameter{'s' if d > 1 else ' '}  {label:26}{row}", flush=True)


if __name__ == "__main__":
    main()
