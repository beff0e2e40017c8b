"""Between params dicts and rows of the unit cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import space as native
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.conditions import shown_when
from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter

__all__ = ["Coder", "Params", "check_mapping"]

Params = dict[str, Any]
FloatArray = npt.NDArray[np.float64]


class Coder:
    """Converts between params dicts and rows of the cube, by the parameters' names and their codec.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        Parameters in the order of the columns.
    codec : hpcore._core.space.Codec
        Codec of these columns.
    """

    def __init__(self, parameters: Mapping[str, Parameter], codec: native.Codec) -> None:
        self._parameters, self._codec = parameters, codec
        self._names = tuple(parameters)
        self._choices = tuple(p.choices if isinstance(p, Categorical) else None for p in parameters.values())

    def check(self, name: str, value: Any) -> Any:
        """A value as its parameter's own type.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, or an illegal value.
        """
        self._check_name(name)
        return self._parameters[name].check(name, value)

    def _check_name(self, name: str) -> None:
        if name not in self._parameters:
            known = ", ".join(map(repr, self._names))
            raise InvalidArgument(f"params must name parameters of the space ({known}), got {name!r}")

    # --- encoding ------------------------------------------------------------------------------------------------

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Params], FloatArray]:
        """The same parameters with every value as its parameter's own type, and the points (n, d), NaN where inactive.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, a missing active parameter, a value for an inactive one, or an illegal value.
        """
        n, d = len(rows), len(self._names)
        if n == 1:
            one, point = self.encode_one(rows[0])
            return [one], point[None]
        for row in rows:
            check_mapping(row)
            for name in row:
                self._check_name(name)
        u = np.full((n, d), 0.5)
        given = np.zeros((n, d), dtype=np.bool_)
        clean: list[Params] = [{} for _ in rows]
        for j, (name, parameter) in enumerate(self._parameters.items()):
            at = [i for i, row in enumerate(rows) if name in row]
            if not at:
                continue
            values = [parameter.check(name, rows[i][name]) for i in at]
            u[at, j] = self.encode_column(j, values)
            given[at, j] = True
            for i, value in zip(at, values, strict=True):
                clean[i][name] = value
        _, _, active = self._codec.decode(u)
        if not np.array_equal(active, given):
            i, j = (int(k) for k in np.argwhere(active != given)[0])
            raise self._wrong_activity(rows[i], j)
        u[~given] = np.nan
        return clean, u

    def encode_one(self, row: Mapping[str, Any]) -> tuple[Params, FloatArray]:
        """Encode one row as `encode` does, to a point (d,): every trial from outside comes here.

        Raises
        ------
        InvalidArgument, InvalidType
            See `encode`.
        """
        check_mapping(row)
        parameters = self._parameters
        for name in row:
            if name not in parameters:
                self._check_name(name)
        clean: Params = {}
        values: list[Any] = []
        for name, choices in zip(self._names, self._choices):  # noqa: B905 - equal by construction
            if name not in row:
                values.append(None)
            elif choices is None:
                clean[name] = value = parameters[name].check(name, row[name])
                values.append(value)
            else:
                level = parameters[name].level(name, row[name])
                clean[name] = choices[level]
                values.append(level)
        u, differs = self._codec.encode(values)
        if differs is not None:
            raise self._wrong_activity(row, differs)
        return clean, u

    def _wrong_activity(self, row: Mapping[str, Any], j: int) -> InvalidArgument:
        """The error of a row that lacks column `j` though it is active, or has it though it is not."""
        name = self._names[j]
        if name not in row:
            return InvalidArgument(f"params must give the active parameter {name!r}, got {dict(row)!r}")
        return InvalidArgument(
            f"params must leave out {name!r}, which is active only when {shown_when(self._parameters[name].when)}, "
            f"got {dict(row)!r}"
        )

    def encode_values(self, rows: Sequence[Params]) -> FloatArray:
        """Points (n, d) of checked values, NaN where there are none."""
        if len(rows) == 1:
            values: list[Any] = []
            for name, choices in zip(self._names, self._choices, strict=True):
                value = rows[0].get(name)
                is_level = choices is not None and name in rows[0]
                values.append(self._parameters[name].level(name, value) if is_level else value)
            return self._codec.encode(values)[0][None]
        u = np.full((len(rows), len(self._names)), np.nan)
        for j, name in enumerate(self._names):
            at = [i for i, row in enumerate(rows) if name in row]
            if at:
                u[at, j] = self.encode_column(j, [rows[i][name] for i in at])
        return u

    def active(self, params: Mapping[str, Any]) -> set[str]:
        """Names of the parameters that some values make active, whether or not they are among them.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, or an illegal value.
        """
        u = np.full((1, len(self._names)), 0.5)
        for name in params:
            self._check_name(name)
        for j, (name, parameter) in enumerate(self._parameters.items()):
            if name in params:
                u[0, j] = self.encode_column(j, [parameter.check(name, params[name])])[0]
        _, _, active = self._codec.decode(u)
        return {name for name, on in zip(self._names, active[0].tolist(), strict=True) if on}

    def encode_column(self, j: int, values: list[Any]) -> FloatArray:
        """Values of one parameter that were checked, as coordinates."""
        name = self._names[j]
        parameter = self._parameters[name]
        if isinstance(parameter, Categorical):
            return self._codec.encode_whole(j, np.array([parameter.level(name, v) for v in values], dtype=np.int64))
        if isinstance(parameter, Int):
            return self._codec.encode_whole(j, np.array(values, dtype=np.int64))
        return self._codec.encode_real(j, np.array(values, dtype=np.float64))

    def encode_level(self, j: int, level: int) -> float:
        """The coordinate of a level of a parameter that is a grid."""
        parameter = self._parameters[self._names[j]]
        if isinstance(parameter, Categorical):
            return float(self._codec.encode_whole(j, np.array([level], dtype=np.int64))[0])
        return float(self.encode_column(j, [parameter.at(level)])[0])

    # --- decoding ------------------------------------------------------------------------------------------------

    def decode(self, points: FloatArray) -> list[Params]:
        """The parameters at points (n, d); raises ValueError for NaN in an active column."""
        if len(points) == 1:
            return [self.settle(points[0].copy())]
        real, whole, active = self._codec.decode(points)
        columns: list[list[Any]] = []
        for j, (parameter, choices) in enumerate(zip(self._parameters.values(), self._choices, strict=True)):
            if choices is not None:
                columns.append([choices[i] for i in whole[:, j].tolist()])
            else:
                columns.append((whole if isinstance(parameter, Int) else real)[:, j].tolist())
        if active.all():
            return [dict(zip(self._names, row, strict=True)) for row in zip(*columns, strict=True)]
        return [
            {name: value for name, value, on in zip(self._names, row, mask, strict=True) if on}
            for row, mask in zip(zip(*columns, strict=True), active.tolist(), strict=True)
        ]

    def real(self, j: int, u: float) -> float:
        """The value of a continuous parameter at a coordinate."""
        points = np.full((1, len(self._names)), 0.5)
        points[0, j] = u
        real, _, _ = self._codec.decode(points)
        return float(real[0, j])

    def settle(self, u: FloatArray) -> Params:
        """The parameters at one point (d,), which is made what they encode to."""
        return self.assemble(self._codec.settle(u))

    def assemble(self, values: list[Any]) -> Params:
        """Parameters from the values that the codec's ``settle`` gave; every ask comes here, so it is short."""
        return {
            name: value if choices is None else choices[value]
            for name, value, choices in zip(self._names, values, self._choices)  # noqa: B905 - equal by construction
            if value is not None
        }


def check_mapping(params: Any) -> None:
    """Raise unless params are a mapping."""
    if not isinstance(params, Mapping):
        raise InvalidType(f"params must be a mapping of names to values, got {params!r}")
