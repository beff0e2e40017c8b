"""Search among the models of a table that is ready, and what follows from it."""

from __future__ import annotations

import math
import time as clock
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.exceptions import FitFailedWarning

from hpcore.sklearn import AllFitsFailed, SearchCV
from hpcore.study import Study
from hpcore.tables.autotuned import AutoTuned, own_params
from hpcore.tables.budget import Budget
from hpcore.tables.candidates import Candidates, make_candidates
from hpcore.tables.choice_space import MODEL
from hpcore.tables.early import n_final_fits
from hpcore.tables.final import combined, final_threads, fit_final, with_reader
from hpcore.tables.folds import share_tested
from hpcore.tables.leaderboard import leaderboard
from hpcore.tables.model_sampler import ModelSampler
from hpcore.tables.ready import Options, Ready
from hpcore.tables.remark import Remark
from hpcore.tables.remarks import remarks_after

__all__ = ["begins_small", "open_study", "study_name", "tune"]

# Candidates without a limit of time, and those that a limit of time alone would never reach.
DEFAULT_TRIALS, NO_LIMIT = 100, 10**9
# Rows from which candidates begin with a part of the rows, and the number of parts in which they grow to all of them.
LARGE_ROWS, LEVELS, FACTOR = 5_000, 3, 3
# Seconds below which starting worker processes would take most of the time, and those below which one for a single job
# would take much of it.
SHORT_TIME, LONG_TIME = 5.0, 20.0
# Share of the time that is left for the final fits of an ensemble, besides that of the best candidate.
MEMBERS_SHARE = 0.1
# Seconds of a search whose time is over before it begins.
SOON = 1e-3
# Modules whose warnings are about a fit, such as one that did not converge. A search also tries bad values, so they
# come by hundreds; those of callbacks and of a score of one's own are not theirs.
FITTERS = r"(sklearn|scipy|numpy|lightgbm|xgboost|catboost|hpcore\.tables\.(steps\w*|early))(\.|$)"


def tune(ready: Ready, options: Options, start: float | None = None) -> AutoTuned:
    """Search, and fit the best candidate to all rows; see `autotune`.

    Parameters
    ----------
    ready : Ready
        Problem.
    options : Options
        Options with which it was made ready.
    start : float, optional
        Time of the monotonic clock from which ``options.time`` counts; now by default.
    """
    budget = Budget(options.time, clock.monotonic() if start is None else start)
    # Weights are passed by the name of their step, whether the program of the user routes its own or not.
    with config_context(enable_metadata_routing=False):
        return _tuned(ready, options, budget)


def _tuned(ready: Ready, options: Options, budget: Budget) -> AutoTuned:
    problem = ready.problem
    candidates = _candidates(ready, options)
    weights = {} if ready.sample_weight is None else {"model__sample_weight": ready.sample_weight}
    search = _search(ready, candidates, options, budget)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FitFailedWarning)  # the leaderboard counts them
        warnings.filterwarnings("ignore", "One or more of the test scores are non-finite", UserWarning)
        warnings.filterwarnings("ignore", module=FITTERS)
        search.fit(problem.X, problem.y, **weights)
    return _result(ready, candidates, search, options, budget)


def _n_rows(rows: Any) -> int:
    return int(rows.sum()) if rows.dtype == bool else len(rows)


def begins_small(ready: Ready, options: Options) -> bool:
    """Tell whether candidates begin with a part of the rows: in a large table, unless the search is stored."""
    if options.scheduler is not None:
        return bool(options.scheduler != "none")
    return len(ready.problem.y) >= LARGE_ROWS and options.storage is None


def _levels(n_trials: int | None) -> int:
    """Return the number of parts in which candidates grow to all rows: of few candidates at least one must get there,
    and only one in `FACTOR` goes on at each."""
    levels = LEVELS
    while n_trials is not None and levels > 1 and FACTOR ** (levels - 1) > n_trials:
        levels -= 1
    return levels


def study_name(ready: Ready, options: Options) -> str:
    """Name a stored search: the same for the same data and options."""
    import hashlib

    from hpcore.evaluation.fingerprint import fingerprint
    from hpcore.sklearn.stored import content_hash

    problem = ready.problem
    same: list[Any] = [problem.name, problem.target, problem.task, ready.models, ready.scoring, str(options.positive)]
    same += [repr(options.sampler), options.seed, len(ready.splits), fingerprint(problem.X), fingerprint(problem.y)]
    same += sorted(ready.columns.dates.items())
    same += [content_hash(ready.splits), content_hash(ready.sample_weight)]
    same += [content_hash(options.scoring)] if callable(options.scoring) else []
    return f"{problem.name[:200]} autotune {hashlib.sha256(repr(same).encode()).hexdigest()[:8]}"


