"""The peers: each gets the same rows, metric, seconds and number of cores, and returns a fitted model.

How each counts its seconds: `autotune` and FLAML's search end in time; FLAML's last fit to all rows, the refit of
`SearchCV` and of `OptunaSearchCV`, and trials that run when the time is over, come on top. The halving searches are
interrupted and refit. What a peer really took is recorded, and is what the summary compares.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd

__all__ = ["PEERS", "Job"]

N_FOLDS = 5
FLAML_METRICS = {"neg_log_loss": "log_loss"}


@dataclass(frozen=True)
class Job:
    """Work for a peer: the training rows, and what it may spend on them."""

    X: pd.DataFrame
    y: pd.Series[Any]
    task: str
    metric: str
    seconds: float
    n_jobs: int
    seed: int


def autotune(job: Job, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Tune with hpcore's own search over models."""
    from hpcore.tables import autotune as tune

    tuned = tune(job.X, job.y, time=job.seconds, scoring=job.metric, n_jobs=job.n_jobs, seed=job.seed, **options)
    return tuned, {
        "best": tuned.best_model_,
        "trials": tuned.n_trials_,
        "validation": tuned.best_score_,
        "ensemble": tuned.ensemble is not None,
        "shares": [[row.model, row.n_trials, round(row.seconds, 2)] for row in tuned.rows],
    }


def autotune_ensemble(job: Job) -> tuple[Any, dict[str, Any]]:
    """Tune with a weighted mean of the best candidates, where that is better."""
    return autotune(job, ensemble=True)


def flaml(job: Job, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Fit FLAML's `AutoML`, which encodes categories and dates itself."""
    from flaml import AutoML

    logging.getLogger("flaml.automl").setLevel(logging.ERROR)
    automl = AutoML()
    automl.fit(
        X_train=job.X, y_train=job.y, task=job.task, metric=FLAML_METRICS.get(job.metric, job.metric),
        time_budget=job.seconds, n_jobs=job.n_jobs, seed=job.seed, verbose=0, **options,
    )  # fmt: skip
    return automl, {"best": automl.best_estimator, "validation": -automl.best_loss}


def flaml_ensemble(job: Job) -> tuple[Any, dict[str, Any]]:
    """Fit FLAML with a stacked ensemble of its best models."""
    return flaml(job, ensemble=True)


def flaml_encoded(job: Job) -> tuple[Any, dict[str, Any]]:
    """Fit FLAML to the numbers that hpcore's preprocessing makes of the table."""
    from sklearn.pipeline import make_pipeline

    from hpcore.tables.columns import classify
    from hpcore.tables.preprocessing import preprocessor

    begin = time.perf_counter()
    encode = preprocessor(classify(job.X), scale=False, missing=True)
    X = pd.DataFrame(encode.fit_transform(job.X, job.y)).add_prefix("f")
    left = job.seconds - (time.perf_counter() - begin)
    automl, details = flaml(Job(X, job.y, job.task, job.metric, left, job.n_jobs, job.seed))
    named = _Named()
    return make_pipeline(encode, named, automl), details


class _Named:
    """A step that gives the columns the names that FLAML was fitted with."""

    def fit(self, X: Any, y: Any = None) -> _Named:
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        return pd.DataFrame(X).add_prefix("f")

    def __sklearn_is_fitted__(self) -> bool:
        return True


def halving(job: Job) -> tuple[Any, dict[str, Any]]:
    """Run `HalvingRandomSearchCV` with 3, 9, 27 ... candidates until the time is over, and refit the best."""
    from choice import choice, draw
    from sklearn.base import clone
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV

    begin = time.perf_counter()
    one = choice(job.X, job.task, job.seed)
    best, score, rounds, n = None, -float("inf"), 0, 3
    with suppress_after(job.seconds - (time.perf_counter() - begin)):
        while True:
            search = HalvingRandomSearchCV(
                one, {"chosen": draw(one, n, 1000 * job.seed + rounds)}, n_candidates=n, min_resources="exhaust",
                cv=folds(job), scoring=job.metric, n_jobs=job.n_jobs, refit=False, random_state=job.seed,
            )  # fmt: skip
            search.fit(job.X, job.y)
            if search.best_score_ > score:
                best, score = search.best_params_["chosen"], search.best_score_
            rounds, n = rounds + 1, 3 * n
    fitted = clone(one).set_params(**({} if best is None else {"chosen": best})).fit(job.X, job.y)
    return fitted, {"rounds": rounds, "best": (best or {"model": "default, no round ended in time"})["model"]}


def optuna(job: Job) -> tuple[Any, dict[str, Any]]:
    """Run `OptunaSearchCV` with its TPE over the same models and spaces."""
    import optuna
    from choice import choice
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna_integration import OptunaSearchCV

    import hpcore as hp

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    one = choice(job.X, job.task, job.seed)
    space: dict[str, Any] = {"model": CategoricalDistribution(list(one.options))}
    for model, (_, parameters) in one.options.items():
        for name, p in parameters.items():
            if isinstance(p, hp.Categorical):
                space[f"{model}.{name}"] = CategoricalDistribution(list(p.choices))
            else:
                kind: Any = IntDistribution if isinstance(p, hp.Int) else FloatDistribution
                space[f"{model}.{name}"] = kind(p.low, p.high, log=p.log)
    search = OptunaSearchCV(
        one, space, cv=folds(job), scoring=job.metric, n_trials=None, timeout=job.seconds, n_jobs=job.n_jobs,
        random_state=job.seed, study=optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=job.seed)
        ),
    )  # fmt: skip
    search.fit(job.X, job.y)
    return search.best_estimator_, {"trials": len(search.trials_), "best": search.best_params_["model"]}


