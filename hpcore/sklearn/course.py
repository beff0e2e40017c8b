"""Course of one search, between its run and the workers: candidates are proposed, folds stored, results told."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpcore.errors import InfeasibleSpace, InvalidArgument
from hpcore.evaluation.predictions import Kept
from hpcore.evaluation.source import Candidate
from hpcore.evaluation.workload import FoldScore, decisive
from hpcore.ledger.trial_log import TrialLog
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, WITHDRAWN
from hpcore.records.outcome import Outcome
from hpcore.records.trial import Trial
from hpcore.schedulers.racing import Race
from hpcore.schedulers.rung_races import RungRaces
from hpcore.sklearn.checks import Settings
from hpcore.sklearn.errors import NoScoreYet
from hpcore.sklearn.fidelity import Fidelity
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.refit_time import RefitTime
from hpcore.sklearn.results import Evaluated, Value, objective
from hpcore.sklearn.rungs import Rungs
from hpcore.sklearn.spaces import SearchSpace
from hpcore.sklearn.stored import fold_to_data, known_folds
from hpcore.study.progress import MOST_TRIALS, Progress, open_progress
from hpcore.study.run import Run
from hpcore.study.tracking import TrackerQueue
from hpcore.workers.interrupts import interruptible
from hpcore.workers.waiting import Wait

__all__ = ["INCUMBENT", "Course"]

log = logging.getLogger("hpcore")

# Number of candidates without a score before a warning: one or two may be chance.
_SCORELESS = 3
# Candidates without a score after which no other begins when the time is over.
MOST_IN_VAIN = 2
# User attribute of a pruned candidate: number of the candidate that it lost its race against.
INCUMBENT = "incumbent"


class Course:
    """Course of one search.

    Parameters
    ----------
    settings : Settings
        Arguments of the search.
    trial_log : TrialLog
        Log of its trials; candidates that an earlier search left there are included.
    space : SearchSpace
        Space of the optimizer and its translation to the estimator's parameters.
    folds : range
        Splits of the workload.
    race : Race or None
        Race of the candidates.
    staleness : int or None
        Parameter q of the deterministic order; None without one.
    mode : str
        Mode of the run in the record.
    deadline : float or None
        Time of the monotonic clock after which no fold begins, see `deadline`.
    fit_hooks : FitHooks
        Callbacks of scikit-learn.
    hooks : sequence of callable
        Functions called as ``hook(course, trial)`` when a candidate is finished.
    check_metrics : callable
        Check of the scores of a callable that returns several; raises ValueError.
    fidelity : Fidelity or None
        Resource of the candidates' fits, which a scheduler decides on; see `rungs`.
    trackers : sequence of TrackerQueue
        Queues of the trackers.

    Attributes
    ----------
    kept : Kept or None
        Predictions for the test folds, where they are kept.
    evaluated : list of Evaluated
        Finished candidates in the order of their ends; with a scheduler, finished levels of candidates.
    n_fits, n_saved : int
        Number of folds that were run, and number of those that the race saved.
    time_fitting, time_suggesting : float
        Seconds of fits and scoring, summed over workers, and seconds of the optimizer.
    """

    def __init__(
        self,
        settings: Settings,
        trial_log: TrialLog,
        space: SearchSpace,
        folds: range,
        race: Race | RungRaces | None,
        staleness: int | None,
        mode: str,
        deadline: float | None,
        fit_hooks: FitHooks,
        hooks: list[Callable[[Course, Trial], Any]],
        check_metrics: Callable[[Any], None],
        fidelity: Fidelity | None = None,
        trackers: Sequence[TrackerQueue] = (),
    ) -> None:
        self._settings, self.trial_log, self._space, self._folds = settings, trial_log, space, folds
        self._race, self._staleness = race, staleness
        self.kept: Kept | None = None
        self._rungs = None if fidelity is None else Rungs(fidelity, staleness is not None)
        self._fit_hooks, self._hooks, self._check_metrics = fit_hooks, hooks, check_metrics
        self.evaluated: list[Evaluated] = []
        self.n_fits = self.n_saved = 0
        self.time_fitting = self.time_suggesting = 0.0
        self._known: set[int] = set()  # numbers of candidates that are evaluated or running
        self._checked = False
        self._n_scoreless: int | None = 0  # candidates so far; None once one has a score
        self._n_failed = 0
        self._last_moment, self._refit = deadline, RefitTime(len(folds), fidelity)
        name = settings.metric or (settings.scoring if isinstance(settings.scoring, str) else "score")
        self._display: Progress = open_progress(self.expected, name, ("maximize",), settings.progress, deadline)
        self._display.pieces = (0, self._n_folds_expected, "folds")
        self._run = Run(
            trial_log,
            most=settings.n_trials,
            deadline=None if deadline is None else self.deadline,
            rules=settings.stop,
            staleness=staleness,
            mode=mode,
            at_least_one=lambda: not self.has_result() and self._n_failed < MOST_IN_VAIN,
            say_why=self._say_why,
            shown=self.shown,
            trackers=trackers,
        )

    @property
    def races(self) -> bool:
        """Tell whether candidates may be stopped early."""
        return self._race is not None

    @property
    def expected(self) -> int | None:
        """Approximate number of candidates; None if it is unknown."""
        known = [n for n in (self._settings.n_trials, self._space.space.n_points) if n is not None]
        return min(known, default=None)

    @property
    def _n_folds_expected(self) -> int | None:
        """Number of folds to run; None if it is not known beforehand, or other searches run some of them."""
        known = self.expected
        if known is None or known > MOST_TRIALS or self._rungs is not None or self.trial_log.durable:
            return None
        return known * len(self._folds) - self.n_saved

    def has_result(self) -> bool:
        """Tell whether a candidate, or a level of one, is complete and has a score."""
        return self._refit.seconds is not None

    def deadline(self) -> float:
        """Return the time of the monotonic clock after which no fold begins.

        With `refit_in_timeout` it comes earlier by the time of a refit of the best candidate so far.
        """
        assert self._last_moment is not None
        return self._last_moment - self._settings.refit_in_timeout * (self._refit.seconds or 0.0)

    def __enter__(self) -> Course:
        self._display.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._display.__exit__(*exc_info)
        self._run.say_failures()

    def _note(self) -> str:
        """Make the text that is shown beside trials and incumbent."""
        saved = f"{self.n_saved} folds saved by racing, " if self.races else ""
        per_fit = 1e3 * self.time_fitting / max(1, self.n_fits)
        per_trial = 1e3 * self.time_suggesting / max(1, self._run.n_begun)
        return f"{saved}{per_fit:.3g} ms a fit, {per_trial:.3g} ms a suggestion"

    # --- other searches of the same study ------------------------------------------------------------------------

    def show_known(self) -> None:
        """Start the display with the trials of an earlier search."""
        self._display.begin_from(self.trial_log.optimizer)

    def catch_up(self) -> None:
        """Add finished candidates of the study that were evaluated by other processes, or earlier."""
        if not self.trial_log.durable:
            return
        state = self.trial_log.optimizer.history.state
        if isinstance(self._race, Race) and self._staleness is not None:
            for number in np.flatnonzero(state == PAUSED).tolist():
                self._race.observe(number, {}, None)  # nothing waits for it
        ended = [i for i, code in enumerate(state.tolist()) if code in (COMPLETE, PRUNED, FAILED)]
        numbers = [number for number in ended if number not in self._known]
        folds = known_folds(self.trial_log, numbers, self._folds) if numbers else {}
        for number in numbers:
            self._known.add(number)
            self._take(self.trial_log.optimizer.trials[number], folds.get(number, []))

    def _take(self, trial: Trial, scores: list[FoldScore | None]) -> None:
        candidate = Candidate(trial, self._space.params(trial.params), scores, trial.number)
        if isinstance(self._race, Race):
            if self._staleness is not None:
                candidate.incumbent = self._race.incumbent_as_of(trial.number - self._staleness)
                candidate.drop_beyond(self._settings.metric)
            self._race.observe(trial.number, candidate.decisive(self._settings.metric), candidate.incumbent)
        pruned = trial.state == "pruned"
        # A race stops those that it prunes and those with a fold that has no score; any other was left unfinished.
        stopped = pruned or (
            self._race is not None and not all(map(math.isfinite, candidate.decisive(self._settings.metric).values()))
        )
        if not scores or (None in scores and not stopped):
            return
        if trial.value is not None:
            self._n_scoreless = None
            if not pruned:
                self._refit.note(trial.value, candidate.known)
        incumbent = trial.user_attrs.get(INCUMBENT) if pruned else None
        self.evaluated.append(Evaluated(trial.number, candidate.params, scores, incumbent))

    # --- before a candidate --------------------------------------------------------------------------------------

    def propose(self) -> Candidate | Wait | None:
        """Propose the next candidate; a `Wait` if it must wait for results, None after the last."""
        if self._rungs is not None and (goes_on := self._rungs.next_going_on()) is not None:
            return self._rungs.begin(goes_on, self._space.params(goes_on.params), self.trial_log.optimizer)
        start = time.perf_counter()
        try:
            trial = self._run.next_trial()
        finally:
            self.time_suggesting += time.perf_counter() - start
        if not isinstance(trial, Trial):
            return trial
        number = trial.number
        self._known.add(number)
        trial.started = time.time()
        if self._rungs is not None:
            return self._rungs.begin(trial, self._space.params(trial.params), self.trial_log.optimizer)
        # The incumbent of an ordered race may be a candidate of another process.
        if self._race is not None and self._staleness is not None and self._race.n_counted <= number - self._staleness:
            self.catch_up()
        scores: list[FoldScore | None] = []
        if self.trial_log.durable:
            # Folds that were finished before its worker died are not run again.
            scores = known_folds(self.trial_log, [number], self._folds).get(number, [])
        return Candidate(trial, self._space.params(trial.params), scores, number)

    def refresh(self) -> None:
        """Learn what other processes did, while the next candidate waits for them."""
        self._run.refresh()

    def _say_why(self, error: Exception) -> None:
        """Log why the space gives no candidate, if the user does not expect it."""
        if self._rungs is not None:
            self._rungs.fidelity.no_more(self.trial_log.optimizer.n_trials)
        if isinstance(error, InfeasibleSpace):
            log.warning("%s", error)
        elif self._settings.is_count:
            log.warning(
                "every point of the space has been proposed: the search ends after %d of n_trials=%d",
                self.trial_log.optimizer.n_trials,
                self._settings.n_trials,
            )

    # --- after a fold --------------------------------------------------------------------------------------------

    def fold_done(self, candidate: Candidate, score: FoldScore) -> None:
        """Record the result of one fold; folds may come in any order."""
        self.n_fits += 1
        if self._rungs is None:
            position = score.fold - self._folds.start
            value = decisive(score, self._settings.metric)
            self.trial_log.add_report(
                candidate.number, position, (value,), fold_to_data(score) if self.trial_log.durable else None
            )
        if not self._checked and score.error is None:
            self._checked = True
            self._check_first(score)
        for complaint in score.complaints:
            warnings.warn(
                "Scoring failed. The score on this train-test partition for these parameters will be set to "
                f"{self._settings.error_score}. Details: \n{complaint}",
                UserWarning,
                stacklevel=2,
            )
        self.time_fitting += score.fit_time - score.saved_time + score.score_time
        if self._settings.progress is not False:
            self._display.pieces = (self.n_fits, self._n_folds_expected, "folds")
            self._display.note = self._note()
            self._display.refresh()

    def _check_first(self, score: FoldScore) -> None:
        # Only now is it known whether a callable returns one score or several: checked after one fit, not after all.
        if callable(self._settings.scoring) and isinstance(score.test_scores, dict):
            try:
                self._check_metrics(score.test_scores)
            except ValueError as error:
                raise InvalidArgument(str(error)) from error

    # --- after the last fold -------------------------------------------------------------------------------------

    def complete(self, candidate: Candidate, scores: list[FoldScore]) -> None:
        """Tell and store the result of a finished candidate, and call the hooks."""
        trial: Trial = candidate.trial
        result, goes_on = objective(candidate, self._settings.metric, self._settings.fold_errors), False
        start = time.perf_counter()
        trial.finished = time.time()
        incumbent = None
        self._n_failed += result.value is None
        if result.value is not None and result.state != "pruned":
            self._refit.note(result.value, scores, candidate.levels[-1] if candidate.levels else None)
        if result.state == "pruned":
            assert candidate.incumbent is not None
            incumbent = trial.user_attrs[INCUMBENT] = candidate.incumbent.number
        if self._rungs is not None:
            result, goes_on = self._rungs.conclude(candidate, result, scores, self._run)
        if result.gradient is not None:
            result = result._replace(gradient=self._space.gradient(trial.params, result.gradient))
        outcome = None if goes_on else self._run.finish(trial, self._run.judge(*result, trial.params))
        # Too late: another process has stored a result, which is added at the end; or the candidate was withdrawn.
        if (outcome is None and not goes_on) or (outcome is not None and outcome.state == WITHDRAWN):
            self._known.discard(trial.number)
            return
        self._check_scores(result, scores)
        self.time_suggesting += time.perf_counter() - start
        level = candidate.levels[-1] if candidate.levels else None
        if self.kept is not None:
            self._keep(candidate, result.value, level)
        self.evaluated.append(Evaluated(trial.number, candidate.params, candidate.scores, incumbent, level))
        self.n_saved += len(candidate.scores) - len(scores)
        self._fit_hooks.evaluated(len(scores))
        if self._settings.verbose > 1:
            said = "failed" if result.value is None else f"{result.value:.6g}"
            stop = "" if incumbent is None else f", stopped after {len(scores)} of {len(candidate.scores)} folds"
            at = "" if level is None else f" at {level}"
            print(f"[{len(self.evaluated)}] {dict(candidate.params)!r}: {said}{at}{stop}")
        if outcome is None or outcome.state == PAUSED:
            if outcome is not None:
                self._run.tell_hooks(trial, outcome)
            return
        shown = self.shown(trial)
        self._display(None, shown)
        self._run.tell_hooks(trial, outcome)
        for hook in self._hooks:
            with interruptible():
                hook(self, shown)

    def _keep(self, candidate: Candidate, value: float | None, level: int | None) -> None:
        """Keep the predictions of a candidate with the full resource, here and not with its scores."""
        assert self.kept is not None
        whole = self._rungs is None or level == self._rungs.fidelity.full
        if whole and value is not None and candidate.stopped is None:
            responses = [None if score is None else score.response for score in candidate.scores]
            self.kept.put(candidate.number, value, responses)
        candidate.scores[:] = [None if score is None else score._replace(response=None) for score in candidate.scores]

    def _check_scores(self, result: Value, scores: list[FoldScore]) -> None:
        """Warn if none of the first candidates has a score."""
        if self._n_scoreless is None:
            return
        failed = next((score.error for score in scores if score.error), None)
        if not all(score.error for score in scores) and (result.value is not None or result.error is None):
            self._n_scoreless = None
            return
        self._n_scoreless += 1
        if self._n_scoreless == _SCORELESS:
            self._n_scoreless = None
            warnings.warn(
                f"None of the first {_SCORELESS} candidates has a score. The search goes on; error_score='raise' would "
                f"end it at the first fit that fails. The last of them:\n{failed or result.error}",
                NoScoreYet,
                stacklevel=2,
            )

    def shown(self, trial: Trial) -> Trial:
        """Return the trial as the user sees it, with the estimator's parameters."""
        return self._space.trial(trial)

    def settle(self) -> None:
        """End the search, give back candidates without a result, and add those that other processes finished."""
        self.abandon()
        if self.trial_log.durable:
            self.trial_log.refresh()
            self.catch_up()

    def abandon(self) -> None:
        """Give back open candidates; in memory, where no other search can finish them, they are withdrawn."""
        if not self.trial_log.durable:
            for trial in self._run.open_trials:
                paused = self._rungs is not None and self._rungs.levels(trial.number)
                self.trial_log.tell(trial, Outcome(None, PAUSED if paused else WITHDRAWN))
        self._run.give_up()
        self._run.say_failures()
