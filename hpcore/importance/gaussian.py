"""Shares of the variance of a Gaussian process's posterior mean over the space.

The covariance is a product over the columns, so that the mean is a sum of products, and each of its integrals over the
space is a product of integrals over one column (Oakley & O'Hagan 2004, "Probabilistic sensitivity analysis of complex
models: a Bayesian approach").

    k(x, x')   s exp(-sum_j w_j d_j(x, x')); d_j is (x_j - x'_j)^2, or 1 for two different choices; w_j = 1 / (2 l_j^2)
    m(x)       sum_i alpha_i k(x, x_i), the posterior mean but for a constant
    U_j        (n,) mean over column j of exp(-w_j d_j(., x_i))
    R_j        (n, g) the same at the nodes of column j, over U_j and less 1, times the roots of the nodes' weights
    g          (n,) alpha times all U_j

The variance of the main effect of column j is |g' R_j|^2, that of an interaction |R_j' diag(g) R_k|^2, and all variance
g' (prod_j (1 + R_j R_j') - 1) g. The nodes are levels and choices themselves; those of a continuous column are so many
Gauss-Legendre nodes that the integrals equal their expressions by error functions to 1e-11 of their size. Sums of
squares over nodes lose no digits where alpha is large, as it is with little noise; quadratic forms in alpha do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hpcore.importance.fanova import Column
from hpcore.importance.levels import shares_of_levels
from hpcore.space.discrete import Categorical
from hpcore.workers.threads import bounded

__all__ = ["Axis", "GaussianModel", "Hyperparameters", "axis_of", "decompose", "fit", "loss", "solve"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Finer grids count as continuous, which changes a variance by a share of 1 / levels^2. Levels of a logarithmic one that
# are wider than 1 / 64, as 1 of 1 .. 1000 is, do not: the mean runs away where a seventh of the scale has one value.
MOST_LEVELS = 64
N_COARSE = 257  # points that meet each level wider than 1 / 256
N_FITTED, N_STEPS = 250, 100  # rows and steps of L-BFGS-B by which hyperparameters are learnt
N_FITTED_AGAIN, N_STEPS_AGAIN = 150, 15  # the same for a bootstrap sample, from the hyperparameters of all trials
MOST_DISTANCES = 4_000_000  # of all columns together; fewer rows are fitted where there are many columns
N_ROWS, N_ROWS_AGAIN = 2000, 1000  # rows of the posterior mean, and of that of a bootstrap sample
BLOCK = 128
LEAST_NOISE = 1e-10  # of the scale, for rows that count very often: rounding errors of the factor stay below

CONSTANT = 1.0  # prior variance of the mean level, in units of the variance of y
# Means and standard deviations of the logarithms: of the length scales those of Hvarfner, Hellsten & Nardi (2024),
# "Vanilla Bayesian optimization performs great in high dimensions", which grow with the root of the number of columns.
LENGTH_PRIOR = (math.sqrt(2.0), math.sqrt(3.0))
SCALE_PRIOR = (0.0, 2.0)
NOISE_PRIOR = (-4.0, 2.5)
LENGTH_BOUNDS, SCALE_BOUNDS, NOISE_BOUNDS = (0.05, 1e3), (1e-3, 1e4), (1e-6, 1e2)
# Length scale, as a share of its prior median; scale; noise. Functions with several hills have their optimum at short
# length scales, which the gradient from long ones does not lead to.
STARTS = ((0.3, 1.0, 0.05), (0.05, 1.0, 0.01), (0.1, 1.0, 0.01))
FEW = 100  # rows; with more of them the last start is left out


@dataclass(frozen=True)
class Axis:
    """A column as the process sees it.

    Attributes
    ----------
    x : ndarray of shape (n,)
        Coordinates in [0, 1], or the numbers of choices.
    choices : bool
        True where two values are either equal or not.
    nodes, weights : ndarray of shape (g,), optional
        Values and their shares of the column's measure; None where it is uniform on [0, 1].
    rest : tuple of two floats, optional
        Interval on which the measure is uniform, with the share that the nodes leave over.
    """

    x: FloatArray
    choices: bool = False
    nodes: FloatArray | None = None
    weights: FloatArray | None = None
    rest: tuple[float, float] | None = None

    def distances(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Squared distances of values, or 1 for two choices; `a` and `b` are broadcast."""
        out: FloatArray = (a != b).astype(np.float64) if self.choices else np.square(a - b)
        return out

    def relative(self, rows: IntArray, w: float) -> tuple[FloatArray, FloatArray]:
        """The means U (n,) of the rows' factors, and their relative deviations R (n, g)."""
        nodes, weights = np.empty(0), np.empty(0)
        if self.nodes is not None and self.weights is not None:
            nodes, weights = self.nodes, self.weights
        rest = (0.0, 1.0) if self.nodes is None else self.rest
        if rest is not None:
            low, high = rest
            more, shares = np.polynomial.legendre.leggauss(n_nodes(w * (high - low) ** 2))
            nodes = np.append(nodes, low + (0.5 * more + 0.5) * (high - low))
            weights = np.append(weights, 0.5 * shares * (1.0 - weights.sum()))
        factors = np.exp(-w * self.distances(self.x[rows, None], nodes[None, :]))
        means = factors @ weights
        return means, (factors / means[:, None] - 1.0) * np.sqrt(weights)


