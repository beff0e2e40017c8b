"""Table that is ready for a search among models: everything that can be wrong is checked before the first fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcore.errors import InvalidArgument
from hpcore.tables import presets
from hpcore.tables.baseline import constant_scores
from hpcore.tables.columns import classify
from hpcore.tables.folds import choose_folds
from hpcore.tables.model_list import choose_models, is_automatic, takes_weights
from hpcore.tables.positive import scoring_for
from hpcore.tables.preprocessing import reader
from hpcore.tables.remark import Remark
from hpcore.tables.remarks import remarks_before
from hpcore.tables.scoring import NeedsProbabilities, check, check_scorer, default_scoring
from hpcore.tables.wording import PYTHON, Wording

if TYPE_CHECKING:
    from hpcore.tables.table import Columns
    from hpcore.tables.target import Problem

__all__ = ["Options", "Ready", "make_ready"]

# Rows from which on three folds are enough to compare models.
FEWER_FOLDS = 20_000
# Rows below which the folds are drawn twice: in little time hundreds of candidates are tried there, and the best of
# them on one draw of the folds is too often one that fits this draw.
REPEATED_ROWS = 1_000


@dataclass(frozen=True)
class Options:
    """Options of a search of a table; see `autotune` and, for those that it has not, the following.

    Attributes
    ----------
    timeout : float, optional
        Seconds of the search alone.
    study_name : str, optional
        Name of the stored search; `study_name` by default.
    sampler : str or Sampler
        Sampler of the parameters of each model.
    scheduler : str or Scheduler, optional
        Scheduler of subsamples; ``"none"`` for all rows from the start, and None for the rule of `begins_small`.
    fit_timeout : float, optional
        Seconds of a fold; a quarter of `time` by default.
    wording : Wording
        Names of the arguments in messages.
    """

    time: float | None = None
    timeout: float | None = None
    n_trials: int | None = None
    scoring: Any = None
    cv: Any = None
    models: Any = None
    n_jobs: int | None = -1
    executor: Any = None
    storage: Any = None
    study_name: str | None = None
    seed: int = 0
    ensemble: bool = False
    positive: Any = None
    sampler: Any = "gp"
    scheduler: Any = None
    fit_timeout: float | None = None
    progress: bool | None = False
    callbacks: Sequence[Any] = ()
    wording: Wording = PYTHON


@dataclass
class Ready:
    """Problem that is ready for fits.

    Attributes
    ----------
    problem : Problem
        Features after `reader`, and the target.
    columns : Columns
        Contents of the columns.
    splits : list of (ndarray, ndarray)
        Training and test rows of each fold.
    scoring : str
        Name of the score.
    scorer : str or callable
        Score, as `SearchCV` takes it.
    remarks : list of Remark
        What is to be said before the search.
    models : list of str
        Names of the models, the cheapest first.
    constant : ndarray of shape (n_folds,)
        Scores of a constant answer.
    sample_weight : ndarray of shape (n_rows,), or None
        Weights of the rows in fits.
    n_draws : int
        Number of times that the folds were drawn.
    """

    problem: Problem
    columns: Columns
    splits: list[tuple[Any, Any]]
    scoring: str
    scorer: Any
    remarks: list[Remark]
    models: list[str]
    constant: np.ndarray[Any, Any]
    sample_weight: Any = None
    n_draws: int = 1

    @property
    def notices(self) -> list[str]:
        """How target and columns were read."""
        return self.problem.notices + self.columns.notices


def make_ready(
    problem: Problem,
    options: Options,
    *,
    groups: Any = None,
    sample_weight: Any = None,
    rows: Any = None,
    index: Any = None,
    likely: Any = None,
) -> Ready:
    """Read the columns of a problem, and check everything that can be wrong before the first fit.

    Parameters
    ----------
    problem : Problem
        Features and target; the features are replaced by those that were read.
    options : Options
        Options of the search.
    groups, sample_weight : ndarray of shape (n_rows,), optional
        Group and weight of each row.
    rows : ndarray of bool, shape (n_given,), optional
        Rows of the call that the problem has; all by default.
    index : Index of length n_rows, optional
        Labels of the rows.
    likely : {".", ","}, optional
        Decimal mark for columns that could be read with either.

    Raises
    ------
    InvalidArgument, InvalidType, MissingDependency
        See `autotune`.
    """
    models = choose_models(options.models, problem.task, len(problem.y), options.wording)
    check_scorer(options.scoring, options.wording)
    columns = classify(problem.X, likely, options.wording.data)
    problem.X = reader(columns).transform(problem.X)
    cv = options.cv
    if cv is None and groups is None and len(problem.y) >= FEWER_FOLDS:
        cv = 3
    splits, remarks = choose_folds(problem, cv, groups, options.seed, rows=rows)
    n_draws = 2 if cv is None and len(problem.y) < REPEATED_ROWS else 1
    if n_draws > 1:
        splits = [*splits, *choose_folds(problem, cv, groups, options.seed + 1, rows=rows)[0]]
    scoring = options.scoring
    if scoring is None:
        scoring, remark = default_scoring(problem, splits, options.wording)
        remarks = [*([remark] if remark else []), *remarks]
    models = _able(models, problem, scoring, options, sample_weight, remarks)
    scorer = scoring_for(scoring, problem, options.positive, options.wording) if isinstance(scoring, str) else scoring
    remarks += remarks_before(
        problem, columns, splits, scorer, groups=groups, index=index, seed=options.seed, wording=options.wording
    )
    try:
        constant = constant_scores(problem, splits, scorer)
    except ValueError as error:  # a function whose result is no number
        raise InvalidArgument(f"{options.wording.option('scoring')} does not score an estimator: {error}") from error
    name = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
    return Ready(problem, columns, splits, name, scorer, remarks, models, constant, sample_weight, n_draws)


def _able(
    models: list[str], problem: Problem, scoring: Any, options: Options, sample_weight: Any, remarks: list[Remark]
) -> list[str]:
    """Leave out models that cannot be scored, or that take no weights; an error if the user named them."""
    automatic = is_automatic(options.models)
    able: list[str] = []
    for model in models:
        estimator, _ = presets.build(model, problem.task, n_rows=len(problem.y), random_state=options.seed)
        reason = None
        if sample_weight is not None and not takes_weights(estimator):
            reason = f"model {model!r} takes no weights"
        elif isinstance(scoring, str):
            try:
                check(scoring, problem, estimator, model, options.positive, options.wording)
            except NeedsProbabilities as error:  # another error means that the score fits no model
                reason = str(error)
        if reason is None:
            able.append(model)
        elif not automatic:
            raise InvalidArgument(reason)
        else:
            remarks.append(Remark("models", f"{model} is left out: {reason}"))
    if not able:
        raise InvalidArgument(f"none of the models {', '.join(models)} can be used: {remarks[-1].text}")
    return able
