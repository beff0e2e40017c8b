"""Implementation of ``hpcore tune`` and ``resume``: from the options to a tuned model, its files and the report."""

from __future__ import annotations

import math
import shlex
import time
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from hpcore.cli import auto
from hpcore.cli.directory import claim, held
from hpcore.cli.fidelity import NO_SCHEDULER, options_of
from hpcore.cli.files import STORE
from hpcore.cli.quiet import quiet
from hpcore.cli.request import REQUEST, Request, check_request, read_request, to_plain
from hpcore.errors import InvalidArgument
from hpcore.tables.data import load
from hpcore.tables.prepare import Prepared, assess, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from hpcore.space import Space
    from hpcore.tables.leakage import Leak
    from hpcore.tables.remark import Remark

__all__ = ["resume", "run"]

DEFAULT_OUT = "hpcore-out"
DEFAULT_TRIALS = 40
SHOWN = 6  # warnings of one kind
NO_LIMIT = 10**9  # trials, if only a limit of time ends the search
SOON = 1e-3  # seconds of a search whose time is over before it begins
OK, INTERRUPTED = 0, 130
NOT_LEARNING = ("random", "grid", "sobol")  # samplers whose points do not depend on results
LIMITS = {"timeout", "time"}  # options of which only one may be given


@dataclass
class _Plan:
    """A request that is checked and ready to run.

    Attributes
    ----------
    prepared : Prepared
        Task, pipeline and space.
    sampler : str or Sampler
        Sampler of the trials.
    space : Space
        Space of the sampler, without the resource of a scheduler.
    levels : dict
        Arguments of `SearchCV` for a scheduler; empty without one.
    n_trials : int or None
        Number of trials; None if only a limit of time ends the search.
    name : str
        Name of the study, the same for the same search.
    directory : Path
        Directory of the results.
    constant : ndarray of shape (n_folds,)
        Scores of a constant answer.
    leaks : list of Leak
        Columns that alone predict the target.
    remarks : list of Remark
        Further facts about the data that may make the score misleading.
    default : dict or None
        Parameters of the model as it is; None if the space has none of them.
    """

    prepared: Prepared
    sampler: Any
    space: Space
    levels: dict[str, Any]
    n_trials: int | None
    name: str
    directory: Path
    constant: Any
    leaks: list[Leak]
    remarks: list[Remark]
    default: dict[str, Any] | None


def run(request: Request, resumed: str | None = None) -> int:
    """Run a search and write its results.

    Parameters
    ----------
    request : Request
        Options of the command.
    resumed : str, optional
        Name of the study that these options must continue.

    Returns
    -------
    int
        Exit code: 0, or 130 after Ctrl-C.

    Raises
    ------
    InvalidArgument
        An option is wrong; nothing has been trained.
    click.ClickException
        Every trial failed, or the results cannot be saved.
    """
    if request.scheduler == NO_SCHEDULER and not auto.chooses(request):
        request = replace(request, scheduler=None)
    if auto.chooses(request):
        return auto.run(request, DEFAULT_OUT, resumed)
    start = time.monotonic()
    plan = _prepare(request)
    if resumed not in (None, plan.name):
        raise InvalidArgument(
            f"study {resumed!r} cannot be resumed: its data, or the space for the model in this version of hpcore, has "
            f"changed; hpcore tune starts a new study"
        )
    prepared = plan.prepared
    for notice in [*prepared.notices, *(remark.text for remark in plan.remarks)]:
        click.echo(f"note: {notice}", err=True)
    for leak in plan.leaks[:SHOWN]:
        ids = "it has a different value in each row, as ids have; " if leak.distinct else ""
        click.echo(
            f"warning: {leak.column!r} alone gives {prepared.scoring} {leak.score:.4f}: {ids}remove it if it is "
            f"not known before {prepared.problem.target!r} is",
            err=True,
        )
    with held(plan.directory, plan.name):
        return _search(request, plan, start)


def _prepare(request: Request) -> _Plan:
    from hpcore.cli.grid import grid_of
    from hpcore.tables import presets
    from hpcore.tables.defaults import nearest_to_default
    from hpcore.tables.remarks import about_rows
    from hpcore.tables.wording import COMMAND

    check_request(request)
    if request.ensemble:
        raise InvalidArgument("--ensemble needs several models: add --model auto, or --model with each of their names")
    if request.model is not None:
        presets.get(request.model, request.task)
    prepared = prepare(
        load(request.data, request.encoding),
        target=request.target,
        task=request.task,
        model=request.model,
        scoring=request.scoring,
        n_folds=request.n_folds,
        seed=request.seed,
        drop=request.drop,
        positive=request.positive,
    )
    from hpcore.sklearn.schedule import HALVING

    limited = request.timeout or request.time
    n_trials = request.trials or (None if limited else DEFAULT_TRIALS)
    sampler: Any = request.sampler
    space, levels = prepared.space, dict[str, Any]()
    if request.scheduler is not None:
        space, levels = options_of(request.scheduler, request.resource, prepared.pipeline, space)
    if sampler == "grid":
        sampler, n_trials = grid_of(space, n_trials or DEFAULT_TRIALS)
    elif request.scheduler in HALVING:
        n_trials = n_trials or DEFAULT_TRIALS  # all of them begin before the first goes on
    name = _name_of(request, prepared, sampler)
    directory = claim(request.out, DEFAULT_OUT, name, request.overwrite)
    constant, leaks = assess(prepared, request.seed)
    problem = prepared.problem
    splits = list(prepared.folds.split(problem.X, problem.y))
    remarks = about_rows(problem, prepared.columns, splits, wording=COMMAND)
    default = nearest_to_default(prepared.pipeline.get_params(), space, len(prepared.columns))
    return _Plan(prepared, sampler, space, levels, n_trials, name, directory, constant, leaks, remarks, default)


