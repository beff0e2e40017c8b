"""Implementation of ``hpcore tune`` with several models or ``--model auto``: the search, and its files."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hpcore.cli.directory import claim, held
from hpcore.cli.files import STORE, replace_file, write_table
from hpcore.cli.predict import save_for_use
from hpcore.cli.quiet import quiet
from hpcore.cli.report import Report, finished, save, say_what_lacks, text, values
from hpcore.cli.request import REQUEST, Request, check_request, to_plain
from hpcore.errors import InvalidArgument
from hpcore.tables.data import load

if TYPE_CHECKING:
    from pathlib import Path

    from hpcore.tables.autotuned import AutoTuned
    from hpcore.tables.ready import Options, Ready

__all__ = ["AUTO", "LEADERBOARD", "chooses", "run"]

AUTO = "auto"
LEADERBOARD = "leaderboard.csv"
OK, INTERRUPTED = 0, 130


def chooses(request: Request) -> bool:
    """Tell whether the command is to choose among models."""
    return len(request.models) > 1 or request.models == (AUTO,)


def run(request: Request, default_out: str, resumed: str | None = None) -> int:
    """Run a search among models and write its results.

    Parameters
    ----------
    request : Request
        Options of the command.
    default_out : str
        Directory of the results if the user gave none.
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
    begun = time.monotonic()
    ready, options = _prepare(request)
    from hpcore.tables.tuning import begins_small, study_name

    name = study_name(ready, options)
    if resumed not in (None, name):
        raise InvalidArgument(
            f"study {resumed!r} cannot be resumed: its data, or the models in this version of hpcore, have changed; "
            f"hpcore tune starts a new study"
        )
    directory = claim(request.out, default_out, name, request.overwrite)
    for notice in [*ready.notices, *(remark.text for remark in ready.remarks)]:
        click.echo(f"note: {notice}", err=True)
    click.echo(f"note: models, the cheapest first: {', '.join(ready.models)}", err=True)
    stored = not begins_small(ready, options)
    if not stored:
        click.echo(
            "note: candidates begin with a part of the rows, and such a search is not stored: the same command begins "
            "anew (--scheduler none: all rows from the start, stored)",
            err=True,
        )
    with held(directory, name):
        return _search(request, ready, options, directory, name, stored, begun)


def _prepare(request: Request) -> tuple[Ready, Options]:
    from hpcore.tables.positive import find_positive
    from hpcore.tables.prepare import without
    from hpcore.tables.ready import Options, make_ready
    from hpcore.tables.target import split_target
    from hpcore.tables.wording import COMMAND

    check_request(request)
    if request.sampler == "grid":
        raise InvalidArgument("--sampler must be one that proposes for several models, got 'grid'")
    if request.resource not in (None, "n_samples"):
        raise InvalidArgument(f"--resource must be n_samples for several models, got {request.resource!r}")
    table = load(request.data, request.encoding)
    problem = split_target(without(table, request.drop, request.target), request.target, request.task)
    options = Options(
        time=request.time,
        timeout=request.timeout,
        n_trials=request.trials,
        scoring=request.scoring,
        cv=request.cv,
        models=list(request.models),
        n_jobs=request.jobs,
        seed=request.seed,
        ensemble=request.ensemble,
        positive=None if request.positive is None else find_positive(problem, request.positive, COMMAND),
        sampler=request.sampler,
        scheduler=request.scheduler,
        fit_timeout=request.fit_timeout,
        progress=True,
        wording=COMMAND,
    )
    return make_ready(problem, options, likely=table.likely), options


