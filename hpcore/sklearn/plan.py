"""Search with checked arguments, ready to begin on some data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics._scorer import _MultimetricScorer

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.hypergradients.fold import Differentiator
from hpcore.evaluation.source import Source
from hpcore.evaluation.workload import Indices, Workload
from hpcore.ledger.trial_log import TrialLog
from hpcore.records.trial import Trial
from hpcore.schedulers.racing import Race
from hpcore.schedulers.rung_races import RungRaces
from hpcore.sklearn.checks import Settings, check_scoring_names, check_settings
from hpcore.sklearn.course import Course
from hpcore.sklearn.defaults import default_candidate
from hpcore.sklearn.fidelity import Fidelity, make_fidelity
from hpcore.sklearn.gradients import make_differentiator
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.names import check_names
from hpcore.sklearn.races import make_race
from hpcore.sklearn.spaces import SearchSpace, read_space
from hpcore.sklearn.values import Manner
from hpcore.study.tracking import TrackerQueue, begin_tracking

__all__ = ["Plan", "make_plan"]


@dataclass
class Plan:
    """Description of a search.

    Attributes
    ----------
    settings : Settings
        Checked arguments.
    scorer : callable
        Scorer that returns a number or a dict.
    refit_metric : object
        Name of the metric that decides, in scikit-learn's form.
    space : SearchSpace
        Space that is searched.
    check_metrics : callable
        Check of the scores of a callable that returns several; raises ValueError.
    fidelity : Fidelity or None
        Resource and scheduler, known with the data; see `on`.
    differentiator : Differentiator or None
        Function that gives the derivatives of scores, if the strategy uses them.
    """

    settings: Settings
    scorer: Any
    refit_metric: Any
    space: SearchSpace
    check_metrics: Callable[[Any], None]
    fidelity: Fidelity | None = None
    differentiator: Differentiator | None = None

    @property
    def scorers(self) -> Any:
        """Scorer, or dict of scorers by name, as in the attribute ``scorer_`` of a search."""
        return self.scorer._scorers if isinstance(self.scorer, _MultimetricScorer) else self.scorer

    @property
    def n_threads(self) -> int | None:
        """Number of threads for a fold: 1 in deterministic mode, because another number may round differently."""
        return 1 if self.settings.staleness else None

    def on(self, X: Any, y: Any, splits: list[tuple[Indices, Indices]]) -> Plan:
        """Return the plan on some data, with its resource and scheduler if there is a schedule.

        Raises
        ------
        InvalidArgument
            If the schedule does not fit the data; see `make_fidelity`.
        """
        if self.settings.schedule is None:
            return self
        searched: dict[str, list[Any]] = {}
        for branch in self.space.branches():
            for name, values in branch.items():
                searched.setdefault(name, []).extend(values)
        fidelity = make_fidelity(self.settings, self.space.space, searched, X, y, splits)
        return replace(self, fidelity=fidelity, settings=replace(self.settings, n_trials=fidelity.n_trials))

    def workload(self, X: Any, y: Any, splits: list[tuple[Indices, Indices]], routed: Any) -> Workload:
        """Make the workload of data, estimator and folds, which all tasks share."""
        settings = self.settings
        return Workload(
            estimator=clone(settings.estimator),
            X=X,
            y=y,
            splits=splits,
            scorer=self.scorer,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
            error_score=settings.error_score,
            return_train_score=settings.return_train_score,
            caching=settings.caching,
            resource=None if self.fidelity is None else self.fidelity.resource,
            differentiator=self.differentiator,
        )

    def begin(
        self,
        folds: range,
        deadline: float | None,
        fit_hooks: FitHooks,
        trial_log: TrialLog,
        workers: bool,
        hooks: Sequence[Callable[[Course, Trial], Any]] = (),
        trackers: Sequence[TrackerQueue] = (),
    ) -> tuple[Source, Course]:
        """Begin the search on some splits; return the source of its candidates and its course.

        Parameters
        ----------
        folds : range
            Splits of the workload.
        deadline : float or None
            Time of the monotonic clock after which no fold begins.
        fit_hooks : FitHooks
            Callbacks of scikit-learn.
        trial_log : TrialLog
            Log of its trials; candidates that an earlier search left there are included.
        workers : bool
            True if folds are run by a pool.
        hooks : sequence of callable
            Functions called as ``hook(course, trial)`` when a candidate is finished.
        trackers : sequence of TrackerQueue
            Queues of the trackers.

        Raises
        ------
        InvalidArgument
            If the race has nothing to compare on.
        """
        settings, optimizer = self.settings, trial_log.optimizer
        # Proposals that do not learn are the same in any order, where nothing else depends on the results.
        fidelity = self.fidelity
        decides = settings.racing is not None or fidelity is not None or any(not rule.by_time for rule in settings.stop)
        ordered = bool(settings.staleness) and (optimizer.learns or decides)
        staleness = settings.staleness if ordered else None
        race = self._race(len(folds), ordered)
        mode = f"lag {staleness}" if ordered else "fast" if workers else "lag 1"
        course = Course(
            settings,
            trial_log,
            self.space,
            folds,
            race,
            staleness,
            mode,
            deadline,
            fit_hooks,
            list(hooks),
            self.check_metrics,
            fidelity,
            trackers,
        )
        if not len(optimizer.trials):
            trial_log.begin_with(self._first_candidates(optimizer.learns))
        course.show_known()
        course.catch_up()
        source = Source(
            course.propose,
            course.complete,
            folds,
            learns=optimizer.learns,
            expected=course.expected if fidelity is None else None,
            race=race,
            staleness=staleness,
            fold_done=course.fold_done,
            refresh=course.refresh,
            deadline=None if deadline is None else course.deadline,
            has_result=course.has_result,
        )
        return source, course

    def track(
        self, trackers: Sequence[TrackerQueue], trial_log: TrialLog, search: Any, n_folds: int, part: str = ""
    ) -> None:
        """Begin to log a search by trackers; `part` is the end of the name of one of several."""
        if not trackers:
            return
        settings, estimator = self.settings, self.settings.estimator
        name = type(estimator).__name__ if settings.study_name is None else settings.study_name
        space = search.space
        begin_tracking(
            trackers,
            trial_log,
            search,
            name=f"{name}{part}",
            parameters=space if isinstance(space, Mapping) else self.space.space,
            settings={"estimator": estimator, "scoring": settings.scoring, "n_splits": n_folds},
            steps="fold" if self.fidelity is None else "report",
            show=self.space.trial,
        )

    def _first_candidates(self, learns: bool) -> list[dict[str, Any]]:
        """Candidates that come before the sampler's: those of the user, then the estimator as it is."""
        settings, space = self.settings, self.space
        given = [space.columns_of(point) for point in settings.warm_start]
        wanted = learns if settings.default_first is None else settings.default_first
        default = default_candidate(space, settings.estimator.get_params()) if wanted else None
        if default is None or any(_same(space, point, default) for point in given):
            return given
        return [*given, default]

    def _race(self, n_folds: int, ordered: bool) -> Race | RungRaces | None:
        """Make the race of the candidates, or one for each level of a resource."""
        settings, fidelity = self.settings, self.fidelity
        searched: set[str] = set().union(*self.space.branches())
        if fidelity is None or settings.racing is None:
            return make_race(settings, self.scorer, n_folds, searched, ordered)
        if ordered and fidelity.ladder:
            raise InvalidArgument(
                "racing must be False with deterministic and a scheduler that stops trials by their reports: all their "
                "levels are one job"
            )

        def make() -> Race:
            race = make_race(settings, self.scorer, n_folds, searched, False)
            assert race is not None
            return race

        return RungRaces(make, ordered)