def n_nodes(w: float) -> int:
    """Gauss-Legendre nodes for the integral over [0, 1] of a product of two factors exp(-w (x - a)^2)."""
    return 12 + math.ceil(4.0 * math.sqrt(w))


def axis_of(column: Column) -> Axis:
    """The axis of a column, with the measure that it has in random search."""
    parameter, u = column.parameter, column.u
    if isinstance(parameter, Categorical) and not parameter.ordered:
        n = len(parameter.choices)
        upper = np.array(parameter.core.column.cumulative or np.arange(1, n + 1) / n)
        x = np.minimum(np.searchsorted(upper, u, side="right"), n - 1)
        seen, shares = np.unique(x), np.diff(upper, prepend=0.0)
        nodes, weights = seen.astype(np.float64), shares[seen]
        if not column.cut and len(seen) < n:  # choices that no row has are all alike
            nodes, weights = np.append(nodes, -1.0), np.append(weights, max(1.0 - weights.sum(), 0.0))
        return Axis(x.astype(np.float64), True, nodes, weights / weights.sum())
    low, high = (float(u.min()), float(u.max())) if column.cut else (0.0, 1.0)
    if parameter.levels is not None and parameter.levels <= MOST_LEVELS:
        nodes, weights = shares_of_levels(parameter, u)
        inside = (nodes > low - 1e-9) & (nodes < high + 1e-9)
        nodes, weights = nodes[inside], weights[inside]
        return Axis(u, False, nodes, weights / weights.sum())
    if parameter.levels is not None and getattr(parameter, "log", False):
        nodes, weights = shares_of_levels(parameter, np.empty(0), N_COARSE)
        wide = np.flatnonzero(weights > 1.0 / MOST_LEVELS)
        n_wide = int(wide[-1]) + 1 if len(wide) else 0
        begin = float(weights[:n_wide].sum())
        if low < begin < high:
            inside = nodes[:n_wide] > low - 1e-9
            nodes, weights = nodes[:n_wide][inside], weights[:n_wide][inside]
            return Axis(u, False, nodes, weights / (weights.sum() + high - begin), (begin, high))
    return Axis((u - low) / (high - low))


@dataclass(frozen=True)
class Hyperparameters:
    """Length scales (d,), and the variances of process and noise for y of variance 1."""

    lengths: FloatArray
    scale: float
    noise: float

    @property
    def w(self) -> FloatArray:
        """Factors (d,) of the squared distances."""
        w: FloatArray = 0.5 / np.square(self.lengths)
        return w

    @property
    def logarithms(self) -> FloatArray:
        """Vector (d + 2,) that `loss` takes."""
        logarithms: FloatArray = np.log(np.concatenate([self.lengths, [self.scale, self.noise]]))
        return logarithms

    @classmethod
    def of(cls, logarithms: FloatArray) -> Hyperparameters:
        """Hyperparameters from their logarithms."""
        *lengths, scale, noise = np.exp(logarithms).tolist()
        return cls(np.array(lengths), scale, noise)


