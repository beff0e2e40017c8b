"""Ridge and logistic regression with a penalty of their own for each group of columns.

A group of columns may be a source of the data (clinical, images, genes), a kind of feature or the dummies of a
category. Columns scaled by the root of a penalty turn many penalties into one, so that scikit-learn's solvers fit the
models: with z_j = x_j / sqrt(alpha_g(j)) the ridge penalty |u|² of z is sum_g alpha_g |w_g|² of x.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.validation import check_is_fitted, validate_data

from hpcore.arguments import check_choice, check_integer
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.hypergradients import hypergradient
from hpcore.evaluation.hypergradients import logistic as of_logistic
from hpcore.evaluation.hypergradients import ridge as of_ridge
from hpcore.evaluation.hypergradients.linear import as_matrix
from hpcore.space import Float

__all__ = ["GroupLogisticRegression", "GroupRidge"]

FloatArray = npt.NDArray[np.float64]

_SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")


class _Grouped(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """Estimator with a number for each group of columns, each of which is a parameter: ``alpha_0``, ``alpha_1``, ..."""

    _one: str  # name of one number, before its position
    _all: str  # name of the parameter with all of them

    groups: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; ``deep=True`` includes those of each group.

        Parameters
        ----------
        deep : bool
            True to include the number of each group, as ``alpha_0`` or ``C_0``. A clone is made of the others.

        Returns
        -------
        dict
            Values by name.
        """
        params: dict[str, Any] = super().get_params(deep=deep)
        if deep:
            try:
                values = self._values()
            except (ValueError, TypeError):  # fit says that groups or numbers are wrong, as estimators do
                return params
            params.update({f"{self._one}_{g}": float(value) for g, value in enumerate(values)})
        return params

    def set_params(self, **params: Any) -> Any:
        """Set parameters, of groups too.

        Parameters
        ----------
        **params : dict
            Values by name. Numbers of groups are set after all numbers together, whatever their order.

        Returns
        -------
        estimator
            This object.

        Raises
        ------
        InvalidArgument
            If there is no such group.
        ValueError
            If there is no such parameter.
        """
        found = {name: re.fullmatch(rf"{self._one}_(\d+)", name) for name in params}
        super().set_params(**{name: params[name] for name, match in found.items() if match is None})
        of_groups = {int(match[1]): params[name] for name, match in found.items() if match is not None}
        if of_groups:
            values = self._values()
            for group, value in of_groups.items():
                if group >= len(values):
                    raise InvalidArgument(
                        f"{self._one}_{group} must be of one of the {len(values)} groups, 0 .. {len(values) - 1}"
                    )
                values[group] = value
            setattr(self, self._all, values)
        return self

    def space(self, low: float = 1e-3, high: float = 1e3, prefix: str = "") -> dict[str, Float]:
        """Make a search space of the numbers of all groups, on a log scale.

        Parameters
        ----------
        low, high : float
            Range of each.
        prefix : str
            Prefix of the names, such as ``"model__"`` for a step of a pipeline.

        Returns
        -------
        dict of str to Float
            Space for `SearchCV`.
        """
        return {f"{prefix}{self._one}_{g}": Float(low, high, log=True) for g in range(self._n_groups())}

    def _n_groups(self) -> int:
        if isinstance(self.groups, np.ndarray | Sequence) and not isinstance(self.groups, str):
            groups = np.asarray(self.groups)
            if groups.ndim == 1 and groups.size and groups.dtype.kind in "iu" and groups.min() >= 0:
                return int(groups.max()) + 1
        elif not isinstance(self.groups, str):
            return check_integer("groups", self.groups, 1)
        raise InvalidType(
            f"groups must be the number of groups, or a list with the group of each column, 0 .. k - 1, got "
            f"{self.groups!r}"
        )

    def _values(self) -> FloatArray:
        """Return the numbers of the groups, in an array of their own."""
        k = self._n_groups()
        values = np.asarray(getattr(self, self._all), dtype=float)
        if values.ndim > 1 or values.size not in (1, k):
            raise InvalidArgument(f"{self._all} must be a number or one number for each of {k} groups, got {values!r}")
        return np.array(np.broadcast_to(values, (k,)))

    def _by_column(self, d: int) -> tuple[npt.NDArray[np.intp], FloatArray]:
        """Return the group of each of d columns, and its number.

        Raises
        ------
        InvalidArgument
            If groups or numbers do not fit the data.
        """
        values, k = self._values(), self._n_groups()
        if not np.all((values > 0.0) & np.isfinite(values)):
            raise InvalidArgument(f"{self._all} must be > 0 and finite, got {values!r}")
        if np.ndim(self.groups) == 1:
            groups = np.asarray(self.groups, dtype=np.intp)
        else:  # as equal as they can be, in the order of the columns
            groups = np.arange(d) * k // max(d, 1)
        if len(groups) != d:
            raise InvalidArgument(f"groups must have an entry for each of the {d} columns of X, got {len(groups)}")
        return groups, values[groups]