def single(job: Job) -> tuple[Any, dict[str, Any]]:
    """Run the search of `hpcore tune`: one model, which the size of the table chooses."""
    from hpcore.sklearn import SearchCV
    from hpcore.tables.prepare import prepare
    from hpcore.tables.table import Table

    frame = job.X.assign(**{str(job.y.name): job.y})
    # A support vector machine, the choice for small tables, has no probabilities.
    model = "hist_gradient_boosting" if job.metric == "neg_log_loss" else None
    prepared = prepare(
        Table("table", frame, bundled=False), target=str(job.y.name), model=model, scoring=job.metric, seed=job.seed
    )
    search = SearchCV(
        prepared.pipeline, prepared.space, cv=prepared.folds, scoring=prepared.scoring, timeout=job.seconds,
        n_jobs=job.n_jobs, random_state=job.seed,
    )  # fmt: skip
    search.fit(prepared.problem.X, prepared.problem.y)
    return search.best_estimator_, {"trials": len(search.cv_results_["params"]), "best": prepared.model}


def folds(job: Job) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = StratifiedKFold if job.task == "classification" else KFold
    return kind(N_FOLDS, shuffle=True, random_state=job.seed)


class _TimeOver(BaseException):
    """No `Exception`, so that a search does not take it for a fit that failed."""


@contextmanager
def suppress_after(seconds: float) -> Iterator[None]:
    """Interrupt the block when the time is over; it goes on after it."""

    def stop(*_: Any) -> None:
        raise _TimeOver

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    except _TimeOver:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


PEERS: dict[str, tuple[tuple[str, ...], Callable[[Job], tuple[Any, dict[str, Any]]]]] = {
    "hpcore": (("hpcore",), autotune),
    "hpcore-ensemble": (("hpcore",), autotune_ensemble),
    "flaml": (("flaml",), flaml),
    "halving": (("sklearn",), halving),
    "optuna": (("optuna", "optuna_integration"), optuna),
    "hpcore-single": (("hpcore",), single),
    "flaml-ensemble": (("flaml",), flaml_ensemble),
    "flaml-encoded": (("flaml",), flaml_encoded),
}
