"""Resources of trials: their bounds, and the rungs at which trials are compared.

A resource is an epoch, a number of rows, a number of trees: whatever the steps of reports count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_number
from hpcore.errors import InvalidArgument
from hpcore.records.curves import Curves
from hpcore.records.history import COMPLETE
from hpcore.schedulers.base import Judge, Scheduler
from hpcore.schedulers.ordering import check_objective

__all__ = ["ResourceJudge", "Resources", "RungScheduler", "check_resources", "exact", "full_resource"]

StateArray = npt.NDArray[np.uint8]

# Rungs closer than a tenth would compare what hardly differs, and their number would have no useful bound.
SMALLEST_ETA = 1.1


@dataclass(frozen=True)
class Resources:
    """Checked bounds of a resource.

    Attributes
    ----------
    min_resource : float
        Smallest resource at which trials are compared.
    max_resource : float, optional
        Resource of a full evaluation; None if the first complete trial shows it.
    eta : float
        Factor between rungs, and of trials that are left out at each.
    """

    min_resource: float
    max_resource: float | None
    eta: float

    def levels(self, full: float) -> tuple[float, ...]:
        """Rungs up to the resource `full`: ``full / eta**k``, as long as that is not below `min_resource`.

        They are integers, rounded, if both bounds are. A `full` below `min_resource` leaves one rung.

        Notes
        -----
        The powers are exact: a logarithm in floating point would lose the lowest rung of 243 = 3**5, and numbers such
        as 0.1 and 0.9 are taken as they are written.
        """
        top, bottom, eta = exact(full), exact(self.min_resource), exact(self.eta)
        levels = [top]
        while levels[-1] / eta >= bottom:
            levels.append(levels[-1] / eta)
        if top.denominator == bottom.denominator == 1:
            levels = [Fraction(math.floor(level + Fraction(1, 2))) for level in levels]
        return tuple(sorted({float(level) for level in levels}))


def exact(x: float) -> Fraction:
    """Return the shortest decimal number that is read as `x`."""
    return Fraction(repr(float(x)))


def check_resources(min_resource: Any, max_resource: Any, eta: Any) -> Resources:
    """Check the arguments that the schedulers with rungs share.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed.
    """
    low = check_number("min_resource", min_resource, 0.0, open_low=True)
    high = None if max_resource is None else check_number("max_resource", max_resource, 0.0, open_low=True)
    if high is not None and high < low:
        raise InvalidArgument(f"max_resource must be None or >= min_resource, got {high:g} and min_resource={low:g}")
    return Resources(low, high, check_number("eta", eta, SMALLEST_ETA))


def full_resource(curves: Curves, state: StateArray) -> float:
    """Largest step of the complete trial of lowest number that reported; infinite if there is none yet."""
    if len(curves):
        for number in np.flatnonzero(state == COMPLETE).tolist():
            rows = curves.of(number)
            if rows:
                return float(curves.step[rows].max())
    return math.inf


class ResourceJudge(Judge):
    """Judge with rungs.

    Parameters
    ----------
    resources : Resources
        Bounds of the resource.
    """

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        if resources.max_resource is not None:
            self.max_resource = resources.max_resource

    def full_resource(self, curves: Curves, state: StateArray) -> float:
        """See `Judge.full_resource`; infinite while it is not known."""
        given = self._resources.max_resource
        return full_resource(curves, state) if given is None else given

    def levels(self, curves: Curves, state: StateArray) -> tuple[float, ...]:
        """See `Judge.levels`."""
        full = self.full_resource(curves, state)
        return self._resources.levels(full) if math.isfinite(full) else ()


class RungScheduler(Scheduler):
    """Options of a scheduler with rungs; see `Hyperband` for the parameters."""

    def __init__(
        self,
        min_resource: float = 1,
        max_resource: float | None = None,
        eta: float = 3,
        *,
        objective: str = "dominance",
    ) -> None:
        check_resources(min_resource, max_resource, eta)
        self.min_resource, self.max_resource, self.eta = min_resource, max_resource, eta
        self.objective = check_objective(objective)

    def _resources(self) -> Resources:
        return check_resources(self.min_resource, self.max_resource, self.eta)
