"""Time of `hp.importance`, beside Optuna's evaluators where Optuna is installed, and error of fANOVA's two models.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/importance.py [--trials 1000] [--parameters 20] [--rounds 7]
    python benchmarks/importance.py --accuracy [--seeds 20]

The first prints a markdown table: milliseconds of a call by the clock and of the CPU, medians, after a first call,
which compiles or loads what Numba compiled. Limits for 1,000 trials of 20 parameters without intervals: 50 ms for
PED-ANOVA, 1 s for fANOVA with all pairs. The second prints, of functions whose shares of variance are known, the mean
absolute error of the shares of parameters and of pairs after random search.
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


REALS = {f"x{j}": hp.Float(0, 1) for j in range(8)}
FUNCTIONS: dict[str, tuple[Callable[[Any], float], dict[str, Any]]] = {
    "Ishigami, 3 parameters": (ishigami, {f"x{j}": hp.Float(-math.pi, math.pi) for j in range(3)}),
    "g-function, 6": (g_function, {name: REALS[name] for name in list(REALS)[:6]}),
    "additive, 8": (additive, REALS),
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
    ),
}


def known(name: str) -> tuple[dict[str, float], dict[tuple[str, str], float], float]:
    """Shares of parameters and of pairs, and the variance: by an enumeration of the parameters that matter."""
    function, space = FUNCTIONS[name]
    n_points = {"Ishigami, 3 parameters": 80, "g-function, 6": 16, "additive, 8": 16, "mixed, 6": 60}[name]
    names = list(space)
    if name.startswith("additive"):  # each parameter by itself
        at = (np.arange(1000) + 0.5) / 1000
        middle = dict.fromkeys(names, 0.5)
        main = {key: float(np.var([function({**middle, key: u}) for u in at])) for key in names}
        total = sum(main.values())
        return {key: value / total for key, value in main.items()}, {}, total
    if name.startswith("g-function"):  # in closed form
        parts = {key: 1 / (3 * (1 + a) ** 2) for key, a in zip(names, (0, 0.5, 3, 9, 99, 99), strict=True)}
        total = math.prod(1 + part for part in parts.values()) - 1
        return (
            {key: part / total for key, part in parts.items()},
            {(j, k): parts[j] * parts[k] / total for j, k in itertools.combinations(names, 2)},
            total,
        )
    matter = names[:3]
    axes = []
    for key in matter:
        levels = space[key].levels
        weights = np.array(getattr(space[key], "weights", None) or [1.0] * (levels or n_points))
        one = hp.Space({key: space[key]})
        u = (np.arange(n_points) + 0.5) / n_points
        values = [space[key].at(i) for i in range(levels)] if levels else [p[key] for p in one.decode(u[:, None])]
        axes.append((values, weights / weights.sum()))
    f = np.array(
        [function(dict(zip(matter, point, strict=True))) for point in itertools.product(*(v for v, _ in axes))]
    )
    f = f.reshape([len(v) for v, _ in axes])
    f -= np.einsum("abc,a,b,c", f, *(w for _, w in axes))
    total = float(np.einsum("abc,a,b,c", f**2, *(w for _, w in axes)))

    def over(*kept: int) -> Any:
        letters = "abc"
        others = [k for k in range(3) if k not in kept]
        out = "".join(letters[k] for k in kept)
        return np.einsum(f"abc,{','.join(letters[k] for k in others)}->{out}", f, *(axes[k][1] for k in others))

    main = dict.fromkeys(names, 0.0)
    for k, key in enumerate(matter):
        main[key] = float(axes[k][1] @ over(k) ** 2) / total
    joint = {}
    for j, k in itertools.combinations(range(3), 2):
        both = float(axes[j][1] @ over(j, k) ** 2 @ axes[k][1]) / total
        joint[matter[j], matter[k]] = both - main[matter[j]] - main[matter[k]]
    return main, joint, total


def accuracy(seeds: int) -> None:
    """Print errors of the shares by both models."""
    print("| function | noise | trials | forest | gp | pairs, forest | pairs, gp |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (function, space) in FUNCTIONS.items():
        main, joint, total = known(name)
        for noise, n in itertools.product((0.0, 0.5), (30, 100, 300)):
            errors: dict[str, list[float]] = {f"{kind}{model}": [] for kind in ("", "pairs, ") for model in MODELS}
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                opt = hp.Optimizer(space, sampler="random", seed=seed)
                for trial in opt.ask(n):
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
    given = options.parse_args()
    if given.accuracy:
        accuracy(given.seeds)
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
