"""Sixty noisy trials of a small finite space: how often the right answer is recommended, by how they are allocated.

``python benchmarks/quality/replicates.py [--seeds 40] [--trials 60]`` prints a Markdown table: share of right answers,
mean regret, and share of the trials at the best point, for equal allocation (a grid, each point as often as any other)
and for ``repeats=None`` of the samplers.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

import hpcore as hp

# Name, kind of parameter, number of points, standard deviation of the noise; the values have one of about 1.
CASES = (
    ("6 choices", "choices", 6, 0.5),
    ("6 choices", "choices", 6, 1.0),
    ("6 integers", "integers", 6, 0.5),
    ("20 choices", "choices", 20, 0.5),
    ("30 integers", "integers", 30, 0.5),
)


def means_of(kind: str, n: int, draws: np.random.Generator) -> np.ndarray:
    """True values: independent ones for choices, a cosine for integers."""
    if kind == "choices":
        return draws.normal(0.0, 1.0, n)
    return np.cos(2.0 * np.pi * draws.uniform(0.5, 1.5) * np.arange(n) / (n - 1) + draws.uniform(0.0, 6.0))


def run(kind: str, n: int, sd: float, n_trials: int, seed: int, how: str) -> tuple[float, float, float]:
    """Whether the answer is right, its regret, and the share of the trials at the best point."""
    draws = np.random.default_rng([seed, n])
    means = means_of(kind, n, draws)
    space = {"k": hp.Categorical(list(range(n))) if kind == "choices" else hp.Int(0, n - 1)}
    equal = how == "equal"
    opt = hp.Optimizer(space, "grid" if equal else how, seed=seed, repeats=-(-n_trials // n) if equal else None)
    for _ in range(n_trials):
        trial = opt.ask()
        opt.tell(trial, float(means[trial["k"]] + sd * draws.standard_normal()))
    best, answer = int(np.argmin(means)), opt.recommend()["k"]
    counts = Counter(trial["k"] for trial in opt.trials)
    return float(answer == best), float(means[answer] - means[best]), counts[best] / n_trials


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--trials", type=int, default=60)
    options = parser.parse_args()
    print("| space | noise | allocation | right | regret | trials at the best |\n| --- | --- | --- | --- | --- | --- |")
    for name, kind, n, sd in CASES:
        for how in ("equal", "random", "gp"):
            rows = np.array([run(kind, n, sd, options.trials, seed, how) for seed in range(options.seeds)])
            right, regret, share = rows.mean(axis=0)
            allocation = how if how == "equal" else f"repeats=None, {how}"
            print(f"| {name} | {sd} | {allocation} | {right:.2f} | {regret:.3f} | {share:.2f} |", flush=True)


if __name__ == "__main__":
    main()
