"""The steps between a raw DataFrame and a matrix of floats, as a saved pipeline carries them.

A pickled model names these functions and classes by module, so they stay importable without the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    from hpcore.sklearn.columns import Columns

__all__ = ["MISSING", "DateParts", "as_numbers", "as_text", "preprocessor", "to_dates"]

MISSING = "(missing)"
# Rarer categories of a column share one indicator beyond this many; so do those that appear only after training.
MOST_CATEGORIES = 30
# Trees compute in single precision and refuse what does not fit.
LARGEST = float(np.finfo(np.float32).max)


def as_numbers(X: pd.DataFrame) -> NDArray[np.float64]:
    """Columns as floats; what is not a finite number of single-precision range is missing."""
    if all(isinstance(dtype, np.dtype) and dtype.kind in "iufb" for dtype in X.dtypes):
        return _within_range(X.to_numpy(dtype=float, copy=True))
    out = np.empty(X.shape)
    for j in range(X.shape[1]):
        column = X.iloc[:, j]
        if types.is_timedelta64_dtype(column):
            column = column.dt.total_seconds()
        elif not types.is_numeric_dtype(column):
            column = pd.to_numeric(column.astype(object), errors="coerce")
        out[:, j] = column.to_numpy(dtype=float, na_value=np.nan)
    return _within_range(out)


def _within_range(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values[~(np.abs(values) <= LARGEST)] = np.nan
    return values


def as_text(X: pd.DataFrame) -> NDArray[np.object_]:
    """Columns as strings; a missing value is a category of its own."""
    out = np.empty(X.shape, dtype=object)
    for j in range(X.shape[1]):
        column = X.iloc[:, j]
        out[:, j] = column.astype(object).map(str).where(column.notna(), MISSING).to_numpy(dtype=object)
    return out


def to_dates(column: pd.Series[Any], pattern: str | None) -> pd.Series[Any]:
    """A column as naive UTC timestamps; what does not fit the pattern is missing."""
    if not types.is_datetime64_any_dtype(column):
        column = pd.to_datetime(column, format=pattern, errors="coerce", utc=True)
    return column.dt.tz_convert(None) if column.dt.tz is not None else column


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Dates as numbers: days since 1970, and those of year, month, day, weekday and hour that vary.

    Parameters
    ----------
    patterns : dict of str to (str or None)
        How the dates of each column are written, as `pandas.to_datetime` takes it; None for columns that are dates.
    """

    def __init__(self, patterns: dict[str, str | None]) -> None:
        self.patterns = patterns

    def fit(self, X: pd.DataFrame, y: Any = None) -> DateParts:
        """Remember the columns, and which parts of their dates vary."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.parts_ = {}
        for name in self.feature_names_in_:
            varying = [part for part, values in self._parts(X, name).items() if values.nunique() > 1]
            self.parts_[name] = varying or ["days"]
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """The parts of each date, NaN where it is missing."""
        columns = []
        for name, kept in self.parts_.items():
            parts = self._parts(X, name)
            columns += [parts[part].to_numpy(dtype=float, na_value=np.nan) for part in kept]
        return np.column_stack(columns)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """``column_part`` for each part."""
        return np.asarray([f"{name}_{part}" for name, kept in self.parts_.items() for part in kept], dtype=object)

    def _parts(self, X: pd.DataFrame, name: str) -> dict[str, pd.Series[Any]]:
        dates = to_dates(X[name], self.patterns[name])
        at = dates.dt
        return {
            "days": _days(dates),
            "year": at.year,
            "month": at.month,
            "day": at.day,
            "weekday": at.day_of_week,
            "hour": at.hour,
        }


def _days(dates: pd.Series[Any]) -> pd.Series[Any]:
    # In the unit of the dates: nanoseconds end in the year 2262, and 9999-12-31 is what many tables have for "never".
    at = dates.to_numpy()
    since = (at - np.datetime64(0, "D").astype(at.dtype)) / np.timedelta64(1, "D")
    return pd.Series(since, index=dates.index)


def preprocessor(columns: Columns, *, scale: bool, missing: bool) -> ColumnTransformer:
    """The obvious way from raw columns to floats.

    Parameters
    ----------
    columns : Columns
        What each column holds.
    scale : bool
        Whether numbers and dates are standardised.
    missing : bool
        Whether the model handles missing numbers by itself; otherwise the median replaces them.

    Returns
    -------
    ColumnTransformer
        Dense output; columns that are not named are dropped.
    """
    finish: list[tuple[str, Any]] = []
    if not missing:
        # A column may have no value at all in a fold's training rows; it stays, as zeros.
        finish.append(("impute", SimpleImputer(strategy="median", keep_empty_features=True)))
    if scale:
        finish.append(("scale", StandardScaler()))
    branches: list[tuple[str, Any, list[str]]] = []
    if columns.numbers:
        read = FunctionTransformer(as_numbers, feature_names_out="one-to-one")
        branches.append(("numbers", Pipeline([("read", read), *finish]), columns.numbers))
    if columns.dates:
        parts = DateParts(columns.dates)
        branches.append(("dates", Pipeline([("read", parts), *finish]), list(columns.dates)))
    if columns.text:
        one_hot = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
        )
        read = FunctionTransformer(as_text, feature_names_out="one-to-one")
        branches.append(("text", Pipeline([("read", read), ("one_hot", one_hot)]), columns.text))
    return ColumnTransformer(branches, remainder="drop", verbose_feature_names_out=False)
