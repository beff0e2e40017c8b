"""Reading of search spaces: a Space, a param_grid, a list of them, scipy distributions."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType
from hpcore.records.trial import Trial
from hpcore.sklearn.values import LEARNING, Manner, Translation, read_value
from hpcore.space import Categorical, Parameter, Space
from hpcore.space.conditions import alternatives_of, check_when

__all__ = ["SearchSpace", "read_space"]

# Columns of a list of dictionaries: the index of the dictionary, and "i/name" for the parameters of dictionary i.
_SELECTOR = "dictionary"


class SearchSpace:
    """Space of the optimizer, and the translation of its parameters to the estimator's.

    Parameters
    ----------
    space : Space
        Space that the optimizer searches.
    names : mapping of str to str, optional
        Estimator's name of each column; a column without one is no parameter of the estimator. None if all columns
        have the names of the estimator.
    translations : mapping of str to Translation, optional
        Translations of the columns with other values than the estimator's.

    Attributes
    ----------
    space : Space
        Space that the optimizer searches.
    """

    def __init__(
        self,
        space: Space,
        names: Mapping[str, str] | None = None,
        translations: Mapping[str, Translation] | None = None,
    ) -> None:
        self.space = space
        self._names = names
        self._translations = translations or {}

    @property
    def is_plain(self) -> bool:
        """Tell whether the optimizer's parameters are the estimator's as they are."""
        return self._names is None and not self._translations

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Translate parameters of a trial to the estimator's, in a new dictionary."""
        if self.is_plain:
            return dict(params)
        values = {
            column: self._translations[column].value(value) if column in self._translations else value
            for column, value in params.items()
        }
        if self._names is None:
            return values
        return {self._names[column]: value for column, value in values.items() if column in self._names}

    def columns_of(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Translate parameters of the estimator, some of which may be left out, to the optimizer's.

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
            try:
                values = {_SELECTOR: int(i), **self._values(names, params)}
                self.space.check_partial(values)
            except (InvalidArgument, InvalidType):
                continue
            return values
        raise InvalidArgument(f"no dictionary of space allows {dict(params)!r}")

    def _values(self, columns: Mapping[str, str], params: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in params.items():
            column = columns[name]
            values[column] = self._translations[column].column(name, value) if column in self._translations else value
        return values

    def column_value(self, column: str, name: str, value: Any) -> Any:
        """Translate a value of the estimator's parameter `name` to one of a column.

        Raises
        ------
        InvalidArgument, InvalidType
            If the column has no such value.
        """
        if column in self._translations:
            value = self._translations[column].column(name, value)
        return self.space[column].check(name, value)

    def branch_columns(self) -> list[tuple[dict[str, Any], dict[str, str]]]:
        """List for each dictionary what chooses it, and the estimator's name of each of its columns."""
        if self._names is None:
            return [({}, {column: column for column in self.space})]
        selector = self.space[_SELECTOR]
        assert isinstance(selector, Categorical)
        return [
            ({_SELECTOR: i}, {column: name for column, name in self._names.items() if column.startswith(f"{i}/")})
            for i in selector.choices
        ]

    def trial(self, trial: Trial) -> Trial:
        """Return the trial with the estimator's parameters."""
        if self.is_plain:
            return trial
        plain = copy.copy(trial)
        plain.params = self.params(trial.params)
        if trial.gradient and self._names is not None:
            names = self._names
            gradient = {names[column]: slope for column, slope in trial.gradient.items()}
            plain.set_facts(trial.cost, trial.metrics or None, gradient)
        return plain

    def continuous(self, params: Mapping[str, Any]) -> dict[str, str]:
        """Find the continuous parameters among those of a trial: the estimator's name of each column.

        A column with other values than the estimator's, such as a quantile, is none of them.
        """
        found = {}
        for column, kind in zip(self.space.columns.names, self.space.columns.kinds, strict=True):
            if kind == "continuous" and column in params and column not in self._translations:
                found[column] = column if self._names is None else self._names[column]
        return found

    def gradient(self, params: Mapping[str, Any], gradient: Mapping[str, float]) -> dict[str, float] | None:
        """Translate derivatives by parameters of the estimator to those by the columns of a trial; None without any."""
        names = self.continuous(params)
        return {column: gradient[name] for column, name in names.items() if name in gradient} or None

    def branches(self) -> list[dict[str, list[Any]]]:
        """List for each dictionary its names, each with all its choices or with one number that it may have."""
        found: dict[str, dict[str, list[Any]]] = {}
        for column, parameter in self.space.items():
            branch, name = "", column
            if self._names is not None:
                if column not in self._names:
                    continue
                branch, name = column.partition("/")[0], self._names[column]
            if column in self._translations:
                values = self._translations[column].examples()
            elif isinstance(parameter, Categorical):
                values = list(parameter.choices)
            else:
                values = [Space({"value": _unconditional(parameter)}).decode([0.5])["value"]]
            found.setdefault(branch, {})[name] = values
        return list(found.values())


def read_space(space: Any, manner: Manner = LEARNING) -> SearchSpace:
    """Read the `space` argument of a search.

    Parameters
    ----------
    space : Space, mapping, or sequence of mappings
        See `SearchCV`.
    manner : Manner
        Manner of the strategy; by default that of one that learns.

    Raises
    ------
    InvalidType, InvalidSpace
        If `space` is no space or an empty list.
    """
    if isinstance(space, Space):
        return SearchSpace(space)
    if isinstance(space, Mapping) and space:
        parameters, translations = _read_mapping(space, manner)
        return SearchSpace(Space(parameters), None, translations)
    if isinstance(space, Mapping):
        return _read_union([space], manner)  # the estimator as it is
    if isinstance(space, Sequence) and not isinstance(space, str | bytes):
        return _read_union(space, manner)
    raise InvalidType(f"space must be a Space, a dictionary or a list of dictionaries, got {space!r}")


def _read_union(branches: Sequence[Any], manner: Manner) -> SearchSpace:
    if not branches:
        raise InvalidSpace("space must not be an empty list")
    columns: dict[str, Parameter] = {_SELECTOR: Categorical(list(range(len(branches))))}
    names: dict[str, str] = {}
    translations: dict[str, Translation] = {}
    for i, branch in enumerate(branches):
        if not isinstance(branch, Mapping):
            raise InvalidType(f"space must be a list of dictionaries, got {branch!r} at position {i}")
        if isinstance(branch, Space) and branch.constraints:
            raise InvalidSpace(f"a Space with constraints cannot be one of a list, as at position {i}")
        parameters, translated = _read_mapping(branch, manner)
        for name, parameter in parameters.items():
            column = f"{i}/{name}"
            renamed = copy.copy(parameter)
            renamed.when = check_when(
                [
                    {_SELECTOR: i, **{f"{i}/{parent}": allowed for parent, allowed in alternative.items()}}
                    for alternative in alternatives_of(parameter.when) or [{}]
                ]
            )
            columns[column] = renamed
            names[column] = name
            if name in translated:
                translations[column] = translated[name]
    return SearchSpace(Space(columns), names, translations)


def _read_mapping(mapping: Mapping[str, Any], manner: Manner) -> tuple[dict[str, Parameter], dict[str, Translation]]:
    names = list(mapping)
    for name in names:
        if not isinstance(name, str):
            raise InvalidType(f"a parameter's name must be a str, got {name!r}")
    mixed = any(isinstance(value, Parameter) for value in mapping.values())
    if mixed:
        # No grid of scikit-learn's; and a condition on a choice means it however often it is listed.
        manner = manner._replace(repeats=False)
    else:
        names.sort()  # as ParameterGrid does: the order in which a grid is walked is the same
    parameters: dict[str, Parameter] = {}
    translations: dict[str, Translation] = {}
    for name in names:
        value = mapping[name]
        try:
            if mixed and (value is None or isinstance(value, str | bool | numbers.Number)):
                value = [value]
            parameters[name], translation = read_value(value, manner)
        except InvalidType as error:
            raise InvalidType(f"space[{name!r}]: {error}") from None
        except InvalidArgument as error:
            raise InvalidSpace(f"space[{name!r}]: {error}") from None
        if translation is not None:
            translations[name] = translation
    return parameters, translations


def _unconditional(parameter: Parameter) -> Parameter:
    alone = copy.copy(parameter)
    alone.when = {}
    return alone
