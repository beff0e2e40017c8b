"""A search whose arguments are checked, ready to begin on some data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.metrics._scorer import _MultimetricScorer

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.source import Source
from hpcore.evaluation.workload import Indices, Workload
from hpcore.ledger.trial_log import TrialLog
from hpcore.sklearn.checks import Settings, check_scoring_names, check_settings
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.names import check_names
from hpcore.sklearn.progress import Progress
from hpcore.sklearn.races import make_race
from hpcore.sklearn.spaces import SearchSpace, read_space
from hpcore.sklearn.values import Manner
from hpcore.workers.lockstep import Lockstep

__all__ = ["Plan", "make_plan"]


@dataclass
class Plan:
    """Description of what a search will do.

    Attributes
    ----------
    search : SearchCV
        The search that has these arguments.
    settings : Settings
        Its limits.
    scorer : callable
        Gives a number or a dict.
    refit_metric : object
        The metric that decides, as scikit-learn names it.
    space : SearchSpace
        The space that is searched.
    """

    search: Any
    settings: Settings
    scorer: Any
    refit_metric: Any
    space: SearchSpace

    @property
    def scorers(self) -> Any:
        """As in ``scorer_``: the one, or those of several by name."""
        return self.scorer._scorers if isinstance(self.scorer, _MultimetricScorer) else self.scorer

    @property
    def n_threads(self) -> int | None:
        """Threads a fold may use; in deterministic mode one everywhere, because another number may round otherwise."""
        return 1 if self.settings.lag else None

    def workload(self, X: Any, y: Any, splits: list[tuple[Indices, Indices]], routed: Any) -> Workload:
        """Everything that all tasks share."""
        search = self.search
        return Workload(
            estimator=clone(search.estimator),
            X=X,
            y=y,
            splits=splits,
            scorer=self.scorer,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
            error_score=search.error_score,
            return_train_score=bool(search.return_train_score),
            caching=self.settings.caching,
        )

    def begin(
        self, search: Any, folds: range, deadline: float | None, hooks: FitHooks, trial_log: TrialLog, workers: bool
    ) -> tuple[Source, Progress]:
        """The candidates of the search on some splits, and their course.

        Parameters
        ----------
        search : SearchCV
            The search; its attributes follow the course.
        folds : range
            Splits of the workload.
        deadline : float or None
            On the monotonic clock.
        hooks : FitHooks
            scikit-learn's callbacks.
        trial_log : TrialLog
            Where its trials are written down; what an earlier search left there is taken up.
        workers : bool
            Whether folds are run by a pool.

        Raises
        ------
        InvalidArgument
            If the race has nothing to compare on.
        """
        settings = self.settings
        race = make_race(search, settings.racing, self.scorer, len(folds), set().union(*self.space.branches()))
        optimizer = trial_log.optimizer
        # Without a race, proposals that do not learn are the same in any order.
        lag = settings.lag if settings.lag and (optimizer.learns or race is not None) else None
        fresh = not len(optimizer.trials)
        trial_log.begin(f"lag {lag}" if lag else "fast" if workers else "lag 1", alone=lag is not None)
        for point in settings.warm_start if fresh else ():
            trial_log.enqueue(self.space.columns_of(point))
        search.optimizer_ = optimizer
        search.n_splits_ = len(folds)
        progress = Progress(search, trial_log, self.space, settings, deadline, hooks, race is not None)
        progress.show_known()
        first = progress.recall(lag) if trial_log.durable else 0
        source = Source(
            progress.propose,
            progress.complete,
            folds,
            learns=optimizer.learns,
            expected=progress.expected,
            race=race,
            order=None if lag is None else Lockstep(lag, first),
            fold_done=progress.fold_done,
        )
        return source, progress


def make_plan(search: Any) -> Plan:
    """Check a search's arguments as far as they do not depend on the data.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        Naming the argument, the value and what is allowed.
    """
    settings = check_settings(search)
    check_scoring_names(search.scoring)
    try:
        scorer, refit_metric = search._get_scorers()
    except ValueError as error:
        raise InvalidArgument(str(error)) from error
    except TypeError as error:
        raise InvalidType(str(error)) from error
    space = read_space(search.space, Manner.of(settings.sampler, search.storage is not None))
    check_names(space, search.estimator)
    for i, point in enumerate(settings.warm_start):
        # All of them before the first is written down anywhere.
        try:
            space.space.check_partial(space.columns_of(point))
        except (InvalidArgument, InvalidType) as error:
            raise type(error)(f"warm_start[{i}]: {error}") from None
    return Plan(search, settings, scorer, refit_metric, space)
