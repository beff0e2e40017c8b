"""Keras Tuner with its own oracles and with HpcoreOracle, side by side.

Milliseconds of processor time a trial takes besides its training, and the best value, of 40 trials in a space with
conditions. The seeds alternate between the oracles. No model is trained: any backend of Keras will do.

    KERAS_BACKEND=torch OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/doors/keras_tuner_door.py [--seeds 5]
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import keras_tuner as kt
import numpy as np
from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

from hpcore.integrations.keras_tuner import HpcoreOracle

ORACLES: dict[str, Callable[..., Any]] = {
    **{
        f"hpcore {name}": lambda name=name, **rest: HpcoreOracle(sampler=name, **rest) for name in ("gp", "tpe", "auto")
    },
    "BayesianOptimization": BayesianOptimizationOracle,
    "RandomSearch": RandomSearchOracle,
}


def space() -> kt.HyperParameters:
    """Three kinds of networks, which open different hyperparameters."""
    h = kt.HyperParameters()
    h.Choice("model", ["linear", "mlp", "cnn"])
    h.Float("rate", 1e-5, 1e-1, sampling="log")
    h.Float("momentum", 0.5, 0.999, sampling="reverse_log")
    with h.conditional_scope("model", ["mlp", "cnn"]):
        h.Int("layers", 1, 4)
        h.Float("dropout", 0.0, 0.8, step=0.1)
        h.Boolean("norm")
    with h.conditional_scope("model", ["mlp"]):
        h.Int("units", 8, 512, step=2, sampling="log")
    with h.conditional_scope("model", ["cnn"]):
        h.Int("filters", 8, 128, step=8)
        h.Choice("kernel", [3, 5, 7])
    return h


def loss(v: dict[str, Any]) -> float:
    """The best value, 0, is in the branch of most hyperparameters, and 0.1 and 0.3 in the easier ones."""
    found = 0.05 * (np.log10(v["rate"]) + 3) ** 2 + abs(v["momentum"] - 0.95)
    if v["model"] == "linear":
        return float(found + 0.3)
    found += 0.05 * abs(v["layers"] - 3) + (v["dropout"] - 0.3) ** 2 + 0.05 * (not v["norm"])
    if v["model"] == "mlp":
        return float(found + 0.1 + 0.02 * (np.log2(v["units"]) - 7) ** 2)
    return float(found + 1e-4 * abs(v["filters"] - 64) + 0.03 * abs(v["kernel"] - 5))


def run(make: Callable[..., Any], seed: int, n: int) -> tuple[list[float], list[float]]:
    """Milliseconds and values of the trials of a search."""
    times, values = [], []
    with tempfile.TemporaryDirectory() as folder:
        oracle = make(objective=kt.Objective("loss", "min"), max_trials=n, hyperparameters=space(), seed=seed)
        oracle._set_project_dir(folder, "p")
        oracle.verbose = 0
        for _ in range(n):
            begin = time.process_time()
            trial = oracle.create_trial("tuner")
            value = loss(trial.hyperparameters.values)
            oracle.update_trial(trial.trial_id, {"loss": value})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            times.append(1e3 * (time.process_time() - begin))
            values.append(value)
    return times, values


def main() -> None:
    """Run all oracles with all seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=40)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    times: dict[str, list[float]] = {name: [] for name in ORACLES}
    best: dict[str, list[float]] = {name: [] for name in ORACLES}
    for seed in range(1, given.seeds + 1):
        for name, make in ORACLES.items():
            # Random numbers of Keras Tuner are those of the seed, the next seed, and so on.
            took, values = run(make, 1000 * seed, given.trials)
            times[name] += took
            best[name].append(min(values))
            print(f"seed {seed}  {name:20}  ms mean {np.mean(took):8.2f}  best {min(values):.4f}", flush=True)
    # What Keras Tuner itself takes, as it writes each trial three times, is in all of them.
    print(f"{given.trials} trials, {given.seeds} seeds; milliseconds a trial, and the best value")
    for name in ORACLES:
        print(f"  {name:20}  ms mean {np.mean(times[name]):8.2f}  median {np.median(times[name]):8.2f}   "
              f"best mean {np.mean(best[name]):.4f}  from {min(best[name]):.4f} to {max(best[name]):.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
