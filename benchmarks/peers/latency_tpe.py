"""Milliseconds per tell + ask of TPE, hpcore's beside its peers, on one pinned core.

taskset -c 0 env OMP_NUM_THREADS=1 python benchmarks/peers/latency_tpe.py [--n 100,1000] [--quick]

A cell is the median over cycles at n completed trials, which are random points with random values; params included.
Peers that are not installed are passed over by name.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

import hpcore as hp

# The figures: at most so many milliseconds at n = 100, 1000, 10,000 and 100,000.
LIMITS = {
    "5 floats": (0.045, 0.15, 1.2, 20.0),
    "20 floats": (0.12, 0.39, 3.1, 20.0),
    "mixed 10": (0.18, 0.29, 1.7, 20.0),
}
SIZES = (100, 1000, 10_000, 100_000)
CHOICES = ["a", "b", "c", "d"]


def space_of(name: str) -> dict[str, Any]:
    """One of the three spaces."""
    if name != "mixed 10":
        return {f"x{i}": hp.Float(0, 1) for i in range(int(name.split()[0]))}
    return {
        **{f"x{i}": hp.Float(0, 1) for i in range(4)},
        "log": hp.Float(1e-5, 1, log=True),
        "n": hp.Int(1, 100),
        "log_n": hp.Int(1, 1000, log=True),
        "few": hp.Int(1, 8),
        "c": hp.Categorical(CHOICES),
        "e": hp.Categorical(CHOICES[:3]),
    }


Cycle = Callable[[], float]  # seconds of one tell + ask


def hpcore_cycle(name: str, n: int) -> Cycle:
    """An optimizer with n trials; each call adds one."""
    opt, rng = hp.Optimizer(space_of(name), "tpe", seed=0), np.random.default_rng(0)
    for params in opt.space.sample(n, seed=1):
        opt.add(params, float(rng.random()))
    waiting = [opt.ask()]

    def cycle() -> float:
        value = float(rng.random())
        start = time.perf_counter()
        opt.tell(waiting.pop(), value)
        waiting.append(opt.ask())
        return time.perf_counter() - start

    return cycle


def optuna_cycle(multivariate: bool) -> Callable[[str, int], Cycle]:
    """Optuna's sampler in memory, with the parameters suggested one by one as its users do."""

    def make(name: str, n: int) -> Cycle:
        import warnings

        import optuna

        warnings.filterwarnings("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        space, rng = space_of(name), np.random.default_rng(0)
        distributions: dict[str, Any] = {}
        for key, p in space.items():
            if isinstance(p, hp.Categorical):
                distributions[key] = optuna.distributions.CategoricalDistribution(list(p.choices))
            elif isinstance(p, hp.Int):
                distributions[key] = optuna.distributions.IntDistribution(int(p.low), int(p.high), log=p.log)
            else:
                distributions[key] = optuna.distributions.FloatDistribution(p.low, p.high, log=p.log)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, multivariate=multivariate))
        for params in hp.Space(space).sample(n, seed=1):
            study.add_trial(
                optuna.trial.create_trial(params=params, distributions=distributions, value=float(rng.random()))
            )
        waiting = [study.ask(distributions)]

        def cycle() -> float:
            value = float(rng.random())
            start = time.perf_counter()
            study.tell(waiting.pop(), value)
            waiting.append(study.ask(distributions))
            return time.perf_counter() - start

        return cycle

    return make


PEERS = {
    "optuna (joint)": ("optuna", optuna_cycle(True)),
    "optuna (univariate)": ("optuna", optuna_cycle(False)),
}


def measure(make: Callable[[str, int], Cycle], name: str, n: int, seconds: float) -> float:
    """Median milliseconds near n: a few cycles each from fresh optimizers, so that n stays what it says."""
    times: list[float] = []
    begin = time.perf_counter()
    for _ in range(20):
        cycle = make(name, n)
        cycle()
        times += [cycle() for _ in range(max(5, n // 20) if n < 1000 else 50)]
        if time.perf_counter() - begin > seconds:
            break
    return 1e3 * statistics.median(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", default=",".join(map(str, SIZES)), help="history sizes, comma separated")
    parser.add_argument("--peers-up-to", type=int, default=1000, help="largest n at which peers are measured")
    parser.add_argument("--seconds", type=float, default=3.0, help="time for a cell")
    options = parser.parse_args()
    peers = {label: make for label, (module, make) in PEERS.items() if find_spec(module)}
    for label in PEERS:
        if label not in peers:
            print(f"{label}: not installed, passed over")
    print(f"{'space':10s} {'n':>7s} {'hpcore':>9s} {'at most':>8s}  " + "  ".join(f"{x:>28s}" for x in peers))
    for name, limits in LIMITS.items():
        for n in map(int, options.n.split(",")):
            ours = measure(hpcore_cycle, name, n, options.seconds)
            limit = dict(zip(SIZES, limits, strict=True)).get(n)
            verdict = "" if limit is None else f"{limit:6g} {'ok' if ours <= limit else 'MISS'}"
            row = f"{name:10s} {n:7d} {ours:7.4f}ms {verdict:>11s}"
            for make in peers.values() if n <= options.peers_up_to else ():
                theirs = measure(make, name, n, options.seconds)
                row += f"  {theirs:9.2f}ms = {theirs / ours:7.0f}x"
            print(row, flush=True)


if __name__ == "__main__":
    main()
