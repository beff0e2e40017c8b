"""Limits of metrics: which trials are allowed, and how far the others are from it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import records as native
from hpcore.arguments import check_number, shown
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.conditions import AtLeast, AtMost

__all__ = ["Limit", "Limits", "between", "least_violation", "typical_size"]

FloatArray = npt.NDArray[np.float64]

HUGE = sys.float_info.max


@dataclass(frozen=True)
class Limit:
    """Bounds of a metric, both allowed; made by `between`, `at_most` or `at_least`.

    Attributes
    ----------
    low, high : float
        Bounds, at least one; infinite where there is none.

    Raises
    ------
    InvalidArgument, InvalidType
        No bound, NaN or no number, or bounds that exclude each other.
    """

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        for name, none in (("low", -math.inf), ("high", math.inf)):
            bound = getattr(self, name)
            if not (isinstance(bound, float) and bound == none):
                object.__setattr__(self, name, check_number(name, bound))
        if self.low > self.high:
            raise InvalidArgument(f"low must be <= high, got low={self.low!r}, high={self.high!r}")
        if math.isinf(self.low) and math.isinf(self.high):
            raise InvalidArgument("a limit must have a finite bound, got none")

    def __str__(self) -> str:
        bounds = [f">= {self.low:g}"] if self.low > -math.inf else []
        bounds += [f"<= {self.high:g}"] if self.high < math.inf else []
        return " and ".join(bounds)


def between(low: float, high: float) -> Limit:
    """Limit of a metric from below and above.

    Parameters
    ----------
    low, high : float
        Bounds, both allowed; finite, ``low <= high``.

    Returns
    -------
    Limit
        To be used as ``limits={"load": hp.between(0.2, 0.8)}``.

    Raises
    ------
    InvalidArgument, InvalidType
        A bound that is not a finite number, or bounds that exclude each other.
    """
    return Limit(check_number("low", low), check_number("high", high))


class Limits(Mapping[str, Limit]):
    """Limits of a search by the name of the metric; the only place that compares metrics with bounds.

    Parameters
    ----------
    given : mapping of str to limit, or None
        Each limit is made by `at_most`, `at_least` or `between`.

    Raises
    ------
    InvalidArgument, InvalidType
        A name or a limit is not allowed.
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        if given is not None and not isinstance(given, Mapping):
            raise InvalidType(f"limits must be a mapping of metrics to limits, got {shown(given)}")
        self._limits = {_name(name): _limit(name, limit) for name, limit in (given or {}).items()}
        # (name, sign, bound): a bound per column of the history, which is kept if sign * (value - bound) <= 0.
        self._bounds: list[tuple[str, float, float]] = []
        for name, limit in self._limits.items():
            if limit.low > -math.inf:
                self._bounds.append((name, -1.0, limit.low))
            if limit.high < math.inf:
                self._bounds.append((name, 1.0, limit.high))

    def __getitem__(self, name: str) -> Limit:
        return self._limits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._limits)

    def __len__(self) -> int:
        return len(self._limits)

    def to_plain(self) -> dict[str, list[float | None]]:
        """Convert to plain data: the lower and upper bound of each metric, None where there is none."""
        return {
            name: [None if math.isinf(bound) else bound for bound in (limit.low, limit.high)]
            for name, limit in self._limits.items()
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Sequence[float | None]]) -> Limits:
        """Restore from the data of `to_plain`.

        Raises
        ------
        InvalidArgument, InvalidType
            The bounds are none.
        """
        return cls(
            {
                name: Limit(-math.inf if low is None else low, math.inf if high is None else high)
                for name, (low, high) in data.items()
            }
        )

    @property
    def n_bounds(self) -> int:
        """Number of bounds, two for a metric that is limited from both sides."""
        return len(self._bounds)

    @property
    def columns(self) -> list[str]:
        """Name of the metric of each bound: the lower one of a metric comes first."""
        return [name for name, _, _ in self._bounds]

    def violations(self, metrics: Mapping[str, float] | None) -> tuple[float, ...]:
        """Distances of a trial's metrics beyond each bound, at most 0 where it is kept; NaN if not known."""
        known = metrics or {}
        out = []
        for name, sign, bound in self._bounds:
            beyond = sign * (known.get(name, math.nan) - bound)
            out.append(min(max(beyond, -HUGE), HUGE) if beyond == beyond else math.nan)
        return tuple(out)

    def by_name(self, violations: Sequence[float]) -> dict[str, float]:
        """The larger distance of each metric beyond its bounds, from one distance per bound."""
        worst: dict[str, float] = {}
        for name, beyond in zip(self.columns, violations, strict=True):
            worst[name] = max(worst.get(name, beyond), beyond)
        return worst

    def missing(self, metrics: Mapping[str, float] | None) -> list[str]:
        """Names of the limited metrics that a trial does not have."""
        known = metrics or {}
        return [name for name in self._limits if math.isnan(known.get(name, math.nan))]

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: {limit}' for name, limit in self._limits.items())}}}"


def least_violation(violations: FloatArray) -> int:
    """Row that is nearest to keeping all limits, the earliest among equals.

    Parameters
    ----------
    violations : ndarray of shape (n, k)
        Distances beyond k bounds, at most 0 where a bound is kept; NaN if not known; n >= 1.

    Returns
    -------
    int
        Row with the least sum of distances, each as a share of the largest one of its bound, so that units do not
        matter. An unknown distance counts as the largest.
    """
    beyond = np.maximum(violations, 0.0)
    largest = np.where(np.isnan(beyond), 0.0, beyond).max(axis=0)
    share = np.where(np.isnan(beyond), 1.0, beyond / np.where(largest > 0.0, largest, 1.0))
    return int(np.argmin(share.sum(axis=1)))


def typical_size(violations: FloatArray) -> float:
    """Median size of the known distances (n,) of one bound, which is a unit for them; 0 if none is known or most are 0.

    It is finite also where the mean of two distances is more than the largest double.
    """
    return native.typical_size(np.ascontiguousarray(violations))


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise InvalidType(f"limits must be named by the metrics' names (str), got {shown(name)}")
    return name


def _limit(name: str, given: Any) -> Limit:
    if isinstance(given, AtMost):
        return Limit(high=check_number(f"limits[{name!r}]", given.value))
    if isinstance(given, AtLeast):
        return Limit(low=check_number(f"limits[{name!r}]", given.value))
    if isinstance(given, Limit):
        return given
    raise InvalidType(f"limits[{name!r}] must be made by hp.at_most, hp.at_least or hp.between, got {shown(given)}")
