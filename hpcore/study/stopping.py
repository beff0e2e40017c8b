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
from hpcore.records.history import PAUSED, RUNNING, WITHDRAWN
from hpcore.records.streams import SUGGEST, Rng

__all__ = ["CostBudget", "MaxTrials", "NoImprovement", "RegretBound", "StoppingRule", "TargetValue", "Timeout"]

FloatArray = npt.NDArray[np.float64]


class StoppingRule(ABC):
    """Rule that ends a run: no more trials begin, and running ones are finished.

    Notes
    -----
    A run calls `start` once, and `reached` before a trial if there are new results (before each trial if `by_time` is
    True). A rule is given a `SearchView` of the whole search, including trials of earlier runs and other workers. In a
    deterministic run it is the view from which the next trial is proposed, so that the run ends at the same trial
    whatever the order of the results; rules `by_time` are given all results.
    """

    by_time: ClassVar[bool] = False

    def start(self, view: SearchView) -> None:  # noqa: B027 - most rules have nothing to do
        """Prepare for a new run."""

    @abstractmethod
    def reached(self, view: SearchView) -> bool:
        """Return whether to end the run."""

    def __repr__(self) -> str:
        options = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{type(self).__name__}({options})"


class MaxTrials(StoppingRule):
    """Stop when the study has a number of finished trials in all, including failed and pruned ones.

    Parameters
    ----------
    n : int
        Number of finished trials, at least 1. Unlike `n_trials` of a run it includes those of earlier runs and other
        workers.
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
        Seconds of a monotonic clock, greater than 0.
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


class CostBudget(StoppingRule):
    """Stop when the trials that ended since the run began have cost as much as a budget.

    Parameters
    ----------
    cost : float
        Budget in the unit of the costs, greater than 0. The trial that reaches it is finished, and so are those that
        run beside it. Costs are those that were told, or else the seconds of each evaluation; a trial whose cost is
        not known counts as 0.
    """

    def __init__(self, cost: float) -> None:
        self.cost = check_number("cost", cost, 0.0, open_low=True)
        self._before = 0.0

    def start(self, view: SearchView) -> None:
        """See `StoppingRule`."""
        self._before = _total_cost(view)

    def reached(self, view: SearchView) -> bool:
        """See `StoppingRule`."""
        return _total_cost(view) - self._before >= self.cost


class TargetValue(StoppingRule):
    """Stop when a complete trial that keeps all limits has a value that is as good as a target, or better.

    Parameters
    ----------
    value : float
        Target in the objective's own units and sign.
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
    """Stop when the last finished trials, in order of their numbers, did not improve on the best value.

    Failed and pruned trials, and those that do not keep the limits, are finished trials without an improvement. The
    rule waits for a first complete trial that keeps the limits.

    Parameters
    ----------
    k : int
        Number of finished trials without an improvement, at least 1.
    min_delta : float
        Least improvement in the objective's own units, at least 0: a value must be better than the best by more.
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
        over = (state != RUNNING) & (state != PAUSED)
        ended = over & (state != WITHDRAWN)
        # The estimate of a pruned trial is no result.
        losses = np.where(history.feasible[start:], history.values[start:, 0], math.nan)
        # Trials before the first one that is not over are read once.
        n = len(over) if over.all() else int(np.argmin(over))
        self._best, self._idle = self._count(losses[:n][ended[:n]], self._best, self._idle)
        self._first = start + n
        best, idle = self._count(losses[n:][ended[n:]], self._best, self._idle)
        return not math.isinf(best) and idle >= self.k

    def _count(self, losses: FloatArray, best: float, idle: int) -> tuple[float, int]:
        """Return the best loss, starting from `best`, and the number of trials since, starting from `idle`."""
        for loss in losses.tolist():
            if loss < best - self.min_delta or (math.isinf(best) and not math.isnan(loss)):
                best, idle = loss, 0
            else:
                idle += 1
        return best, idle


class RegretBound(StoppingRule):
    """Stop when the bound of a Gaussian process on the simple regret is small.

    Parameters
    ----------
    tolerance : float
        Largest regret in the objective's own units, greater than 0. For noisy values the paper uses their standard
        error, which is ``sqrt(1 / k + n_test / n_train) * std(fold scores)`` for a mean over k folds.
    n_min : int
        Number of complete trials before the bound is computed, at least 2.
    every : int
        Number of new complete trials after which the bound is computed again, at least 1.
    n_candidates : int
        Number of random points at which the lower confidence bound is evaluated, at least 1.

    Attributes
    ----------
    bound : float or None
        Last bound on the regret; None before the first.

    Notes
    -----
    Makarova et al. (2022), "Automatic Termination for Hyperparameter Optimization". With high probability the simple
    regret is at most the least upper confidence bound over the evaluated points minus the least lower confidence bound
    over the space. Both bounds are ``mean -/+ sqrt(beta) std`` with the paper's
    ``beta = 2 log(d t**2 pi**2 / (6 delta)) / 5`` and ``delta = 0.1``. The second minimum is taken over random points
    of the space, the evaluated points, and steps around the best of them; points that constraints refuse are left out.
    With limits of metrics the first minimum is over the points of feasible trials, and the second ignores the limits,
    so that the bound holds.
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
        """Last bound on the regret; None before the first."""
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
            # Equal values do not determine the scale of the objective.
            return math.inf
        model = GaussianProcess(view.space).fit(X, y)
        t, d = len(y), len(view.space)
        root = math.sqrt(2.0 * math.log(d * t * t * math.pi**2 / 0.6) / 5.0)
        mean, std = model.predict(X, return_std=True)
        allowed = history.feasible[complete]
        if not allowed.any():
            return math.inf
        upper = float((mean + root * std)[allowed].min())
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


def _total_cost(view: SearchView) -> float:
    cost = view.history.cost
    if cost is None:
        return 0.0
    with np.errstate(over="ignore"):  # more than any budget
        return float(np.nansum(cost))


def _losses(view: SearchView) -> FloatArray:
    history = view.history
    losses: FloatArray = history.values[history.feasible, 0]
    return losses
