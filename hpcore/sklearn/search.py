"""SearchCV: hyperparameter search by cross-validation, in scikit-learn's manner."""

from __future__ import annotations

import copy
import time
import warnings
from typing import Any

import numpy as np
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import get_tags
from sklearn.utils.validation import _check_method_params, indexable

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.engine import run
from hpcore.evaluation.lockstep import Lockstep
from hpcore.evaluation.pools import Pool, choose_pool
from hpcore.evaluation.racing import Racing
from hpcore.evaluation.source import Source
from hpcore.evaluation.workload import FoldScore, Workload
from hpcore.optimizer import Optimizer
from hpcore.sklearn.checks import Settings, check_scoring_names, check_settings, check_target, make_splits
from hpcore.sklearn.errors import SearchInterrupted
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.progress import Progress
from hpcore.sklearn.races import make_race
from hpcore.sklearn.results import blank, rows
from hpcore.sklearn.spaces import check_names, read_space

__all__ = ["SearchCV"]


class SearchCV(BaseSearchCV):  # type: ignore[misc]  # scikit-learn is not typed
    """Search hyperparameters by cross-validation.

    Takes the place of `GridSearchCV` and `RandomizedSearchCV`: same arguments where they mean the same, same
    attributes, same scores to the last bit on the same candidates. The unit of work is (candidate, fold): workers
    take them from one queue, and the data reaches each worker once.

    Parameters
    ----------
    estimator : estimator object
        Cloned for each fit; itself never fitted.
    space : Space, dict or list of dict
        What to search. A `hpcore.Space`; or a dictionary of parameter names (``step__param`` in a pipeline) to
        hpcore parameters, lists or arrays of values, ranges, ``(low, high)`` tuples of two numbers (an interval),
        frozen scipy distributions, or a mixture; or a list of such dictionaries, of which each candidate takes one.
        A dictionary without hpcore parameters is read by sorted names, as `ParameterGrid` does, so that a grid is
        walked in the same order.
    strategy : str or Sampler, default="gp"
        ``"gp"``, ``"tpe"``, ``"random"``, ``"grid"``, ``"sobol"``, or a sampler object of `hpcore.samplers` with
        options of its own. With several workers a strategy that learns (``"gp"``, ``"tpe"``) proposes from the results
        that are in, which depends on timing; with one, and with the others, `random_state` repeats the search.
    n_trials : int, optional
        The most candidates. None is the whole grid for ``"grid"`` and 50 for other strategies. A finite space ends
        the search when all of it is tried.
    cv : int, splitter or iterable, optional
        As in scikit-learn; None is 5 folds, stratified for classifiers. Splits are computed once.
    scoring : str, callable, list, tuple or dict, optional
        As in scikit-learn. Of several metrics the strategy follows the one that `refit` names, otherwise the first.
    n_jobs : int, optional
        Worker processes; None is 1 (or what ``joblib.parallel_config`` says), -1 is every core. With 1 all happens
        in this thread and no thread setting is touched; otherwise the threads of the numerical libraries inside
        workers are bounded, so that all together do not exceed the cores.
    refit : bool, str or callable, default=True
        As in scikit-learn: fit the best candidate on all data; the metric that decides; or a function from
        `cv_results_` to the index of the best.
    error_score : "raise" or number, default=np.nan
        Score of a fit that fails.
    return_train_score : bool, default=False
        Whether `cv_results_` has scores on the training rows.
    timeout : float, optional
        Seconds after which no new candidate starts; those in flight are finished.
    executor : concurrent.futures.Executor, optional
        Workers of your own, used through `submit` only and never shut down. Processes must see the same temporary
        folder; `n_jobs` says how many workers there are, where the executor does not.
    callbacks : sequence of callable, default=()
        Called as ``callback(search, trial)`` when a candidate is finished, in the thread that called `fit`.
    verbose : int, default=0
        1 prints one line at the start and one at the end, 2 a line for each candidate.
    random_state : int, RandomState or None, default=None
        Of the strategy. None follows `numpy.random.seed`.

    Attributes
    ----------
    cv_results_ : dict of numpy arrays
        scikit-learn's keys, dtypes and masks; one entry a complete candidate, by number.
    trial_numbers_ : ndarray of int
        Number of the trial behind each row of `cv_results_`.
    best_estimator_, best_params_, best_score_, best_index_ : object
        As in scikit-learn.
    scorer_, n_splits_, refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_ : object
        As in scikit-learn.
    trials_ : list of Trial
        All candidates, also those that an interruption left unfinished.
    optimizer_ : Optimizer
        What proposed them.
    time_fitting_ : float
        Seconds that fits and scoring took, added up over workers.
    time_suggesting_ : float
        Seconds that the optimizer took.
    interrupted_ : bool
        Whether Ctrl-C ended the search.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        By `fit`, before the first fit: arguments that make no sense together or with the data.
    AllFitsFailed
        Not a single fit succeeded.

    Notes
    -----
    Ctrl-C ends the search, not the program: complete candidates are kept, the best of them is refitted, and a
    `SearchInterrupted` warning says so. A second Ctrl-C, or one before any candidate is complete, raises.

    A class of `y` with fewer members than stratified folds is an error here; scikit-learn warns.

    A worker process that dies takes no finished fold with it. The folds that it had are run once more, each alone;
    one that kills its worker again counts as failed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SearchCV(SVC(), {"C": [0.1, 1, 10], "gamma": [0.01, 0.1]}, strategy="grid").fit(X, y)
    >>> len(search.cv_results_["params"])
    6
    """

    # Arguments are checked in `checks`, with hpcore's own errors.
    _parameter_constraints: dict[str, Any] = {}  # noqa: RUF012 - scikit-learn's name and form

    def __init__(
        self,
        estimator: Any,
        space: Any,
        *,
        strategy: Any = "gp",
        n_trials: int | None = None,
        cv: Any = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        timeout: float | None = None,
        executor: Any = None,
        racing: Any = False,
        deterministic: Any = False,
        fit_timeout: float | None = None,
        callbacks: Any = (),
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.strategy = strategy
        self.n_trials = n_trials
        self.cv = cv
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.timeout = timeout
        self.executor = executor
        self.racing = racing
        self.deterministic = deterministic
        self.fit_timeout = fit_timeout
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # A search needs the target that its estimator needs; scikit-learn's own searches do not say so.
        tags.target_tags = copy.deepcopy(get_tags(self.estimator).target_tags)
        return tags

    def __sklearn_clone__(self) -> SearchCV:
        # An executor holds locks and a callback may hold a progress bar: they are shared, not copied.
        bare = copy.copy(self)
        bare.executor, bare.callbacks = None, ()
        other: SearchCV = super(SearchCV, bare).__sklearn_clone__()
        other.executor, other.callbacks = self.executor, self.callbacks
        return other

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> SearchCV:
        """Search, and fit the best candidate on all data.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            The data; square for a precomputed kernel.
        y : array-like, optional
            The target.
        **params : dict
            Metadata for the estimator's `fit`, the scorer and the splitter (``groups``), as in scikit-learn. What
            has a value per row is cut like `X`.

        Returns
        -------
        SearchCV
            This object.
        """
        start = time.monotonic()
        settings = check_settings(self)
        scorer, refit_metric = self._checked_scorers()
        space = read_space(self.space)
        check_names(space, self.estimator)
        optimizer = Optimizer(space.space, sampler=settings.sampler, direction="maximize", seed=settings.seed)

        check_target(self, y)
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        splits = make_splits(self.cv, X, y, is_classifier(self.estimator), routed.splitter.split)
        workload = Workload(
            estimator=clone(self.estimator),
            X=X,
            y=y,
            splits=splits,
            scorer=scorer,
            fit_params=routed.estimator.fit,
            score_params=routed.scorer.score,
            error_score=self.error_score,
            return_train_score=bool(self.return_train_score),
        )
        pool = choose_pool(self.n_jobs, self.executor, killing=settings.fit_timeout is not None)
        race = make_race(self, settings.racing, scorer, len(splits), space.examples())

        self.n_splits_ = len(splits)
        self.optimizer_ = optimizer
        with FitHooks(self, X, y, params) as hooks:
            deadline = None if settings.timeout is None else start + settings.timeout
            progress = Progress(self, optimizer, space, settings, deadline, hooks, self._check_first)
            source = Source(
                progress.propose,
                progress.complete,
                range(len(splits)),
                learns=optimizer.learns,
                expected=progress.expected,
                race=race,
                # Without a race, proposals that do not learn are the same in any order.
                order=Lockstep(settings.lag) if settings.lag and (optimizer.learns or race is not None) else None,
                fold_done=progress.fold_done,
            )
            self.interrupted_ = self._run(workload, pool, source, settings, progress)
            hooks.searched()
            self.trials_ = [progress.shown(trial) for trial in optimizer.trials]
            self._tabulate(progress, refit_metric)
            if self.refit:
                self._refit(workload, hooks)
        self.scorer_ = scorer._scorers if isinstance(scorer, _MultimetricScorer) else scorer
        return self

    def _checked_scorers(self) -> tuple[Any, Any]:
        check_scoring_names(self.scoring)
        try:
            scorer, refit_metric = self._get_scorers()
        except ValueError as error:
            raise InvalidArgument(str(error)) from error
        except TypeError as error:
            raise InvalidType(str(error)) from error
        return scorer, refit_metric

    def _check_first(self, score: FoldScore) -> None:
        # Whether a callable measures one thing or several is known only now: said after one fit, not after all.
        if callable(self.scoring) and isinstance(score.test_scores, dict):
            try:
                self._check_refit_for_multimetric(score.test_scores)
            except ValueError as error:
                raise InvalidArgument(str(error)) from error

    def _run(
        self, workload: Workload, pool: Pool | None, source: Source, settings: Settings, progress: Progress
    ) -> bool:
        """Evaluate; True if Ctrl-C ended it."""
        if self.verbose > 0:
            n = "candidates" if progress.expected is None else f"up to {progress.expected} candidates"
            where = "in this process" if pool is None else f"on {pool.n_workers} workers"
            print(f"Fitting {self.n_splits_} folds for each of {n}, {where}")
        try:
            # Another number of threads may round differently.
            n_threads = 1 if settings.lag else None
            run(workload, pool, [source], n_threads=n_threads, fit_timeout=settings.fit_timeout)
        except KeyboardInterrupt:
            if not progress.evaluated:
                raise
            progress.abandon("interrupted")
            warnings.warn(
                f"The search was interrupted; results are those of the {len(progress.evaluated)} candidates that "
                f"were complete.",
                SearchInterrupted,
                stacklevel=4,
            )
            return True
        finally:
            if self.verbose > 0:
                print(
                    f"{len(progress.evaluated)} candidates: {self.time_fitting_:.3g} s of fitting, "
                    f"{self.time_suggesting_:.3g} s of suggesting"
                )
        return False

    def _tabulate(self, progress: Progress, refit_metric: Any) -> None:
        evaluated = sorted(progress.evaluated, key=lambda candidate: candidate.number)
        out = rows(evaluated, self.error_score, callable(self.scoring))
        results = self._format_results([candidate.params for candidate in evaluated], self.n_splits_, out)
        if Racing.of(self.racing) is not None:
            blank(results, evaluated)
        self.multimetric_ = isinstance(out[0]["test_scores"], dict)
        if callable(self.scoring) and self.multimetric_:
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]
        self.cv_results_ = results
        self.trial_numbers_ = np.array([candidate.number for candidate in evaluated])

    def _refit(self, workload: Workload, hooks: FitHooks) -> None:
        # Parameters may be estimators: those in best_params_ stay unfitted.
        best = clone(workload.estimator).set_params(**clone(self.best_params_, safe=False))
        self.best_estimator_ = best
        with hooks.refitting(best):
            start = time.perf_counter()
            if workload.y is None:
                best.fit(workload.X, **workload.fit_params)
            else:
                best.fit(workload.X, workload.y, **workload.fit_params)
            self.refit_time_ = time.perf_counter() - start
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
