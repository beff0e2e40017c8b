"""From a table to a search: target, columns, model, space, scoring and folds, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument, closest
from hpcore.tables import presets
from hpcore.tables.target import Problem, check_folds, split_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hpcore.space import Space
    from hpcore.tables.leakage import Leak
    from hpcore.tables.presets import Task
    from hpcore.tables.table import Columns, Table

__all__ = ["Prepared", "assess", "prepare", "without"]


@dataclass
class Prepared:
    """A learning task with everything that a search needs.

    Attributes
    ----------
    problem : Problem
        Features after `reader`, and the target.
    columns : Columns
        Contents of each feature column.
    model : str
        Name of the preset.
    pipeline : scikit-learn Pipeline
        Preprocessing and model, not fitted.
    space : Space
        Parameters of the pipeline that are searched.
    scoring : str
        Name of the score to maximise.
    scorer : str or callable
        The same as scikit-learn's functions take it, with the positive class if there is one.
    folds : cross-validator
        Shuffled folds, stratified for a classification.
    """

    problem: Problem
    columns: Columns
    model: str
    pipeline: Any
    space: Space
    scoring: str
    scorer: Any
    folds: Any

    @property
    def notices(self) -> list[str]:
        """Messages about the decisions that were made from the data."""
        return self.problem.notices + self.columns.notices


def prepare(
    table: Table,
    *,
    target: str | None = None,
    task: Task | None = None,
    model: str | None = None,
    scoring: str | None = None,
    n_folds: int = 5,
    seed: int = 0,
    drop: Sequence[str] = (),
    positive: str | None = None,
) -> Prepared:
    """Decide everything that a search of a table needs, and check it.

    Parameters
    ----------
    table : Table
        Data set as it was read.
    target : str, optional
        Column to predict; by default the one that is called ``target``.
    task : {"classification", "regression"}, optional
        Kind of prediction; by default the values of the target decide.
    model : str, optional
        Name of a preset; by default the size of the table decides.
    scoring : str, optional
        Name of a scorer of scikit-learn; by default r2 or accuracy, and for imbalanced classes see `default_scoring`.
    n_folds : int, default=5
        Number of folds of the cross-validation.
    seed : int, default=0
        Seed of the folds and of the estimator.
    drop : sequence of str, optional
        Columns that are not used.
    positive : str, optional
        Class of two that counts as positive for precision, recall, f1 and average_precision, see `scoring_for`.

    Raises
    ------
    InvalidArgument
        An argument is wrong or does not fit the data; nothing has been trained.
    """
    problem = split_target(without(table, drop, target), target, task)
    if model is not None:
        presets.get(model, problem.task)
    check_folds(problem, n_folds)

    # Imported late: a wrong argument above is reported without waiting for scikit-learn.
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.pipeline import Pipeline

    from hpcore.space import Space
    from hpcore.tables.columns import classify
    from hpcore.tables.encodings import encoding_space
    from hpcore.tables.positive import depends_on_positive, find_positive, scoring_for
    from hpcore.tables.preprocessing import preprocessor, reader
    from hpcore.tables.scoring import check, default_scoring, misleading
    from hpcore.tables.wording import COMMAND

    if positive is not None:
        positive = find_positive(problem, positive, COMMAND)
    columns = classify(problem.X, table.likely)
    n_rows = len(problem.y)
    if model is None:
        model = presets.default_model(problem.task, n_rows, len(columns.numbers) / len(columns))
        problem.notices.append(f"model {model}, which suits {n_rows} rows (--model overrides)")
    preset = presets.get(model)
    estimator, space = presets.build(
        model, problem.task, n_rows=n_rows - n_rows // n_folds, random_state=seed, prefix="model__"
    )
    chosen = check(scoring, problem, estimator, model, positive)
    reason = default_scoring(problem, wording=COMMAND)[1] if scoring is None else misleading(problem, scoring)
    if reason is not None:
        problem.notices.append(reason.text)
    if positive is not None and not depends_on_positive(chosen):
        problem.notices.append(f"{chosen} does not depend on the positive class, {positive!r}")
    # Shuffled, because files are often sorted by their target; the same seed gives the same folds.
    kind = StratifiedKFold if problem.task == "classification" else KFold
    # Read once here instead of in every fit; the pipeline's own reader leaves such a frame as it is.
    problem.X = reader(columns).transform(problem.X)
    encode = preprocessor(columns, scale=preset.scale, missing=preset.missing, seed=seed)
    return Prepared(
        problem=problem,
        columns=columns,
        model=model,
        pipeline=Pipeline([("prepare", encode), ("model", estimator)]),
        space=Space({**space, **encoding_space(columns, "prepare__")}),
        scoring=chosen,
        scorer=scoring_for(chosen, problem, positive, COMMAND),
        folds=kind(n_folds, shuffle=True, random_state=seed),
    )


def without(table: Table, drop: Sequence[str], target: str | None = None) -> Table:
    """Leave columns out of a table.

    Parameters
    ----------
    table : Table
        Data set as it was read.
    drop : sequence of str
        Names of columns.
    target : str, optional
        Column to predict, which must stay; by default ``target``.

    Raises
    ------
    InvalidArgument
        There is no such column, or it is the one to predict.
    """
    if not drop:
        return table
    present = list(table.frame.columns)
    for name in drop:
        if name not in present:
            raise InvalidArgument(f"--drop must name a column of {table.name!r}, got {name!r}{closest(name, present)}")
        if name == (target or "target"):
            raise InvalidArgument(f"--drop must name a feature, but {name!r} is the column to predict")
    return replace(table, frame=table.frame.drop(columns=list(dict.fromkeys(drop))))


def assess(prepared: Prepared, seed: int = 0) -> tuple[NDArray[np.float64], list[Leak]]:
    """Compute what a score should be compared with, before the search.

    Parameters
    ----------
    prepared : Prepared
        Task to assess; a notice is added to it where there was no time for all columns.
    seed : int, default=0
        Seed of the choice of rows in a large table.

    Returns
    -------
    constant : ndarray of shape (n_folds,)
        Scores of a constant answer, see `constant_scores`.
    leaks : list of Leak
        Columns that alone predict the target, the best first, see `find_leaks`.
    """
    from hpcore.tables.baseline import constant_scores
    from hpcore.tables.leakage import find_leaks

    problem, columns = prepared.problem, prepared.columns
    leaks, n_checked = find_leaks(problem, columns, prepared.folds, prepared.scorer, seed)
    if n_checked < len(columns):
        problem.notices.append(
            f"{n_checked} of {len(columns)} columns were checked for whether they alone predict {problem.target!r}"
        )
    return constant_scores(problem, prepared.folds, prepared.scorer), leaks
