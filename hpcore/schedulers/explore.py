"""Points near another one, in the unit cube: how population-based training changes hyperparameters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hpcore.space.columns import Columns

__all__ = ["perturbed"]

FloatArray = npt.NDArray[np.float64]

# Draws until one is allowed by the constraints; after these the point itself is taken.
N_TRIES = 64


def perturbed(
    u: FloatArray, columns: Columns, generator: np.random.Generator, step: float, resample_probability: float
) -> FloatArray:
    """Move a point a step in every column, up or down.

    Parameters
    ----------
    u : ndarray of shape (d,)
        Canonical point; NaN in inactive columns.
    columns : Columns
        Columns of the space.
    generator : numpy.random.Generator
        Random numbers.
    step : float
        Size of a step in the unit cube. A step that leaves the cube ends at its face. One that does not leave the
        cell of an integer is doubled until it does. Unordered choices stay.
    resample_probability : float
        Probability with which a column is drawn anew, uniformly.

    Returns
    -------
    ndarray of shape (d,)
        Point without NaN, which the constraints allow if `u` is allowed: columns that become active are drawn anew.
    """
    for _ in range(N_TRIES):
        row = _draw(u, columns, generator, step, resample_probability)
        if columns.feasible is None or columns.feasible(row[None, :])[0]:
            return row
    return np.where(np.isnan(u), generator.random(columns.d), u)


def _draw(
    u: FloatArray, columns: Columns, generator: np.random.Generator, step: float, resample_probability: float
) -> FloatArray:
    fresh = generator.random(columns.d)
    drawn = np.isnan(u) | (generator.random(columns.d) < resample_probability)
    moves = step * np.where(generator.random(columns.d) < 0.5, -1.0, 1.0)
    row = np.where(drawn, fresh, u)
    for j in np.flatnonzero(~drawn).tolist():
        if columns.kinds[j] == "continuous":
            row[j] = min(1.0, max(0.0, u[j] + moves[j]))
        elif columns.kinds[j] == "integer":
            row[j] = _other_level(u, j, moves[j], columns)
    return row


def _other_level(u: FloatArray, j: int, move: float, columns: Columns) -> float:
    """Move a column of a grid until its level changes, or to the last one."""
    while True:
        row = u.copy()
        row[j] = min(1.0, max(0.0, u[j] + move))
        at_end = not 0.0 < row[j] < 1.0
        columns.codec.settle(row)
        if at_end or row[j] != u[j]:
            return float(row[j])
        move *= 2.0
