"""Time of `hp.importance`, beside Optuna's evaluators where Optuna is installed, and error of fANOVA's two models.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/importance.py [--trials 1000] [--parameters 20] [--rounds 7]
    python benchmarks/importance.py --accuracy [--seeds 20] [--sampler random]

The first prints a markdown table: milliseconds of a call by the clock and of the CPU, medians, after a first call,
which compiles or loads what Numba compiled. Limits for 1,000 trials of 20 parameters without intervals: 50 ms for
PED-ANOVA, 1 s for fANOVA with all pairs. The second prints, of functions whose shares of variance are known, the mean
absolute error of the shares of parameters and of pairs.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable
from functools import partial
from statistics import mean, median
from typing import Any

import numpy as np

import hpcore as hp

MODELS = ("forest", "gp")
LIMITS = {"ped_anova": 50.0, **{f"fanova, {model}, all pairs": 1000.0 for model in MODELS}}


def search(n: int, d: int) -> hp.Study:
    """Random search in d floats, of which four matter."""

    def function(trial: hp.Trial) -> float:
        return 5 * trial["x0"] + math.sin(6 * trial["x1"]) + trial["x2"] * trial["x3"]

    return hp.minimize(function, {f"x{j}": hp.Float(0, 1) for j in range(d)}, sampler="random", n_trials=n, seed=0)


def timed(call: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Median milliseconds of a call, by the clock and of the CPU."""
    call()
    clock, cpu = [], []
    for _ in range(rounds):
        begun, used = time.perf_counter(), time.process_time()
        call()
        clock.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - used)
    return 1e3 * median(clock), 1e3 * median(cpu)


def peers(study: hp.Study) -> dict[str, Callable[[], Any]]:
    """Optuna's evaluators on the same trials; empty without Optuna."""
    try:
        import optuna
        from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
    except ImportError:
        print("Optuna is not installed: it is left out\n")
        return {}
    from hpcore.integrations.optuna import export_study

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    theirs = export_study(study)
    return {
        "optuna, PED-ANOVA": lambda: PedAnovaImportanceEvaluator().evaluate(theirs),
        "optuna, fANOVA": lambda: FanovaImportanceEvaluator(seed=0).evaluate(theirs),
    }


def ishigami(t: Any) -> float:
    return math.sin(t["x0"]) + 7 * math.sin(t["x1"]) ** 2 + 0.1 * t["x2"] ** 4 * math.sin(t["x0"])


def g_function(t: Any) -> float:
    return math.prod((abs(4 * t[f"x{j}"] - 2) + a) / (1 + a) for j, a in enumerate((0, 0.5, 3, 9, 99, 99)))


def additive(t: Any) -> float:
    return 3 * t["x0"] + 4 * (t["x1"] - 0.3) ** 2 + math.sin(6 * t["x2"]) + abs(t["x3"] - 0.5) + (t["x4"] > 0.7)


def mixed(t: Any) -> float:
    slope = {"a": 1.0, "b": -1.0, "c": 0.2}[t["kind"]]
    return slope * t["n"] / 4 + (math.log10(t["rate"]) + 2) ** 2 / 2 + 0.5 * (t["kind"] == "c")


def steps(t: Any) -> float:
    return 2 * (t["x0"] > 0.35) + (t["x1"] > 0.6 and t["x2"] < 0.5) + 0.5 * math.floor(3 * t["x3"])


Function = Callable[[Any], float]
Shares = tuple[dict[str, float], dict[tuple[str, str], float], float]  # of parameters, of pairs; and the variance


def of_parts(main: dict[str, float], joint: dict[tuple[str, str], float], rest: float = 0.0) -> Shares:
    """Shares from variances; `rest` is that of the interactions of more than two."""
    total = sum(main.values()) + sum(joint.values()) + rest
    return ({k: v / total for k, v in main.items()}, {k: v / total for k, v in joint.items()}, total)


def of_g_function(function: Function, space: dict[str, Any]) -> Shares:
    main = {key: 1 / (3 * (1 + a) ** 2) for key, a in zip(space, (0, 0.5, 3, 9, 99, 99), strict=True)}
    joint = {(j, k): main[j] * main[k] for j, k in itertools.combinations(space, 2)}
    total = math.prod(1 + part for part in main.values()) - 1
    return of_parts(main, joint, total - sum(main.values()) - sum(joint.values()))


def of_steps(function: Function, space: dict[str, Any]) -> Shares:
    main = {"x0": 4 * 0.35 * 0.65, "x1": 0.25 * 0.24, "x2": 0.16 * 0.25, "x3": 0.25 * 2 / 3, "x4": 0.0}
    return of_parts(main, {("x1", "x2"): 0.24 * 0.25})


def of_sum(function: Function, space: dict[str, Any]) -> Shares:
    """Each parameter by itself."""
    at = (np.arange(10_000) + 0.5) / 10_000
    return of_parts(
        {key: float(np.var([function(dict.fromkeys(space, 0.5) | {key: u}) for u in at])) for key in space}, {}
    )