def open_study(ready: Ready, options: Options) -> Study:
    """Open the study of a stored search, which is created if there is none."""
    candidates = _candidates(ready, options)
    return Study(
        candidates.choice.space,
        storage=options.storage,
        name=options.study_name or study_name(ready, options),
        direction="maximize",
        sampler=_sampler(candidates, options),
        seed=options.seed,
    )


def _candidates(ready: Ready, options: Options) -> Candidates:
    n_fit = min(len(ready.problem.y) - 1, _n_rows(ready.splits[0][0]))
    return make_candidates(ready.models, ready.problem.task, ready.columns, n_fit, options.seed)


def _sampler(candidates: Candidates, options: Options) -> ModelSampler:
    limited = options.time is not None or options.timeout is not None
    return ModelSampler(candidates.choice, options.sampler, by_time=limited)


def _fit_timeout(options: Options) -> float | None:
    """Limit for a fold: a quarter of the time, unless the time is short.

    It needs worker processes, which is too much for one job and little time.
    """
    if options.fit_timeout is not None or options.time is None or options.executor is not None:
        return options.fit_timeout
    enough = LONG_TIME if options.n_jobs == 1 else SHORT_TIME
    return max(SHORT_TIME, options.time / 4.0) if options.time >= enough else None


def _search(ready: Ready, candidates: Candidates, options: Options, budget: Budget) -> SearchCV:
    n_rows, n_folds = len(ready.problem.y), len(ready.splits)
    seconds = options.time or options.timeout
    short = seconds is not None and seconds < SHORT_TIME
    further: dict[str, Any] = {}
    if begins_small(ready, options):
        further = {
            "scheduler": options.scheduler or "asha",
            "resource": "n_samples",
            "min_resources": max(1, n_rows // FACTOR ** (_levels(options.n_trials) - 1)),
            "factor": FACTOR,
        }
    if options.storage is not None:
        further |= {"storage": options.storage, "study_name": options.study_name or study_name(ready, options)}
    reserved = MEMBERS_SHARE * options.time if options.ensemble and options.time is not None else 0.0
    fit_timeout = _fit_timeout(options)
    most = options.n_trials or (DEFAULT_TRIALS if seconds is None else NO_LIMIT)
    return SearchCV(
        candidates.estimator,
        candidates.choice.space,
        strategy=_sampler(candidates, options),
        n_trials=most,
        timeout=options.timeout if options.time is None else max(SOON, budget.left() - reserved),
        refit_in_timeout=0.0 if options.time is None else max(map(n_final_fits, candidates.estimator.models.values())),
        cv=ready.splits,
        scoring=ready.scorer,
        n_jobs=1 if short and options.executor is None and fit_timeout is None else options.n_jobs,
        executor=options.executor,
        refit=False,
        error_score=np.nan,
        # Those that run on all folds although they race are the members that an ensemble may have.
        racing=n_folds > 2,
        fit_timeout=fit_timeout,
        warm_start=list(candidates.defaults.values())[:most],
        default_first=False,
        keep_predictions=options.ensemble,
        progress=options.progress,
        callbacks=list(options.callbacks),
        random_state=options.seed,
        **further,
    )


def _result(ready: Ready, candidates: Candidates, search: SearchCV, options: Options, budget: Budget) -> AutoTuned:
    """Fit the best candidate to all rows, and compare the models."""
    if not math.isfinite(search.best_score_):
        failure = next((trial.error for trial in search.trials_ if trial.error), "all scores are NaN")
        raise AllFitsFailed(f"none of the {len(search.trials_)} candidates has a score by {ready.scoring}: {failure}")
    problem, results, best = ready.problem, search.cv_results_, int(search.best_index_)
    params = dict(search.best_params_)
    model = params[MODEL]
    folds = np.array([results[f"split{i}_test_score"] for i in range(search.n_splits_)], dtype=float).T
    whole, resources = np.ones(len(folds), dtype=bool), None
    if "n_resources" in results:
        # The largest that was reached, which is less than all rows if the search ended early.
        resources = np.asarray(results["n_resources"])
        whole = resources == resources.max()
    models = [candidate[MODEL] for candidate in results["params"]]
    default_folds = _default_folds(candidates.defaults[model], results["params"], folds, whole)
    default_wins = params == candidates.defaults[model]
    n_failed = dict.fromkeys(ready.models, 0)
    for trial in search.trials_:
        n_failed[trial.params[MODEL]] += trial.state == "failed"
    rows = leaderboard(
        models,
        search.trial_numbers_.tolist(),
        folds,
        (results["mean_fit_time"] + results["mean_score_time"]) * results.get("n_folds_evaluated", search.n_splits_),
        test_share=share_tested(ready.splits),
        estimates=results["mean_test_score"],
        resources=resources,
        failed=n_failed,
        defaults=_default_numbers(candidates, results["params"], whole, search.trial_numbers_),
    )
    started = clock.perf_counter()
    level = getattr(search, "max_resources_", 1) / results.get("n_resources", np.ones(best + 1))[best]
    n_threads = final_threads(float(results["mean_fit_time"][best]) * level, options.n_jobs)
    fitted = fit_final(candidates.estimator, params, problem, ready.sample_weight, n_threads)
    pipeline = search.best_estimator_ = with_reader(fitted, ready.columns)
    search.refit_time_ = clock.perf_counter() - started
    ensemble, ensemble_score, said = None, None, list[Remark]()
    if options.ensemble:
        ensemble, ensemble_score, said = combined(
            candidates.estimator, search, (params, pipeline), ready, budget, options.n_jobs
        )
        n_known = len(search.predictions_)
        if options.storage is not None and n_known < min(2, np.isfinite(folds).all(axis=1).sum()):
            said = [Remark("ensemble", "there is no ensemble, because predictions of earlier calls are not stored")]
    remarks = [
        *ready.remarks,
        *_about_part(search, best),
        *said,
        *remarks_after(folds[best], None if default_wins else default_folds, ready.constant, ready.n_draws),
        *_about_untried(search, ready.models, models, options),
    ]
    corrected = getattr(search, "best_score_corrected_", None)
    constant = float(np.mean(ready.constant))
    return AutoTuned(
        best_model_=model,
        best_params_=own_params(model, params),
        best_estimator_=pipeline,
        best_score_=float(search.best_score_),
        score_std_=float(results["std_test_score"][best]),
        best_score_corrected_=None if corrected is None or not math.isfinite(corrected) else float(corrected),
        default_score_=None if default_folds is None else float(np.mean(default_folds)),
        constant_score_=constant if math.isfinite(constant) else None,
        scoring_=ready.scoring,
        ensemble=ensemble,
        ensemble_score_=ensemble_score,
        remarks=tuple(remarks),
        notices=tuple(problem.notices + ready.columns.notices),
        n_trials_=_n_finished(search),
        seconds_=clock.monotonic() - budget.start,
        search_=search,
        problem=problem,
        rows=rows,
    )


def _n_finished(search: SearchCV) -> int:
    """Count candidates, also those of a part of the rows; those that the end of the time left unfinished are none."""
    return sum(trial.state not in ("running", "withdrawn") for trial in search.trials_)


def _default_folds(default: dict[str, Any], params: Sequence[Any], folds: Any, whole: Any) -> Any:
    """Return the scores of a model's default in all folds; None if it was stopped before."""
    for given, scores, full in zip(params, folds, whole, strict=True):
        if full and given == default and np.isfinite(scores).all():
            return scores
    return None


def _default_numbers(candidates: Candidates, params: Sequence[Any], whole: Any, numbers: Any) -> dict[str, int]:
    """Return the number of the candidate that is each model's default, where it has the full resource."""
    return {
        given[MODEL]: int(number)
        for given, full, number in zip(params, whole, numbers, strict=True)
        if full and given == candidates.defaults[given[MODEL]]
    }


def _about_part(search: SearchCV, best: int) -> list[Remark]:
    """Say that no candidate had all training rows, where that is so."""
    resources = search.cv_results_.get("n_resources")
    if resources is None or resources[best] >= search.max_resources_:
        return []
    share = f"{100.0 * resources[best] / search.max_resources_:.0f} % of the training rows of each fold"
    return [
        Remark(
            "rows",
            f"scores are those of models fitted to {share}, because no candidate was finished with all of them; the "
            "final model is fitted to all rows",
        )
    ]


def _about_untried(search: SearchCV, models: Sequence[str], tried: Sequence[str], options: Options) -> list[Remark]:
    """Say which models have no candidate with a score, and what ended the search before."""
    untried = [model for model in models if model not in tried]
    if not untried:
        return []
    n, names = _n_finished(search), ", ".join(untried)
    were, have = ("were", "have") if len(untried) > 1 else ("was", "has")
    seconds = options.time or options.timeout
    if search.interrupted_:
        return [Remark("models", f"{names} {were} not finished, because the search was interrupted")]
    if options.n_trials is not None and n >= options.n_trials:
        return [Remark("models", f"{names} {were} not tried: candidates were limited to {options.n_trials}")]
    if seconds is not None and n < len(models):
        text = f"{seconds:g} s were enough for the defaults of {len(set(tried))} of {len(models)} models only: "
        return [Remark("time", f"{text}{names} {were} not finished, and nothing was tuned")]
    ended = "all fits failed" if seconds is None else "the time ended, or all fits failed"
    return [Remark("time" if seconds is not None else "models", f"{names} {have} no score: {ended}")]
