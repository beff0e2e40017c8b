"""Time of `hp.importance` with and without intervals, beside Optuna's evaluators where Optuna is installed.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/importance.py [--trials 1000] [--parameters 20] [--rounds 7]

Prints a markdown table: milliseconds of a call by the clock and of the CPU, medians, after a first call, which compiles
or loads what Numba compiled. Limits for 1,000 trials of 20 parameters without intervals: 50 ms for PED-ANOVA, 1 s for
fANOVA.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import hpcore as hp

LIMITS = {"ped_anova": 50.0, "fanova": 1000.0}


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


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--trials", type=int, default=1000)
    options.add_argument("--parameters", type=int, default=20)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--no-peers", action="store_true")
    given = options.parse_args()
    study = search(given.trials, given.parameters)
    calls: dict[str, Callable[[], Any]] = {
        "ped_anova": lambda: hp.importance(study, interval=None),
        "ped_anova, intervals by 200 samples": lambda: hp.importance(study),
        "fanova": lambda: hp.importance(study, method="fanova", interval=None),
        "fanova, all pairs": lambda: hp.importance(study, method="fanova", pairs=True, interval=None),
        "fanova, intervals by 20 samples": lambda: hp.importance(study, method="fanova"),
    }
    if not given.no_peers:
        calls.update(peers(study))
    assert set(list(hp.importance(study, interval=None))[:2]) == {"x0", "x1"}
    assert list(hp.importance(study, method="fanova", interval=None))[:2] == ["x0", "x1"]
    print(f"{given.trials} trials, {given.parameters} parameters\n")
    print("| | ms | of the CPU | limit |\n| --- | --- | --- | --- |")
    for name, call in calls.items():
        clock, cpu = timed(call, given.rounds)
        print(f"| {name} | {clock:,.1f} | {cpu:,.1f} | {LIMITS.get(name, '')} |", flush=True)


if __name__ == "__main__":
    main()
