"""The course of a search between the optimizer and the workers: proposing, telling, counting, calling back."""

from __future__ import annotations

import copy
import logging
import time
import warnings
from collections import deque
from typing import Any

from hpcore.errors import InfeasibleParams, InfeasibleSpace, InvalidArgument, LeaseExpired, SearchSpaceExhausted
from hpcore.evaluation.source import Candidate
from hpcore.evaluation.workload import FoldScore, decisive
from hpcore.ledger.trial_log import Outcome, TrialLog
from hpcore.records.trial import Trial, TrialState
from hpcore.sklearn.checks import Settings
from hpcore.sklearn.errors import NoScoreYet
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.results import Evaluated, objective
from hpcore.sklearn.spaces import SearchSpace
from hpcore.sklearn.stored import fold_to_data, known_folds
from hpcore.study.progress import open_progress
from hpcore.workers.interrupts import interruptible

__all__ = ["Progress"]

log = logging.getLogger("hpcore")

# Candidates without a score before it is said: one or two may be bad luck.
_SCORELESS = 3


class Progress:
    """The course of one search.

    Parameters
    ----------
    search : SearchCV
        The search; its attributes follow the course, for its callbacks.
    trial_log : TrialLog
        Proposes and is told; what it keeps of an earlier search is taken up.
    space : SearchSpace
        Gives the estimator's parameters.
    settings : Settings
        The limits.
    deadline : float or None
        On the monotonic clock.
    hooks : FitHooks
        scikit-learn's callbacks.
    races : bool
        Whether candidates may be stopped early.

    Attributes
    ----------
    evaluated : list of Evaluated
        Finished candidates in the order in which they became so.
    n_fits, n_saved : int
        Folds that were run, and those that the race spared.
    metric : str or None
        Which score decides, of several.
    """

    def __init__(
        self,
        search: Any,
        trial_log: TrialLog,
        space: SearchSpace,
        settings: Settings,
        deadline: float | None,
        hooks: FitHooks,
        races: bool,
    ) -> None:
        self.evaluated: list[Evaluated] = []
        self._search = search
        self._trial_log = trial_log
        self._space = space
        self._settings = settings
        self._deadline = deadline
        self._hooks = hooks
        self.races = races
        self._checked = False
        self._n_scoreless: int | None = 0  # candidates so far; None once one has a score
        self._exhausted = False
        self._n_asked = 0
        self._open: dict[int, Trial] = {}
        self._trial_numbers: dict[int, int] = {}  # by number of the candidate
        self._pruned: set[int] = set()
        self._again: deque[Trial] = deque()
        self._kept: dict[int, Outcome] = {}  # results that are stored and are handed on once more
        self.n_fits = 0
        self.n_saved = 0
        self.metric = search.refit if isinstance(search.refit, str) else None
        name = self.metric or "score"
        self._display = open_progress(self.expected, name, "maximize", search.progress)
        search.time_fitting_ = 0.0
        search.time_suggesting_ = 0.0

    @property
    def expected(self) -> int | None:
        """About how many candidates there will be, if that can be told."""
        known = [n for n in (self._settings.n_trials, self._space.space.n_points) if n is not None]
        return min(known, default=None)

    def __enter__(self) -> Progress:
        self._display.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._display.__exit__(*exc_info)

    def _note(self) -> str:
        """The text that is shown beside trials and incumbent."""
        saved = f", {self.n_saved} saved by racing" if self.races else ""
        per_fit = 1e3 * self._search.time_fitting_ / max(1, self.n_fits)
        per_trial = 1e3 * self._search.time_suggesting_ / max(1, self._n_asked)
        return f"{self.n_fits} fits{saved}, {per_fit:.3g} ms a fit, {per_trial:.3g} ms a suggestion"

    def recall(self, lag: int | None) -> int:
        """Take up what an earlier search stored; how many of its candidates are handed on without another look.

        With the order of a lag, the last ones are proposed again: those that are finished have all their folds.
        """
        n = len(self._trial_log.optimizer.trials)
        first = n if lag is None else max(0, n - lag)
        if lag is not None:
            known = self._trial_log.rewind(lag)
            self._kept = {number: outcome for number, (_, outcome) in known.items()}
            running = self._trial_log.optimizer.running()
            self._again.extend(running[number] for number in range(first, n))
        self.catch_up()
        return first

    def show_known(self) -> None:
        """Begin the display with what an earlier search left."""
        self._display.begin_from(self._trial_log.optimizer)

    def catch_up(self) -> None:
        """Take in finished candidates of the study that were evaluated elsewhere, or earlier."""
        mine = {candidate.number for candidate in self.evaluated}
        trials = [t for t in self._trial_log.optimizer.trials if t.number not in mine and t.state != "running"]
        folds = known_folds(self._trial_log, [t.number for t in trials], self._search.n_splits_) if trials else {}
        for trial in trials:
            scores = folds.get(trial.number, [])
            if scores and None not in scores:
                self._n_asked += 1
                if trial.value is not None:
                    self._n_scoreless = None
                self.evaluated.append(Evaluated(trial.number, self._space.params(trial.params), scores, None))

    def propose(self) -> Candidate | None:
        """The next candidate; None after the last. The first one is proposed whatever the clock says."""
        if self._again:
            return self._candidate(self._again.popleft())
        if self._n_asked and self._deadline is not None and time.monotonic() >= self._deadline:
            return None
        start = time.perf_counter()
        try:
            trial = self._ask()
        finally:
            self._search.time_suggesting_ += time.perf_counter() - start
        return None if trial is None else self._candidate(trial)

    def _ask(self) -> Trial | None:
        """The next trial; None if there is none, or none that the space allows. A first one that fails is an error."""
        while not self._exhausted:
            try:
                return self._trial_log.ask_within(self._settings.n_trials)
            except (SearchSpaceExhausted, InfeasibleSpace) as end:
                if not self._n_asked:
                    raise
                self._exhausted = not isinstance(end, InfeasibleParams)
                if isinstance(end, InfeasibleSpace):
                    log.warning("%s", end)
                # Where n_trials was not asked for, or time is the limit, the end of the space is no surprise.
                elif self._search.n_trials is not None and self._search.timeout is None:
                    log.warning(
                        "every point of the space has been proposed: the search ends after %d of n_trials=%d",
                        self._n_asked,
                        self._settings.n_trials,
                    )
        return None

    def _candidate(self, trial: Trial) -> Candidate:
        self._n_asked += 1
        if trial.number not in self._kept:
            trial.started = time.time()
        self._open[trial.number] = trial
        # Folds that were finished before its worker died are not run again.
        scores: list[FoldScore | None] = []
        if self._trial_log.durable:
            scores = known_folds(self._trial_log, [trial.number], self._search.n_splits_).get(trial.number, [])
        return Candidate(trial, self._space.params(trial.params), scores)

    def fold_done(self, candidate: Candidate, score: FoldScore) -> None:
        """Take the result of one fold, in whatever order they come."""
        self.n_fits += 1
        if self._trial_log.durable:
            value = decisive(score, self.metric)
            self._trial_log.add_report(candidate.trial.number, score.fold, [value], fold_to_data(score))
        if not self._checked and score.error is None:
            self._checked = True
            self._check_first(score)
        for complaint in score.complaints:
            warnings.warn(
                "Scoring failed. The score on this train-test partition for these parameters will be set to "
                f"{self._search.error_score}. Details: \n{complaint}",
                UserWarning,
                stacklevel=2,
            )
        self._search.time_fitting_ += score.fit_time - score.saved_time + score.score_time
        if self._search.progress is not False:
            self._display.note = self._note()
            self._display.refresh()

    def _check_first(self, score: FoldScore) -> None:
        # Whether a callable measures one thing or several is known only now: said after one fit, not after all.
        if callable(self._search.scoring) and isinstance(score.test_scores, dict):
            try:
                self._search._check_refit_for_multimetric(score.test_scores)
            except ValueError as error:
                raise InvalidArgument(str(error)) from error

    def complete(self, candidate: Candidate, scores: list[FoldScore]) -> None:
        """Take the results of a candidate that is finished."""
        value, std_error, error = objective(candidate, self.metric)
        trial: Trial = candidate.trial
        start = time.perf_counter()
        outcome = self._kept.get(trial.number)
        try:
            if outcome is None:
                trial.finished = time.time()
                outcome = self._trial_log.save(trial, self._trial_log.judge(value, std_error, error))
        except LeaseExpired as late:
            log.warning("%s", late)  # its result is taken in at the end
            return
        finally:
            del self._open[trial.number]
        self._trial_log.tell(trial, outcome)
        self._check_scores(value, error, scores)
        self._search.time_suggesting_ += time.perf_counter() - start
        self._trial_numbers[candidate.number] = trial.number
        incumbent = None
        if candidate.stopped in ("bound", "test"):
            assert candidate.incumbent is not None
            incumbent = self._trial_numbers[candidate.incumbent.number]
            self._pruned.add(trial.number)
        self.evaluated.append(Evaluated(trial.number, candidate.params, candidate.scores, incumbent))
        self.n_saved += len(candidate.scores) - len(scores)
        self._hooks.evaluated(len(scores))
        shown = self.shown(trial)
        if self._search.verbose > 1:
            said = "failed" if value is None else f"{value:.6g}"
            stop = "" if incumbent is None else f", stopped after {len(scores)} of {len(candidate.scores)} folds"
            print(f"[{len(self.evaluated)}] {dict(candidate.params)!r}: {said}{stop}")
        if trial.number not in self._kept:  # those were counted from the start
            self._display(self._search, shown)
        for callback in self._settings.callbacks:
            with interruptible():
                callback(self._search, shown)

    def _check_scores(self, value: float | None, error: str | None, scores: list[FoldScore]) -> None:
        """Say it where none of the first candidates has a score, while there is a budget left to save."""
        if self._n_scoreless is None:
            return
        failed = next((score.error for score in scores if score.error), None)
        if value is not None and not all(score.error for score in scores):
            self._n_scoreless = None
            return
        self._n_scoreless += 1
        if self._n_scoreless == _SCORELESS:
            self._n_scoreless = None
            warnings.warn(
                f"None of the first {_SCORELESS} candidates has a score. The search goes on; error_score='raise' would "
                f"end it at the first fit that fails. The last of them:\n{failed or error}",
                NoScoreYet,
                stacklevel=2,
            )

    def shown(self, trial: Trial) -> Trial:
        """The trial as the user sees it: with the estimator's parameters, and pruned if it lost its race."""
        shown = self._space.trial(trial)
        if trial.number in self._pruned:
            shown = copy.copy(shown)
            shown.state = TrialState.PRUNED
        return shown

    def abandon(self) -> None:
        """Tell of candidates that will not be finished."""
        unfinished = [*self._open.values(), *self._again]
        if self._trial_log.durable:
            self._trial_log.give_up(unfinished)
        else:  # nobody goes on with a search in memory
            for trial in unfinished:
                self._trial_log.optimizer.tell(trial, None, error="interrupted")
        self._open.clear()
        self._again.clear()
