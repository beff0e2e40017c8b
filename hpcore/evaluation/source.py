"""Where candidates come from and where their results go: one search, as the engine sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hpcore.evaluation.workload import FoldScore, decisive
from hpcore.schedulers.racing import Incumbent, Race, stop_reason
from hpcore.workers.lockstep import Lockstep

__all__ = ["Candidate", "Complete", "FoldDone", "Propose", "Source"]


@dataclass(slots=True, eq=False)
class Candidate:
    """A configuration and what is known of it.

    Attributes
    ----------
    trial : object
        The optimizer's trial, or whatever the caller wants to find it by.
    params : mapping
        Parameters of the estimator.
    scores : list of FoldScore or None
        By position in the source's folds, None where not known. Empty when proposed, or as long as there are folds:
        those that are known already are not run again.
    number : int
        In the order of proposals.
    incumbent : Incumbent or None
        The incumbent that it races against.
    stopped : str or None
        Why it was stopped before its last fold; see `stop_reason`.
    n_sent : int
        Folds that were given to a worker.
    n_running : int
        Folds that workers have now.
    """

    trial: Any
    params: Mapping[str, Any]
    scores: list[FoldScore | None] = field(default_factory=list)
    number: int = -1
    incumbent: Incumbent | None = None
    stopped: str | None = None
    n_sent: int = 0
    n_running: int = 0
    source: Source = field(init=False)
    unsent: list[int] = field(default_factory=list)
    n_lost: dict[int, int] = field(default_factory=dict)

    @property
    def known(self) -> list[FoldScore]:
        """The scores that are known, by position."""
        return [score for score in self.scores if score is not None]


Propose = Callable[[], Candidate | None]
Complete = Callable[[Candidate, list[FoldScore]], None]
FoldDone = Callable[[Candidate, FoldScore], None]


class Source:
    """The candidates of one search.

    Parameters
    ----------
    propose : callable
        Gives the next candidate, or None when there is none any more.
    complete : callable
        Called as ``complete(candidate, scores)`` when a candidate is finished: `scores` are those of all its folds,
        or of those that were run when ``candidate.stopped`` says why there are no more.
    folds : sequence of int
        Splits of the workload that each candidate runs, in this order.
    learns : bool
        Proposals depend on results: only a few candidates are open at a time, so that each proposal knows nearly all
        that can be known.
    expected : int, optional
        About how many candidates there will be; keeps the last bundles small, so that workers finish together.
    race : Race, optional
        Stops candidates early.
    order : Lockstep, optional
        Makes proposals, decisions and calls of `complete` the same for any number of workers.
    fold_done : callable, optional
        Called as ``fold_done(candidate, score)`` for each fold as it is finished, in any order.

    Notes
    -----
    With an order, a candidate races against the incumbent of the moment it was proposed, and folds that happened to
    be run beyond the one that stopped it are dropped; otherwise against the latest, and all that was run counts.
    """

    def __init__(
        self,
        propose: Propose,
        complete: Complete,
        folds: Sequence[int],
        *,
        learns: bool = False,
        expected: int | None = None,
        race: Race | None = None,
        order: Lockstep[Candidate] | None = None,
        fold_done: FoldDone | None = None,
    ) -> None:
        self.folds = list(folds)
        self.learns = learns
        self.expected = expected
        self.race = race
        self.ended = False
        self.n_open = 0
        self._position = {fold: i for i, fold in enumerate(self.folds)}
        self._propose, self._complete, self._fold_done = propose, complete, fold_done
        self._order = order
        self._n_proposed = 0

    @property
    def is_over(self) -> bool:
        """Whether the last candidate was handed on."""
        return self.ended and not self.n_open

    def may_propose(self, most_open: int) -> bool:
        """Whether a candidate can be had now, with at most so many open if proposals learn from results."""
        if self.ended or (self.learns and self.n_open >= most_open):
            return False
        return self._order is None or self._order.may_propose

    def propose(self) -> Candidate | None:
        """The next candidate; None after the last, and for one that was known in full."""
        candidate = self._propose()
        if candidate is None:
            self.end()
            return None
        candidate.number = self._n_proposed if self._order is None else self._order.propose()
        candidate.source = self
        self._n_proposed += 1
        self.n_open += 1
        if not candidate.scores:
            candidate.scores = [None] * len(self.folds)
        candidate.unsent = [i for i, score in enumerate(candidate.scores) if score is None]
        if self.race is not None:
            candidate.incumbent = self.race.incumbent
            self._judge(candidate)
        return None if self._finish(candidate) else candidate

    def end(self) -> None:
        """Propose no more."""
        self.ended = True
        if self._order is not None:
            self._order.close()
            self._hand_on()

    def refresh(self, candidate: Candidate) -> bool:
        """Let a candidate of which nothing runs now race against the latest incumbent; False if that stops it."""
        if self.race is None or self._order is not None or candidate.incumbent is self.race.incumbent:
            return True
        candidate.incumbent = self.race.incumbent
        self._judge(candidate)
        return not self._finish(candidate)

    def store(self, candidate: Candidate, score: FoldScore) -> None:
        """Take the result of a fold that was sent to a worker."""
        candidate.n_running -= 1
        candidate.scores[self._position[score.fold]] = score
        if self._fold_done is not None:
            self._fold_done(candidate, score)
        if self.race is not None:
            self._judge(candidate)
        self._finish(candidate)

    def skipped(self, candidate: Candidate, positions: Sequence[int]) -> None:
        """Hear of folds that a worker was sent and did not run, because an earlier one stops the candidate."""
        candidate.n_running -= len(positions)
        if candidate.stopped is None:
            # The worker saw only some of what is known by now, which together does not stop it.
            candidate.unsent = sorted([*candidate.unsent, *positions])
        self._finish(candidate)

    def give_up(self) -> None:
        """Hand on what is finished, after an interruption; nothing more will come."""
        self.ended = True
        if self._order is not None:
            for _, candidate in self._order.drain():
                self._hand_on_one(candidate)

    def _judge(self, candidate: Candidate) -> None:
        assert self.race is not None
        if candidate.stopped is not None or candidate.incumbent is None:
            return
        known: dict[int, float] = {}
        for i, score in enumerate(candidate.scores):
            if score is None:
                if self._order is not None:
                    return  # decisions follow the order of the folds, not that of their results
                continue
            known[i] = decisive(score, self.race.metric)
            if self._order is not None and (reason := stop_reason(known, candidate.incumbent)) is not None:
                candidate.stopped = reason
                candidate.unsent = []
                return
        if self._order is None and known and (reason := stop_reason(known, candidate.incumbent)) is not None:
            candidate.stopped = reason
            candidate.unsent = []

    def _finish(self, candidate: Candidate) -> bool:
        """Whether nothing more of this candidate will be run; it is handed on then."""
        if candidate.n_running or candidate.unsent:
            return False
        self.n_open -= 1
        if candidate.stopped is not None and self._order is None and None not in candidate.scores:
            candidate.stopped = None  # the rest was on its way already
        if self._order is None:
            self._hand_on_one(candidate)
        else:
            self._order.finish(candidate.number, candidate)
            self._hand_on()
        return True

    def _hand_on(self) -> None:
        assert self._order is not None
        while (item := self._order.take()) is not None:
            self._hand_on_one(item[1])

    def _hand_on_one(self, candidate: Candidate) -> None:
        if self.race is not None:
            if candidate.stopped is not None and self._order is not None:
                self._cut(candidate)
            known = {i: decisive(s, self.race.metric) for i, s in enumerate(candidate.scores) if s is not None}
            self.race.observe(candidate.number, known, candidate.incumbent)
        self._complete(candidate, candidate.known)

    def _cut(self, candidate: Candidate) -> None:
        """Forget folds beyond the one that stopped the candidate."""
        assert self.race is not None and candidate.incumbent is not None
        known: dict[int, float] = {}
        for i, score in enumerate(candidate.scores):
            assert score is not None
            known[i] = decisive(score, self.race.metric)
            if stop_reason(known, candidate.incumbent) is not None:
                candidate.scores[i + 1 :] = [None] * (len(self.folds) - i - 1)
                return
