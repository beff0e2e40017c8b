"""Implementation of ``hpcore tune`` and ``resume``: from the options to a tuned model, its files and the report."""

from __future__ import annotations

import math
import shlex
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from hpcore.cli.fidelity import check_scheduler, options_of
from hpcore.cli.files import STORE, prepare_directory
from hpcore.errors import DamagedStore, InvalidArgument, closest
from hpcore.tables.data import load
from hpcore.tables.prepare import Prepared, assess, prepare

if TYPE_CHECKING:
    from pathlib import Path

    from hpcore.tables.leakage import Leak
    from hpcore.tables.presets import Task

__all__ = ["Request", "resume", "run"]

DEFAULT_TRIALS = 40
SHOWN = 6  # warnings of one kind
NO_LIMIT = 10**9  # trials, if only the timeout ends the search
OK, INTERRUPTED = 0, 130
REQUEST = "hpcore tune"  # attribute of a study with the options of its command


@dataclass(frozen=True)
class Request:
    """Options of the command as they were given."""

    data: str
    target: str | None
    task: Task | None
    model: str | None
    sampler: str
    trials: int | None
    timeout: float | None
    cv: int
    scoring: str | None
    jobs: int
    seed: int
    out: str
    as_json: bool
    debug: bool
    encoding: str | None = None
    scheduler: str | None = None
    resource: str | None = None


@dataclass
class _Plan:
    """A request that is checked and ready to run.

    Attributes
    ----------
    prepared : Prepared
        Task, pipeline and space.
    n_trials : int or None
        Number of trials; None if only the timeout ends the search.
    directory : Path
        Directory of the results.
    constant : ndarray of shape (n_folds,)
        Scores of a constant answer.
    leaks : list of Leak
        Columns that alone predict the target.
    """

    prepared: Prepared
    n_trials: int | None
    directory: Path
    constant: Any
    leaks: list[Leak]


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
    plan = _prepare(request)
    prepared = plan.prepared
    for notice in prepared.notices:
        click.echo(f"note: {notice}", err=True)
    for leak in plan.leaks[:SHOWN]:
        ids = "it has a different value in each row, as ids have; " if leak.distinct else ""
        click.echo(
            f"warning: {leak.column!r} alone gives {prepared.scoring} {leak.score:.4f}: {ids}remove it if it is "
            f"not known before {prepared.problem.target!r} is",
            err=True,
        )
    return _search(request, plan, resumed)


def _prepare(request: Request) -> _Plan:
    from hpcore import samplers
    from hpcore.tables import presets

    if request.sampler not in samplers.names():
        raise InvalidArgument(
            f"--sampler must be one of {', '.join(samplers.names())}, got {request.sampler!r}"
            f"{closest(request.sampler, samplers.names())}"
        )
    check_scheduler(request.scheduler, request.resource)
    if request.model is not None:
        presets.get(request.model, request.task)
    prepared = prepare(
        load(request.data, request.encoding),
        target=request.target,
        task=request.task,
        model=request.model,
        scoring=request.scoring,
        n_folds=request.cv,
        seed=request.seed,
    )
    directory = prepare_directory(request.out)
    n_trials = request.trials or (None if request.timeout else DEFAULT_TRIALS)
    return _Plan(prepared, n_trials, directory, *assess(prepared, request.seed))


def _keep(request: Request, plan: _Plan, sampler: Any, resumed: str | None) -> tuple[Any, Any]:
    """Open the store in the directory and the study of this search, which is the same for the same search and data.

    The request is stored as an attribute of the study, for `resume`.
    """
    import hashlib
    import json

    import hpcore
    from hpcore.evaluation.fingerprint import fingerprint
    from hpcore.ledger.spaces import space_to_spec
    from hpcore.sklearn.spaces import read_space
    from hpcore.storage import open_storage

    prepared, problem = plan.prepared, plan.prepared.problem
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
    same += [request.cv, request.seed, fingerprint(problem.X), fingerprint(problem.y), space_to_spec(space)]
    # The formats of numbers are already applied to X; only dates are converted later.
    same += sorted(prepared.columns.dates.items())
    digest = hashlib.sha256(json.dumps([str(item) for item in same]).encode()).hexdigest()[:8]
    name = f"{problem.name[:200]} {prepared.model} {request.sampler} {digest}"
    if resumed not in (None, name):
        raise InvalidArgument(
            f"study {resumed!r} cannot be resumed: its data, or the space for the model in this version of hpcore, has "
            f"changed; hpcore tune starts a new study"
        )
    store = open_storage(plan.directory / STORE)
    study = hpcore.Study(
        space,
        storage=store,
        name=name,
        direction="maximize",
        sampler=sampler,
        seed=request.seed,
    )
    finished = sum(trial.state != "running" for trial in study.trials)
    if finished:
        click.echo(f"note: continuing with {finished} candidates from {plan.directory / STORE}", err=True)
    constant = float(plan.constant.mean())
    study.user_attrs["constant score"] = constant if math.isfinite(constant) else None
    if plan.leaks:
        study.user_attrs["columns that alone predict the target"] = [leak.column for leak in plan.leaks]
    kept = {**asdict(request), "data": _absolute(request.data)}
    study.user_attrs[REQUEST] = {key: kept[key] for key in kept if key not in ("out", "as_json", "debug")}
    return store, study


def _absolute(data: str) -> str:
    from pathlib import Path

    return str(Path(data).expanduser().absolute()) if Path(data).expanduser().exists() else data


