"""Estimates of what trials that were stopped early would have come to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median

__all__ = ["median_changes"]

Curve = Mapping[float, tuple[float, ...]]


def median_changes(curves: Iterable[Curve], full: float, steps: Iterable[float]) -> dict[float, tuple[float, ...]]:
    """Median change of each objective from some steps to the last one, of the trials that got so far.

    Parameters
    ----------
    curves : iterable of mapping
        Values of each trial by step.
    full : float
        Step to which trials are compared.
    steps : iterable of float
        Steps, less than `full`.

    Returns
    -------
    dict of float to tuple of float
        Changes by step; a step that no other trial has come by is missing.
    """
    reached = [curve for curve in curves if full in curve and all(map(math.isfinite, curve[full]))]
    found = {}
    for step in set(steps):
        pairs = [(_at(curve, step), curve[full]) for curve in reached]
        changes = [
            tuple(end - begin for begin, end in zip(early, late, strict=True))
            for early, late in pairs
            if early is not None
        ]
        finite = [change for change in changes if all(map(math.isfinite, change))]
        if finite:
            found[step] = tuple(map(median, zip(*finite, strict=True)))
    return found


def _at(curve: Curve, step: float) -> tuple[float, ...] | None:
    """Values of a trial at a step, or of its last report before."""
    if step in curve:
        return curve[step]
    before = max((s for s in curve if s < step), default=None)
    return None if before is None else curve[before]