def _name_of(request: Request, prepared: Prepared, sampler: Any) -> str:
    """Make the name of the study of a search: the same for the same search and data."""
    import hashlib
    import json

    from hpcore.evaluation.fingerprint import fingerprint
    from hpcore.ledger.spaces import space_to_spec
    from hpcore.sklearn.spaces import read_space

    problem = prepared.problem
    same: list[Any] = [
        problem.name,
        problem.target,
        problem.task,
        prepared.model,
        request.sampler,
        repr(sampler),
        prepared.scoring,
    ]
    space = read_space(prepared.space).space
    # Without the pipeline: it follows from data and model, and its text differs between processes.
    same += [request.n_folds, request.seed, fingerprint(problem.X), fingerprint(problem.y), space_to_spec(space)]
    # The formats of numbers are already applied to X; only dates are converted later.
    same += sorted(prepared.columns.dates.items())
    # Options that are newer than some stored studies count only if they are given.
    for option in ("positive", "racing", "scheduler", "resource"):
        if getattr(request, option):
            same.append((option, getattr(request, option)))
    digest = hashlib.sha256(json.dumps([str(item) for item in same]).encode()).hexdigest()[:8]
    return f"{problem.name[:200]} {prepared.model} {request.sampler} {digest}"


def _keep(request: Request, plan: _Plan) -> Any:
    """Open the study of a search in the store of its directory, and note the options there for `resume`."""
    import hpcore
    from hpcore.sklearn.spaces import read_space
    from hpcore.storage import open_storage

    store = open_storage(plan.directory / STORE)
    study = hpcore.Study(
        read_space(plan.prepared.space).space,
        storage=store,
        name=plan.name,
        direction="maximize",
        sampler=plan.sampler,
        seed=request.seed,
    )
    finished = sum(trial.state != "running" for trial in study.trials)
    if finished:
        click.echo(f"note: continuing with {finished} candidates from {plan.directory / STORE}", err=True)
    constant = float(plan.constant.mean())
    study.user_attrs["constant score"] = constant if math.isfinite(constant) else None
    if plan.leaks:
        study.user_attrs["columns that alone predict the target"] = [leak.column for leak in plan.leaks]
    study.user_attrs[REQUEST] = to_plain(request)
    return store


def resume(store: str, study: str | None, as_json: bool, debug: bool, overwrite: bool, **given: Any) -> int:
    """Continue a search that `run` started.

    Parameters
    ----------
    store : str
        Path of the store, or of its directory.
    study : str or None
        Name of the study; None for the one that the files in the directory belong to, or else the only one.
    as_json, debug, overwrite
        Options of the output.
    **given
        Options of the search, which replace the original ones unless they are None.

    Returns
    -------
    int
        Exit code, see `run`.

    Raises
    ------
    InvalidArgument
        The study is not one of ``hpcore tune``, or its data is no longer at its path.
    """
    from pathlib import Path

    path = Path(store) / STORE if Path(store).is_dir() else Path(store)
    if path.name != STORE:
        raise InvalidArgument(f"resume takes the {STORE} of hpcore tune, or its directory, got {store!r}")
    changes = {name: value for name, value in given.items() if value is not None}
    if len(changes.keys() & LIMITS) == 1:  # it replaces the other one, too
        changes = {**dict.fromkeys(LIMITS), **changes}
    name, request = read_request(path, study, {**changes, "as_json": as_json, "debug": debug, "overwrite": overwrite})
    return run(request, name)


