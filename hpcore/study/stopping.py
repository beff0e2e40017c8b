"""Rules that end a run, for ``Study.run(..., stop=[...])`` and ``SearchCV(stop=[...])``."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_integer, check_number
from hpcore.errors import InvalidArgument
from hpcore.optimizer.search_view import SearchView
from hpcore.records.history import COMPLETE, PAUSED, RUNNING
from hpcore.records.streams import SUGGEST, Rng

__all__ = ["MaxTrials", "NoImprovement", "RegretBound", "StoppingRule", "TargetValue", "Timeout"]

FloatArray = npt.NDArray[np.float64]


class StoppingRule(ABC):
    """A reason to begin no more trials. Running ones are finished.

    Notes
    -----
    A run asks `start` once and `reached` before a trial, whenever results have come in since (before each trial if
    `by_time`). A rule is given a `SearchView` of the whole search, earlier runs and other workers' trials included; in
    a deterministic run it is the view from which the next trial is proposed, so that the run ends at the same trial
    whatever the order of the results.
    """

    by_time: ClassVar[bool] = False

    def start(self, view: SearchView) -> None:  # noqa: B027 - most rules have nothing to do
        """A run begins."""

    @abstractmethod
    def reached(self, view: SearchView) -> bool:
        """Whether to stop."""

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{type(self).__name__}({options})"


class MaxTrials(StoppingRule):
    """Stop when the study has so many finished trials in all, failed ones included.

    Parameters
    ----------
    n : int
        At least 1. Unlike the `n_trials` of a run it counts what earlier runs and other workers finished.
    """

    def __init__(self, n: int) -> None:
        self.n = check_integer("n", n, 1)

    def reached(self, view: SearchView) -> bool:
        """See `StoppingRule`."""
        history = view.history
        return history.n_ended >= self.n


class Timeout(StoppingRule):
    """Stop a number of seconds after the run began.

    Parameters
    ----------
    seconds : float
        By a monotonic clock; greater than 0.
    """

    by_time: ClassVar[bool] = True

    def __init__(self, seconds: float) -> None:
        self.seconds = check_number("seconds", seconds, 0.0, open_low=True)
        self._end = math.inf

    def start(self, view: SearchView) -> None:
        """See `StoppingRule`."""
        self._end = time.monotonic() + self.seconds

    def reached(self, view: SearchView) -> bool:
        """See `StoppingRule`."""
        return time.monotonic() >= self._end


class TargetValue(StoppingRule):
    """Stop when the best value is as good as a target.

    Parameters
    ----------
    value : float
        In the objective's own units and sign.
    """

    def __init__(self, value: float) -> None:
        self.value = check_number("value", value)

    def start(self, view: SearchView) -> None:
        """See `StoppingRule`."""
        _check_single(self, view)

    def reached(self, view: SearchView) -> bool:
        """See `StoppingRule`."""
        losses = _losses(view)
        target = self.value if view.directions[0] == "minimize" else -self.value
        return bool(len(losses)) and float(losses.min()) <= target


class NoImprovement(StoppingRule):
    """Stop when so many finished trials in a row, failed ones included, did not improve on the best.

    Parameters
    ----------
    k : int
        At least 1.
    min_delta : float
        An improvement is one by more than this, in the objective's own units; at least 0.
    """

    def __init__(self, k: int, min_delta: float = 0.0) -> None:
        self.k = check_integer("k", k, 1)
        self.min_delta = check_number("min_delta", min_delta, 0.0)
        self._forget()

    def _forget(self) -> None:
        self._first, self._best, self._idle = 0, math.inf, 0

    def start(self, view: SearchView) -> None:
        """See `StoppingRule`."""
        _check_single(self, view)
        self._forget()

    def reached(self, view: SearchView) -> bool:
        """See `StoppingRule`."""
        history = view.history
        start, state = self._first, history.state[self._first :]
        ended = (state != RUNNING) & (state != PAUSED)
        # The estimate of a pruned trial is no result.
        losses = np.where(state == COMPLETE, history.values[start:, 0], math.nan)
        # Trials before the first one that has not ended are read once.
        n = len(ended) if ended.all() else int(np.argmin(ended))
        self._best, self._idle = self._count(losses[:n], self._best, self._idle)
        self._first = start + n
        best, idle = self._count(losses[n:][ended[n:]], self._best, self._idle)
        return not math.isinf(best) and idle >= self.k

    def _count(self, losses: FloatArray, best: float, idle: int) -> tuple[float, int]:
        """The best of trials, after those that led to `best`, and the number since it."""
        for loss in losses.tolist():
            if loss < best - self.min_delta or (math.isinf(best) and not math.isnan(loss)):
                best, idle = loss, 0
            else:
                idle += 1
        return best, idle


class RegretBound(StoppingRule):
    """Stop when a Gaussian process bounds what is left to gain.

    Parameters
    ----------
    tolerance : float
        In the objective's own units; greater than 0. Where values are noisy, their standard error is the choice of
        the paper: of a mean over k folds ``sqrt(1 / k + n_test / n_train) * std(fold scores)``.
    n_min : int
        Complete trials before the bound is looked at, at least 2.
    every : int
        It is computed after so many new results; at least 1.
    n_candidates : int
        Points of the space at which the lower confidence bound is looked for, at least 1.

    Attributes
    ----------
    bound : float or None
        The last one computed.

    Notes
    -----
    Makarova et al. (2022), "Automatic Termination for Hyperparameter Optimization". The simple regret is, with high
    probability, at most the least upper confidence bound over the points that were evaluated minus the least lower
    confidence bound over the space. The width of both is the paper's ``beta = 2 log(d t**2 pi**2 / (6 delta)) / 5``
    with ``delta = 0.1``. The second minimum is taken over random points of the space, those evaluated, and steps around
    the best of them; constraints are honoured.
    """

    def __init__(self, tolerance: float, *, n_min: int = 10, every: int = 1, n_candidates: int = 2000) -> None:
        self.tolerance = check_number("tolerance", tolerance, 0.0, open_low=True)
        self.n_min = check_integer("n_min", n_min, 2)
        self.every = check_integer("every", every, 1)
        self.n_candidates = check_integer("n_candidates", n_candidates, 1)
        self._at = -1
        self._bound: float | None = None

    @property
    def bound(self) -> float | None:
        """The last bound on the regret, None before the first."""
        return self._bound

    def start(self, view: SearchView) -> None:
        """See `StoppingRule`."""
        _check_single(self, view)
        self._at = -1

    def reached(self, view: SearchView) -> bool:
        """See `StoppingRule`."""
        history = view.history
        n = history.n_complete
        if n < self.n_min or (self._at >= 0 and n - self._at < self.every):
            return False
        self._at = n
        self._bound = self._compute(view)
        return self._bound <= self.tolerance

    def _compute(self, view: SearchView) -> float:
        from hpcore.surrogates import GaussianProcess

        history = view.history
        complete = history.complete
        X, y = np.ascontiguousarray(history.X[complete]), history.values[complete, 0]
        if float(y.max()) == float(y.min()):
            # A constant says nothing of the scale on which the rest of the space may differ.
            return math.inf
        model = GaussianProcess(view.space).fit(X, y)
        t, d = len(y), len(view.space)
        root = math.sqrt(2.0 * math.log(d * t * t * math.pi**2 / 0.6) / 5.0)
        mean, std = model.predict(X, return_std=True)
        upper = float((mean + root * std).min())
        candidates = self._candidates(view, X[np.argsort(mean - root * std)[:5]], t)
        lower = float((mean - root * std).min())
        if len(candidates):
            mean, std = model.predict(candidates, return_std=True)
            lower = min(lower, float((mean - root * std).min()))
        return max(0.0, upper - lower)

    def _candidates(self, view: SearchView, best: FloatArray, t: int) -> FloatArray:
        d = len(view.space)
        rng = Rng(view.seed, t)
        uniform = rng.uniform(self.n_candidates * d, SUGGEST).reshape(-1, d)
        steps = 0.1 * (rng.uniform(200 * d, SUGGEST, 1).reshape(-1, d) - 0.5)
        near = np.clip(np.nan_to_num(best, nan=0.5)[np.arange(200) % len(best)] + steps, 0.0, 1.0)
        rows = np.ascontiguousarray(np.vstack([uniform, near]))
        columns = view.space.columns
        for row in rows:
            columns.codec.settle(row)
        return rows if columns.feasible is None else rows[columns.feasible(rows)]


def _check_single(rule: StoppingRule, view: SearchView) -> None:
    if len(view.directions) != 1:
        raise InvalidArgument(f"stop: {type(rule).__name__} needs a single objective, got {len(view.directions)}")


def _losses(view: SearchView) -> FloatArray:
    history = view.history
    losses: FloatArray = history.values[history.state == COMPLETE, 0]
    return losses