def _search(
    request: Request, ready: Ready, options: Options, directory: Path, name: str, stored: bool, begun: float
) -> int:
    from dataclasses import replace

    from hpcore.cli.page import save_page
    from hpcore.sklearn import AllFitsFailed
    from hpcore.storage import open_storage
    from hpcore.tables.tuning import open_study, tune

    again = f"hpcore resume {shlex.quote(str(directory))}" if stored else "the same command begins anew"
    store = None
    with quiet(request.debug):
        if stored:
            store = open_storage(directory / STORE)
            options = replace(options, storage=store, study_name=name)
            _note(request, open_study(ready, options), directory, ready)
        try:
            tuned = tune(ready, options, begun)
        except AllFitsFailed as error:
            raise click.ClickException(f"every trial failed: {str(error).strip().splitlines()[-1]}") from error
        except KeyboardInterrupt:
            if stored:
                click.echo(f"to go on: {again}", err=True)
            raise
        finally:
            if store is not None:
                store.close()
    failure, files = None, list[str]()
    try:
        for path in _save(directory, tuned):
            files.append(str(path))
        page = save_page(directory, tuned.search_, f"{ready.problem.name}: {', '.join(ready.models)}")
        files += [] if page is None else [str(page)]
    except OSError as error:
        # The search may have taken hours, so its result is printed anyway.
        failure = f"the results could not be saved in {directory}: {error.strerror or error}"
    result = _report(request, ready, tuned, files, time.monotonic() - begun)
    click.echo(result.to_json() if request.as_json else text(result))
    if failure is not None:
        raise click.ClickException(failure)
    if not result.interrupted:
        say_what_lacks(tuned.search_, again)
        return OK
    click.echo(f"interrupted; to go on: {again}", err=True)
    return INTERRUPTED


def _note(request: Request, study: Any, directory: Path, ready: Ready) -> None:
    """Note in the study what `resume` and others need to know, and say that it is continued."""
    finished = sum(trial.state != "running" for trial in study.trials)
    if finished:
        click.echo(f"note: continuing with {finished} candidates from {directory / STORE}", err=True)
    constant = float(ready.constant.mean())
    study.user_attrs["constant score"] = constant if math.isfinite(constant) else None
    study.user_attrs[REQUEST] = to_plain(request)


def _save(directory: Path, tuned: AutoTuned) -> Iterator[Path]:
    """Write trials, parameters, model with what it needs elsewhere, and leaderboard."""
    params = {"model": tuned.best_model_, **values(tuned.best_params_)}
    yield from save(directory, tuned.search_, list(tuned.search_.space), params, tuned.estimator_)
    yield from save_for_use(directory, tuned.estimator_, tuned.facts())
    board = tuned.leaderboard
    rows = board.astype(object).where(board.notna(), None).to_numpy().tolist()
    yield replace_file(directory / LEADERBOARD, lambda part: write_table(part, list(board.columns), rows))


def _report(request: Request, ready: Ready, tuned: AutoTuned, files: list[str], seconds: float) -> Report:
    from joblib import cpu_count

    search, trials = tuned.search_, finished(tuned.search_)
    return Report(
        best_score=tuned.best_score_,
        score_std=tuned.score_std_,
        best_params={"model": tuned.best_model_, **values(tuned.best_params_)},
        best_trial=int(trials[search.best_index_].number),
        n_trials=tuned.n_trials_,
        n_failed=sum(trial.state == "failed" for trial in search.trials_),
        n_pruned=sum(trial.state == "pruned" for trial in search.trials_),
        interrupted=bool(search.interrupted_),
        data=ready.problem.name,
        target=ready.problem.target,
        rows=len(ready.problem.y),
        columns=len(ready.columns),
        task=ready.problem.task,
        model=tuned.best_model_,
        scoring=tuned.scoring_,
        sampler=request.sampler,
        cv=search.n_splits_,
        jobs=cpu_count() if request.jobs == -1 else request.jobs,
        seed=request.seed,
        seconds=seconds,
        seconds_fitting=float(search.time_fitting_),
        seconds_suggesting=float(search.time_suggesting_),
        seconds_refit=float(search.refit_time_),
        files=files,
        constant_score=tuned.constant_score_,
        better_than_constant=None if tuned.constant_score_ is None else tuned.beats_constant_,
        suspects=[],
        notes=ready.notices,
        scheduler=None if not hasattr(search, "n_resources_") else request.scheduler or "asha",
        resource=None if not hasattr(search, "n_resources_") else "n_samples",
        levels=list(search.n_resources_) if hasattr(search, "n_resources_") else None,
        models=ready.models,
        leaderboard=[asdict(row) for row in tuned.rows],
        default_score=tuned.default_score_,
        corrected_score=tuned.best_score_corrected_,
        ensemble_score=tuned.ensemble_score_,
        # That a constant answer is as good has a line of its own.
        remarks=[remark.text for remark in tuned.remarks if remark.kind != "constant"],
    )