def resume(
    store: str,
    study: str | None,
    trials: int | None,
    timeout: float | None,
    jobs: int | None,
    as_json: bool,
    debug: bool,
) -> int:
    """Continue a search that `run` started.

    Parameters
    ----------
    store : str
        Path of the store, or of its directory.
    study : str or None
        Name of the study; None for the only one.
    trials, timeout, jobs
        Options that replace the original ones, if given.
    as_json, debug
        Options of the output.

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

    from hpcore.ledger.attributes import user_attributes
    from hpcore.ledger.studies import find
    from hpcore.storage import open_storage

    path = Path(store) / STORE if Path(store).is_dir() else Path(store)
    if path.name != STORE:
        raise InvalidArgument(f"resume takes the {STORE} of hpcore tune, or its directory, got {store!r}")
    kept = open_storage(path, create=False, read_only=True)
    record = find(kept, study)
    request = user_attributes(kept.read(lambda t: t.attributes(record.id))).get(REQUEST)
    kept.close()
    if request is None:
        raise InvalidArgument(
            f"study {record.name!r} was not created by hpcore tune: continue it from the program that created it"
        )
    given = {"trials": trials, "timeout": timeout, "jobs": jobs}
    given = {key: value for key, value in given.items() if value is not None}
    try:
        known = {field.name for field in fields(Request)}
        whole = Request(**{**request, **given, "out": str(path.parent), "as_json": as_json, "debug": debug})
        if not request.keys() <= known or not isinstance(whole.data, str):
            raise ValueError("not the options of hpcore tune")
    except (TypeError, ValueError, AttributeError) as error:
        raise DamagedStore(f"the stored options of study {record.name!r} are damaged: {error}") from None
    return run(whole, record.name)


@contextmanager
def _quiet(debug: bool) -> Iterator[None]:
    """Hide the warnings of fits: a search also tries bad values, and thousands of lines would hide the result."""
    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
        yield


def _search(request: Request, plan: _Plan, resumed: str | None) -> int:
    import numpy as np
    from joblib import cpu_count

    from hpcore.cli import report
    from hpcore.cli.grid import grid_of
    from hpcore.cli.page import save_page
    from hpcore.sklearn import AllFitsFailed, SearchCV
    from hpcore.sklearn.schedule import HALVING
    from hpcore.tables.baseline import is_better

    prepared, problem = plan.prepared, plan.prepared.problem
    start = time.perf_counter()
    sampler: Any = request.sampler
    expected = plan.n_trials
    space, levels = prepared.space, dict[str, Any]()
    if request.scheduler is not None:
        space, levels = options_of(request.scheduler, request.resource, prepared.pipeline, space)
    if sampler == "grid":
        sampler, expected = grid_of(space, expected or DEFAULT_TRIALS)
    store, study, options = None, None, {}
    if request.scheduler is None:
        store, study = _keep(request, plan, sampler, resumed)
        options = {"storage": store, "study_name": study.name}
    else:
        options = levels
        click.echo("note: a search with a scheduler is not stored: the same command begins anew", err=True)
        if request.scheduler in HALVING:
            expected = expected or DEFAULT_TRIALS  # all of them begin before the first goes on
    with _quiet(request.debug):
        search = SearchCV(
            prepared.pipeline,
            space,
            strategy=sampler,
            n_trials=expected or NO_LIMIT,
            timeout=request.timeout,
            cv=prepared.folds,
            scoring=prepared.scorer,
            n_jobs=request.jobs,
            error_score=np.nan,
            progress=True,
            random_state=request.seed,
            **options,
        )
        try:
            search.fit(problem.X, problem.y)
        except AllFitsFailed as error:
            raise click.ClickException(f"every trial failed: {str(error).strip().splitlines()[-1]}") from error
    failure, files = None, []
    if store is not None:
        store.close()
    try:
        for path in report.save(plan.directory, search, space.names):
            files.append(str(path))
        page = save_page(plan.directory, search, f"{problem.name}: {prepared.model}")
        files += [] if page is None else [str(page)]
    except OSError as error:
        # The search may have taken hours, so its result is printed anyway.
        failure = f"the results could not be saved in {plan.directory}: {error.strerror or error}"
    best = search.best_index_
    trials = report.finished(search)
    splits = np.array([search.cv_results_[f"split{i}_test_score"][best] for i in range(request.cv)], dtype=float)
    constant = float(np.mean(plan.constant))
    result = report.Report(
        best_score=float(search.best_score_),
        score_std=float(search.cv_results_["std_test_score"][best]),
        best_params=report.values(search.best_params_),
        best_trial=int(trials[best].number),
        n_trials=len({trial.number for trial in trials}),
        n_failed=len({trial.number for trial in trials if trial.state == "failed"}),
        interrupted=bool(search.interrupted_),
        data=problem.name,
        target=problem.target,
        rows=len(problem.y),
        columns=len(prepared.columns),
        task=problem.task,
        model=prepared.model,
        scoring=prepared.scoring,
        sampler=request.sampler,
        cv=request.cv,
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
    )
    click.echo(result.to_json() if request.as_json else report.text(result))
    if failure is not None:
        raise click.ClickException(failure)
    if not result.interrupted:
        return OK
    again = "the same command begins anew" if store is None else f"hpcore resume {shlex.quote(str(plan.directory))}"
    click.echo(f"interrupted; to go on: {again}", err=True)
    return INTERRUPTED