def _search(request: Request, plan: _Plan, begun: float) -> int:
    import numpy as np
    from joblib import cpu_count

    from hpcore.cli import report
    from hpcore.cli.page import save_page
    from hpcore.cli.predict import save_model
    from hpcore.sklearn import AllFitsFailed, SearchCV
    from hpcore.tables.baseline import is_better
    from hpcore.tables.early import finalise, n_final_fits
    from hpcore.tables.remarks import remarks_after

    prepared, problem = plan.prepared, plan.prepared.problem
    start = time.perf_counter()
    store, options = None, plan.levels
    if request.scheduler is None:
        store = _keep(request, plan)
        options = {"storage": store, "study_name": plan.name}
    else:
        click.echo("note: a search with a scheduler is not stored: the same command begins anew", err=True)
    again = "the same command begins anew" if store is None else f"hpcore resume {shlex.quote(str(plan.directory))}"
    timeout = request.timeout
    if request.time is not None:
        timeout = max(request.time - (time.monotonic() - begun), SOON)
    with quiet(request.debug):
        search = SearchCV(
            prepared.pipeline,
            plan.space,
            strategy=plan.sampler,
            n_trials=plan.n_trials or NO_LIMIT,
            timeout=timeout,
            refit_in_timeout=0.0 if request.time is None else n_final_fits(prepared.pipeline),
            fit_timeout=request.fit_timeout,
            racing=request.racing,
            cv=prepared.folds,
            scoring=prepared.scorer,
            n_jobs=request.jobs,
            error_score=np.nan,
            warm_start=[] if plan.default is None or request.sampler in NOT_LEARNING else [plan.default],
            default_first=False,
            progress=True,
            random_state=request.seed,
            **options,
        )
        try:
            search.fit(problem.X, problem.y)
            fitted = time.perf_counter()
            # The rows that early stopping held out count, too, and the model is one of its library.
            search.best_estimator_ = finalise(search.best_estimator_, problem.X, problem.y)
            search.refit_time_ += time.perf_counter() - fitted
        except AllFitsFailed as error:
            raise click.ClickException(f"every trial failed: {str(error).strip().splitlines()[-1]}") from error
        except KeyboardInterrupt:
            if store is not None:
                click.echo(f"to go on: {again}", err=True)
            raise
    failure, files = None, []
    if store is not None:
        store.close()
    try:
        saved = report.save(plan.directory, search, plan.space.names)
        for path in chain(saved, save_model(plan.directory, search, prepared, plan.constant)):
            files.append(str(path))
        (plan.directory / auto.LEADERBOARD).unlink(missing_ok=True)  # of a search that --overwrite replaces
        page = save_page(plan.directory, search, f"{problem.name}: {prepared.model}")
        files += [] if page is None else [str(page)]
    except OSError as error:
        # The search may have taken hours, so its result is printed anyway.
        failure = f"the results could not be saved in {plan.directory}: {error.strerror or error}"
    best = search.best_index_
    trials = report.finished(search)
    splits = np.array([search.cv_results_[f"split{i}_test_score"][best] for i in range(request.n_folds)], dtype=float)
    constant = float(np.mean(plan.constant))
    default = _default_folds(search, plan.default)
    corrected = getattr(search, "best_score_corrected_", None)
    is_default = search.best_params_ == plan.default
    # A comparison with the constant answer has a line of its own.
    remarks = [*plan.remarks, *remarks_after(splits, None if is_default else default, None)]
    result = report.Report(
        best_score=float(search.best_score_),
        score_std=float(search.cv_results_["std_test_score"][best]),
        best_params=report.values(search.best_params_),
        best_trial=int(trials[best].number),
        n_trials=len({trial.number for trial in trials}),
        n_failed=len({trial.number for trial in trials if trial.state == "failed"}),
        n_pruned=len({trial.number for trial in trials if trial.state == "pruned"}),
        interrupted=bool(search.interrupted_),
        data=problem.name,
        target=problem.target,
        rows=len(problem.y),
        columns=len(prepared.columns),
        task=problem.task,
        model=prepared.model,
        scoring=prepared.scoring,
        sampler=request.sampler,
        cv=request.n_folds,
        jobs=cpu_count() if request.jobs == -1 else request.jobs,
        seed=request.seed,
        seconds=time.perf_counter() - start,
        seconds_fitting=float(search.time_fitting_),
        seconds_suggesting=float(search.time_suggesting_),
        seconds_refit=float(search.refit_time_),
        files=files,
        constant_score=constant if np.isfinite(constant) else None,
        better_than_constant=is_better(splits, plan.constant) if np.isfinite(constant) else None,
        suspects=[{"column": leak.column, "score": leak.score} for leak in plan.leaks],
        notes=prepared.notices,
        scheduler=request.scheduler,
        resource=None if request.scheduler is None else request.resource or "n_samples",
        levels=None if request.scheduler is None else list(search.n_resources_),
        default_score=None if default is None else float(np.mean(default)),
        corrected_score=None if corrected is None or not math.isfinite(corrected) else float(corrected),
        remarks=[remark.text for remark in remarks],
    )
    click.echo(result.to_json() if request.as_json else report.text(result))
    if failure is not None:
        raise click.ClickException(failure)
    if not result.interrupted:
        report.say_what_lacks(search, again)
        return OK
    click.echo(f"interrupted; to go on: {again}", err=True)
    return INTERRUPTED


def _default_folds(search: Any, default: dict[str, Any] | None) -> Any:
    """Return the scores of the model as it is; None if it was not evaluated in all folds with the largest resource."""
    import numpy as np

    results = search.cv_results_
    levels = results.get("n_resources")
    for i, params in enumerate(results["params"]):
        if params == default and (levels is None or levels[i] == max(levels)):
            folds = np.array([results[f"split{k}_test_score"][i] for k in range(search.n_splits_)], dtype=float)
            return folds if np.isfinite(folds).all() else None
    return None
