"""Values of trials that a scheduler paused: at one resource for all, so that they can be compared."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hpcore.records.history import COMPLETE, PAUSED, PRUNED, History

__all__ = ["values_at_one_resource"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEAST = 10  # trials that a resource needs beside one per parameter, as for samplers


def values_at_one_resource(history: History, n: int) -> tuple[FloatArray, BoolArray, float]:
    """Values of the first `n` trials at the highest resource that enough of them reached.

    Enough are ten, and one more than there are parameters. A trial that went less far counts with its last value plus
    the median change, from where it is to that resource, of those that were at both; so do samplers learn from a
    scheduler's trials.

    Returns
    -------
    values : ndarray of shape (n, m)
        Values, signed so that lower is better.
    rows : ndarray of shape (n,)
        True where a trial has them.
    resource : float
        Resource; infinite where values are results, and no trial is paused or enough are complete.
    """
    final: BoolArray = history.observed[:n].copy()
    values: FloatArray = history.values[:n].copy()
    state = history.state[:n]
    if not (state == PAUSED).any():
        return values, final, math.inf
    curves = _curves(history, ((state == PAUSED) | (state == COMPLETE) | (state == PRUNED)) & history.present[:n])
    needed = max(history.X.shape[1] + 1, LEAST)
    ends = {number: max(curve) for number, curve in curves.items()}
    resource = math.inf
    if final.sum() < needed and ends:
        reached = sorted(ends.values(), reverse=True)
        # As many trials as are needed went at least so far.
        resource = reached[min(needed, len(reached)) - 1]
        final = np.array([ends.get(number, -math.inf) >= resource for number in range(n)])
        for number in np.flatnonzero(final).tolist():
            values[number] = _at(curves[number], resource)
    rows = final.copy()
    below: dict[float, list[int]] = {}
    for number, end in ends.items():
        if not final[number]:
            below.setdefault(end, []).append(number)
    for end, numbers in below.items():
        there = [number for number in np.flatnonzero(final).tolist() if ends.get(number, -math.inf) >= end]
        change = _change([values[i] - _at(curves[i], end) for i in there], values.shape[1])
        for number in numbers:
            values[number] = curves[number][end] + change
            rows[number] = True
    return values, rows, resource


def _curves(history: History, chosen: BoolArray) -> dict[int, dict[float, FloatArray]]:
    """Values by step of the chosen trials that reported; of several reports of a step the last one counts."""
    found: dict[int, dict[float, FloatArray]] = {}
    curves = history.curves
    for number, step, value in zip(curves.trial.tolist(), curves.step.tolist(), curves.values, strict=True):
        if number < len(chosen) and chosen[number]:
            found.setdefault(number, {})[step] = value
    return found


def _at(curve: dict[float, FloatArray], step: float) -> FloatArray:
    """The value at a step, or the last one before it; NaN if there is none."""
    earlier = [at for at in curve if at <= step]
    return curve[max(earlier)] if earlier else np.full_like(next(iter(curve.values())), math.nan)


def _change(changes: list[FloatArray], m: int) -> FloatArray:
    """Median of changes (m,), of those that are finite; 0 if there are none."""
    finite = [change for change in changes if np.isfinite(change).all()]
    return np.median(finite, axis=0) if finite else np.zeros(m)
