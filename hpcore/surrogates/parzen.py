"""Parzen estimators: densities over the unit cube from points in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import tpe as native
from hpcore._core.rng import PARZEN_SAMPLE
from hpcore.arguments import check_integer
from hpcore.errors import InvalidArgument, InvalidType, NotFitted

__all__ = ["ParzenEstimator"]

FloatArray = npt.NDArray[np.float64]

WORD = 2**64


class ParzenEstimator:
    """A mixture of product kernels around points of the unit cube, and a wide prior component.

    Parameters
    ----------
    bandwidth : float or sequence of float, optional
        Bandwidth of the Gaussian kernels, one for all columns or one per column; by default
        ``0.25 n**(-1 / (d + 4))``, at least 0.02.
    prior_weight : float
        Weight of the prior component, against the points' weights; at least 0.
    n_levels : sequence of int, optional
        Number of equal cells of each column; 0 for a continuous one.
    categorical : sequence of bool, optional
        Columns whose levels have no order, as one flag each.

    Raises
    ------
    InvalidArgument, InvalidType
        An option outside what is said above.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).beta(2, 5, size=(50, 2))
    >>> density = ParzenEstimator().fit(X)
    >>> bool(density.logpdf([[0.2, 0.2]])[0] > density.logpdf([[0.9, 0.9]])[0])
    True

    Notes
    -----
    Continuous columns have Gaussians cut to [0, 1]; of a column with levels each level has its cell's mass under such a
    Gaussian around the point's cell, and categories the kernel of Aitchison & Aitken (1976), with
    ``q / (1 + C q)``, ``q = 1 / (n + 1)``, for each other category. The prior component is a Gaussian of mean 1/2 and
    deviation 1, cut likewise. A kernel's density below about 1e-300 of its peak counts as 0, and samples stay within
    6.6 deviations. Absolute error of `logpdf`: about 1e-11.
    """

    def __init__(
        self,
        *,
        bandwidth: float | Sequence[float] | FloatArray | None = None,
        prior_weight: float = 1.0,
        n_levels: Sequence[int] | None = None,
        categorical: Sequence[bool] | None = None,
    ) -> None:
        if bandwidth is not None:
            bandwidth = _reals("bandwidth", bandwidth)
            if bandwidth.ndim > 1 or not ((bandwidth > 0.0) & (bandwidth < np.inf)).all():
                raise InvalidArgument(f"bandwidth must be positive, one number or one per column, got {bandwidth!r}")
        weight = _reals("prior_weight", prior_weight)
        if weight.ndim or not 0.0 <= weight < np.inf:
            raise InvalidArgument(f"prior_weight must be finite and >= 0, got {prior_weight!r}")
        if n_levels is not None and not all(
            isinstance(n, int | np.integer) and not isinstance(n, bool) and 0 <= n < 2**20 for n in n_levels
        ):
            raise InvalidArgument(f"n_levels must be integers in 0 .. 2**20 - 1, one per column, got {n_levels!r}")
        self.bandwidth = bandwidth
        self.prior_weight = float(weight)
        self.n_levels = None if n_levels is None else [int(n) for n in n_levels]
        self.categorical = None if categorical is None else [bool(c) for c in categorical]
        for j, unordered in enumerate(self.categorical or ()):
            if unordered and (self.n_levels is None or j >= len(self.n_levels) or self.n_levels[j] == 0):
                raise InvalidArgument(f"categorical[{j}] needs n_levels[{j}], the number of categories")
        self._native: native.Mixture | None = None
        self._d = 0
        self._given: tuple[FloatArray, FloatArray] | None = None

    def fit(self, X: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> ParzenEstimator:
        """Put a kernel around every point.

        Parameters
        ----------
        X : array-like of shape (n, d)
            In [0, 1], n >= 1.
        weights : array-like of shape (n,), optional
            Positive; 1 each by default.

        Returns
        -------
        ParzenEstimator
            Itself.

        Raises
        ------
        InvalidArgument, InvalidType
            Points outside the cube, or shapes that do not fit together.
        """
        rows = _reals("X", X)
        if rows.ndim != 2 or rows.shape[0] < 1 or rows.shape[1] < 1:
            raise InvalidArgument(f"X must have shape (n, d) with n, d >= 1, got shape {rows.shape}")
        n, d = rows.shape
        _check_cube(rows)
        w = np.ones(n) if weights is None else _reals("weights", weights)
        if w.shape != (n,) or not ((w > 0.0) & (w < np.inf)).all():
            raise InvalidArgument(f"weights must be positive with shape ({n},), got {weights!r}")
        levels = self.n_levels if self.n_levels is not None else [0] * d
        unordered = self.categorical if self.categorical is not None else [False] * d
        for name, value in (("n_levels", levels), ("categorical", unordered)):
            if len(value) != d:
                raise InvalidArgument(f"{name} must have one entry per column ({d}), got {len(value)}")
        h = max(0.25 * n ** (-1.0 / (d + 4)), 0.02) if self.bandwidth is None else self.bandwidth
        if np.ndim(h) == 1 and np.size(h) != d:
            raise InvalidArgument(f"bandwidth must be one number or one per column ({d}), got {np.size(h)}")
        mixture = native.Mixture(levels, unordered)
        bandwidths = np.ascontiguousarray(np.broadcast_to(h, (d,)), dtype=np.float64)
        # The sum of the largest weights, and the logarithm of the smallest ones, would leave the doubles.
        top = max(float(w.max()), self.prior_weight)
        shares = np.maximum(w / top, np.finfo(float).tiny)
        mixture.fit(rows, shares, self.prior_weight / top, bandwidths, 1.0 / (n + 1.0))
        self._native, self._d, self._given = mixture, d, (rows, w)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_native": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._given is not None:
            self.fit(*self._given)

    def logpdf(self, X: npt.ArrayLike) -> FloatArray:
        """Log density over the cube at each point.

        Parameters
        ----------
        X : array-like of shape (n, d)
            In [0, 1].

        Returns
        -------
        ndarray of shape (n,)

        Raises
        ------
        NotFitted
            Before `fit`.
        InvalidArgument, InvalidType
            Points outside the cube, or of another dimension.
        """
        mixture = self._fitted()
        rows = _reals("X", X)
        if rows.ndim != 2 or rows.shape[1] != self._d:
            raise InvalidArgument(f"X must have shape (n, {self._d}), got shape {rows.shape}")
        _check_cube(rows)
        return mixture.log_density(rows)

    def sample(self, n: int, seed: int = 0) -> FloatArray:
        """Independent draws; in columns with levels, middles of cells.

        Parameters
        ----------
        n : int
            Number of draws, at least 0.
        seed : int
            0 .. 2**128 - 1.

        Returns
        -------
        ndarray of shape (n, d)

        Raises
        ------
        NotFitted
            Before `fit`.
        InvalidArgument, InvalidType
            Not such integers.
        """
        mixture = self._fitted()
        n = check_integer("n", n, 0, 2**31 - 1)
        seed = check_integer("seed", seed, 0, WORD * WORD - 1)
        return mixture.draw(n, seed % WORD, seed // WORD, 0, PARZEN_SAMPLE)

    def _fitted(self) -> native.Mixture:
        if self._native is None:
            raise NotFitted("fit must come first: this ParzenEstimator has no points yet")
        return self._native

    def __repr__(self) -> str:
        return f"ParzenEstimator(bandwidth={self.bandwidth!r}, prior_weight={self.prior_weight!r})"


def _reals(name: str, value: Any) -> FloatArray:
    try:
        out: FloatArray = np.ascontiguousarray(value, dtype=np.float64).reshape(np.shape(value))
    except (TypeError, ValueError):
        raise InvalidType(f"{name} must be numbers, got {value!r}") from None
    return out


def _check_cube(rows: FloatArray) -> None:
    if not ((rows >= 0.0) & (rows <= 1.0)).all():
        raise InvalidArgument("X must lie in [0, 1], and hold no NaN")
