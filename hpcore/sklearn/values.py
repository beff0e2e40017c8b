"""Reading of one value of a param_grid: choices, a distribution, or a parameter of hpcore."""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple, Protocol

import joblib
import numpy as np

from hpcore.arguments import shown
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.samplers import GridSampler, RandomSampler, Sampler, SobolSampler
from hpcore.space import Categorical, Float, Int, Parameter
from hpcore.space.choices import choice_index, choice_key, choice_table
from hpcore.space.convert import are_numbers, choices_of, distribution_of, parameter_of

__all__ = ["LEARNING", "Manner", "Reading", "Translation", "read_value"]

# Where the quantile function of an unbounded distribution is still finite.
_QUANTILES = (2.0**-40, 1.0 - 2.0**-40)

# Number of draws that represent a distribution that can only be drawn from. If at most a quarter of them differ, they
# are taken for all its values.
_N_DRAWS = 1_000
_MOST_SEEDS = 2**31 - 1


class Manner(NamedTuple):
    """Manner in which a strategy wants choices and distributions to be read.

    Attributes
    ----------
    as_listed : bool
        True if choices keep the order of their list; otherwise numbers are ordered by size.
    repeats : bool
        True if a choice that is listed twice is two choices.
    draws : bool
        True if each candidate draws from a distribution that has no quantile function.
    walks : bool
        True if every choice is visited.
    stored : bool
        True if the search may continue in another process, where distributions are read again.
    """

    as_listed: bool = False
    repeats: bool = False
    draws: bool = False
    walks: bool = False
    stored: bool = False

    @classmethod
    def of(cls, sampler: Sampler, stored: bool) -> Manner:
        """Return the manner of a sampler; one that does not learn reads a list as scikit-learn does."""
        walks, draws = isinstance(sampler, GridSampler), isinstance(sampler, RandomSampler)
        as_listed = walks or draws or isinstance(sampler, SobolSampler)
        return cls(as_listed, as_listed, draws, walks, stored)


LEARNING = Manner()


class Translation(Protocol):
    """Translation between a column of the optimizer's space and a parameter of the estimator."""

    def value(self, column: Any) -> Any:
        """Return the estimator's value."""

    def column(self, name: str, value: Any) -> Any:
        """Return the optimizer's value; raise InvalidArgument or InvalidType if there is none."""

    def examples(self) -> list[Any]:
        """Return some values that the estimator may get."""


class Reading(NamedTuple):
    """Parameter of the optimizer, and its translation unless its values are the estimator's."""

    parameter: Parameter
    translation: Translation | None = None


def read_value(value: Any, manner: Manner) -> Reading:
    """Read the value of a name in the dictionary of a search.

    Parameters
    ----------
    value : Parameter, collection, or object with `rvs`
        Value; see `SearchCV`.
    manner : Manner
        Manner of the strategy.

    Raises
    ------
    InvalidArgument, InvalidType
        If it is none of these, is empty, or cannot be drawn from.
    """
    if isinstance(value, Parameter):
        return Reading(value)
    if callable(getattr(value, "rvs", None)):
        return _read_distribution(value, manner)
    return _read_choices(_choices(value), manner)


# --- choices ----------------------------------------------------------------------------------------------------------


def _choices(value: Any) -> Sequence[Any]:
    """List the choices of a value that scikit-learn accepts as a list, or of another ordered collection."""
    dimensions = getattr(value, "ndim", 1)
    if isinstance(dimensions, int) and dimensions > 1:
        raise InvalidArgument(
            f"an array of choices must have one dimension, got shape {getattr(value, 'shape', None)}; list(array) "
            f"makes choices of its rows"
        )
    if isinstance(value, Iterator):
        raise InvalidType(
            f"an iterator can be read only once, and each fit reads the choices again; write list(...) around it, "
            f"got {shown(value):.200}"
        )
    if isinstance(value, Set) and not hasattr(value, "mapping"):
        raise InvalidType(
            f"choices must have an order that stays the same, so a list and not a set, got {shown(value):.200}"
        )
    if dimensions == 0 or isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Collection):
        raise InvalidType(
            f"values must be a list or array of choices, an hpcore parameter such as hpcore.Float(low, high, log=True) "
            f"or a distribution with a method rvs; got {shown(value):.200} of type {type(value).__name__} (a single "
            f"value is written as a list of one)"
        )
    if isinstance(value, range) and value.step > 0:
        return value
    # An array's own scalars, as GridSearchCV passes them on.
    return list(value)


def _read_choices(values: Sequence[Any], manner: Manner) -> Reading:
    if not len(values):
        raise InvalidArgument("choices must not be empty")
    if isinstance(values, range):
        return Reading(parameter_of(values))
    first: dict[Any, int] = {}
    for position, value in enumerate(values):
        first.setdefault(choice_key(value), position)
    if len(first) < len(values) and manner.repeats:
        return Reading(Int(0, len(values) - 1), _Listed(values, list(first.values())))
    distinct = [values[position] for position in first.values()]
    return Reading(choices_of(distinct, rearrange=not manner.as_listed))


class _Listed:
    """Choices by their position in a list that has some of them more than once.

    Parameters
    ----------
    values : sequence
        List of choices.
    positions : list of int
        First position of each distinct choice.
    """

    def __init__(self, values: Sequence[Any], positions: list[int]) -> None:
        self._values, self._positions = values, positions
        self._distinct = [values[position] for position in positions]

    def value(self, column: Any) -> Any:
        return self._values[column]

    def column(self, name: str, value: Any) -> Any:
        index = choice_index(choice_table(self._distinct), self._distinct, value)
        if index is None:
            raise InvalidArgument(
                f"value of {name!r} must be one of {shown(self._distinct):.200}, got {shown(value):.200}"
            )
        return self._positions[index]

    def examples(self) -> list[Any]:
        return self._distinct


