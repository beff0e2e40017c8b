"""Search distribution of CMA-ES, with margin for grids and categories; the package `cmaes` updates it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.samplers.cmaes_columns import INACTIVE, Coordinates, Points

__all__ = ["N_TRIES", "Distribution", "default_population"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

N_TRIES = 8  # draws of a point of which the first within the bounds counts; after them it is moved to the bounds


def default_population(n_coordinates: int) -> int:
    """Number of points of a generation: Hansen 2016, eq. 48."""
    return 4 + int(3 * math.log(max(n_coordinates, 1)))


class Distribution:
    """Gaussian distribution of the numeric coordinates, and a categorical one of each other; not changed once made.

    Parameters
    ----------
    coordinates : Coordinates
        Coordinates, at least one.
    mean : ndarray of shape (p,)
        Centre of the numeric coordinates, in [0, 1].
    sigma : float
        Standard deviation, in units of the range of a coordinate.
    population : int
        Number of points of a generation, at least 2.
    cov : ndarray of shape (p, p), optional
        Covariance in units of ``sigma**2``; the identity by default.
    shares : list of ndarray, optional
        Probabilities of the choices of each categorical coordinate; equal ones by default.

    Notes
    -----
    ``cmaes.CMA`` where all coordinates are real: Hansen 2016, "The CMA evolution strategy: a tutorial", with negative
    weights. Otherwise ``cmaes.CatCMAwM``: Hamano et al. 2025, "CatCMA with margin". Both are told ranks in place of
    values.
    """

    def __init__(
        self,
        coordinates: Coordinates,
        mean: FloatArray,
        sigma: float,
        population: int,
        cov: FloatArray | None = None,
        shares: list[FloatArray] | None = None,
    ) -> None:
        import cmaes

        self._coordinates, self._has_broken_down = coordinates, False
        p = coordinates.n_numeric
        cov = np.eye(p) if cov is None else cov
        self._is_mixed = p > coordinates.n_real or coordinates.n_choices > 0
        # A population of 2 or 3 has one parent, and a rank-mu learning rate of 0 that the package divides by.
        with np.errstate(all="ignore"):
            if self._is_mixed:
                self._es: Any = cmaes.CatCMAwM(
                    x_space=[[0.0, 1.0]] * coordinates.n_real or None,
                    z_space=[levels.tolist() for levels in coordinates.grids] or None,
                    c_space=[len(levels) for levels in coordinates.choices] or None,
                    population_size=population,
                    seed=0,
                    mean=mean.copy() if p else None,
                    sigma=sigma if p else None,
                    cov=cov if p else None,
                    cat_param=None if shares is None or not shares else _padded(shares),
                )
            else:
                self._es = cmaes.CMA(mean.copy(), sigma, seed=0, population_size=population, cov=cov)
        self._set_factor()

    def _set_factor(self) -> None:
        """Read the state of the package's object, which has no public names for it."""
        es, p = self._es, self._coordinates.n_numeric
        self.mean: FloatArray = es._mean if p else np.empty(0)
        self.axes: FloatArray = np.empty((0, 0))
        self.lengths: FloatArray = np.empty(0)
        self._scale: FloatArray = es._A if p and self._is_mixed else np.ones(p)
        if p:
            with np.errstate(all="ignore"):
                self.axes, D = es._eigen_decomposition()
            self.lengths = es._sigma * D

    @property
    def population(self) -> int:
        """Number of points of a generation."""
        return int(self._es.population_size)

    @property
    def n_parents(self) -> int:
        """Number of points with a positive weight."""
        return self.population // 2

    @property
    def spread(self) -> float:
        """Largest standard deviation of a real coordinate; NaN without one."""
        n = self._coordinates.n_real
        return float(np.sqrt((self.axes[:n] ** 2 @ self.lengths**2).max())) if n else math.nan

    @property
    def is_degenerate(self) -> bool:
        """True if numbers are too small or too large to go on."""
        if self._has_broken_down:
            return True
        if self._coordinates.n_numeric == 0:
            return False
        with np.errstate(all="ignore"):
            return bool(self._es.should_stop()) or not np.isfinite(self.lengths).all()

    def sample(self, normals: FloatArray, uniforms: FloatArray) -> Points:
        """Draw points.

        Parameters
        ----------
        normals : ndarray of shape (n, N_TRIES, p)
            Standard normal numbers.
        uniforms : ndarray of shape (n, c)
            Uniform numbers in [0, 1).
        """
        n, real = len(normals), self._coordinates.n_real
        numeric = self.mean + self._scale * ((normals * self.lengths) @ self.axes.T)
        inside = ((numeric[..., :real] >= 0.0) & (numeric[..., :real] <= 1.0)).all(axis=2)
        numeric = numeric[np.arange(n), np.where(inside.any(axis=1), inside.argmax(axis=1), N_TRIES - 1)]
        np.clip(numeric[:, :real], 0.0, 1.0, out=numeric[:, :real])
        choices = np.zeros((n, self._coordinates.n_choices), dtype=np.int64)
        for k, levels in enumerate(self._coordinates.choices):
            running = self._es._q[k, : len(levels)].cumsum()
            choices[:, k] = np.minimum(np.searchsorted(running, uniforms[:, k], side="right"), len(levels) - 1)
        return Points(numeric, choices)

    def normalised(self, numeric: FloatArray) -> FloatArray:
        """Numeric coordinates (n, p) in those in which the distribution is standard normal."""
        out: FloatArray = (((numeric - self.mean) / self._scale) @ self.axes) / self.lengths
        return out

    def restored(self, normal: FloatArray) -> FloatArray:
        """The inverse of `normalised`."""
        out: FloatArray = self.mean + self._scale * ((normal * self.lengths) @ self.axes.T)
        return out

    def updated(self, points: Points, foreign: npt.NDArray[np.bool_], neutral: npt.NDArray[np.bool_]) -> Distribution:
        """The distribution of the next generation.

        Parameters
        ----------
        points : Points
            Points of this generation, the best first.
        foreign : ndarray of shape (population,)
            True for points that are not drawn from this distribution.
        neutral : ndarray of shape (population,)
            True for points that say nothing: they count as the centre.
        """
        numeric = np.where(np.isnan(points.numeric) | neutral[:, None], self.mean, points.numeric)
        if foreign.any() and len(self.mean):
            with np.errstate(all="ignore"):
                numeric[foreign] = self._within_reach(numeric[foreign])
        twin = _copy(self)
        try:
            with np.errstate(all="ignore"):
                twin._tell(numeric, points.choices, neutral)
        except (np.linalg.LinAlgError, AssertionError):
            # Numbers out of range, by which the package has no eigenvalues or stops itself. The distribution before
            # is as good as any to end a run with.
            twin = _copy(self)
            twin._has_broken_down = True
        return twin

    def _tell(self, numeric: FloatArray, choices: IntArray, neutral: npt.NDArray[np.bool_]) -> None:
        """Update the package's object in place by points, the best first."""
        if self._is_mixed:
            chosen = self._one_hot(choices, neutral)
            make = type(self._es).Solution
            self._es.tell([
                (make(c=None if chosen is None else chosen[i], _v_raw=numeric[i] if len(self.mean) else None), i)
                for i in range(len(numeric))
            ])  # fmt: skip
        else:
            self._es.tell([(row, i) for i, row in enumerate(numeric)])
        self._set_factor()

    def _within_reach(self, numeric: FloatArray) -> FloatArray:
        """Move points towards the centre if they are further than a drawn one can be expected to be.

        Hansen 2011, "Injecting external solutions into CMA-ES", eq. 5.
        """
        p = len(self.mean)
        normal = self.normalised(numeric)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        most = math.sqrt(p) + 2 * p / (p + 2)
        moved = self.restored(normal * np.minimum(1.0, most / np.maximum(length, 1e-300)))
        # Where a standard deviation has become 0, nothing but the centre is within reach.
        return np.where(np.isfinite(moved), moved, self.mean)

    def _one_hot(self, choices: IntArray, neutral: npt.NDArray[np.bool_]) -> FloatArray | None:
        if not self._coordinates.n_choices:
            return None
        out = np.repeat(self._es._q[None], len(choices), axis=0)
        rows, columns = np.nonzero((choices != INACTIVE) & ~neutral[:, None])
        out[rows, columns] = 0.0
        out[rows, columns, choices[rows, columns]] = 1.0
        return out


def _padded(shares: list[FloatArray]) -> FloatArray:
    out = np.zeros((len(shares), max(len(row) for row in shares)))
    for k, row in enumerate(shares):
        out[k, : len(row)] = row
    return out


def _copy(distribution: Distribution) -> Distribution:
    """A copy whose optimiser can be updated: the package changes arrays and lists in place."""
    twin, es = object.__new__(Distribution), object.__new__(type(distribution._es))
    vars(twin).update(vars(distribution))
    vars(es).update({k: v.copy() if isinstance(v, np.ndarray | list) else v for k, v in vars(distribution._es).items()})
    twin._es = es
    return twin
