"""The pipeline from a raw DataFrame to a matrix of floats; its steps are in `steps` and `steps_text`.

A pickled model may refer to the steps by this module, so they stay importable from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from hpcore.tables.steps import LARGEST, MISSING, DateParts, ReadCells, as_numbers, as_text, level, to_dates
from hpcore.tables.steps_numbers import MedianImputer
from hpcore.tables.steps_text import LevelEncoder, ProseComponents
from hpcore.tables.table import MOST_CATEGORIES

if TYPE_CHECKING:
    from hpcore.tables.table import Columns

__all__ = [
    "LARGEST",
    "MISSING",
    "MOST_CATEGORIES",
    "DateParts",
    "LevelEncoder",
    "ProseComponents",
    "ReadCells",
    "as_numbers",
    "as_text",
    "level",
    "preprocessor",
    "reader",
    "to_dates",
]


def reader(columns: Columns) -> ReadCells:
    """Return the step that reads raw tables by `columns`."""
    names = [*columns.numbers, *columns.dates, *columns.text, *columns.prose]
    return ReadCells(
        columns.numbers,
        list(columns.dates),
        columns.text,
        columns.styles,
        columns.missing,
        columns.widths,
        columns.prose,
        columns.notations,
    ).fit(pd.DataFrame(columns=names))


def preprocessor(columns: Columns, *, scale: bool, missing: bool, seed: int = 0) -> Pipeline:
    """Return the pipeline from raw columns to floats.

    Text columns with up to `MOST_CATEGORIES` levels become indicators, those with more the mean of the target over
    the rows of each level, and prose the components of its words; `encoding_space` has the choices among these.

    Parameters
    ----------
    columns : Columns
        Contents and formats of the columns.
    scale : bool
        True to standardise numbers, dates and means of the target.
    missing : bool
        True if the model handles missing numbers; otherwise the median replaces them, and an indicator is added for
        each column that has missing values in the training rows.
    seed : int, default=0
        Seed of the folds in which means of the target are computed, and of the decomposition of prose.

    Returns
    -------
    Pipeline
        Pipeline with dense output; columns that are not named are dropped. With text of many levels its `fit` needs
        the target; a target of floats is continuous, any other is classes.
    """
    finish: list[tuple[str, Any]] = []
    if not missing:
        # A column may have no value in the training rows of a fold; it is kept, as zeros.
        finish.append(("impute", MedianImputer()))
    if scale:
        finish.append(("scale", StandardScaler()))
    branches: list[tuple[str, Any, list[str]]] = []
    if columns.numbers:
        branches.append(("numbers", Pipeline(finish) if finish else "passthrough", columns.numbers))
        if not missing:
            branches.append(("numbers_missing", _indicator(), columns.numbers))
    if columns.dates:
        dates = list(columns.dates)
        branches.append(("dates", Pipeline([("read", DateParts(columns.dates)), *finish]), dates))
        if not missing:
            days = DateParts(columns.dates, only_days=True)
            branches.append(("dates_missing", Pipeline([("read", days), ("indicate", _indicator())]), dates))
    many = columns.high_cardinality
    rest = set(columns.text) - set(many)
    few = [name for name in columns.text if name in rest]
    if few:
        one_hot = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
        )
        branches.append(("text", one_hot, few))
    if many:
        levels = LevelEncoder(max_categories=MOST_CATEGORIES, scale=scale, random_state=seed)
        branches.append(("high_cardinality", levels, many))
    if columns.prose:
        branches.append(("prose", ProseComponents(scale=scale, random_state=seed), columns.prose))
    read = reader(columns)
    # By position, which `read` fixes: scikit-learn searches all names for each name, a second for 10,000 columns.
    places = {name: i for i, name in enumerate(read.get_feature_names_out())}
    placed = [(branch, step, [places[name] for name in names]) for branch, step, names in branches]
    encode = ColumnTransformer(placed, remainder="drop", verbose_feature_names_out=False)
    return Pipeline([("read", read), ("encode", encode)])


def _indicator() -> MissingIndicator:
    # Not part of the imputer: what follows would standardise it, and a rare gap would become a very large number.
    # A column may have its first missing value after the fit; the median alone replaces it then.
    return MissingIndicator(features="missing-only", error_on_new=False)
