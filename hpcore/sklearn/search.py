"""SearchCV: hyperparameter search by cross-validation, in scikit-learn's manner."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import get_tags
from sklearn.utils.validation import _check_method_params, _num_samples, indexable

from hpcore.evaluation.correction import corrected_best
from hpcore.evaluation.engine import run
from hpcore.evaluation.fingerprint import watch
from hpcore.evaluation.predictions import Kept
from hpcore.evaluation.resources import fit
from hpcore.evaluation.source import Source
from hpcore.evaluation.workload import Workload
from hpcore.ledger.heartbeat import keeping_leases
from hpcore.records.trial import Trial
from hpcore.sklearn.aliases import with_aliases
from hpcore.sklearn.checks import check_target, make_splits
from hpcore.sklearn.course import Course
from hpcore.sklearn.errors import SearchInterrupted
from hpcore.sklearn.fidelity import Fidelity
from hpcore.sklearn.gradients import warn_without_gradients
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.levels import summarise
from hpcore.sklearn.plan import Plan, make_plan
from hpcore.sklearn.results import blank, recommended_row, rows
from hpcore.sklearn.stored import check_same_search, open_trial_log
from hpcore.sklearn.summary import search_html
from hpcore.study.carrying import carry
from hpcore.study.closing import closing
from hpcore.study.study import Study
from hpcore.study.tracking import split_callbacks
from hpcore.workers.interrupts import Interrupts
from hpcore.workers.pools import Pool, choose_pool

__all__ = ["SearchCV", "choose"]

# Attributes of one fit that another fit of the same object may not set.
_OF_THE_BEST = (
    "best_index_",
    "best_score_",
    "best_score_corrected_",
    "best_params_",
    "best_estimator_",
    "refit_time_",
    "feature_names_in_",
    "predictions_",
)
# Likewise those of a scheduler.
_OF_THE_LEVELS = (
    "n_resources_",
    "n_candidates_",
    "n_iterations_",
    "n_remaining_candidates_",
    "n_required_iterations_",
    "n_possible_iterations_",
    "min_resources_",
    "max_resources_",
)


class SearchCV(BaseSearchCV):  # type: ignore[misc]  # scikit-learn is not typed
    """Search hyperparameters by cross-validation.

    The class replaces `GridSearchCV`, `RandomizedSearchCV` and the halving searches: arguments of the same meaning have
    the same names, the attributes are the same, and so are the scores of the same candidates to the last bit. The unit
    of work is (candidate, fold): workers take them from one queue, and the data is sent to each worker once.

    Parameters
    ----------
    estimator : estimator object
        Estimator to tune; clones of it are fitted, one for each fold.
    space : Space, dict or list of dict
        Search space: a `hpcore.Space`, or one in scikit-learn's form, which is a dictionary of parameter names
        (``step__param`` in a pipeline) to choices or distributions, or a list of such dictionaries, one of which each
        candidate uses; ``{}`` is the estimator as it is. Choices are a list, tuple, range or other sequence, an array
        of one dimension, a pandas Index or Series, or a view of a dictionary. A tuple of two numbers is two choices,
        as in scikit-learn; an interval is ``hpcore.Float(low, high)`` or ``hpcore.Int(low, high)``, which may be used
        in the same dictionary. Distributions are scipy's or any object with a method ``rvs(random_state=)``. Iterators
        and sets are refused: each fit reads the choices again, in the same order. The notes describe the search of
        choices and distributions. Choices may be whole steps of a pipeline, with their own parameters:
        ``{"clf": Categorical([svc, forest]), "clf__C": Float(0.1, 10, when={"clf": svc})}``.
    strategy : str or Sampler, default="gp"
        Sampler of candidates: ``"gp"``, ``"tpe"``, ``"cmaes"``, ``"evolution"``, ``"annealing"``, ``"random"``,
        ``"grid"``, ``"sobol"``, ``"gradient"``, ``"auto"``, or a sampler object of `hpcore.samplers` with options.
        ``"auto"`` runs a finite space as a grid if `n_trials` is large enough and none of `racing`, `timeout` and
        `stop` could end it early; otherwise it chooses by the number of trials; see `hpcore.samplers.AutoSampler`. With
        several workers, a strategy that learns (all but random, grid and Sobol) proposes from the results known so far,
        which depend on timing unless the search is `deterministic`; with one worker, or another strategy,
        `random_state` repeats the search. ``"halving"`` and ``"hyperband"`` are schedulers: random candidates by the
        schedule of `HalvingRandomSearchCV`, and Hyperband with candidates of ``"tpe"``; see `scheduler`.
    n_trials : int, optional
        Largest number of candidates. None is the whole grid for ``"grid"`` and 50 for other strategies. The search of a
        finite space ends when all its points have been tried. With ``strategy="hyperband"`` None is one bracket of each
        kind.
    cv : int, splitter or iterable, optional
        Folds, as in scikit-learn; None is 5 folds, stratified for classifiers. Splits are computed once.
    scoring : str, callable, list, tuple or dict, optional
        Metrics, as in scikit-learn. With several, the strategy follows the one that `refit` names, or else the first.
    n_jobs : int, optional
        Number of worker processes; None is 1 (or that of ``joblib.parallel_config``, or with `executor` the number of
        its workers), -1 is every core. With 1 all folds run in this thread and no thread setting is changed; otherwise
        the threads of numerical libraries inside workers are bounded, so that together they do not exceed the cores.
    refit : bool, str or callable, default=True
        Choice of the best candidate and its fit on all data, as in scikit-learn: True or False, the name of the metric
        that decides, or a function from `cv_results_` to the index of the best. ``"recommend"`` is the candidate with
        the best mean by a model of all scores, see `Optimizer.recommend`: among many candidates the best score is a
        lucky one. ``"1se"`` is the one with the shortest fit among those within one standard error of the best score;
        `OneStandardError` has other measures of what is simpler, and names the metric of several.
    error_score : "raise" or number, default=np.nan
        Score of a fit that fails.
    return_train_score : bool, default=False
        True for scores on the training rows in `cv_results_`.
    timeout : float, optional
        Seconds after which no fold starts, so that `fit` takes longer by the folds that run then, at most one for each
        worker, and by the refit; see `refit_in_timeout`. Candidates that lack folds are given up as by an interruption:
        in a `storage` their folds are kept, and the next search continues them; otherwise they are withdrawn. But there
        is always a result: if no candidate has a score by then, the one that has most folds is finished, and if it
        fails, a second one.
    executor : concurrent.futures.Executor, optional
        Executor of the caller, which is never shut down; `n_jobs` is then the number of tasks at a time, None the
        number of its workers, see `Study.run`. Workers map the data from a temporary file; one on another machine,
        which does not reach it, gets the data with a task, once. For Dask it is ``client.get_executor(pure=False)``.
    racing : bool, "exact" or Racing, default=False
        Race, which stops candidates before their last fold. ``"exact"`` stops those that cannot beat the incumbent any
        more, because the score has an upper bound; True also those that very probably will not, by a paired test on
        the folds that both have run: it stops at most one in ten of those that would have won. See `Racing` and the
        notes.
    deterministic : bool or int, default=False
        Deterministic order: the search is the same for any number of workers, to the last bit (except times). Proposal
        k sees the results 0 .. k - q and no others, as do decisions of a race and rules in `stop`, and every fold runs
        on one thread. Results are recorded and callbacks called as folds finish; only the view of proposal k is
        restricted. True is q = 4, an integer is q itself; workers that q open candidates cannot use stay idle. Random
        numbers of the estimator must have seeds, and limits of time (`timeout`, `fit_timeout`, `Timeout`) are excepted.
    fit_timeout : float, optional
        Limit in seconds for a fold, fit and score. A fold that takes longer is ended with its process and all that it
        started, and counts as failed, with `FitTimeout` as the reason; its candidate runs no further folds if
        `error_score` is NaN. Then even ``n_jobs=1`` uses a worker process, and an `executor` cannot be given.
    warm_start : sequence of dict, default=()
        Candidates to begin with, as parameters of the estimator; parameters that are left out are drawn at random. They
        count towards `n_trials`. False, which scikit-learn's tools set for a parameter of this name, is none.
    default_first : bool, optional
        The estimator with its own parameters as the first candidate, after those of `warm_start`; it counts towards
        `n_trials`. A number beyond its range is moved to the end of the range, and a parameter whose value is not in
        the space, as ``gamma="scale"`` in a range of numbers, is in the middle of its own; without any value in the
        space, or if a constraint refuses it, there is no such candidate. None is True for strategies that learn:
        ``benchmarks/quality/gp_ablation.md`` says what that is worth. A stored search that has begun is not given it
        again.
    cache_transformers : bool, default=True
        True to fit the transformers of a `Pipeline` once for each fold and worker, and not again for every candidate
        with the same ones. Scores are the same to the last bit, because only transformers that are known to allow it
        are kept: those of scikit-learn, up to the first step of another class, with a function of the user, that works
        in place (``copy=False``) or that draws random numbers without a seed. Other transformers can use the
        pipeline's `memory`. The `mean_fit_time` of a candidate is that without the cache. Each worker keeps up to
        128 MB; False keeps nothing.
    keep_predictions : bool, default=False
        True to keep what each of the best candidates predicts for the rows that its fits did not see, for an ensemble,
        a calibration or a look at the errors: see `predictions_`. Up to 100 candidates and 256 MB are kept.
    fold_errors : bool, default=False
        True to tell the strategy the standard error of each mean over the folds, as the noise of the score. It is off
        because it was not found to gain anything: what folds differ by is mostly the same for all candidates;
        ``benchmarks/evaluation/fold_errors.py``.
    progress : bool, optional
        Display of trials, folds, the incumbent, failures, saved folds and times, also the time left. True shows a line
        on a terminal and in a notebook and lines elsewhere; None shows the first only, False (the default) nothing.
    callbacks : sequence of callable, default=()
        Functions called as ``callback(search, trial)`` as soon as a candidate is finished, in the thread of `fit`. At
        the end of `fit`, also after an error, the method ``close()`` of each one that has it is called. Trackers, such
        as those of `hpcore.tracking`, are given here too.
    stop : sequence of StoppingRule, default=()
        Rules of `hpcore.stopping`, each of which can end the search; their values are those of the score that decides.
    storage : str, path or Storage, optional
        Store of the search, as for `hpcore.Study`: the score of each fold is stored as soon as it is known, and a
        search with the same storage and name continues the stored one, without running a stored fold again; several
        processes may do so at the same time. `n_trials` then counts all candidates of the study.
    study_name : str, optional
        Name of the study in the storage.
    verbose : int, default=0
        Level of printed lines: 1 is one line at the start and one at the end, 2 also a line for each candidate.
    random_state : int, RandomState or None, default=None
        Seed of the strategy. None follows `numpy.random.seed`; ``strategy="grid"`` draws nothing then.
    scheduler : str or Scheduler, optional
        Scheduler of `hpcore.schedulers` that gives candidates little of a resource at first and decides which of them
        get more: ``"halving"``, ``"hyperband"``, ``"asha"``, ``"median"`` and others, or an object with options. With
        ``strategy="grid"``, ``"halving"`` is `HalvingGridSearchCV`. The notes describe it. Not together with `storage`.
    resource : str, optional
        Resource of a fit: ``"n_samples"``, the training rows; the name of an integer parameter of the estimator, such
        as ``"n_estimators"`` or ``"step__max_iter"``; ``"epochs"`` of an estimator with `partial_fit`, which may be the
        last step of a pipeline. Needs a scheduler; ``"halving"`` and ``"hyperband"`` as the strategy have
        ``"n_samples"`` by default.
    min_resources : int, "exhaust" or "smallest", default="exhaust"
        Resource of the first fits. ``"smallest"`` is two rows of each class and fold, or 1 of another resource;
        ``"exhaust"`` is the largest with which the last candidates come to `max_resources`, by at most four rungs
        except with ``"halving"``. A Scheduler object has its own.
    max_resources : int or "auto", default="auto"
        Full resource; ``"auto"`` is all rows, or the value that the estimator has for the parameter. Epochs need a
        number.
    factor : float, default=3
        Factor between the resources of two rungs; one in `factor` candidates of a rung goes on.
    gradient : bool, default=False
        True to tell ``strategy="gp"`` the derivatives of the mean score by the continuous parameters, where the
        estimator has them; ``strategy="gradient"`` always uses them. The notes say which estimators, scores and
        parameters have derivatives. Not together with a `scheduler`.
    refit_in_timeout : bool or float, default=False
        True if `timeout` is the time of the search and the refit together: then no fold starts in the time that the
        refit probably takes, which is the mean time of the fits of the best candidate so far, times k / (k - 1) for k
        folds, and times the full resource over that of the fit with a scheduler; a number is one of such refits. With
        ``refit=False`` it leaves that time for a fit of your own.
    eta, sampler, seed : optional
        Other names of `factor`, `strategy` and `random_state`, those of `hpcore.Study` and its schedulers. They are
        accepted by the constructor only; `get_params`, `set_params` and `clone` know scikit-learn's names.

    Attributes
    ----------
    cv_results_ : dict of numpy arrays
        Table with scikit-learn's keys, dtypes and masks; one entry for each finished candidate, by number. With
        `racing` also ``n_folds_evaluated`` and ``pruned``, with a scheduler ``iter`` and ``n_resources`` and an entry
        for each rung of a candidate; see the notes.
    trial_numbers_ : ndarray of int
        Number of the trial behind each row of `cv_results_`.
    best_estimator_, best_params_, best_score_, best_index_ : object
        Attributes of the best candidate, as in scikit-learn. It has all its folds, and with a scheduler the largest
        resource of the table. `best_estimator_` is fitted with the full resource.
    best_score_corrected_ : float
        Estimate of `best_score_` without the bias of a choice among many: the choice is repeated on resampled folds and
        scored on the others (bootstrap bias correction, Tsamardinos et al. 2018; `nested_cross_validate` gives a
        better estimate at a higher cost). Undefined with a single fold, or if no metric decides. After a race it
        corrects too little, because folds that were not run are filled in by paired differences, which vary less.
        Undefined too with ``refit="recommend"`` and the one-standard-error rule, which do not choose the best score.
    scorer_, n_splits_, refit_time_, multimetric_, classes_, n_features_in_, feature_names_in_ : object
        Attributes as in scikit-learn.
    n_resources_, n_candidates_ : list of int
        With a scheduler: levels of the resource, and the number of candidates at each.
    n_iterations_, n_required_iterations_, n_possible_iterations_, n_remaining_candidates_ : int
        Attributes of scikit-learn's halving searches, with a scheduler; iterations are the levels.
    min_resources_, max_resources_ : int
        Lowest and full resource, with a scheduler.
    trials_ : list of Trial
        All candidates, also those that an interruption left unfinished. A candidate that the race stopped has state
        ``"pruned"``, its estimated mean as value, and in ``user_attrs["incumbent"]`` the number of the candidate that
        it lost against.
    predictions_ : mapping of int to ndarray
        With `keep_predictions`: predictions for each row by candidates that had not seen it, by the number of the
        trial, the best candidate first. An array has shape (n_samples,) for a regression and (n_samples, n_classes)
        with probabilities for a classification; rows in no test fold are NaN, and those in several have the mean.
        Classifiers without `predict_proba` are left out, as are candidates that the race stopped or another process
        evaluated.
    optimizer_ : Optimizer
        Optimizer that proposed the candidates; the same states as in `trials_`, with its own parameters.
    time_fitting_ : float
        Seconds of fits and scoring, summed over workers; less than the sum of the table's times if transformers were
        kept.
    time_suggesting_ : float
        Seconds of the optimizer.
    interrupted_ : bool
        True if Ctrl-C ended the search.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        By `fit`, before the first fit, if arguments do not fit together or do not fit the data.
    AllFitsFailed
        If no fit succeeded.
    BaseException
        Any error of a callback, of a rule in `stop`, or of the estimator with ``error_score="raise"``, and SystemExit
        in the estimator. If candidates were complete by then, the error's attribute `result` is this search with their
        `cv_results_` and `best_params_`, without a refit; see `hpcore.Study.run`.
    DataChanged
        If `X` or `y` changed during the search. The results are set nevertheless. Arrays, sparse matrices, frames,
        tensors and lists of data are compared, all or some thousand rows; other objects are not.

    Warns
    -----
    NoScoreYet
        Once, early, if none of the first three candidates has a score: all their fits failed, or a score is NaN. The
        search continues, as scikit-learn's do, because later candidates may be better; ``error_score="raise"`` ends it
        at the first fit that fails.
    SearchInterrupted
        If Ctrl-C ended the search.

    Notes ----- A race. All candidates run the folds in the same order, each against the incumbent, the best candidate
    that has all its folds. The table has for a stopped candidate: NaN for folds that were not run; as mean the
    incumbent's mean plus the mean difference to the incumbent on the folds that both have run, because the folds that
    it ran may be easy ones (means of training scores and times are those of the folds that were run); the standard
    deviation over the folds that were run. It ranks after all candidates that have all their folds. The strategy is
    told the same mean; the Gaussian process also its standard error, so that a candidate of one fold has less weight. A
    candidate with a failed fold (``error_score=nan``) is stopped there, because its mean is NaN.

    A scheduler. Candidates begin with little of the resource, and most go no further: their trials end ``"paused"``,
    with the mean scores of their rungs as reports, and callbacks are not called with them. Scores of lower rungs are
    those of other fits, so that the best is one of those with the largest resource. ``"halving"`` has the schedule of
    scikit-learn's halving searches, with the same numbers of candidates and resources, but the test folds stay whole,
    and the training rows of a rung are among those of the next one; they have the classes in their shares. Other
    schedulers run several brackets, or decide at once when a candidate has reported; the row of the table with ``iter``
    i is then one at the i-th level. Rows of m, of n, are the share m / n of each training fold.

    A rung of an ensemble with ``warm_start``, or of epochs, continues the fit of the rung before, in any worker; a
    model that was lost is fitted again through the same rungs, with the same score. Iterative solvers begin anew with a
    larger ``max_iter``, as do estimators without ``warm_start``. An epoch is one `partial_fit` with all training rows,
    in an order that follows `random_state`. With `racing`, candidates at a rung race against the best of that rung;
    those that lose pause with their estimated mean, and only at the full resource are they pruned.

    Choices. ``strategy="grid"`` runs the candidates of `GridSearchCV` in its order: names sorted, unless the
    dictionary has hpcore parameters, and a choice that is listed twice is tried twice, as also by ``"random"`` and
    ``"sobol"``. Strategies that learn try it once, and use the order of three or more numbers, however they are listed;
    geometric numbers are spaced by their logarithm. For numbers that are mere labels, use
    ``hpcore.Categorical(numbers)``. `cv_results_` has the same objects that were listed.

    Distributions. ``"random"`` draws from a distribution without a quantile function for each candidate, with random
    numbers that follow `random_state`. Other strategies search the quantiles of 1,000 fixed draws, or any number of
    draws if the values are no numbers and rarely repeat; likewise scipy's discrete distributions of more than 10,000
    values, such as ``zipf``. ``"grid"`` uses 5 quantiles of a continuous distribution.

    Gradients. The derivatives are those of `mean_test_score` at the fitted models, by implicit differentiation of the
    training loss; they cost about a fit for all parameters together, and no further fits. The estimator, or the last
    step of a pipeline, must be one of: `Ridge` (``alpha``), `KernelRidge` (``alpha``, ``gamma``, ``coef0``,
    ``degree``), `Lasso` and `ElasticNet` (``alpha``, ``l1_ratio``), `LogisticRegression` with the l2 penalty (``C``),
    `LinearSVC` with the squared hinge (``C``), `LinearSVR` with the squared epsilon-insensitive loss (``C``,
    ``epsilon``), `SVC` of two classes (``C``, ``gamma``, ``coef0``), `SVR` (the same and ``epsilon``),
    `hpcore.sklearn.GroupRidge` and `GroupLogisticRegression` (a penalty for each group of columns), or one that
    `hpcore.hypergradient` registers. Scores with a derivative are ``"neg_mean_squared_error"``,
    ``"neg_root_mean_squared_error"``, ``"r2"``, ``"neg_log_loss"`` of models with a derivative of their probabilities,
    and `hpcore.sklearn.neg_squared_hinge`. Other parameters, such as an integer or a choice, are chosen by the model
    of the strategy. Steps before the last one are fitted as usual; a continuous parameter of them has no derivative
    and is refused. With a solver that stops early the derivative is that at the point where it stopped: its error
    falls with the solver's tolerance in proportion (Pedregosa 2016, theorem 1), so that a tolerance of 1e-4 or below
    serves; a candidate that lost its race, or with a fold that failed, tells none.

    Ctrl-C ends the search, not the program: complete candidates are kept, the best of them is refitted, and a
    `SearchInterrupted` warning says so. A second Ctrl-C, or one before any candidate is complete, raises.

    No finished fold is lost when a worker process dies. The fold that it ran is run once more; a fold that kills its
    worker again counts as failed, with `WorkerDied` as the reason.

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

    @with_aliases
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
        warm_start: Any = (),
        default_first: bool | None = None,
        cache_transformers: bool = True,
        keep_predictions: bool = False,
        fold_errors: bool = False,
        progress: bool | None = False,
        callbacks: Any = (),
        stop: Any = (),
        storage: Any = None,
        study_name: str | None = None,
        verbose: int = 0,
        random_state: Any = None,
        scheduler: Any = None,
        resource: str | None = None,
        min_resources: int | str = "exhaust",
        max_resources: int | str = "auto",
        factor: float = 3,
        gradient: bool = False,
        refit_in_timeout: bool | float = False,
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
        self.warm_start = warm_start
        self.default_first = default_first
        self.cache_transformers = cache_transformers
        self.keep_predictions = keep_predictions
        self.fold_errors = fold_errors
        self.progress = progress
        self.callbacks = callbacks
        self.stop = stop
        self.storage = storage
        self.study_name = study_name
        self.verbose = verbose
        self.random_state = random_state
        self.scheduler = scheduler
        self.resource = resource
        self.min_resources = min_resources
        self.max_resources = max_resources
        self.factor = factor
        self.gradient = gradient
        self.refit_in_timeout = refit_in_timeout

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # A search needs the target that its estimator needs; scikit-learn's own searches do not declare it.
        tags.target_tags = copy.deepcopy(get_tags(self.estimator).target_tags)
        return tags

    def __sklearn_clone__(self) -> SearchCV:
        # An executor has locks and a callback may have a progress bar: they are shared, not copied. So are spaces and
        # warm starts, which no search changes: a copied choice would not be the object that a condition names.
        bare = copy.copy(self)
        shared = {
            name: getattr(self, name) for name in ("space", "warm_start", "executor", "callbacks", "stop", "storage")
        }
        for name in shared:
            setattr(bare, name, None)
        other: SearchCV = super(SearchCV, bare).__sklearn_clone__()
        for name, value in shared.items():
            setattr(other, name, value)
        return other

    @_fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> SearchCV:
        """Search, and fit the best candidate on all data.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Data; square for a precomputed kernel.
        y : array-like, optional
            Target.
        **params : dict
            Metadata for the estimator's `fit`, the scorer and the splitter (``groups``), as in scikit-learn. Values
            with an entry per row are indexed like `X`.

        Returns
        -------
        SearchCV
            This object.
        """
        start = time.monotonic()
        plan = make_plan(self)
        settings = plan.settings
        check_target(settings.estimator, y)
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        splits = make_splits(self.cv, X, y, is_classifier(self.estimator), routed.splitter.split)
        if settings.one_se is not None:
            settings.one_se.check(len(splits), settings.metrics)
        plan = plan.on(X, y, splits)
        workload = plan.workload(X, y, splits, routed)
        workload.responding = settings.responding
        pool = choose_pool(self.n_jobs, self.executor, killing=settings.fit_timeout is not None)
        check_unchanged = watch(X, y)
        plain, trackers = split_callbacks(settings.callbacks)
        with closing([*plain, *trackers]), FitHooks(self, X, y, params) as hooks:
            deadline = None if settings.timeout is None else start + settings.timeout
            trial_log = open_trial_log(settings, plan.space.space, fidelity=plan.fidelity)
            if trial_log.durable:
                check_same_search(trial_log, settings, workload)
            self.optimizer_, self.n_splits_ = trial_log.optimizer, len(splits)
            self.time_fitting_ = self.time_suggesting_ = 0.0
            plan.track(trackers, trial_log, self, len(splits))
            callbacks = [partial(self._call_back, callback) for callback in plain]
            folds = range(len(splits))
            begin = partial(plan.begin, folds, deadline, hooks, trial_log, pool is not None, callbacks, trackers)
            with keeping_leases(trial_log):
                course = self._run(workload, pool, begin, plan)
            course.settle()
            hooks.searched()
            self._tabulate(course, plan)
            if course.kept is not None:
                self.predictions_ = course.kept.table()
            if plan.differentiator is not None:
                warn_without_gradients(self.optimizer_.history)
            check_unchanged()
            if self.refit:
                self._refit(workload, hooks, plan.fidelity)
        self.scorer_ = plan.scorers
        return self

    def _call_back(self, callback: Callable[[SearchCV, Trial], Any], course: Course, trial: Trial) -> None:
        """Call a function of the user, after setting the times so far on this search."""
        self.time_fitting_, self.time_suggesting_ = course.time_fitting, course.time_suggesting
        callback(self, trial)

    def _run(
        self, workload: Workload, pool: Pool | None, begin: Callable[[], tuple[Source, Course]], plan: Plan
    ) -> Course:
        """Evaluate candidates until the search is over or Ctrl-C ends it."""
        course: Course | None = None
        self.interrupted_ = False
        try:
            with Interrupts() as interrupts, interrupts.held():
                source, course = begin()
            if workload.responding:
                course.kept = Kept([test for _, test in workload.splits], _num_samples(workload.X))
            if self.verbose > 0:
                n = "candidates" if course.expected is None else f"up to {course.expected} candidates"
                where = "in this process" if pool is None else f"on {pool.n_workers} workers"
                print(f"Fitting {self.n_splits_} folds for each of {n}, {where}")
            with course:
                run(workload, pool, [source], n_threads=plan.n_threads, fit_timeout=plan.settings.fit_timeout)
        except BaseException as error:
            # After any error, another search can continue open candidates at once.
            if course is not None:
                course.abandon()
            if course is None or not course.evaluated:
                raise
            if not isinstance(error, KeyboardInterrupt):
                self._attach(error, course, plan)
                raise
            warnings.warn(
                f"The search was interrupted; results are those of the {len(course.evaluated)} candidates that "
                f"were complete.{self._how_to_go_on()}",
                SearchInterrupted,
                stacklevel=4,
            )
            self.interrupted_ = True
        finally:
            if course is not None:
                self.time_fitting_, self.time_suggesting_ = course.time_fitting, course.time_suggesting
                if self.verbose > 0:
                    print(
                        f"{len(course.evaluated)} candidates: {self.time_fitting_:.3g} s of fitting, "
                        f"{self.time_suggesting_:.3g} s of suggesting"
                    )
        return course

    def _how_to_go_on(self) -> str:
        return "" if self.storage is None else f" The same call goes on with study {self.study_name!r} of the storage."

    def _attach(self, error: BaseException, course: Course, plan: Plan) -> None:
        """Attach this search, with the table of complete candidates, to the error that ends it."""
        with suppress(Exception):  # no fit that succeeded, or a `refit` of the user's that fails: the error comes first
            self._tabulate(course, plan)
            carry(error, self, False, Study)

    def _tabulate(self, course: Course, plan: Plan) -> None:
        refit_metric = plan.refit_metric
        self.trials_ = [course.shown(trial) for trial in self.optimizer_.trials]
        evaluated = sorted(course.evaluated, key=lambda candidate: (candidate.level or 0, candidate.number))
        out = rows(evaluated, self.error_score, callable(self.scoring))
        for stale in (*_OF_THE_BEST, *_OF_THE_LEVELS):
            if hasattr(self, stale):
                delattr(self, stale)
        levels, last = None, np.ones(len(evaluated), dtype=bool)
        if plan.fidelity is not None:
            levels = summarise(self, evaluated, plan.fidelity)
            last = levels["iter"] == levels["iter"].max()
        results = self._format_results([candidate.params for candidate in evaluated], self.n_splits_, out, levels)
        self.multimetric_ = isinstance(out[0]["test_scores"], dict)
        rule = plan.settings.one_se
        if rule is not None:
            refit_metric = "score" if rule.metric is None else rule.metric
        elif callable(self.scoring) and self.multimetric_:
            refit_metric = self.refit
        decides = (self.refit or not self.multimetric_) and (rule is not None or not callable(self.refit))
        if decides and rule is None and not plan.settings.recommends:
            folds = np.array([results[f"split{i}_test_{refit_metric}"] for i in range(self.n_splits_)]).T
            folds = folds[np.isfinite(folds).all(axis=1) & last]
            if folds.shape[0] and folds.shape[1] > 1:
                self.best_score_corrected_ = corrected_best(folds, self.optimizer_.seed)
        if course.races:
            blank(results, evaluated)
        # Before the choice of the best, so that they are there if a user's rule for it fails.
        self.cv_results_ = results
        self.trial_numbers_ = np.array([candidate.number for candidate in evaluated])
        if self.refit or not self.multimetric_:
            chosen = None
            if rule is not None:
                chosen = rule(results)
            elif plan.settings.recommends:
                chosen = recommended_row(self.optimizer_, evaluated, last)
            if chosen is not None:
                self.best_index_ = chosen
            elif levels is None or callable(self.refit):
                self.best_index_ = self._select_best_index(self.refit, refit_metric, results)
            else:
                # As in scikit-learn's halving searches: scores of lower levels are of other fits.
                best_last = results[f"rank_test_{refit_metric}"][last].argmin()
                self.best_index_ = int(np.flatnonzero(last)[best_last])
            if decides:
                self.best_score_ = results[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]

    # scikit-learn's own diagram follows the summary; `_repr_html_` calls the first, or Jupyter the second.
    def _repr_html_inner(self) -> str:
        return f"{search_html(self)}{super()._repr_html_inner()}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] = f"{search_html(self)}{bundle['text/html']}"
        return bundle

    def _refit(self, workload: Workload, hooks: FitHooks, fidelity: Fidelity | None) -> None:
        # Parameters may be estimators: those in best_params_ stay unfitted.
        best = clone(workload.estimator).set_params(**clone(self.best_params_, safe=False))
        self.best_estimator_ = best
        with hooks.refitting(best):
            start = time.perf_counter()
            if fidelity is None:
                fit(best, workload.X, workload.y, workload.fit_params)
            else:
                fidelity.refitted(best, workload.X, workload.y, workload.fit_params)
            self.refit_time_ = time.perf_counter() - start
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_


def choose(search: SearchCV, course: Course, plan: Plan) -> dict[str, Any]:
    """Set the results of `fit`, except a refit, on a search that was run; return the chosen parameters."""
    course.settle()
    search.interrupted_ = False
    search.scorer_ = plan.scorers
    search.time_fitting_, search.time_suggesting_ = course.time_fitting, course.time_suggesting
    search._tabulate(course, plan)
    chosen: dict[str, Any] = search.best_params_
    return chosen
