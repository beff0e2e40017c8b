"""Reading what people search over: a Space, a param_grid, a list of them, scipy distributions."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType
from hpcore.records.trial import Trial
from hpcore.space import Categorical, Float, Parameter, Space
from hpcore.space.convert import parameter_of

__all__ = ["SearchSpace", "read_space"]

# Columns of a list of dictionaries: which dictionary it is, and "i/name" for the parameters of dictionary i.
_SELECTOR = "dictionary"

# Where the quantile function of an unbounded distribution is still finite.
_QUANTILES = (2.0**-40, 1.0 - 2.0**-40)


class SearchSpace:
    """A Space for the optimizer, and the way from its parameters to the estimator's.

    Parameters
    ----------
    space : Space
        What the optimizer searches.
    names : mapping of str to str, optional
        Estimator's name of each column whose name differs; a column of the space that has none is left out.
    distributions : mapping of str to frozen distribution, optional
        Columns that hold a quantile of this distribution.

    Attributes
    ----------
    space : Space
        What the optimizer searches.
    """

    def __init__(
        self,
        space: Space,
        names: Mapping[str, str] | None = None,
        distributions: Mapping[str, Any] | None = None,
    ) -> None:
        self.space = space
        self._names = names
        self._distributions = distributions or {}

    @property
    def is_plain(self) -> bool:
        """Whether the optimizer's parameters are the estimator's as they are."""
        return self._names is None and not self._distributions

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        """The estimator's parameters, in a dictionary of their own: callbacks have the trial's."""
        if self.is_plain:
            return dict(params)
        values = {
            column: float(self._distributions[column].ppf(value)) if column in self._distributions else value
            for column, value in params.items()
        }
        if self._names is None:
            return values
        return {self._names[column]: value for column, value in values.items() if column in self._names}

    def columns_of(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The optimizer's parameters that give these of the estimator; some may be left out.

        Raises
        ------
        InvalidArgument
            If no dictionary of a list has all these names and allows these values.
        """
        if self._names is None:
            return self._values({name: name for name in params}, params)
        branches: dict[str, dict[str, str]] = {}
        for column, name in self._names.items():
            branches.setdefault(column.split("/", 1)[0], {})[name] = column
        having = {i: names for i, names in branches.items() if params.keys() <= names.keys()}
        if not having:
            raise InvalidArgument(f"no dictionary of space has all of {', '.join(map(repr, params))}")
        for i, names in having.items():
            values = {_SELECTOR: int(i), **self._values(names, params)}
            try:
                self.space.check_partial(values)
            except (InvalidArgument, InvalidType):
                continue
            return values
        raise InvalidArgument(f"no dictionary of space allows {dict(params)!r}")

    def _values(self, columns: Mapping[str, str], params: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in params.items():
            column = columns[name]
            values[column] = (
                _quantile(self._distributions[column], name, value) if column in self._distributions else value
            )
        return values

    def trial(self, trial: Trial) -> Trial:
        """The trial with the estimator's parameters."""
        if self.is_plain:
            return trial
        plain = copy.copy(trial)
        plain.params = self.params(trial.params)
        return plain

    def examples(self) -> dict[str, list[Any]]:
        """For each name of the estimator's, some values that it may have: all choices, or one number."""
        found: dict[str, list[Any]] = {}
        for column, parameter in self.space.items():
            name = column if self._names is None else self._names.get(column)
            if name is None:
                continue
            if isinstance(parameter, Categorical):
                values = list(parameter.choices)
            elif column in self._distributions:
                values = [float(self._distributions[column].ppf(0.5))]
            else:
                values = [Space({"value": _unconditional(parameter)}).decode([0.5])["value"]]
            found.setdefault(name, []).extend(values)
        return found


def read_space(space: Any) -> SearchSpace:
    """Read the `space` argument of a search.

    Parameters
    ----------
    space : Space, mapping, or sequence of mappings
        See `SearchCV`.

    Raises
    ------
    InvalidType, InvalidSpace
        What does not make a space, or an empty one.
    """
    if isinstance(space, Space):
        return SearchSpace(space)
    if isinstance(space, Mapping):
        parameters, distributions = _read_mapping(space)
        return SearchSpace(Space(parameters), None, distributions)
    if isinstance(space, Sequence) and not isinstance(space, str | bytes):
        return _read_union(space)
    raise InvalidType(f"space must be a Space, a dictionary or a list of dictionaries, got {space!r}")


def _read_union(branches: Sequence[Any]) -> SearchSpace:
    if not branches:
        raise InvalidSpace("space must not be an empty list")
    columns: dict[str, Parameter] = {_SELECTOR: Categorical(list(range(len(branches))))}
    names: dict[str, str] = {}
    distributions: dict[str, Any] = {}
    for i, branch in enumerate(branches):
        if not isinstance(branch, Mapping):
            raise InvalidType(f"space must be a list of dictionaries, got {branch!r} at position {i}")
        if isinstance(branch, Space) and branch.constraints:
            raise InvalidSpace(f"a Space with constraints cannot be one of a list, as at position {i}")
        parameters, quantiles = _read_mapping(branch)
        for name, parameter in parameters.items():
            column = f"{i}/{name}"
            renamed = copy.copy(parameter)
            renamed.when = {_SELECTOR: i, **{f"{i}/{parent}": allowed for parent, allowed in parameter.when.items()}}
            columns[column] = renamed
            names[column] = name
            if name in quantiles:
                distributions[column] = quantiles[name]
    return SearchSpace(Space(columns), names, distributions)


def _read_mapping(mapping: Mapping[str, Any]) -> tuple[dict[str, Parameter], dict[str, Any]]:
    names = list(mapping)
    for name in names:
        if not isinstance(name, str):
            raise InvalidType(f"a parameter's name must be a str, got {name!r}")
    if not any(isinstance(value, Parameter) for value in mapping.values()):
        names.sort()  # as ParameterGrid does: the order in which a grid is walked is the same
    parameters: dict[str, Parameter] = {}
    distributions: dict[str, Any] = {}
    for name in names:
        value = mapping[name]
        try:
            if _is_other_distribution(value):
                parameters[name] = Float(*_QUANTILES)
                distributions[name] = value
            else:
                parameters[name] = _read_value(value)
        except InvalidType as error:
            raise InvalidType(f"space[{name!r}]: {error}") from None
        except InvalidArgument as error:
            raise InvalidSpace(f"space[{name!r}]: {error}") from None
    return parameters, distributions


def _quantile(distribution: Any, name: str, value: Any) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise InvalidType(f"value of {name!r} must be a number, got {value!r}")
    low, high = distribution.support()
    if not low <= value <= high:
        raise InvalidArgument(f"value of {name!r} must be within {float(low)} .. {float(high)}, got {value!r}")
    return min(max(float(distribution.cdf(value)), _QUANTILES[0]), _QUANTILES[1])


def _read_value(value: Any) -> Parameter:
    if isinstance(value, tuple):
        bounds = len(value) == 2 and all(isinstance(v, numbers.Real) and not isinstance(v, bool) for v in value)
        return parameter_of(value) if bounds else Categorical(list(value))
    if isinstance(value, range) and value.step < 0:
        return Categorical(list(value))  # in the order that was asked for
    if isinstance(value, np.ndarray) and value.ndim != 1:
        raise InvalidArgument(f"an array of choices must have one dimension, got shape {value.shape}")
    if isinstance(value, np.ndarray) or type(value).__module__.partition(".")[0] == "pandas":
        # The array's own scalars, as GridSearchCV passes them on.
        return Categorical(list(value))
    if callable(getattr(value, "rvs", None)) and not callable(getattr(value, "ppf", None)):
        raise InvalidType(f"a distribution must have a quantile function (ppf), got {value!r}")
    return parameter_of(value)


def _is_other_distribution(value: Any) -> bool:
    """Whether it is a continuous distribution that hpcore has no parameter of its own for."""
    if isinstance(value, Parameter) or not (hasattr(value, "dist") and callable(getattr(value, "ppf", None))):
        return False
    if not hasattr(value.dist, "pdf"):
        return False
    try:
        parameter_of(value)
    except InvalidArgument:
        return True
    return False


def _unconditional(parameter: Parameter) -> Parameter:
    alone = copy.copy(parameter)
    alone.when = {}
    return alone
