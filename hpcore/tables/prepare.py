"""From a table to a search: target, columns, model, space, scoring and folds, checked before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpcore.tables import presets
from hpcore.tables.target import Problem, check_folds, split_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hpcore.space import Space
    from hpcore.tables.leakage import Leak
    from hpcore.tables.presets import Task
    from hpcore.tables.table import Columns, Table

__all__ = ["Prepared", "assess", "prepare"]


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
    folds : cross-validator
        Shuffled folds, stratified for a classification.
    """

    problem: Problem
    columns: Columns
    model: str
    pipeline: Any
    space: Space
    scoring: str
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
        Name of a scorer of scikit-learn; by default accuracy or r2.
    n_folds : int, default=5
        Number of folds of the cross-validation.
    seed : int, default=0
        Seed of the folds, of the preprocessing and of the estimator.

    Raises
    ------
    InvalidArgument
        An argument is wrong or does not fit the data; nothing has been trained.
    """
    problem = split_target(table, target, task)
    if model is not None:
        presets.get(model, problem.task)
    check_folds(problem, n_folds)

    # Imported late: a wrong argument above is reported without waiting for scikit-learn.
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.pipeline import Pipeline

    from hpcore.space import Space
    from hpcore.tables.columns import classify
    from hpcore.tables.encodings import encoding_space
    from hpcore.tables.preprocessing import preprocessor, reader
    from hpcore.tables.scoring import check

    columns = classify(problem.X, table.likely)
    n_rows = len(problem.y)
    if model is None:
        model = presets.default_model(problem.task, n_rows, len(columns.numbers) / len(columns))
        problem.notices.append(f"model {model}, which suits {n_rows} rows (--model overrides)")
    preset = presets.get(model)
    estimator, space = presets.build(
        model, problem.task, n_rows=n_rows - n_rows // n_folds, random_state=seed, prefix="model__"
    )
    chosen = check(scoring, problem, estimator, model)
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
        folds=kind(n_folds, shuffle=True, random_state=seed),
    )


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
    leaks, n_checked = find_leaks(problem, columns, prepared.folds, prepared.scoring, seed)
    if n_checked < len(columns):
        problem.notices.append(
            f"{n_checked} of {len(columns)} columns were checked for whether they alone predict {problem.target!r}"
        )
    return constant_scores(problem, prepared.folds, prepared.scoring), leaks
