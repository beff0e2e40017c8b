"""Optuna with its own samplers and with HpcoreSampler, side by side.

Milliseconds a suggestion after 100 trials, regret on an objective with branches, and hypervolume of two objectives.

    taskset -c 0 python benchmarks/doors/optuna_door.py [speed] [branches] [front] [--seeds 10]
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.samplers import GPSampler, NSGAIISampler, RandomSampler, TPESampler

from hpcore.integrations.optuna import HpcoreSampler

Make = Callable[[int], Any]

HPCORE: dict[str, Make] = {
    f"hpcore {name}": lambda seed, name=name: HpcoreSampler(name, seed=seed) for name in ("gp", "tpe", "auto")
}
N_KNOWN, N_SUGGESTIONS, N_TRIALS = 100, 20, 60
# A trial of it takes little more than Optuna's own work: storage, trial objects, checks of the values.
FRAME = "Optuna random"


def smooth(trial: optuna.Trial) -> float:
    """Six continuous parameters, two of which are on a logarithmic scale."""
    x = [trial.suggest_float(f"x{i}", -5, 5) for i in range(4)]
    rates = [trial.suggest_float(f"rate{i}", 1e-5, 1, log=True) for i in range(2)]
    return sum((v - 1) ** 2 for v in x) + sum((np.log10(r) + 2) ** 2 for r in rates)


def kernels(trial: optuna.Trial) -> float:
    """A choice of three kernels that open different parameters, as of a support vector machine; the best value is 0."""
    loss = 0.05 * (np.log10(trial.suggest_float("C", 1e-3, 1e3, log=True)) - 1) ** 2
    kernel = trial.suggest_categorical("kernel", ["linear", "rbf", "poly"])
    if kernel == "linear":
        return loss + 0.2
    loss += 0.05 * (np.log10(trial.suggest_float("gamma", 1e-5, 1e1, log=True)) + 2) ** 2
    if kernel == "rbf":
        return loss + 0.05 * np.sin(3 * trial.suggest_float("shift", 0, 2)) + 0.05
    degree, coef = trial.suggest_int("degree", 2, 5), trial.suggest_float("coef", 0, 1)
    return loss + 0.1 + 0.02 * (degree - 3) ** 2 + (coef - 0.4) ** 2


def models(trial: optuna.Trial) -> float:
    """A choice of three models; the best value, 0, is in the branch of most parameters, and 0.1 in an easier one."""
    scale = trial.suggest_float("scale", 1e-3, 1e3, log=True)
    common = 0.05 * (np.log10(scale) - 1) ** 2
    kind = trial.suggest_categorical("kind", ["linear", "tree", "net"])
    if kind == "linear":
        return common + 0.3 + 0.02 * (np.log10(trial.suggest_float("penalty", 1e-4, 1e2, log=True)) + 1) ** 2
    if kind == "tree":
        depth, leaf = trial.suggest_int("depth", 1, 12), trial.suggest_float("leaf", 0, 0.5)
        return common + 0.1 + 0.01 * (depth - 7) ** 2 + (leaf - 0.1) ** 2
    layers = trial.suggest_int("layers", 1, 3)
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    drop = trial.suggest_float("drop", 0, 0.8)
    widths = [np.log2(trial.suggest_int(f"width{i}", 8, 512, log=True)) for i in range(layers)]
    loss = 0.05 * (np.log10(rate) + 2.5) ** 2 + (drop - 0.3) ** 2 + 0.1 * abs(layers - 2)
    return common + loss + 0.01 * sum((w - 6) ** 2 for w in widths)


def front(trial: optuna.Trial) -> tuple[float, float]:
    """ZDT1 with 5 parameters: the front is f2 = 1 - sqrt(f1)."""
    x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(5)]
    g = 1 + 9 * sum(x[1:]) / 4
    return x[0], g * (1 - np.sqrt(x[0] / g))


def area(values: np.ndarray, reference: tuple[float, float] = (1.1, 1.1)) -> float:
    """Area that values dominate up to the reference."""
    covered, low = 0.0, reference[1]
    for f1, f2 in sorted(map(tuple, values)):
        if f1 < reference[0] and f2 < low:
            covered, low = covered + (reference[0] - f1) * (low - f2), f2
    return covered


def speed() -> None:
    """Processor time of a trial after 100 trials, alternating between the samplers."""
    samplers: dict[str, Make] = {
        **HPCORE,
        FRAME: lambda seed: RandomSampler(seed=seed),
        "Optuna TPE": lambda seed: TPESampler(seed=seed),
    }
    if importlib.util.find_spec("torch") is not None:  # which Optuna's GP needs
        samplers["Optuna GP"] = lambda seed: GPSampler(seed=seed)
    known = optuna.create_study(sampler=RandomSampler(seed=0))
    known.optimize(smooth, n_trials=N_KNOWN)
    studies = {}
    for name, make in samplers.items():
        studies[name] = optuna.create_study(sampler=make(0))
        studies[name].add_trials(known.trials)
    times: dict[str, list[float]] = {name: [] for name in samplers}
    for _ in range(N_SUGGESTIONS):
        for name, study in studies.items():
            begin = time.thread_time()
            trial = study.ask()
            value = smooth(trial)
            times[name].append(1e3 * (time.thread_time() - begin))
            study.tell(trial, value)
    middle = {name: float(np.median(many[1:])) for name, many in times.items()}
    frame = middle[FRAME]
    print(f"milliseconds a trial after {N_KNOWN} trials, 6 parameters (median of {N_SUGGESTIONS - 1}); of these above")
    print(f"the {frame:.2f} that Optuna itself takes, by its random sampler")
    peers = [name for name in samplers if name not in HPCORE and name != FRAME]
    for name, ms in middle.items():
        above = ms - frame
        shares = ", ".join(
            f"1/{middle[p] / ms:.0f} of {p}, above it 1/{(middle[p] - frame) / above:.0f}"
            for p in peers
            if name in HPCORE and above > 0.0
        )
        print(f"  {name:14} {ms:9.2f} {above:9.2f}   {shares}".rstrip())


def compare(
    title: str, objective: Any, samplers: dict[str, Make], seeds: int, score: Callable[[optuna.Study], float], **options
) -> None:
    """Print a score of each sampler after 60 trials."""
    print(title)
    for name, make in samplers.items():
        scores = []
        for seed in range(seeds):
            study = optuna.create_study(sampler=make(seed), **options)
            study.optimize(objective, n_trials=N_TRIALS)
            scores.append(score(study))
        print(f"  {name:18} mean {np.mean(scores):.4f}   median {np.median(scores):.4f}   from "
              f"{min(scores):.4f} to {max(scores):.4f}", flush=True)  # fmt: skip


def main() -> None:
    """Run the parts that the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["speed", "branches", "front"])
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    if "speed" in given.parts:
        speed()
    own: dict[str, Make] = {
        "Optuna TPE": lambda seed: TPESampler(seed=seed),
        "Optuna TPE group": lambda seed: TPESampler(seed=seed, multivariate=True, group=True),
        "Optuna random": lambda seed: RandomSampler(seed=seed),
    }
    for objective in (kernels, models):
        if "branches" in given.parts:
            title = f"regret on {objective.__name__}, which has branches, {N_TRIALS} trials, {given.seeds} seeds"
            compare(title, objective, {**HPCORE, **own}, given.seeds, lambda study: study.best_value)
    if "front" in given.parts:
        own = {"Optuna TPE": own["Optuna TPE"], "Optuna NSGA-II": lambda seed: NSGAIISampler(seed=seed)}
        whole = area(np.array([(f, 1 - np.sqrt(f)) for f in np.linspace(0, 1, 10_001)]))
        compare(
            f"share of the hypervolume of ZDT1, {N_TRIALS} trials, {given.seeds} seeds",
            front,
            {**HPCORE, **own},
            given.seeds,
            lambda study: area(np.array([t.values for t in study.trials])) / whole,
            directions=["minimize", "minimize"],
        )


if __name__ == "__main__":
    main()