# --- distributions ----------------------------------------------------------------------------------------------------


def _read_distribution(value: Any, manner: Manner) -> Reading:
    if callable(getattr(value, "freeze", None)):
        # One of scipy's before it has arguments; some need none.
        try:
            value = value.freeze()
        except TypeError as error:
            raise InvalidArgument(f"a distribution must have its arguments, got {shown(value):.200}: {error}") from None
    if all(hasattr(value, name) for name in ("dist", "args", "kwds", "ppf")):
        if hasattr(value.dist, "pdf"):
            return _read_continuous(value)
        parameter = distribution_of(value)
        if parameter is not None:
            return Reading(parameter)
    return _read_draws(value, manner)


def _read_continuous(distribution: Any) -> Reading:
    median = distribution.ppf(0.5)
    if np.ndim(median) or not math.isfinite(median):
        given = f"{distribution.dist.name!r} with {distribution.args!r} {distribution.kwds!r}"
        raise InvalidArgument(f"the arguments of a distribution must be single numbers within its range, got {given}")
    try:
        parameter = distribution_of(distribution)
    except InvalidArgument:  # one of ours, with arguments that ours does not take
        parameter = None
    return Reading(Float(*_QUANTILES), _Quantiles(distribution)) if parameter is None else Reading(parameter)


class _Quantiles:
    """Continuous distribution by its quantile function."""

    def __init__(self, distribution: Any) -> None:
        self._distribution = distribution

    def value(self, column: Any) -> Any:
        return float(self._distribution.ppf(column))

    def column(self, name: str, value: Any) -> Any:
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
            raise InvalidType(f"value of {name!r} must be a number, got {shown(value):.200}")
        low, high = self._distribution.support()
        if not low <= value <= high:
            raise InvalidArgument(
                f"value of {name!r} must be within {float(low)} .. {float(high)}, got {shown(value):.200}"
            )
        return min(max(float(self._distribution.cdf(value)), _QUANTILES[0]), _QUANTILES[1])

    def examples(self) -> list[Any]:
        return [self.value(0.5)]


def _read_draws(distribution: Any, manner: Manner) -> Reading:
    """Read a distribution that can only be drawn from.

    A random search draws for each candidate. Others search the quantiles of a fixed sample, so that neighbouring values
    have similar scores.
    """
    drawn = _Drawn(distribution)
    if manner.stored and joblib.hash(drawn.draw(0)) != joblib.hash(drawn.draw(0)):
        raise InvalidArgument(
            f"a distribution must follow the random_state that rvs is given, so that a stored search can go on, but "
            f"{shown(distribution):.200} answers twice differently"
        )
    if manner.draws:
        drawn.value(0)
        return Reading(Int(0, _MOST_SEEDS), drawn)
    sample = [drawn.draw(seed) for seed in range(_N_DRAWS)]
    counts: dict[Any, int] = {}
    for key in map(choice_key, sample):
        counts[key] = counts.get(key, 0) + 1
    distinct = {choice_key(value): value for value in sample}
    numeric = are_numbers(sample)
    if 4 * len(counts) <= _N_DRAWS:
        values = sorted(distinct.values()) if numeric else list(distinct.values())
        weights = [counts[choice_key(value)] for value in values]
        return Reading(Categorical(values, ordered=numeric, weights=weights))
    if numeric:
        return Reading(Float(0.0, 1.0), _Sorted(sorted(sample)))
    if manner.walks:
        raise InvalidArgument(
            f"a distribution of more than {_N_DRAWS // 4} values that are no numbers has no grid; strategy='random' "
            f"takes it, got {shown(distribution):.200}"
        )
    return Reading(Int(0, _MOST_SEEDS), drawn)


class _Drawn:
    """Draws from a distribution, each by the seed of its random numbers."""

    def __init__(self, distribution: Any) -> None:
        self._distribution = distribution
        self._values: dict[int, Any] = {}

    def draw(self, seed: int) -> Any:
        try:
            return self._distribution.rvs(random_state=np.random.RandomState(seed))
        except Exception as error:
            raise InvalidArgument(
                f"a distribution must answer rvs(random_state=RandomState), but {shown(self._distribution):.200} "
                f"raised {type(error).__name__}: {error}"
            ) from error

    def value(self, column: Any) -> Any:
        # Kept: a distribution that does not follow its random state must not answer twice.
        if column not in self._values:
            self._values[column] = self.draw(column)
        return self._values[column]

    def column(self, name: str, value: Any) -> Any:
        raise InvalidArgument(
            f"value of {name!r} must be left out: it is drawn from {shown(self._distribution):.200}; got "
            f"{shown(value):.200}"
        )

    def examples(self) -> list[Any]:
        return [self.value(0)]


class _Sorted:
    """Sample of numbers by their rank, from 0 to 1."""

    def __init__(self, sample: list[Any]) -> None:
        self._sample = sample

    def value(self, column: Any) -> Any:
        n = len(self._sample)
        return self._sample[min(math.floor(column * n), n - 1)]

    def column(self, name: str, value: Any) -> Any:
        if value not in self._sample:
            raise InvalidArgument(
                f"value of {name!r} must be one that was drawn from its distribution, which has no quantile function; "
                f"got {shown(value):.200}"
            )
        return (self._sample.index(value) + 0.5) / len(self._sample)

    def examples(self) -> list[Any]:
        return [self.value(0.5)]
