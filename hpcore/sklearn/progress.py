"""What happens between the optimizer and the workers: proposing, telling, counting, calling back."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

from hpcore.errors import SearchSpaceExhausted
from hpcore.evaluation.engine import Candidate
from hpcore.evaluation.workload import FoldScore
from hpcore.optimizer import Optimizer
from hpcore.records.trial import Trial
from hpcore.sklearn.checks import Settings
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.results import Evaluated, objective
from hpcore.sklearn.spaces import SearchSpace

__all__ = ["Progress"]


class Progress:
    """The course of one search.

    Parameters
    ----------
    search : SearchCV
        Whose attributes follow the search while it runs, for its callbacks.
    optimizer : Optimizer
        Proposes and is told.
    space : SearchSpace
        Gives the estimator's parameters.
    settings : Settings
        The limits.
    deadline : float or None
        On the monotonic clock.
    hooks : FitHooks
        scikit-learn's callbacks.
    first : callable
        Called with the scores of the first fit that succeeded.

    Attributes
    ----------
    evaluated : list of Evaluated
        Complete candidates in the order in which they became so.
    """

    def __init__(
        self,
        search: Any,
        optimizer: Optimizer,
        space: SearchSpace,
        settings: Settings,
        deadline: float | None,
        hooks: FitHooks,
        first: Callable[[FoldScore], None],
    ) -> None:
        self.evaluated: list[Evaluated] = []
        self._search = search
        self._optimizer = optimizer
        self._space = space
        self._settings = settings
        self._deadline = deadline
        self._hooks = hooks
        self._first: Callable[[FoldScore], None] | None = first
        self._n_asked = 0
        self._open: dict[int, Trial] = {}
        search.time_fitting_ = 0.0
        search.time_suggesting_ = 0.0

    @property
    def expected(self) -> int | None:
        """About how many candidates there will be, if that can be told."""
        known = [n for n in (self._settings.n_trials, self._space.space.n_points) if n is not None]
        return min(known, default=None)

    def propose(self) -> Candidate | None:
        """The next candidate; None after the last. The first one is proposed whatever the clock says."""
        if self._settings.n_trials is not None and self._n_asked >= self._settings.n_trials:
            return None
        if self._n_asked and self._deadline is not None and time.monotonic() >= self._deadline:
            return None
        start = time.perf_counter()
        try:
            trial = self._optimizer.ask()
        except SearchSpaceExhausted:
            if not self._n_asked:
                raise
            return None
        finally:
            self._search.time_suggesting_ += time.perf_counter() - start
        self._n_asked += 1
        trial.started = time.time()
        self._open[trial.number] = trial
        return Candidate(trial, self._space.params(trial.params))

    def complete(self, candidate: Candidate, scores: list[FoldScore]) -> None:
        """Take the results of a candidate."""
        if self._first is not None:
            success = next((score for score in scores if score.error is None), None)
            if success is not None:
                self._first(success)
                self._first = None
        for complaint in (complaint for score in scores for complaint in score.complaints):
            warnings.warn(
                "Scoring failed. The score on this train-test partition for these parameters will be set to "
                f"{self._search.error_score}. Details: \n{complaint}",
                UserWarning,
                stacklevel=2,
            )
        value, error = objective(scores, self._search.refit)
        trial: Trial = candidate.trial
        trial.finished = time.time()
        start = time.perf_counter()
        self._optimizer.tell(trial, value, error=error)
        self._search.time_suggesting_ += time.perf_counter() - start
        self._search.time_fitting_ += sum(score.fit_time + score.score_time for score in scores)
        del self._open[trial.number]
        self.evaluated.append(Evaluated(trial.number, candidate.params, scores))
        self._hooks.evaluated(len(scores))
        if self._search.verbose > 1:
            shown = "failed" if value is None else f"{value:.6g}"
            print(f"[{len(self.evaluated)}] {dict(candidate.params)!r}: {shown}")
        for callback in self._settings.callbacks:
            callback(self._search, self._space.trial(trial))

    def abandon(self, reason: str) -> None:
        """Tell of candidates that will not be finished."""
        for trial in self._open.values():
            self._optimizer.tell(trial, None, error=reason)
        self._open.clear()