def _scaled(X: Any, scale: FloatArray) -> Any:
    return X.multiply(scale).tocsr() if scipy.sparse.issparse(X) else X * scale


class GroupRidge(RegressorMixin, _Grouped):  # type: ignore[misc]
    """Ridge regression with a penalty for each group of columns: |y - X w - b|² + sum_g alpha_g |w_g|².

    Parameters
    ----------
    groups : int or array-like of int
        Number of groups of neighbouring columns of (nearly) equal size, or the group of each column, 0 .. k - 1.
    alphas : float or array-like of shape (k,), default=1.0
        Penalties, > 0. Each is a parameter by itself too: ``alpha_0`` .. ``alpha_{k-1}``, for `set_params` and search
        spaces.
    fit_intercept : bool, default=True
        True for an intercept without a penalty.

    Attributes
    ----------
    coef_, intercept_ : ndarray, float
        Coefficients of the columns of X as they are, and the intercept.
    n_features_in_ : int
        Number of columns.

    Notes
    -----
    `SearchCV(strategy="gradient")` knows the derivative by all penalties, at about the cost of one fit.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from hpcore.sklearn import GroupRidge, SearchCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = GroupRidge(groups=10)
    >>> search = SearchCV(model, model.space(1e-4, 1e2), strategy="gradient", n_trials=6, random_state=0).fit(X, y)
    >>> sorted(search.best_params_)[:2]
    ['alpha_0', 'alpha_1']
    """

    _one, _all = "alpha", "alphas"

    def __init__(self, groups: Any, alphas: Any = 1.0, fit_intercept: bool = True) -> None:
        self.groups = groups
        self.alphas = alphas
        self.fit_intercept = fit_intercept

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GroupRidge:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
            Rows.
        y : array-like of shape (n,) or (n, n_targets)
            Targets.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows.

        Returns
        -------
        GroupRidge
            This object.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, multi_output=True, y_numeric=True)
        _, alphas = self._by_column(X.shape[1])
        scale = 1.0 / np.sqrt(alphas)
        model = Ridge(alpha=1.0, fit_intercept=self.fit_intercept)
        model.fit(_scaled(X, scale), y, sample_weight=sample_weight)
        self.coef_, self.intercept_ = model.coef_ * scale, model.intercept_
        return self

    def predict(self, X: Any) -> Any:
        """Predict the targets of rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets)
            Predictions.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return X @ self.coef_.T + self.intercept_


class GroupLogisticRegression(ClassifierMixin, _Grouped):  # type: ignore[misc]
    """Logistic regression with a C for each group of columns: sum_i loss_i + sum_g |w_g|² / (2 C_g).

    Parameters
    ----------
    groups : int or array-like of int
        Number of groups of neighbouring columns of (nearly) equal size, or the group of each column, 0 .. k - 1.
    Cs : float or array-like of shape (k,), default=1.0
        Inverse penalties, > 0. Each is a parameter by itself too: ``C_0`` .. ``C_{k-1}``, for `set_params` and search
        spaces.
    fit_intercept : bool, default=True
        True for an intercept without a penalty.
    class_weight : dict or "balanced", optional
        Weights of the classes, as in `LogisticRegression`.
    solver : str, default="lbfgs"
        Solver of `LogisticRegression`, other than ``"liblinear"``, which penalises the intercept.
    tol, max_iter : float, int
        Tolerance and largest number of iterations of the solver.

    Attributes
    ----------
    coef_, intercept_ : ndarray
        Coefficients of the columns of X as they are, and intercepts; of two classes one row, as in
        `LogisticRegression`.
    classes_, n_features_in_, n_iter_ : ndarray, int, ndarray
        Classes, number of columns, iterations of the solver.

    Notes
    -----
    `SearchCV(strategy="gradient", scoring="neg_log_loss")` knows the derivative by all C, for less than a fit.
    """

    _one, _all = "C", "Cs"

    def __init__(
        self,
        groups: Any,
        Cs: Any = 1.0,
        fit_intercept: bool = True,
        class_weight: Any = None,
        solver: str = "lbfgs",
        tol: float = 1e-4,
        max_iter: int = 1000,
    ) -> None:
        self.groups = groups
        self.Cs = Cs
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GroupLogisticRegression:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
            Rows.
        y : array-like of shape (n,)
            Classes.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows.

        Returns
        -------
        GroupLogisticRegression
            This object.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        _, Cs = self._by_column(X.shape[1])
        scale = np.sqrt(Cs)
        model = LogisticRegression(
            C=1.0,
            fit_intercept=self.fit_intercept,
            class_weight=self.class_weight,
            solver=check_choice("solver", self.solver, _SOLVERS),
            tol=self.tol,
            max_iter=self.max_iter,
        )
        model.fit(_scaled(X, scale), y, sample_weight=sample_weight)
        self.classes_, self.n_iter_ = model.classes_, model.n_iter_
        self.coef_, self.intercept_ = model.coef_ * scale, model.intercept_
        return self

    def decision_function(self, X: Any) -> Any:
        """Compute the decision function of rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,) or (n, n_classes)
            Logits; of two classes those of the second one.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        f = X @ self.coef_.T + self.intercept_
        return f[:, 0] if f.shape[1] == 1 else f

    def predict_proba(self, X: Any) -> Any:
        """Compute the probabilities of the classes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Probabilities.
        """
        from scipy.special import expit, softmax

        f = self.decision_function(X)
        return np.stack([expit(-f), expit(f)], axis=1) if f.ndim == 1 else softmax(f, axis=1)

    def predict(self, X: Any) -> Any:
        """Predict the classes of rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            Classes.
        """
        f = self.decision_function(X)
        return self.classes_[(f > 0.0).astype(int) if f.ndim == 1 else f.argmax(axis=1)]


