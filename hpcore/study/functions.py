"""One call for a whole search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from hpcore.samplers import Sampler, resolve
from hpcore.space.space import Space
from hpcore.study.objective import Objective
from hpcore.study.study import Callback, Study

__all__ = ["maximize", "minimize"]


def minimize(
    objective: Objective,
    space: Space | Mapping[str, Any],
    *,
    n_trials: int | None = 100,
    timeout: float | None = None,
    sampler: str | Sampler = "auto",
    n_jobs: int | None = 1,
    executor: Executor | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
) -> Study:
    """Find parameters for which a function is small.

    Parameters
    ----------
    objective : callable
        ``objective(trial) -> float``; the trial is a mapping of its params.
    space : Space or mapping
        What to search; a mapping is read by `Space.of`.
    n_trials, timeout, n_jobs, executor, progress, callbacks
        As for `Study.run`.
    sampler, seed
        As for `Optimizer`. The default is the rule of `hpcore.samplers.AutoSampler`, which here knows `n_trials`.

    Returns
    -------
    Study
        With `best_params`, `best_value`, `best_trial` and `trials`. Ctrl-C ends the search early and still gives it.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        An argument that is not allowed, before any evaluation.

    Examples
    --------
    >>> import hpcore as hp
    >>> result = hp.minimize(lambda t: (t["x"] - 1) ** 2, {"x": hp.Float(-5, 5)}, sampler="sobol", n_trials=50, seed=0)
    >>> abs(result.best_params["x"] - 1) < 0.2
    True
    """
    chosen = resolve(sampler, n_trials if timeout is None else None)
    study = Study(space, direction="minimize", sampler=chosen, seed=seed)
    return study.run(objective, n_trials, timeout, n_jobs, executor, callbacks, progress)


def maximize(
    objective: Objective,
    space: Space | Mapping[str, Any],
    *,
    n_trials: int | None = 100,
    timeout: float | None = None,
    sampler: str | Sampler = "auto",
    n_jobs: int | None = 1,
    executor: Executor | None = None,
    seed: int | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callback] = (),
) -> Study:
    """Find parameters for which a function is large; otherwise as `minimize`."""
    chosen = resolve(sampler, n_trials if timeout is None else None)
    study = Study(space, direction="maximize", sampler=chosen, seed=seed)
    return study.run(objective, n_trials, timeout, n_jobs, executor, callbacks, progress)
