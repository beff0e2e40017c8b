"""The estimator as it is, as a candidate of a search: what is known of a model before anything was tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.sklearn.spaces import SearchSpace
from hpcore.space import Float, Int, Parameter

__all__ = ["default_candidate"]

_MIDDLE = 0.5


def default_candidate(space: SearchSpace, own: Mapping[str, Any]) -> dict[str, Any] | None:
    """Find the candidate that is nearest to an estimator's own parameters.

    A number beyond its range is at the end of the range; a parameter that the estimator has no such value for, as
    ``gamma="scale"`` in a range of numbers, is in the middle of its own. Of a list of dictionaries it is of the one
    that has the largest share of the estimator's values.

    Parameters
    ----------
    space : SearchSpace
        Space that is searched.
    own : mapping of str to object
        Parameters of the estimator, by ``get_params``.

    Returns
    -------
    dict or None
        All active parameters of the optimizer. None if the space has no value of the estimator's, or the constraints
        refuse the candidate.

    Raises
    ------
    ConstraintError
        A constraint raised an exception.
    """
    chosen: dict[str, Any] = {}
    largest = 0.0
    for fixed, names in space.branch_columns():
        given, share = _nearest(space, fixed, names, own)
        if share > largest:
            chosen, largest = given, share
    if not largest:
        return None
    candidate = _completed(space, chosen)
    return candidate if space.space.allows(candidate) else None


def _nearest(
    space: SearchSpace, fixed: Mapping[str, Any], names: Mapping[str, str], own: Mapping[str, Any]
) -> tuple[dict[str, Any], float]:
    """Take the estimator's values for some columns, and tell which share of those that are active it has a value of."""
    given, n_active, n_own = dict(fixed), 0, 0
    for j in space.space.columns.order:  # parents first: their values decide what else is active
        column = space.space.columns.names[j]
        if column not in names or column not in _completed(space, given):
            continue
        n_active += 1
        name = names[column]
        if name not in own:
            continue
        try:
            given[column] = space.column_value(column, name, own[name])
            n_own += 1
        except (InvalidArgument, InvalidType):
            end = _end_of_range(space.space[column], own[name])
            if end is not None:
                given[column] = end
    return given, n_own / n_active if n_active else 1.0


def _completed(space: SearchSpace, given: dict[str, Any]) -> dict[str, Any]:
    return space.space.complete(given, np.full(len(space.space), _MIDDLE))


def _end_of_range(parameter: Parameter, value: Any) -> int | float | None:
    """The end of a parameter's range that is nearest to a number beyond it; None for anything else."""
    if isinstance(value, bool):
        return None
    # A number of the other type may have another unit: a leaf of 1 row is not a leaf of all of them, which 1.0 is.
    if isinstance(parameter, Float):
        if not isinstance(value, float | np.floating):
            return None
    elif not isinstance(parameter, Int) or not isinstance(value, int | np.integer):
        return None
    if value < parameter.low:
        return parameter.low
    return parameter.high if value > parameter.high else None
