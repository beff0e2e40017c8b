"""Population-based training and PB2 against random search and ASHA at the same cost, where a schedule is needed.

Run with ``python benchmarks/quality/population.py --seeds 10``; prints a line a task and method with the score of each
seed, and the paired differences with their 95 % intervals over the seeds (Student's t). Lower scores are better.

Two tasks, whose loss is reported after each epoch. ``quadratic``: stochastic gradient descent with momentum on a noisy
quadratic, whose learning rate has to fall, because each constant one ends at a floor of its own or has not arrived;
the score is the logarithm (base 10) of the exact loss. ``digits``: a network of one hidden layer with dropout, in
NumPy, on 600 of the digits, about a quarter of them with a wrong label; the score is the logarithmic loss on test rows
that nobody sees.

The budget is that of 10 full trainings, in epochs. Random search and ASHA train with constant hyperparameters, ASHA
with its default rungs. The answer is the trial with the lowest validation loss of those that were trained in full. All
methods share the points of the first 10 trials of a seed.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.stats

import hpcore as hp
from hpcore.records.channel import Decision
from hpcore.schedulers import ASHA, PB2, PopulationBasedTraining

N_MEMBERS = 10


class Quadratic:
    """Stochastic gradient descent on a quadratic of 20 dimensions with curvatures from 1 to 50."""

    space = hp.Space({"lr": hp.Float(1e-4, 1e-1, log=True), "momentum": hp.Float(0.0, 0.95)})
    n_epochs = 100

    def __init__(self, seed: int) -> None:
        self._curvature = np.geomspace(1.0, 50.0, 20)
        self._rng = np.random.default_rng(seed)
        self._x = np.ones(20)
        self._v = np.zeros(20)

    def epoch(self, params: Any) -> float:
        """Ten steps; the loss that validation shows."""
        for _ in range(10):
            slope = self._curvature * self._x + self._rng.normal(0.0, 1.0, 20)
            self._v = params["momentum"] * self._v - params["lr"] * slope
            self._x = np.clip(self._x + self._v, -1e6, 1e6)
        return self.score()

    def score(self) -> float:
        """Logarithm of the exact loss."""
        return float(np.log10(0.5 * np.sum(self._curvature * np.square(self._x))))


def _digits() -> dict[str, tuple[Any, Any]]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(X))
    X, y = X[order] / 16.0, y[order].copy()
    wrong = rng.random(600) < 0.3
    y[:600][wrong] = rng.integers(0, 10, int(wrong.sum()))
    return {"train": (X[:600], y[:600]), "valid": (X[600:1200], y[600:1200]), "test": (X[1200:], y[1200:])}


class Digits:
    """A network of one hidden layer, by minibatches with momentum, dropout and weight decay."""

    space = hp.Space(
        {
            "lr": hp.Float(1e-3, 0.3, log=True),
            "momentum": hp.Float(0.0, 0.95),
            "decay": hp.Float(1e-5, 1e-1, log=True),
            "dropout": hp.Float(0.0, 0.8),
        }
    )
    n_epochs = 60
    data: dict[str, tuple[Any, Any]] | None = None

    def __init__(self, seed: int) -> None:
        if Digits.data is None:
            Digits.data = _digits()
        self._rng = np.random.default_rng(seed)
        sizes = (64, 64, 10)
        self._w = [self._rng.normal(0.0, math.sqrt(2.0 / a), (a, b)) for a, b in pairwise(sizes)]
        self._b = [np.zeros(b) for b in sizes[1:]]
        self._v = [np.zeros_like(p) for p in (*self._w, *self._b)]

    def epoch(self, params: Any) -> float:
        """Train with all rows once; the loss on the validation rows."""
        assert Digits.data is not None
        X, y = Digits.data["train"]
        order, size = self._rng.permutation(len(X)), 16
        for first in range(0, len(X), size):
            rows = order[first : first + size]
            self._step(X[rows], y[rows], params)
        return self.loss("valid")

    def _step(self, X: Any, y: Any, params: Any) -> None:
        keep = 1.0 - params["dropout"]
        mask = (self._rng.random((len(X), 64)) < keep) / keep
        hidden = np.maximum(X @ self._w[0] + self._b[0], 0.0) * mask
        logits = hidden @ self._w[1] + self._b[1]
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1.0
        p /= len(y)
        back = (p @ self._w[1].T) * (hidden > 0) * mask
        slopes = [X.T @ back + params["decay"] * self._w[0], hidden.T @ p + params["decay"] * self._w[1]]
        slopes += [back.sum(axis=0), p.sum(axis=0)]
        for v, w, slope in zip(self._v, (*self._w, *self._b), slopes, strict=True):
            v *= params["momentum"]
            v -= params["lr"] * slope
            w += v

    def loss(self, part: str) -> float:
        """Logarithmic loss on a part of the rows; 20 where it is not finite."""
        assert Digits.data is not None
        X, y = Digits.data[part]
        logits = np.maximum(X @ self._w[0] + self._b[0], 0.0) @ self._w[1] + self._b[1]
        logits = logits - logits.max(axis=1, keepdims=True)
        loss = float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]))
        return min(loss, 20.0) if math.isfinite(loss) else 20.0

    def score(self) -> float:
        """Loss on the test rows."""
        return self.loss("test")


TASKS: dict[str, Any] = {"quadratic": Quadratic, "digits": Digits}


def methods(full: int) -> dict[str, Callable[[], Any]]:
    """Schedulers by name; None trains every trial in full."""
    return {
        "random": lambda: None,
        "asha": lambda: ASHA(max_resource=full),
        "pbt": lambda: PopulationBasedTraining(full, full / 20, N_MEMBERS),
        "pb2": lambda: PB2(full, full / 20, N_MEMBERS),
    }


def search(task: Any, scheduler: Any, seed: int) -> float:
    """Search until the budget is spent, with one worker; the score of the best full training."""
    full, left = task.n_epochs, N_MEMBERS * task.n_epochs
    opt = hp.Optimizer(task.space, sampler="random", scheduler=scheduler, seed=seed)
    saved: dict[tuple[int, int], tuple[int, Any]] = {}
    best, answer = math.inf, math.nan
    while left > 0:
        trial = opt.ask()
        history, number = opt.history, trial.number
        note = history.notes.get(number, {})
        last = max((job for n, job in saved if n == number), default=None)
        if last is not None:
            step, model = copy.deepcopy(saved[number, last])
        elif "parent" in note:
            step, model = copy.deepcopy(saved[note["parent"], note["parent_job"]])
        else:
            step, model = 0, task(1000 * seed + number)
        decision, value = Decision.CONTINUE, math.inf
        with np.errstate(all="ignore"):
            while left > 0 and step < full and decision is Decision.CONTINUE:
                step, left, value = step + 1, left - 1, model.epoch(trial)
                decision = opt.report(trial, value, step)
        if step >= full:
            opt.tell(trial, value)
            if value < best:
                best, answer = value, model.score()
        elif decision is not Decision.CONTINUE:
            saved[number, history.job_of(number)] = (step, model)
            opt.tell(trial)
    return answer


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    options = parser.parse_args()
    for name in options.tasks:
        task = TASKS[name]
        scores: dict[str, list[float]] = {}
        for method, make in methods(task.n_epochs).items():
            begin = time.perf_counter()
            seeds = range(options.first, options.first + options.seeds)
            scores[method] = [search(task, make(), seed) for seed in seeds]
            spent = (time.perf_counter() - begin) / options.seeds
            shown = " ".join(f"{score:.3f}" for score in scores[method])
            print(
                f"{name:10s} {method:7s} mean {np.mean(scores[method]):.4f}  ({spent:.1f} s a run)  {shown}", flush=True
            )
        for better in ("pbt", "pb2"):
            for other in ("random", "asha"):
                gain = np.subtract(scores[other], scores[better])
                half = scipy.stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / math.sqrt(len(gain))
                print(f"{name:10s} {better} ahead of {other}: {gain.mean():.4f} +- {half:.4f}")


if __name__ == "__main__":
    main()
