"""Gradients of the first objective: checks, and their turn from the parameters' units to the unit cube."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_number, shown
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.space import Space

__all__ = ["check_gradient", "gradients_by_coordinate"]

FloatArray = npt.NDArray[np.float64]


def check_gradient(
    space: Space, given: Any, failed: bool = False, params: Mapping[str, Any] | None = None
) -> dict[str, float] | None:
    """Check the derivatives that `tell` was given, and return them as floats.

    Parameters
    ----------
    space : Space
        Space of the search.
    given : mapping of str to float, or None
        Derivative of the first value by parameter, in the parameters' own units.
    failed : bool
        True if the evaluation failed. Derivatives that are not finite are left out then, as a part of the failure.
    params : mapping, optional
        Active parameters of the trial, if they are known.

    Raises
    ------
    InvalidArgument
        A name that is no parameter or that of an inactive one, a parameter whose values jump, or a derivative that is
        not finite.
    InvalidType
        Something other than a mapping of names to numbers.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InvalidType(f"gradient must be a mapping of names to numbers, got {shown(given)}")
    out = {}
    for name, number in given.items():
        _check_name(space, name, params)
        if failed and isinstance(number, float | np.floating) and not math.isfinite(number):
            continue
        out[name] = check_number(f"gradient[{name!r}]", number)
    return out


def _check_name(space: Space, name: str, params: Mapping[str, Any] | None) -> None:
    columns = space.columns
    if name not in space:
        raise InvalidArgument(f"gradient must name parameters of the space, got {name!r}")
    if columns.kinds[columns.names.index(name)] != "continuous":
        able = [other for other, kind in zip(columns.names, columns.kinds, strict=True) if kind == "continuous"]
        raise InvalidArgument(
            f"gradient must name Float or Normal parameters without a step ({', '.join(map(repr, able)) or 'none'}), "
            f"got {name!r}, {space[name]!r}, whose values jump"
        )
    if params is not None and name not in params:
        raise InvalidArgument(
            f"gradient must name active parameters of the trial ({', '.join(map(repr, params))}), got {name!r}"
        )


def gradients_by_coordinate(
    space: Space, X: FloatArray, gradients: Iterable[Mapping[str, float] | None], sign: float
) -> FloatArray:
    """Turn gradients by parameter into rows of derivatives by coordinate of the unit cube.

    Parameters
    ----------
    space : Space
        Space of the search.
    X : ndarray of shape (n, d)
        Settled points; NaN where inactive.
    gradients : iterable of n mappings or None
        Derivatives in the parameters' own units.
    sign : float
        -1 if the first objective is maximised, else 1.

    Returns
    -------
    ndarray of shape (n, d)
        Derivatives of the signed value; NaN where none was told, where a column is inactive, and where doubles cannot
        hold the product.
    """
    at = {name: j for j, name in enumerate(space.names)}
    told = np.full(X.shape, math.nan)
    for row, gradient in zip(told, gradients, strict=True):
        for name, derivative in (gradient or {}).items():
            if name in at:
                row[at[name]] = sign * derivative
    with np.errstate(over="ignore", invalid="ignore"):
        # Slopes do not depend on what is active, which a trial's missing values may leave open.
        turned: FloatArray = told * space.columns.codec.slopes(np.nan_to_num(X, nan=0.5))
    turned[~np.isfinite(turned)] = math.nan
    return turned
