"""Descents by gradients, read off a history: quasi-Newton steps within a box, without a state of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Descent", "Result", "minimise_quadratic"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FIRST_REACH = 0.2  # longest move of a coordinate in a first step: in a range of five decades, one decade
LEAST_REACH = 1e-5  # a descent whose steps failed until they were this short is over
MOST_FAILURES = 4  # and so is one whose steps failed this often in a row
MEMORY = 30  # pairs of steps and changes of the gradient that the curvature is made of
LEAST_CURVATURE = 1e-8  # relative, below which a pair says nothing about the curvature
SWEEPS, HALVINGS = 50, 8  # of the minimisation of a quadratic
MOST_SLOPE = 1e100  # of a derivative, in units of the steepest one at the start: squares stay within the doubles


class Result(NamedTuple):
    """Trial as a descent sees it."""

    x: FloatArray
    """(d,) point of the unit cube; NaN where inactive."""
    value: float
    """Loss; infinite for a failure."""
    gradient: FloatArray
    """(d,) derivatives of the loss, NaN where not told."""


class Descent:
    """Quasi-Newton descent from one trial, which other trials nearby carry on whoever proposed them.

    A trial within reach of the best one so far is a step: if it is better, it is the new best, else the reach shrinks.
    Every step adds to the curvature by how the gradient has changed over it, if it has one.

    Parameters
    ----------
    start : Result
        Trial to descend from, which has a gradient.
    moving : ndarray of shape (d,)
        Columns that may move: True where continuous.

    Attributes
    ----------
    x : ndarray of shape (d,)
        Best point.
    value, first_value : float
        Losses at the best point and at the start.
    reach : float
        Longest move of a coordinate in the next step.
    n_steps, n_failures : int
        Numbers of steps, and of steps in a row that were no better.
    """

    def __init__(self, start: Result, moving: BoolArray) -> None:
        self._moving = moving & np.isfinite(start.gradient)
        self._place = np.where(self._moving, 0.0, start.x)
        self._pairs: list[tuple[FloatArray, FloatArray]] = []
        self.reach = FIRST_REACH
        self.n_steps = self.n_failures = 0
        self.first_value = start.value
        self._unit = float(np.abs(start.gradient[self._moving]).max(initial=0.0)) or 1.0
        self._stand_at(start, self._in_units(start.gradient))

    def _stand_at(self, best: Result, gradient: FloatArray) -> None:
        self.x, self.value, self._gradient = best.x, best.value, gradient
        self._step: tuple[FloatArray, float] | None = None

    def _in_units(self, gradient: FloatArray) -> FloatArray:
        """Derivatives in units of the steepest one at the start, 0 in columns that stay."""
        with np.errstate(over="ignore", under="ignore"):
            return np.clip(np.where(self._moving, gradient, 0.0) / self._unit, -MOST_SLOPE, MOST_SLOPE)

    def _is_near(self, x: FloatArray, reach: float) -> bool:
        """True if a point differs in columns that move only, and in none of them by more than a length."""
        # The distance first: it is the cheaper of the two, and of many descents most are far.
        if not np.abs(x - self.x)[self._moving].max(initial=0.0) <= reach:
            return False
        return np.array_equal(np.where(self._moving, 0.0, x), self._place, equal_nan=True)

    def covers(self, x: FloatArray) -> bool:
        """True if a trial at a point is a step of this descent, or so close that it begins no other one."""
        return self._is_near(x, 1.001 * max(self.reach, FIRST_REACH))

    def take(self, trial: Result) -> None:
        """Read a trial that the descent covers."""
        move = np.where(self._moving, trial.x - self.x, 0.0)
        length = float(np.abs(move).max(initial=0.0))
        has_gradient = bool(np.isfinite(trial.gradient[self._moving]).all())
        was_step = self._is_near(trial.x, 1.001 * self.reach) and float(self._gradient @ move) < 0.0
        gradient = self._in_units(trial.gradient)
        if has_gradient and length > 0.0:
            change = gradient - self._gradient
            with np.errstate(under="ignore"):
                bends = move @ change > LEAST_CURVATURE * np.sqrt(move @ move) * np.sqrt(change @ change)
            if bends:
                self._pairs = [*self._pairs[1 - MEMORY :], (move, change)]
                self._step = None
        if has_gradient and trial.value < self.value:
            if length > 0.5 * self.reach:
                self.reach = min(1.0, max(self.reach, 2.0 * length))
            self.n_steps, self.n_failures = self.n_steps + 1, 0
            self._stand_at(trial, gradient)
        elif was_step:
            # A point that the gradient does not lead to, as the shorter one of two that ran at once, is no failure.
            self.reach = min(self.reach, 0.5 * length)
            self.n_steps, self.n_failures = self.n_steps + 1, self.n_failures + 1
            self._step = None

    def step(self) -> tuple[FloatArray, float]:
        """Choose the next step: the minimiser of a quadratic model within reach and the cube.

        Returns
        -------
        step : ndarray of shape (d,)
            Move from the best point; 0 in columns that stay.
        decrease : float
            Decrease of the loss that the quadratic model expects, at least 0.
        """
        if self._step is None:
            self._step = self._next_step()
        return self._step

    def _next_step(self) -> tuple[FloatArray, float]:
        step = np.zeros_like(self.x)
        at = np.flatnonzero(self._moving)
        slope = self._gradient[at]
        steepest = float(np.abs(slope).max(initial=0.0))
        if steepest == 0.0:
            return step, 0.0
        pairs = [(move[at], change[at] / steepest) for move, change in self._pairs]
        x = self.x[at]
        low, high = np.maximum(-self.reach, -x), np.minimum(self.reach, 1.0 - x)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            hessian = _curvature(pairs, len(at))
            if not np.isfinite(hessian).all():  # of gradients that differ by a hundred orders of magnitude
                hessian = _curvature([], len(at))
            step[at], decrease = minimise_quadratic(slope / steepest, hessian, low, high)
        return step, decrease * steepest * self._unit

    def is_over(self, least: float) -> bool:
        """True if no step is expected to gain more than `least`, or too many failed."""
        if self.n_failures >= MOST_FAILURES or self.reach < LEAST_REACH:
            return True
        return self.step()[1] <= least


def _curvature(pairs: Sequence[tuple[FloatArray, FloatArray]], d: int) -> FloatArray:
    """Hessian (d, d) by the BFGS formula from moves and changes of the gradient, the oldest first.

    Nocedal & Wright 2006, "Numerical optimization", equation 6.19; the scale of the start is that of equation 6.20.
    Without pairs, one under which the steepest descent in units of the gradient has the length of a first step.
    """
    if not pairs:
        return np.eye(d) / FIRST_REACH
    move, change = pairs[-1]
    hessian = np.eye(d) * float(change @ change / (move @ change))
    for move, change in pairs:
        bent = hessian @ move
        hessian += np.outer(change, change) / float(change @ move) - np.outer(bent, bent) / float(move @ bent)
    return hessian


def minimise_quadratic(
    slope: FloatArray, hessian: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, float]:
    """Minimise ``slope @ p + p @ hessian @ p / 2`` over a box that holds 0.

    Projected Newton steps on the coordinates that are free to move (Bertsekas 1982, "Projected Newton methods for
    optimization problems with simple constraints").

    Parameters
    ----------
    slope : ndarray of shape (d,)
    hessian : ndarray of shape (d, d)
        Positive definite.
    low, high : ndarray of shape (d,)
        Bounds, ``low <= 0 <= high``.

    Returns
    -------
    p : ndarray of shape (d,)
    decrease : float
        Value at 0 less that at `p`, at least 0.
    """
    p, value = np.zeros_like(slope), 0.0
    for _ in range(SWEEPS):
        gradient = slope + hessian @ p
        free = ~((p <= low) & (gradient > 0.0) | (p >= high) & (gradient < 0.0)) & (low < high)
        if not free.any():
            break
        newton = np.zeros_like(p)
        try:
            newton[free] = -np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        except np.linalg.LinAlgError:  # singular to rounding
            newton[free] = -np.linalg.lstsq(hessian[np.ix_(free, free)], gradient[free], rcond=None)[0]
        before = value
        for halving in range(HALVINGS):
            at = np.clip(p + 0.5**halving * newton, low, high)
            there = float(slope @ at + 0.5 * at @ hessian @ at)
            if there < value:
                p, value = at, there
                break
        if before - value <= 1e-10 * abs(value):
            break
    return p, max(-value, 0.0)
