"""Functions that run a whole search."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from hpcore.arguments import check_alias, check_integer
from hpcore.optimizer.costs import CostFunction
from hpcore.optimizer.remaining import STORED, check_repeats
from hpcore.samplers import Sampler, resolve
from hpcore.space.space import Space
from hpcore.study.objective import Objective
from hpcore.study.stopping import StoppingRule
from hpcore.study.study import Callback, Study, check_budget

if TYPE_CHECKING:
    from hpcore.schedulers import Scheduler
    from hpcore.storage import Storage

__all__ = ["maximize", "minimize"]


def minimize(
    objective: Objective,
    space: Space | Mapping[str, Any],
    *,
    n_trials: int | None = 100,
    timeout: float | None = None,
    sampler: str | Sampler | None = None,
    n_jobs: int | None = None,
    executor: Executor | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    stop: Sequence[StoppingRule] = (),
    deterministic: bool = False,
    repeats: int | str | None = STORED,
    directions: Sequence[str] | None = None,
    storage: str | os.PathLike[str] | Storage | None = None,
    name: str | None = None,
    lease: float = 60.0,
    retries: int = 3,
    prefetch: bool | str = False,
    scheduler: str | Scheduler | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    limits: Mapping[str, Any] | None = None,
    budget_cost: float | None = None,
    per_cost: bool | None = None,
    cost: CostFunction | None = None,
    strategy: str | Sampler | None = None,
    random_state: int | None = None,
) -> Study:
    """Find parameters for which a function is small.

    Parameters
    ----------
    objective : callable
        Function ``objective(trial) -> float``, or one float per objective, or a `hpcore.Outcome`; the trial is a
        mapping of its parameters.
    space : Space or mapping
        Space to search; a mapping is read by `Space.of`.
    n_trials, timeout, n_jobs, executor, progress, callbacks, stop, deterministic, budget_cost
        Options of the run, see `Study.run`. With ``n_trials=None``, `timeout`, `budget_cost` or `stop` must end the
        search.
    sampler : str or Sampler, optional
        Sampler, see `Optimizer`. None is the sampler of the stored study that is continued; otherwise the rule of
        `hpcore.samplers.AutoSampler`, which uses `n_trials` if neither `timeout`, `budget_cost` nor `stop` is given.
    seed, repeats
        Seed and number of repeats, see `Study`.
    directions : sequence of {"minimize", "maximize"}, optional
        Direction of each objective, if there are several.
    storage, name, lease, retries, prefetch, scheduler, checkpoints
        Options of the study, see `Study`. With a storage the trials are stored, and the same call continues the search
        with `n_trials` more trials.
    limits : mapping of str to limit, optional
        Limits of metrics, ``{"latency_ms": hp.at_most(20.0)}``, see `Optimizer`. The objective returns a
        `hpcore.Outcome` with the metrics.
    per_cost, cost
        Use of costs, see `Study`: results are weighed by their cost if `timeout` or `budget_cost` is given.
    strategy, random_state : optional
        Other names for `sampler` and `seed`, known from scikit-learn.

    Returns
    -------
    Study
        Study with `best_params`, `best_value`, `best_trial` and `trials`. It is returned too if Ctrl-C ends the search
        early, or if the space has no more points, or none that the constraints allow.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace, SpaceMismatch, StorageError
        An argument is not allowed, or the storage cannot be used; before any evaluation.
    BaseException
        A callback, a rule or a sampler raised an error, or the objective SystemExit; the attribute `result` of the
        error is the study, see `Study.run`.

    Examples
    --------
    >>> import hpcore as hp
    >>> result = hp.minimize(lambda t: (t["x"] - 1) ** 2, {"x": hp.Float(-5, 5)}, sampler="sobol", n_trials=50, seed=0)
    >>> abs(result.best_params["x"] - 1) < 0.2
    True
    """
    return _search("minimize", **locals())


def maximize(
    objective: Objective,
    space: Space | Mapping[str, Any],
    *,
    n_trials: int | None = 100,
    timeout: float | None = None,
    sampler: str | Sampler | None = None,
    n_jobs: int | None = None,
    executor: Executor | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
    stop: Sequence[StoppingRule] = (),
    deterministic: bool = False,
    repeats: int | str | None = STORED,
    directions: Sequence[str] | None = None,
    storage: str | os.PathLike[str] | Storage | None = None,
    name: str | None = None,
    lease: float = 60.0,
    retries: int = 3,
    prefetch: bool | str = False,
    scheduler: str | Scheduler | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    limits: Mapping[str, Any] | None = None,
    budget_cost: float | None = None,
    per_cost: bool | None = None,
    cost: CostFunction | None = None,
    strategy: str | Sampler | None = None,
    random_state: int | None = None,
) -> Study:
    """Find parameters for which a function is large; see `minimize`."""
    return _search("maximize", **locals())


def _search(
    direction: str,
    *,
    objective: Objective,
    space: Space | Mapping[str, Any],
    n_trials: int | None,
    timeout: float | None,
    sampler: str | Sampler | None,
    n_jobs: int | None,
    executor: Executor | None,
    seed: int | None,
    progress: bool | None,
    callbacks: Sequence[Callback],
    stop: Sequence[StoppingRule],
    deterministic: bool,
    budget_cost: float | None,
    strategy: str | Sampler | None,
    random_state: int | None,
    **options: Any,
) -> Study:
    """Run a search; `options` are passed to `Study`."""
    if budget_cost is not None:
        check_budget(budget_cost)  # before the study is stored
    study = _study(
        space,
        direction,
        check_alias("sampler", sampler, "strategy", strategy),
        n_trials if timeout is None and budget_cost is None and not stop else None,
        seed=check_alias("seed", seed, "random_state", random_state),
        **options,
    )
    return study.run(
        objective,
        n_trials,
        timeout,
        n_jobs,
        executor,
        callbacks,
        progress,
        stop=stop,
        deterministic=deterministic,
        budget_cost=budget_cost,
    )


def _study(
    space: Space | Mapping[str, Any],
    direction: str,
    sampler: str | Sampler | None,
    certain: int | None,
    *,
    directions: Sequence[str] | None,
    storage: str | os.PathLike[str] | Storage | None,
    name: str | None,
    repeats: int | str | None,
    **options: Any,
) -> Study:
    """Make the study of a call; `certain` is the number of trials that will run, None if it is not known."""
    # No number of its own: the trials of a finite space may all be at different points.
    often = 1 if repeats == STORED else check_repeats(repeats) or 1
    goes_on = False
    if storage is not None and sampler is None and name is not None:
        # Imported here: a search in memory needs no SQLAlchemy.
        from hpcore.storage import open_storage
        from hpcore.storage.plain import check_name

        storage, wanted = open_storage(storage), check_name("name", name)
        goes_on = storage.read(lambda transaction: transaction.find(wanted)) is not None
    if not goes_on:
        # The number of different points, if each one is evaluated as often as `repeats` allows.
        enough = None if certain is None else check_integer("n_trials", certain, 1) // often
        sampler = resolve("auto" if sampler is None else sampler, enough or None)
    return Study(
        space,
        storage=storage,
        name=name,
        direction=direction if directions is None else None,
        directions=directions,
        sampler=sampler,
        repeats=repeats,
        **options,
    )
