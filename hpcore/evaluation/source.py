"""Candidates of one search by cross-validation, as the engine sees them: begun, judged after each fold, completed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpcore.errors import FitTimeout
from hpcore.evaluation.workload import FoldScore, decisive
from hpcore.schedulers.racing import Incumbent, Race, cut, stop_reason
from hpcore.schedulers.rung_races import RungRaces
from hpcore.workers.engine import Job
from hpcore.workers.waiting import Patience, Wait

__all__ = ["Candidate", "Complete", "FoldDone", "Propose", "Source"]


@dataclass(slots=True, eq=False)
class Candidate(Job):
    """Configuration and its scores.

    Attributes
    ----------
    trial : object
        Trial of the optimizer, or another object by which the caller identifies the candidate.
    params : mapping
        Parameters of the estimator.
    scores : list of FoldScore or None
        Scores by position in the source's folds, None where unknown. Empty when proposed, or one entry for each fold:
        folds with a score are not run again.
    number : int
        Number of its trial.
    incumbent : Incumbent or None
        Incumbent that it races against.
    stopped : str or None
        Reason why it was stopped before its last fold; see `stop_reason`.
    levels : tuple of int
        Levels of the resource so far, the present one last; empty without one.
    job : int or None
        Number of the job; that of the trial if a trial has only one.
    given_up : bool
        True if its remaining folds are not run, because the time is over.
    expired : FoldScore or None
        Fold without a score that took longer than the limit of a fold: the others would not give the candidate one.
    """

    trial: Any
    params: Mapping[str, Any]
    scores: list[FoldScore | None] = field(default_factory=list)
    number: int = 0
    incumbent: Incumbent | None = None
    stopped: str | None = None
    levels: tuple[int, ...] = ()
    job: int | None = None
    given_up: bool = False
    expired: FoldScore | None = None

    @property
    def order(self) -> int:
        """Number of its job."""
        return self.number if self.job is None else self.job

    @property
    def known(self) -> list[FoldScore]:
        """Known scores in the order of their positions."""
        return [score for score in self.scores if score is not None]

    def decisive(self, metric: str | None) -> dict[int, float]:
        """Return the known scores of the metric that decides, by position."""
        return {i: decisive(score, metric) for i, score in enumerate(self.scores) if score is not None}

    def judge(self, metric: str | None, in_order: bool) -> None:
        """Stop the candidate where its scores so far lose the race against its incumbent.

        Parameters
        ----------
        metric : str or None
            Score that decides, of several.
        in_order : bool
            Whether decisions follow the order of the folds, and not that of their results.
        """
        if self.stopped is not None or self.incumbent is None:
            return
        known = self.decisive(metric)
        if in_order:
            n = self._n_decided(known)
            known = {} if n is None else {i: known[i] for i in range(n)}
        reason = stop_reason(known, self.incumbent) if known else None
        if reason is not None:
            self.stopped = reason
            self.unsent = []

    def drop_beyond(self, metric: str | None) -> None:
        """Forget folds beyond the one that stops the candidate, in the order of folds, as if they had not been run."""
        n = self._n_decided(self.decisive(metric))
        if n is not None:
            self.scores[n:] = [None] * (len(self.scores) - n)

    def _n_decided(self, known: Mapping[int, float]) -> int | None:
        """Folds, in their order, that decide against the candidate; None if it may still win."""
        # There may be a gap before the last of them, which several workers ran at once.
        first = next((i for i, score in enumerate(self.scores) if score is None), len(self.scores))
        return None if self.incumbent is None else cut({i: known[i] for i in range(first)}, self.incumbent)

    def give_up(self) -> None:
        """Run no further folds."""
        self.given_up, self.unsent = True, []

    @property
    def is_ended(self) -> bool:
        """See `Job`."""
        return self.stopped is not None or self.given_up

    @property
    def is_optional(self) -> bool:
        """See `Job`."""
        return self.incumbent is not None


Propose = Callable[[], "Candidate | Wait | None"]
Complete = Callable[[Candidate, list[FoldScore]], None]
FoldDone = Callable[[Candidate, FoldScore], None]


class Source:
    """Candidates of one search; see `hpcore.workers.engine.Source`.

    Parameters
    ----------
    propose : callable
        Function that returns the next candidate, None after the last, or a `Wait` when the next must wait for results.
    complete : callable
        Function called as ``complete(candidate, scores)`` as soon as a candidate is finished: `scores` are those of all
        its folds, or of the folds that were run if ``candidate.stopped`` is not None.
    folds : sequence of int
        Splits of the workload that each candidate runs, in this order.
    learns : bool
        True if proposals depend on results: then only a few candidates are open at a time, so that each proposal knows
        nearly all results.
    expected : int, optional
        Approximate number of candidates; keeps the last bundles small, so that workers finish together.
    race : Race or RungRaces, optional
        Race that stops candidates early, or the races of candidates with levels. If it is ordered, with `staleness`,
        folds that were run beyond the one that stopped a candidate are dropped; otherwise all folds that were run
        count.
    staleness : int, optional
        Parameter q of the deterministic order: job k races against the incumbent after jobs 0 .. k - q, and not against
        the latest.
    fold_done : callable, optional
        Function called as ``fold_done(candidate, score)`` for each fold as it is finished, in any order.
    refresh : callable, optional
        Function called while the next candidate must wait, to read results of other processes.
    deadline : callable, optional
        Function that gives the time of the monotonic clock after which no fold begins. Candidates that lack folds then
        are never completed.
    has_result : callable, optional
        Function that tells whether there is a complete candidate with a score. If not, the deadline does not apply to
        one open candidate, so that there is one, and no other begins meanwhile.
    """

    def __init__(
        self,
        propose: Propose,
        complete: Complete,
        folds: Sequence[int],
        *,
        learns: bool = False,
        expected: int | None = None,
        race: Race | RungRaces | None = None,
        staleness: int | None = None,
        fold_done: FoldDone | None = None,
        refresh: Callable[[], None] | None = None,
        deadline: Callable[[], float] | None = None,
        has_result: Callable[[], bool] | None = None,
    ) -> None:
        self.folds = list(folds)
        self.learns = learns
        self.race = race
        self.ended = False
        self.n_pieces = len(self.folds)
        self.n_expected = None if expected is None else expected * len(self.folds)
        self._propose, self._complete, self._fold_done, self._refresh = propose, complete, fold_done, refresh
        self._staleness, self._deadline, self._has_result = staleness, deadline, has_result
        self._candidates: list[Candidate] = []  # that are open, in the order of their beginnings
        self._exempt: Candidate | None = None  # from the deadline
        self._waiting = False
        self._patience = Patience()

    @property
    def n_open(self) -> int:
        """Number of candidates that have begun and are not complete."""
        return len(self._candidates)

    @property
    def is_over(self) -> bool:
        """Tell whether the last candidate is complete."""
        return self.ended and not self.n_open

    # --- before a candidate --------------------------------------------------------------------------------------

    def may_begin(self, most_open: int) -> bool:
        """See the protocol."""
        return not self.ended and not self._waiting and not (self.learns and self.n_open >= most_open)

    def begin(self) -> Candidate | None:
        """Begin the next candidate; None after the last, if it must wait, and if all its folds were known."""
        if self._candidates and self._lacks_result():
            self._waiting = True  # if the open one fails, another begins
            return None
        candidate = self._propose()
        if isinstance(candidate, Wait):
            self._waiting = True
            return None
        if candidate is None:
            self.end()
            return None
        candidate.source = self
        self._candidates.append(candidate)
        if not candidate.scores:
            candidate.scores = [None] * len(self.folds)
        candidate.unsent = [i for i, score in enumerate(candidate.scores) if score is None]
        if self.race is not None:
            candidate.incumbent = self._incumbent(candidate)
            self._judge(candidate)
        self._look_at_clock(candidate)
        return None if self._finish(candidate) else candidate

    def refresh(self, candidate: Candidate) -> bool:
        """See the protocol: without an order a candidate races against the latest incumbent."""
        self._look_at_clock(candidate)
        if candidate.given_up:
            self._finish(candidate)
            return False
        if candidate.expired is not None:
            return False
        if candidate.n_running or self.race is None or self._staleness is not None:
            return True
        incumbent = self._incumbent(candidate)
        if candidate.incumbent is incumbent:
            return True
        candidate.incumbent = incumbent
        self._judge(candidate)
        return not self._finish(candidate)

    def wait(self) -> bool:
        """See the protocol."""
        if not self._waiting or self.ended:
            return False
        self._patience.wait()
        if self._refresh is not None:
            self._refresh()
        self._waiting = False
        return True

    def end(self) -> None:
        """See the protocol."""
        self.ended, self._waiting = True, False

    def broken(self, cause: Exception) -> None:
        """See the protocol; failed folds are in the table."""

    # --- after a fold --------------------------------------------------------------------------------------------

    def store(self, candidate: Candidate, position: int, score: FoldScore) -> None:
        """See the protocol."""
        candidate.n_running -= 1
        candidate.scores[position] = score
        if self._fold_done is not None:
            self._fold_done(candidate, score)
        if _has_expired(score):
            candidate.expired = score
            self._fail(candidate, candidate.unsent)
            candidate.unsent = []
        if self.race is not None:
            self._judge(candidate)
        self._look_at_clock(candidate)
        self._finish(candidate)

    def skip(self, candidate: Candidate, positions: Sequence[int]) -> None:
        """See the protocol."""
        candidate.n_running -= len(positions)
        if candidate.expired is not None:
            self._fail(candidate, positions)
        elif candidate.stopped is None:
            # The worker knew only some of the scores known by now, which together do not stop it.
            # Or it came to the deadline, from which this candidate may be exempt.
            candidate.unsent = sorted([*candidate.unsent, *positions])
            self._look_at_clock(candidate)
        self._finish(candidate)

    def late(self, candidate: Candidate, position: int, score: FoldScore) -> None:
        """See the protocol; a search that continues this one need not run the fold again."""
        if self._fold_done is not None:
            self._fold_done(candidate, score)

    def give_up(self) -> None:
        """See the protocol."""
        self.end()

    def _fail(self, candidate: Candidate, positions: Sequence[int]) -> None:
        """Fail folds that are not run because another one took too long."""
        cause = candidate.expired
        assert cause is not None
        for i in positions:
            score = cause._replace(
                fold=self.folds[i], fit_time=0.0, error=f"{cause.error}; this one was not begun after that"
            )
            candidate.scores[i] = score
            if self._fold_done is not None:
                self._fold_done(candidate, score)

    # --- the deadline --------------------------------------------------------------------------------------------

    def deadline_of(self, candidate: Candidate) -> float | None:
        """Return the time of the monotonic clock after which no fold of a candidate begins; None without a limit."""
        return None if self._deadline is None or candidate is self._exempt else self._deadline()

    def _look_at_clock(self, candidate: Candidate) -> None:
        """Give up a candidate if the time is over, unless it is the one that comes to the first result."""
        if self._deadline is None or time.monotonic() < self._deadline():
            return
        if self._lacks_result():
            if self._exempt is None:
                self._exempt = max(self._candidates, key=_nearness)
            if candidate is self._exempt:
                return
        candidate.give_up()

    def _lacks_result(self) -> bool:
        """Tell whether the time is over, and no candidate has a score."""
        if self._deadline is None or self._has_result is None or time.monotonic() < self._deadline():
            return False
        return not self._has_result()

    def _incumbent(self, candidate: Candidate) -> Incumbent | None:
        """Return the incumbent that a candidate races against: the latest, or that of the deterministic order."""
        race, lag = self.race, self._staleness
        if isinstance(race, RungRaces):
            level = candidate.levels[-1]
            return race.incumbent(level) if lag is None else race.incumbent_as_of(level, candidate.order - lag)
        assert race is not None
        return race.incumbent if lag is None else race.incumbent_as_of(candidate.number - lag)

    def _observe(self, candidate: Candidate) -> None:
        race = self.race
        assert race is not None
        known = candidate.decisive(race.metric)
        if isinstance(race, RungRaces):
            race.observe(candidate.levels[-1], candidate.order, candidate.number, known, candidate.incumbent)
        else:
            race.observe(candidate.number, known, candidate.incumbent)

    def _judge(self, candidate: Candidate) -> None:
        assert self.race is not None
        candidate.judge(self.race.metric, in_order=self._staleness is not None)

    def _finish(self, candidate: Candidate) -> bool:
        """Complete a candidate if none of its folds runs or will run; tell whether it is complete."""
        if candidate.n_running or candidate.unsent:
            return False
        self._candidates.remove(candidate)
        if candidate is self._exempt:
            self._exempt = None  # where it failed, another one may come to the first result
        self._waiting = False
        self._patience.reset()
        if candidate.given_up and candidate.stopped is None and None in candidate.scores:
            return True
        if self.race is not None:
            if self._staleness is not None:
                candidate.drop_beyond(self.race.metric)
            elif candidate.stopped is not None and None not in candidate.scores:
                candidate.stopped = None  # its other folds were running already
            self._observe(candidate)
        self._complete(candidate, candidate.known)
        return True


def _has_expired(score: FoldScore) -> bool:
    """Tell whether a fold took longer than its limit, and has no number as its score."""
    return str(score.error).startswith(f"{FitTimeout.__name__}:") and not math.isfinite(decisive(score, None))


def _nearness(candidate: Candidate) -> tuple[bool, int, int]:
    """Tell how near a candidate is to a result: whether no fold has failed, how many are known, and how many run."""
    known = candidate.decisive(None)
    return all(map(math.isfinite, known.values())), len(known), candidate.n_running
