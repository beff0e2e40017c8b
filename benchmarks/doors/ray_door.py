"""Searchers of Ray Tune, Optuna's and hpcore's, side by side: milliseconds a trial after 100 trials, without a cluster.

A trial is a suggestion, five reports and an end, as Tune tells them.

    taskset -c 0 python benchmarks/doors/ray_door.py
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import time
import warnings
from collections.abc import Callable
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import numpy as np
from ray import tune
from ray.tune.search.optuna import OptunaSearch

import hpcore as hp
from hpcore.integrations.ray import HpcoreSearch

N_KNOWN, N_MEASURED, N_REPORTS = 100, 20, 5
SPACE = {
    **{f"x{i}": tune.uniform(-5, 5) for i in range(4)},
    "rates": {f"rate{i}": tune.loguniform(1e-5, 1) for i in range(2)},
}


def smooth(config: dict[str, Any]) -> float:
    """Six continuous parameters, two of which are on a logarithmic scale."""
    rates = sum((math.log10(rate) + 2) ** 2 for rate in config["rates"].values())
    return sum((config[f"x{i}"] - 1) ** 2 for i in range(4)) + rates


def searchers() -> dict[str, Callable[[], Any]]:
    """Searchers by name."""
    return {
        **{f"hpcore {name}": lambda name=name: HpcoreSearch(sampler=name, seed=0) for name in ("tpe", "gp", "auto")},
        "OptunaSearch": lambda: OptunaSearch(seed=0),
    }


def trial(search: Any, k: int) -> float:
    """Run a trial, and return its value."""
    config = search.suggest(f"t{k}")
    value = smooth(config)
    for step in range(1, N_REPORTS + 1):
        result = {"loss": value + 1 / step, "training_iteration": step}
        search.on_trial_result(f"t{k}", result)
    search.on_trial_complete(f"t{k}", result)
    return value


def alone(name: str, k: int) -> tuple[hp.Optimizer, float]:
    """An optimizer without the door, after k trials."""
    space = {f"x{i}": hp.Float(-5, 5) for i in range(4)} | {f"rate{i}": hp.Float(1e-5, 1, log=True) for i in range(2)}
    opt = hp.Optimizer(space, name, seed=0)
    best = math.inf
    for _ in range(k):
        asked = opt.ask()
        value = smooth({**asked, "rates": {n: v for n, v in asked.items() if n.startswith("rate")}})
        opt.tell(asked, value)
        best = min(best, value)
    return opt, best


def main() -> None:
    """Measure."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    made, best = {}, {}
    for name, make in searchers().items():
        search = made[name] = make()
        search.set_search_properties("loss", "min", SPACE)
        best[name] = min(trial(search, k) for k in range(N_KNOWN))
    opts = {f"without door, {name}": alone(name, N_KNOWN)[0] for name in ("tpe", "gp")}
    times: dict[str, list[float]] = {name: [] for name in (*made, *opts)}
    for k in range(N_KNOWN, N_KNOWN + N_MEASURED):
        for name, search in made.items():
            begin = time.thread_time()
            trial(search, k)
            times[name].append(1e3 * (time.thread_time() - begin))
        for name, opt in opts.items():
            begin = time.thread_time()
            asked = opt.ask()
            opt.tell(asked, smooth({**asked, "rates": {n: v for n, v in asked.items() if n.startswith("rate")}}))
            times[name].append(1e3 * (time.thread_time() - begin))
    print(f"milliseconds of processor time a trial after {N_KNOWN} trials, 6 parameters (median of {N_MEASURED})")
    for name, many in times.items():
        found = f"best of the first {N_KNOWN}: {best[name]:.4f}" if name in best else ""
        print(f"  {name:20} {np.median(many):8.2f}   {found}")
    for name, search in made.items():
        begin = time.perf_counter()
        state = pickle.dumps(search)
        print(f"  state of {name:16} {len(state) / 1e3:8.1f} kB   {1e3 * (time.perf_counter() - begin):.1f} ms")


if __name__ == "__main__":
    main()