def _names(estimator: Any) -> list[str]:
    return [f"{estimator._one}_{g}" for g in range(estimator._n_groups())]


@hypergradient(GroupRidge, _names)
def group_ridge(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate by the penalty of each group, all with one linear system."""
    groups, alphas = estimator._by_column(np.shape(X)[1])
    V = v.reshape(len(v), -1)
    q = of_ridge.adjoint(X, X_valid, V, alphas, estimator.fit_intercept, sample_weight)
    by_group = -np.bincount(groups, np.sum(q.T * np.atleast_2d(estimator.coef_), axis=0), estimator._n_groups())
    return {name: float(by_group[int(name.removeprefix("alpha_"))]) for name in names}


@hypergradient(GroupLogisticRegression, _names, link="softmax")
def group_logistic(
    estimator: Any, X: Any, y: Any, X_valid: Any, v: FloatArray, names: Sequence[str], sample_weight: Any = None
) -> dict[str, float]:
    """Differentiate by the C of each group, all with one linear system."""
    groups, Cs = estimator._by_column(np.shape(X)[1])
    weights = of_logistic.row_weights(estimator, y, sample_weight)
    by_intercept = 0.0 if estimator.fit_intercept else None
    W, b = estimator.coef_, np.broadcast_to(np.atleast_1d(estimator.intercept_), (len(estimator.coef_),))
    q, _ = of_logistic.adjoint(as_matrix(X), as_matrix(X_valid), v, W, b, weights, 1.0 / Cs, by_intercept)
    # The penalty of a column is 1 / C, and its derivative -1 / C².
    by_group = np.bincount(groups, np.sum(q * W, axis=0) / Cs**2, estimator._n_groups())
    return {name: float(by_group[int(name.removeprefix("C_"))]) for name in names}