def _same(space: SearchSpace, given: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Tell whether parameters, some of which may be left out, are those of a whole candidate."""
    if given.keys() != whole.keys():
        return False
    a, b = space.space.encode([given, whole])
    return bool(np.array_equal(a, b, equal_nan=True))


def make_plan(search: Any) -> Plan:
    """Check a search's arguments as far as they do not depend on the data.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        If an argument is wrong; the message names it, its value and what is allowed.
    """
    settings = check_settings(search)
    check_scoring_names(settings.scoring)
    try:
        scorer, refit_metric = search._get_scorers()
    except ValueError as error:
        raise InvalidArgument(str(error)) from error
    except TypeError as error:
        raise InvalidType(str(error)) from error
    space = read_space(search.space, Manner.of(settings.sampler, settings.storage is not None))
    check_names(space, settings.estimator)
    for i, point in enumerate(settings.warm_start):
        # All points are checked before the first is stored.
        try:
            space.space.check_partial(space.columns_of(point))
        except (InvalidArgument, InvalidType) as error:
            raise type(error)(f"warm_start[{i}]: {error}") from None
    plan = Plan(settings, scorer, refit_metric, space, search._check_refit_for_multimetric)
    if settings.gradient:
        plan.differentiator = make_differentiator(settings.estimator, scorer, settings.metric, space)
    return plan
