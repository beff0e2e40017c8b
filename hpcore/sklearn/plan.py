"""A search with checked arguments, ready to begin on some data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.metrics._scorer import _MultimetricScorer

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.source import Source
from hpcore.evaluation.workload import Indices, Workload
from hpcore.ledger.trial_log import TrialLog
from hpcore.records.trial import Trial
from hpcore.sklearn.checks import Settings, check_scoring_names, check_settings
from hpcore.sklearn.course import Course
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.names import check_names
from hpcore.sklearn.races import make_race
from hpcore.sklearn.spaces import SearchSpace, read_space
from hpcore.sklearn.values import Manner

__all__ = ["Plan", "make_plan"]


@dataclass
class Plan:
    """Description of a search.

    Attributes
    ----------
    settings : Settings
        Arguments, checked.
    scorer : callable
        Gives a number or a dict.
    refit_metric : object
        The metric that decides, as scikit-learn names it.
    space : SearchSpace
        The space that is searched.
    check_metrics : callable
        Checks the scores of a callable that measures several things; raises ValueError.
    """

    settings: Settings
    scorer: Any
    refit_metric: Any
    space: SearchSpace
    check_metrics: Callable[[Any], None]

    @property
    def scorers(self) -> Any:
        """As in ``scorer_``: the one, or those of several by name."""
        return self.scorer._scorers if isinstance(self.scorer, _MultimetricScorer) else self.scorer

    @property
    def n_threads(self) -> int | None:
        """Threads a fold may use; in deterministic mode one everywhere, because another number may round otherwise."""
        return 1 if self.settings.staleness else None

    def workload(self, X: Any, y: Any, splits: list[tuple[Indices, Indices]], routed: Any) -> Workload:
        """Data, estimator and folds, which all tasks share."""
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
        )

    def begin(
        self,
        folds: range,
        deadline: float | None,
        fit_hooks: FitHooks,
        trial_log: TrialLog,
        workers: bool,
        hooks: Sequence[Callable[[Course, Trial], Any]] = (),
    ) -> tuple[Source, Course]:
        """The candidates of the search on some splits, and their course.

        Parameters
        ----------
        folds : range
            Splits of the workload.
        deadline : float or None
            End by the monotonic clock.
        fit_hooks : FitHooks
            scikit-learn's callbacks.
        trial_log : TrialLog
            Log of its trials; what an earlier search left there is taken up.
        workers : bool
            Whether folds are run by a pool.
        hooks : sequence of callable
            Called as ``hook(course, trial)`` when a candidate is finished.

        Raises
        ------
        InvalidArgument
            If the race has nothing to compare on.
        """
        settings, optimizer = self.settings, trial_log.optimizer
        # Without a race, proposals that do not learn are the same in any order.
        ordered = bool(settings.staleness) and (optimizer.learns or settings.racing is not None)
        staleness = settings.staleness if ordered else None
        race = make_race(settings, self.scorer, len(folds), set().union(*self.space.branches()), ordered)
        fresh = not len(optimizer.trials)
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
        )
        for point in settings.warm_start if fresh else ():
            trial_log.enqueue(self.space.columns_of(point))
        course.show_known()
        course.catch_up()
        source = Source(
            course.propose,
            course.complete,
            folds,
            learns=optimizer.learns,
            expected=course.expected,
            race=race,
            staleness=staleness,
            fold_done=course.fold_done,
            refresh=course.refresh,
        )
        return source, course


def make_plan(search: Any) -> Plan:
    """Check a search's arguments as far as they do not depend on the data.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        Naming the argument, the value and what is allowed.
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
        # All of them before the first is written down anywhere.
        try:
            space.space.check_partial(space.columns_of(point))
        except (InvalidArgument, InvalidType) as error:
            raise type(error)(f"warm_start[{i}]: {error}") from None
    return Plan(settings, scorer, refit_metric, space, search._check_refit_for_multimetric)