@dataclass
class GaussianModel:
    """Shares by a Gaussian process; hyperparameters found once are where the next fit of the same columns begins."""

    learnt: dict[tuple[int, ...], Hyperparameters] = field(default_factory=dict)

    def __call__(self, columns: Sequence[Column], y: FloatArray, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
        """Shares of the variance: of columns (d,), and of interactions (p,)."""
        import scipy.linalg  # noqa: F401 - its library is loaded before the threads of libraries are bounded

        # Matrices of some hundred rows: on busy cores several threads wait for each other far longer than they compute.
        with bounded(1, "blas"):
            return self._shares(columns, y, pairs)

    def _shares(self, columns: Sequence[Column], y: FloatArray, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
        # What occurs twice alike, as in a bootstrap sample, says nothing of the noise.
        table, first, counts = np.unique(
            np.column_stack([*(column.u for column in columns), y]), axis=0, return_index=True, return_counts=True
        )
        axes, y = [axis_of(column) for column in columns], table[:, -1]
        key = tuple(column.index for column in columns)
        start = self.learnt.get(key)
        found = fit(axes, y, first, start)
        if start is None:
            self.learnt[key] = found
        kept = _spread_over(y, N_ROWS if start is None else N_ROWS_AGAIN)
        rows = first[kept]
        return decompose(axes, rows, solve(axes, rows, y[kept], counts[kept].astype(np.float64), found), found.w, pairs)


def fit(axes: Sequence[Axis], y: FloatArray, rows: IntArray, start: Hyperparameters | None = None) -> Hyperparameters:
    """Likeliest hyperparameters given their prior, from a selection of the rows if these are many.

    Parameters
    ----------
    axes : sequence of Axis
        Columns.
    y : ndarray of shape (n,)
        Values, with mean 0 and variance 1 or nearly.
    rows : ndarray of shape (n,)
        Positions of these values in the columns.
    start : Hyperparameters, optional
        Point from which a few steps on fewer rows suffice.
    """
    from scipy.optimize import minimize

    d = len(axes)
    most = math.ceil(math.sqrt(2.0 * MOST_DISTANCES / d))
    kept = _spread_over(y, min(N_FITTED if start is None else N_FITTED_AGAIN, most))
    y, rows = y[kept], rows[kept]
    i, j = np.tril_indices(len(rows), -1)
    distances = np.empty((d, len(i)))
    for axis, out in zip(axes, distances, strict=True):
        out[:] = axis.distances(axis.x[rows[i]], axis.x[rows[j]])
    if start is None:
        median = math.exp(LENGTH_PRIOR[0]) * math.sqrt(d)
        starts = [
            Hyperparameters(np.full(d, share * median), scale, noise)
            for share, scale, noise in (STARTS if len(y) <= FEW else STARTS[:-1])
        ]
    else:
        starts = [start]
    bounds = np.log([LENGTH_BOUNDS] * d + [SCALE_BOUNDS, NOISE_BOUNDS])
    options = {"maxiter": N_STEPS if start is None else N_STEPS_AGAIN}
    ends = [
        minimize(loss, begin.logarithms, (distances, y), "L-BFGS-B", jac=True, bounds=bounds, options=options)
        for begin in starts
    ]
    return Hyperparameters.of(min(ends, key=lambda end: float(end.fun)).x)


def loss(logarithms: FloatArray, distances: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
    """Negative logarithm of the posterior density of hyperparameters, and its gradient.

    Parameters
    ----------
    logarithms : ndarray of shape (d + 2,)
        Logarithms of length scales, scale and noise.
    distances : ndarray of shape (d, n (n - 1) / 2)
        Squared distances by column, in the order of the lower triangle's rows.
    y : ndarray of shape (n,)
        Values.
    """
    from scipy.linalg import lapack

    n, d = len(y), len(distances)
    h = Hyperparameters.of(logarithms)
    lower = np.tril_indices(n, -1)
    k = h.scale * np.exp(-(h.w @ distances))
    K = np.zeros((n, n))
    K[lower] = k + CONSTANT
    K[np.diag_indices(n)] = h.scale + CONSTANT + h.noise
    L, failed = lapack.dpotrf(K, lower=1)
    if failed:
        raise np.linalg.LinAlgError(f"pivot {failed} of the covariance is not positive")
    alpha, _ = lapack.dpotrs(L, y, lower=1)
    inverse, _ = lapack.dpotri(L, lower=1)
    # Rasmussen & Williams 2006, eq. 5.9; off the diagonal each entry stands for two.
    W = inverse[lower] - alpha[lower[0]] * alpha[lower[1]]
    diagonal = float(np.trace(inverse) - alpha @ alpha)
    pull = W * k
    gradient = np.empty(d + 2)
    gradient[:d] = 2.0 * h.w * (distances @ pull)
    gradient[d] = pull.sum() + 0.5 * h.scale * diagonal
    gradient[d + 1] = 0.5 * h.noise * diagonal
    means = np.array([LENGTH_PRIOR[0] + 0.5 * math.log(d)] * d + [SCALE_PRIOR[0], NOISE_PRIOR[0]])
    deviations = np.array([LENGTH_PRIOR[1]] * d + [SCALE_PRIOR[1], NOISE_PRIOR[1]])
    z = (logarithms - means) / deviations
    value = 0.5 * float(y @ alpha) + float(np.log(np.diag(L)).sum()) + 0.5 * float(z @ z)
    return value, gradient + z / deviations


def solve(axes: Sequence[Axis], rows: IntArray, y: FloatArray, counts: FloatArray, h: Hyperparameters) -> FloatArray:
    """Coefficients alpha (n,) of the posterior mean, for rows that count once or more often."""
    from scipy.linalg import cho_factor, cho_solve
    from scipy.spatial.distance import cdist

    weighted = list(zip(axes, h.w.tolist(), strict=True))
    numbers = [axis.x[rows] * math.sqrt(w) for axis, w in weighted if not axis.choices]
    X = np.column_stack([np.zeros(len(rows)), *numbers])
    K: FloatArray = cdist(X, X, "sqeuclidean")
    for axis, w in weighted:
        if axis.choices:
            K += w * axis.distances(axis.x[rows, None], axis.x[rows])
    np.exp(-K, out=K)
    K *= h.scale
    K += CONSTANT
    K[np.diag_indices(len(rows))] += np.maximum(h.noise / counts, LEAST_NOISE * h.scale)
    alpha: FloatArray = cho_solve(cho_factor(K, lower=True, overwrite_a=True), y)
    return alpha


def decompose(
    axes: Sequence[Axis], rows: IntArray, alpha: FloatArray, w: FloatArray, pairs: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Shares of the variance of the mean with coefficients `alpha`: of columns (d,), and of interactions (p,)."""
    n = len(rows)
    deviations, logarithm = [], np.zeros(n)
    for axis, factor in zip(axes, w.tolist(), strict=True):
        means, R = axis.relative(rows, factor)
        deviations.append(R)
        logarithm += np.log(means)
    g = alpha * np.exp(logarithm - logarithm.max())  # a common factor is no part of a share
    total = 0.0
    for begin in range(0, n, BLOCK):
        block = slice(begin, begin + BLOCK)
        product = np.zeros((len(g[block]), n))  # of 1 + R R' over the columns so far, less 1
        for R in deviations:
            r = R[block] @ R.T
            product *= 1.0 + r
            product += r
        total += float(g[block] @ product @ g)
    if not total > 0.0:
        return np.zeros(len(axes)), np.zeros(len(pairs))
    main = np.array([np.square(g @ R).sum() for R in deviations])
    joint = np.array([np.square((deviations[j].T * g) @ deviations[k]).sum() for j, k in pairs.tolist()])
    return np.clip(main / total, 0.0, 1.0), np.clip(joint / total, 0.0, 1.0)


def _spread_over(y: FloatArray, n: int) -> IntArray:
    """Positions of at most n values, evenly spaced in their order."""
    if len(y) <= n:
        return np.arange(len(y))
    order = np.argsort(y, kind="stable")
    return np.sort(order[np.linspace(0, len(y) - 1, n).round().astype(np.int64)])
