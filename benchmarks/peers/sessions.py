"""Seconds that whole runs of 100 trials on a cheap function take, all of it overhead: hpcore and the peers.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/peers/sessions.py [--only hpcore,optuna]

Prints a Markdown table: the median of the repeats, the best value found (so that a fast run that searches nothing
shows) and the ratio to the first row. Peers come with ``pip install hpcore[peers]``; one that is not installed is named
and passed over.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import hpcore as hp

SPACE = {
    "x": hp.Float(-5, 5),
    "y": hp.Float(-5, 5),
    "rate": hp.Float(1e-5, 1, log=True),
    "n": hp.Int(1, 50),
    "c": hp.Categorical(["a", "b", "c"]),
}


def loss(x: float, y: float, rate: float, n: int, c: str) -> float:
    """0 at (1, -2, 1e-3, 10, "b")."""
    return (x - 1) ** 2 + (y + 2) ** 2 + (math.log10(rate) + 3) ** 2 + (n - 10) ** 2 / 100 + (c != "b")


def hpcore(sampler: str, durable: bool) -> Callable[[int, int], float]:
    """`minimize` in memory, or a `Study` in SQLite."""

    def run(trials: int, seed: int) -> float:
        def objective(trial: Any) -> float:
            return loss(**trial.params)

        if not durable:
            return float(hp.minimize(objective, SPACE, n_trials=trials, sampler=sampler, seed=seed).best_value)
        with tempfile.TemporaryDirectory() as folder:
            study = hp.Study(SPACE, storage=f"sqlite:///{folder}/runs.db", name="run", sampler=sampler, seed=seed)
            study.run(objective, n_trials=trials)
            return float(study.best_value)

    return run


def optuna(sampler: str, durable: bool) -> Callable[[int, int], float]:
    """`Study.optimize`."""

    def run(trials: int, seed: int) -> float:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)

        def objective(trial: Any) -> float:
            return loss(
                trial.suggest_float("x", -5, 5),
                trial.suggest_float("y", -5, 5),
                trial.suggest_float("rate", 1e-5, 1, log=True),
                trial.suggest_int("n", 1, 50),
                trial.suggest_categorical("c", ["a", "b", "c"]),
            )

        with tempfile.TemporaryDirectory() as folder:
            storage = f"sqlite:///{folder}/runs.db" if durable else None
            study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed), storage=storage)
            study.optimize(objective, n_trials=trials)
            return float(study.best_value)

    return run


def hyperopt(trials: int, seed: int) -> float:
    """`fmin`."""
    import hyperopt
    import numpy as np

    make = hyperopt.hp
    space = {
        "x": make.uniform("x", -5, 5),
        "y": make.uniform("y", -5, 5),
        "rate": make.loguniform("rate", math.log(1e-5), 0),
        "n": make.uniformint("n", 1, 50),
        "c": make.choice("c", ["a", "b", "c"]),
    }
    done = hyperopt.Trials()
    hyperopt.fmin(
        lambda p: loss(**p), space, hyperopt.tpe.suggest, trials, trials=done,
        rstate=np.random.default_rng(seed), show_progressbar=False, verbose=False,
    )  # fmt: skip
    return float(min(done.losses()))


def skopt(trials: int, seed: int) -> float:
    """`gp_minimize`."""
    from skopt import gp_minimize
    from skopt.space import Categorical, Integer, Real

    space = [Real(-5, 5), Real(-5, 5), Real(1e-5, 1, prior="log-uniform"), Integer(1, 50), Categorical(["a", "b", "c"])]
    return float(gp_minimize(lambda p: loss(*p), space, n_calls=trials, random_state=seed).fun)


RUNS: dict[str, tuple[tuple[str, ...], Callable[[int, int], float]]] = {
    "hpcore random": ((), hpcore("random", durable=False)),
    "hpcore tpe": ((), hpcore("tpe", durable=False)),
    "hpcore tpe, SQLite": ((), hpcore("tpe", durable=True)),
    "hpcore gp": ((), hpcore("gp", durable=False)),
    "optuna random": (("optuna",), optuna("RandomSampler", durable=False)),
    "optuna tpe": (("optuna",), optuna("TPESampler", durable=False)),
    "optuna tpe, SQLite": (("optuna",), optuna("TPESampler", durable=True)),
    "optuna gp": (("optuna", "torch"), optuna("GPSampler", durable=False)),
    "hyperopt tpe": (("hyperopt",), hyperopt),
    "skopt gp": (("skopt",), skopt),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="comma separated beginnings of names")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    wanted = tuple(filter(None, options.only.split(",")))
    rows, first = [], None
    for name, (needs, run) in RUNS.items():
        missing = [module for module in needs if importlib.util.find_spec(module) is None]
        if wanted and not name.startswith(wanted):
            continue
        if missing:
            print(f"{name}: passed over, {', '.join(missing)} not installed")
            continue
        run(12, 0)  # imports, and whatever else happens once
        times, best = [], []
        for seed in range(options.repeats):
            begin = time.perf_counter()
            best.append(run(options.trials, seed))
            times.append(time.perf_counter() - begin)
        took = statistics.median(times)
        first = first or took
        rows.append(f"| {name} | {took:.3f} | {statistics.median(best):.3g} | {took / first:.1f} |")
    print(f"\n| run of {options.trials} trials | seconds | best value | times the first |\n| --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
