"""Cost of a user's kernel in `ask`, called by its pointer, compared with the built-in kernel of the same formula.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/kernels.py [--sizes 100,500] [--cycles 60]

Prints a markdown table: CPU milliseconds of one tell + ask of the GP sampler on five floats, median and mean over the
cycles (the mean holds the asks that fit the hyperparameters), and the ratio to the built-in. The samplers take turns,
each on its own copy of the same history.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np

import hpcore as hp
from hpcore.samplers import GPSampler

D = 5
SQRT_2PI = math.sqrt(2.0 * math.pi)


@hp.kernels.acquisition(log=True)
def log_ei(mean, std, best):
    """Compute the formula of csrc/hpcore/acquisition/functions.cpp."""
    z = (best - mean) / std
    if z > -1.0:
        cdf, pdf = 0.5 * math.erfc(-z / math.sqrt(2.0)), math.exp(-0.5 * z * z) / SQRT_2PI
        h = pdf + z * cdf
        return math.log(h) + math.log(std), -cdf / h / std, pdf / h / std
    x = -z
    if x < 20.0:
        bracket = 1.0 - x * math.sqrt(0.5 * math.pi) * math.exp(0.5 * x * x) * math.erfc(x / math.sqrt(2.0))
    else:
        t = 1.0 / (x * x)
        bracket = t * (1.0 - t * (3.0 - t * (15.0 - t * (105.0 - t * 945.0))))
    value = -0.5 * z * z - math.log(SQRT_2PI) + math.log(bracket)
    return value + math.log(std), -(1.0 - bracket) / (x * bracket) / std, 1.0 / bracket / std


def matern(x, y, theta):
    total = 0.0
    for j in range(x.size):
        r = (x[j] - y[j]) / theta[j]
        total += r * r
    s = math.sqrt(5.0 * total)
    return (1.0 + s + s * s / 3.0) * math.exp(-s)


def matern_gradient(x, y, theta, d_theta, d_x):
    total = 0.0
    for j in range(x.size):
        r = (x[j] - y[j]) / theta[j]
        d_x[j] = r / theta[j]
        d_theta[j] = r * d_x[j]
        total += r * r
    s = math.sqrt(5.0 * total)
    slope = 5.0 / 3.0 * (1.0 + s) * math.exp(-s)
    for j in range(x.size):
        d_theta[j] *= slope
        d_x[j] *= -slope


BOUNDS = [(0.02, 60.0)] * D
SAMPLERS = {
    "built-in": GPSampler(),
    "acquisition: the user's LogEI": GPSampler(log_ei),
    "covariance: the user's Matern-5/2 and its gradient": GPSampler(
        covariance=hp.kernels.covariance(n_hyperparameters=D, bounds=BOUNDS, gradient=matern_gradient, log=True)(matern)
    ),
    "covariance: the user's Matern-5/2, differenced": GPSampler(
        covariance=hp.kernels.covariance(n_hyperparameters=D, bounds=BOUNDS, log=True)(matern)
    ),
}


def objective(params):
    return sum((1 + 0.2 * j) * math.sin(0.7 * v + j) + 0.01 * v for j, v in enumerate(params.values()))


def cycle(optimizer):
    """Return the CPU seconds of one tell + ask."""
    trial = optimizer.trials[-1]
    value = objective(trial.params)
    start = time.process_time()
    optimizer.tell(trial.number, value)
    optimizer.ask()
    return time.process_time() - start


def check():
    """Check that each formula equals the built-in one."""
    from hpcore._core import acquisition

    for mean in (-0.5, 0.0, 0.7, 3.0, 30.0):
        value, by_mean, by_std = (v[0] for v in acquisition.log_expected_improvement(
            np.array([mean]), np.array([0.8]), 0.1))  # fmt: skip
        np.testing.assert_allclose(log_ei(mean, 0.8, 0.1), (value, by_mean, by_std), rtol=1e-6)
    theta = np.linspace(0.3, 0.9, D)
    x, y = np.random.default_rng(0).random((2, D))
    (given, differenced) = (list(SAMPLERS.values())[i].covariance(x, y, theta) for i in (2, 3))
    for a, b in zip(given, differenced, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-8)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="100,500")
    parser.add_argument("--cycles", type=int, default=60)
    args = parser.parse_args()
    check()
    space = hp.Space({f"x{j}": hp.Float(-5, 5) for j in range(D)})
    print("| n | sampler | median ms | mean ms | median ratio | mean ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for n in map(int, args.sizes.split(",")):
        optimizers = {name: hp.Optimizer(space, sampler, seed=0) for name, sampler in SAMPLERS.items()}
        for optimizer in optimizers.values():
            for params in space.sample(n, seed=1):
                optimizer.add(params, objective(params))
            optimizer.ask()
            cycle(optimizer)
        times = {name: [] for name in SAMPLERS}
        for _ in range(args.cycles):
            for name, optimizer in optimizers.items():
                times[name].append(1e3 * cycle(optimizer))
        own = times["built-in"]
        for name, values in times.items():
            median, mean = np.median(values), np.mean(values)
            print(
                f"| {n} | {name} | {median:.2f} | {mean:.2f} | {median / np.median(own):.2f} "
                f"| {mean / np.mean(own):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