def of_three(function: Function, space: dict[str, Any]) -> Shares:
    """The first three parameters on a grid; no other one matters."""
    matter, axes = list(space)[:3], []
    for key in matter:
        parameter, u = space[key], (np.arange(80) + 0.5) / 80
        levels = parameter.levels or len(u)
        weights = np.array(getattr(parameter, "weights", None) or [1.0] * levels)
        continuous = parameter.levels is None
        values = (
            hp.Space({key: parameter}).decode(u[:, None])
            if continuous
            else [{key: parameter.at(i)} for i in range(levels)]
        )
        axes.append((values, weights / weights.sum()))
    points = itertools.product(*(values for values, _ in axes))
    f = np.array([function(x | y | z) for x, y, z in points]).reshape([len(values) for values, _ in axes])
    w = [weights for _, weights in axes]
    f -= np.einsum("abc,a,b,c", f, *w)

    def variance(kept: str) -> float:
        """Variance of the mean over all parameters but those kept, which are letters of "abc"."""
        out = [letter for letter in "abc" if letter not in kept]
        mean_over = np.einsum(",".join(["abc", *out]) + "->" + kept, f, *(w["abc".index(letter)] for letter in out))
        return float(np.einsum(",".join([kept, *kept]), mean_over**2, *(w["abc".index(letter)] for letter in kept)))

    alone = [variance(letter) for letter in "abc"]
    main = dict.fromkeys(space, 0.0) | dict(zip(matter, alone, strict=True))
    joint = {
        (matter[j], matter[k]): variance("abc"[j] + "abc"[k]) - alone[j] - alone[k]
        for j, k in itertools.combinations(range(3), 2)
    }
    return of_parts(main, joint, variance("abc") - sum(alone) - sum(joint.values()))


def reals(d: int, low: float = 0.0, high: float = 1.0) -> dict[str, Any]:
    return {f"x{j}": hp.Float(low, high) for j in range(d)}


FUNCTIONS: dict[str, tuple[Function, dict[str, Any], Callable[[Function, dict[str, Any]], Shares]]] = {
    "Ishigami, 3 parameters": (ishigami, reals(3, -math.pi, math.pi), of_three),
    "g-function, 6": (g_function, reals(6), of_g_function),
    "additive, 8": (additive, reals(8), of_sum),
    "mixed, 6": (
        mixed,
        {
            "kind": hp.Categorical(["a", "b", "c"], weights=[2, 1, 1]),
            "n": hp.Int(1, 6),
            "rate": hp.Float(1e-4, 1, log=True),
            "other": hp.Categorical(list("uvwxyz")),
            "more": hp.Float(0, 1),
            "rest": hp.Int(0, 9),
        },
        of_three,
    ),
    "steps, 5": (steps, reals(5), of_steps),
}


def accuracy(seeds: int, sampler: str) -> None:
    """Print errors of the shares by both models."""
    print("| function | noise | trials | forest | gp | pairs, forest | pairs, gp |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (function, space, shares) in FUNCTIONS.items():
        main, joint, total = shares(function, space)
        for noise, n in itertools.product((0.0, 0.5), (30, 100, 300)):
            errors: dict[str, list[float]] = {f"{kind}{model}": [] for kind in ("", "pairs, ") for model in MODELS}
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                opt = hp.Optimizer(space, sampler=sampler, seed=seed)
                for _ in range(n):
                    trial = opt.ask()
                    opt.tell(trial, function(trial) + noise * math.sqrt(total) * rng.normal())
                for model in MODELS:
                    found = hp.importance(opt, method="fanova", model=model, pairs=True, interval=None)
                    errors[model].append(mean(abs(float(found[key]) - main[key]) for key in main))
                    pairs = [abs(float(part) - joint.get(pair, 0.0)) for pair, part in found.pairs.items()]
                    errors[f"pairs, {model}"].append(mean(pairs))
            cells = " | ".join(f"{mean(part):.4f}" for part in errors.values())
            print(f"| {name} | {noise:g} | {n} | {cells} |", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=1000)
    options.add_argument("--parameters", type=int, default=20)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--no-peers", action="store_true")
    options.add_argument("--accuracy", action="store_true", help="errors of both models in place of times")
    options.add_argument("--seeds", type=int, default=20)
    options.add_argument("--sampler", default="random")
    given = options.parse_args()
    if given.accuracy:
        accuracy(given.seeds, given.sampler)
        return
    study = search(given.trials, given.parameters)
    calls: dict[str, Callable[[], Any]] = {
        "ped_anova": lambda: hp.importance(study, interval=None),
        "ped_anova, intervals by 200 samples": lambda: hp.importance(study),
    }
    for model in MODELS:
        options: dict[str, Any] = {"method": "fanova", "model": model}
        calls |= {
            f"fanova, {model}": partial(hp.importance, study, interval=None, **options),
            f"fanova, {model}, all pairs": partial(hp.importance, study, pairs=True, interval=None, **options),
            f"fanova, {model}, all pairs, intervals by 20 samples": partial(
                hp.importance, study, pairs=True, **options
            ),
        }
    if not given.no_peers:
        calls.update(peers(study))
    assert set(list(hp.importance(study, interval=None))[:2]) == {"x0", "x1"}
    for model in MODELS:
        assert list(hp.importance(study, method="fanova", model=model, interval=None))[:2] == ["x0", "x1"]
    print(f"{given.trials} trials, {given.parameters} parameters\n")
    print("| | ms | of the CPU | limit |\n| --- | --- | --- | --- |")
    for name, call in calls.items():
        clock, cpu = timed(call, given.rounds)
        print(f"| {name} | {clock:,.1f} | {cpu:,.1f} | {LIMITS.get(name, '')} |", flush=True)


if __name__ == "__main__":
    main()
