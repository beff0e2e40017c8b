"""Milliseconds of one tell + ask at n observations: hpcore beside the peers that are installed.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/peers/latency.py [--sizes 10,100,1000] [--spaces 5,20,mixed]
                                                                      [--peers optuna,botorch] [--cycles 30]

Prints a markdown table: median and mean of a cycle, the ratio of medians to hpcore, and as the limit one Cholesky
factorisation (dpotrf) of that n. A peer that is not installed is named and passed over.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import time

import numpy as np

import hpcore as hp


def space_of(kind):
    if kind != "mixed":
        return hp.Space({f"x{j}": hp.Float(-5, 5) for j in range(int(kind))})
    return hp.Space(
        {
            "a": hp.Float(-5, 5),
            "b": hp.Float(-5, 5),
            "c": hp.Float(-5, 5),
            "d": hp.Float(1e-4, 1, log=True),
            "e": hp.Float(1e-4, 1, log=True),
            "i": hp.Int(1, 10),
            "j": hp.Int(1, 100),
            "k": hp.Int(8, 512, log=True),
            "p": hp.Categorical(["w", "x", "y", "z"]),
            "q": hp.Categorical([True, False]),
        }
    )


def objective(params):
    """Smooth in numbers, additive in categories; cheap, so that the cycle is the optimiser's."""
    total = 0.0
    for j, value in enumerate(params.values()):
        if isinstance(value, str | bool):
            total += 0.3 * (value in ("x", True))
        else:
            total += (1 + 0.2 * j) * math.sin(0.7 * float(value) + j) + 0.01 * float(value)
    return total


class Hpcore:
    name = "hpcore gp"

    def __init__(self, space):
        self.optimizer = hp.Optimizer(space, sampler="gp", seed=0)

    def add(self, params, value):
        self.optimizer.add(params, value)

    def cycle(self):
        trial = self.optimizer.ask()
        return lambda: self.optimizer.tell(trial, objective(trial.params))


class Optuna:
    name = "optuna gp"
    needs = ("optuna", "torch")

    def __init__(self, space):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.optuna = optuna
        self.distributions = {}
        for name, p in space.items():
            if isinstance(p, hp.Categorical):
                self.distributions[name] = optuna.distributions.CategoricalDistribution(list(p.choices))
            elif isinstance(p, hp.Int):
                self.distributions[name] = optuna.distributions.IntDistribution(p.low, p.high, log=p.log)
            else:
                self.distributions[name] = optuna.distributions.FloatDistribution(p.low, p.high, log=p.log)
        sampler = optuna.samplers.GPSampler(seed=0, deterministic_objective=True)
        self.study = optuna.create_study(sampler=sampler)

    def add(self, params, value):
        trial = self.optuna.trial.create_trial(params=dict(params), distributions=self.distributions, value=value)
        self.study.add_trial(trial)

    def cycle(self):
        trial = self.study.ask(self.distributions)
        return lambda: self.study.tell(trial, objective(trial.params))


class BoTorch:
    """SingleTaskGP, its own fit, LogEI; library defaults on the encoded cube."""

    name = "botorch log_ei"
    needs = ("botorch", "torch")

    def __init__(self, space):
        import torch

        torch.set_num_threads(1)
        self.space, self.X, self.y = space, [], []

    def add(self, params, value):
        self.X.append(np.asarray(self.space.encode(params)))
        self.y.append(value)

    def cycle(self):
        import torch
        from botorch.acquisition.analytic import LogExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.optim import optimize_acqf
        from gpytorch.mlls import ExactMarginalLogLikelihood

        X = torch.tensor(np.array(self.X), dtype=torch.double)
        y = -torch.tensor(self.y, dtype=torch.double)[:, None]
        y = (y - y.mean()) / y.std()
        gp = SingleTaskGP(X, y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp))
        bounds = torch.tensor([[0.0] * X.shape[1], [1.0] * X.shape[1]], dtype=torch.double)
        u, _ = optimize_acqf(LogExpectedImprovement(gp, y.max()), bounds, q=1, num_restarts=4, raw_samples=64)
        params = self.space.decode(u[0].numpy())
        return lambda: self.add(params, objective(params))


PEERS = {"optuna": Optuna, "botorch": BoTorch}


def measure(make, space, n, cycles, seconds):
    """Times of at most `cycles` cycles of tell + ask, in ms, within about `seconds`; the first one warms up."""
    rival = make(space)
    for params in space.sample(n, seed=1):
        rival.add(params, objective(params))
    rival.cycle()()
    times = []
    begin = time.perf_counter()
    tell = rival.cycle()
    while len(times) < cycles and (not times or time.perf_counter() - begin < seconds):
        start = time.perf_counter()
        tell()
        tell = rival.cycle()
        times.append(1e3 * (time.perf_counter() - start))
    assert all(math.isfinite(t) for t in times)
    return float(np.median(times)), float(np.mean(times)), len(times)


def limit(n):
    """One dpotrf of order n, in ms."""
    from scipy.linalg.lapack import dpotrf

    a = np.random.default_rng(0).standard_normal((n, n))
    K = np.asfortranarray(a @ a.T + n * np.eye(n))
    times = []
    for _ in range(20):
        start = time.perf_counter()
        dpotrf(K)
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="10,100,1000")
    parser.add_argument("--spaces", default="5,20,mixed")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--cycles", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=60.0, help="stop starting new cycles of a rival after this")
    args = parser.parse_args()
    rivals = [Hpcore]
    for name in filter(None, args.peers.split(",")):
        missing = [m for m in PEERS[name].needs if importlib.util.find_spec(m) is None]
        if missing:
            print(f"{name}: passed over, {', '.join(missing)} not installed")
        else:
            rivals.append(PEERS[name])
    print("\n| space | n | optimiser | median ms | mean ms | cycles | times hpcore | dpotrf ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind in args.spaces.split(","):
        for n in map(int, args.sizes.split(",")):
            ours = None
            for make in rivals:
                median, mean, cycles = measure(make, space_of(kind), n, args.cycles, args.seconds)
                ours = ours or median
                print(
                    f"| {kind} | {n} | {make.name} | {median:.2f} | {mean:.2f} | {cycles} | {median / ours:.1f} "
                    f"| {limit(n):.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
