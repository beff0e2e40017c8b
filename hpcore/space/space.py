"""The search space: named parameters, conditions and constraints, and the way to the unit cube and back."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from hpcore._core import rng as native_rng
from hpcore._core import space as native
from hpcore.arguments import check_integer
from hpcore.errors import ConstraintError, InfeasibleSpace, InvalidArgument, InvalidSpace, InvalidType
from hpcore.space.columns import Columns, activation_order, native_columns
from hpcore.space.counting import count_points, evenly, walk
from hpcore.space.parameters import Categorical, Int, Parameter
from hpcore.space.partial import Shares, implied, place, shares
from hpcore.space.point import EncodedPoint

__all__ = ["Params", "Space"]

Params = dict[str, Any]
Constraint = Callable[[Params], bool]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Tries before a space is called infeasible: a region of a thousandth of the volume is missed once in 5e8 times.
MAX_TRIES = 20_000
# Purpose of the random streams of `Space.sample`; see hpcore.records.streams.
SAMPLE = 5


class Space(Mapping[str, Parameter]):
    """A search space: a mapping of names to parameters.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        `Float`, `Int`, `Categorical` or `Normal`; a parameter with ``when`` is active under that condition only.
        `Space.of` takes looser forms.
    constraints : sequence of callable
        Each takes the dict of active parameters and answers True if the combination is allowed. They are called in
        the order given, the later ones only if the earlier ones allow.

    Raises
    ------
    InvalidSpace
        No parameter, an unknown parent, a cycle, a condition that can never hold.
    InfeasibleSpace
        Constraints that refuse every point tried (20,000 random ones).
    ConstraintError
        A constraint that raised an error or did not answer True or False.

    Examples
    --------
    >>> import hpcore as hp
    >>> space = hp.Space({"kernel": hp.Categorical(["rbf", "linear"]),
    ...                   "gamma": hp.Float(1e-5, 10.0, log=True, when={"kernel": "rbf"})})
    >>> space.decode([0.9, 0.5])
    {'kernel': 'linear'}
    """

    def __init__(self, parameters: Mapping[str, Parameter], constraints: Sequence[Constraint] = ()) -> None:
        if not isinstance(parameters, Mapping):
            raise InvalidType(f"parameters must be a mapping of names to parameters, got {parameters!r}")
        if not parameters:
            raise InvalidSpace("parameters must hold at least one parameter, got none")
        for name, parameter in parameters.items():
            if not isinstance(name, str):
                raise InvalidType(f"a parameter's name must be a str, got {name!r}")
            if not 1 <= len(_utf8(name)) <= 512:
                raise InvalidArgument(f"a parameter's name must have 1 to 512 bytes, got {name[:80]!r}")
            if not isinstance(parameter, Parameter):
                raise InvalidType(
                    f"{name!r} must be a Float, Int, Categorical or Normal, got {parameter!r} "
                    f"(Space.of takes lists, ranges and (low, high) tuples)"
                )
        self._parameters = dict(parameters)
        self.constraints = _check_constraints(constraints)
        self._names = tuple(self._parameters)
        self._choices = tuple(p.choices if isinstance(p, Categorical) else None for p in self._parameters.values())
        self._last_shares: tuple[frozenset[int], dict[int, Shares]] | None = None
        self._columns = self._make_columns()
        self._codec = self._columns.codec
        if self.constraints:
            self._check_feasible()

    def _make_columns(self) -> Columns:
        position = {name: j for j, name in enumerate(self._names)}
        order = [position[name] for name in activation_order(self._parameters)]
        layout = native_columns(self._parameters)
        n_levels = tuple(p.levels or 0 for p in self._parameters.values())
        self._layout, self._order = layout, order
        return Columns(
            names=self._names,
            kinds=tuple(p.kind for p in self._parameters.values()),
            n_levels=n_levels,
            parents=tuple(tuple(position[q] for q in p.when) for p in self._parameters.values()),
            order=tuple(order),
            codec=native.Codec(layout, order),
            finite_size=count_points(layout, order, n_levels),
            grid=self.grid_points,
            feasible=self._feasible if self.constraints else None,
        )

    # --- the mapping ---------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Parameter:
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        """Number of parameters."""
        return len(self._parameters)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        # In the same order too: it is the order of the columns, and so of what a sampler proposes.
        return list(self.items()) == list(other.items()) and self.constraints == other.constraints

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        inner = ", ".join(f"{name!r}: {parameter!r}" for name, parameter in self._parameters.items())
        constraints = f", constraints=<{len(self.constraints)}>" if self.constraints else ""
        return f"Space({{{inner}}}{constraints})"

    def __reduce__(self) -> Any:
        packed = tuple(_packed(i, constraint) for i, constraint in enumerate(self.constraints))
        return (_unpacked, (type(self), self._parameters, packed))

    # Copies are not pickled: a constraint that is no importable function stays the same function.

    def __copy__(self) -> Space:
        return type(self)(self._parameters, self.constraints)

    def __deepcopy__(self, memo: dict[int, Any]) -> Space:
        return type(self)(copy.deepcopy(self._parameters, memo), copy.deepcopy(self.constraints, memo))

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in the order of the columns."""
        return self._names

    @property
    def columns(self) -> Columns:
        """The space as samplers see it."""
        return self._columns

    @property
    def n_points(self) -> int | None:
        """Number of distinct points before constraints; None if a parameter is continuous (or beyond counting)."""
        return self._columns.finite_size

    # --- constraints ---------------------------------------------------------------------------------------------

    def allows(self, params: Params) -> bool:
        """Whether the constraints allow a combination of active parameters.

        Raises
        ------
        ConstraintError
            A constraint raised an error, or answered neither True nor False.
        """
        for i, constraint in enumerate(self.constraints):
            try:
                answer = constraint(params)
            except Exception as error:
                raise ConstraintError(
                    f"constraint {i} ({getattr(constraint, '__name__', constraint)!s}) raised "
                    f"{type(error).__name__}: {error} for {params!r}; an inactive parameter is absent, use params.get"
                ) from error
            if not isinstance(answer, bool | np.bool_):
                raise ConstraintError(f"constraint {i} must answer True or False, got {answer!r} for {params!r}")
            if not answer:
                return False
        return True

    def _feasible(self, u: FloatArray) -> BoolArray:
        return np.fromiter((self.allows(p) for p in self.decode(u)), dtype=np.bool_, count=len(u))

    def _check_feasible(self) -> None:
        if next(self._feasible_samples(0), None) is not None:
            return
        if self.n_points is not None and self.n_points <= 1_000_000 and next(self.grid(), None) is not None:
            return
        raise InfeasibleSpace(
            f"constraints must allow some combination of parameters; none of {MAX_TRIES} random ones was allowed"
        )

    # --- sampling and grids --------------------------------------------------------------------------------------

    def _feasible_samples(self, seed: int) -> Iterator[Params]:
        """Random allowed points without end; ends only after MAX_TRIES refusals in a row."""
        refused = number = 0
        while refused < MAX_TRIES:
            u = native_rng.uniform(seed % 2**64, seed // 2**64, number, SAMPLE, len(self._names))
            number += 1
            params = self.assemble(self._codec.settle(u))
            if self.allows(params):
                refused = 0
                yield params
            else:
                refused += 1

    def sample(self, n: int, seed: int) -> list[Params]:
        """Random points, independent and uniform in the cube, that the constraints allow.

        Parameters
        ----------
        n : int
            How many; may repeat in a finite space.
        seed : int
            0 .. 2**128 - 1; the same seed gives the same points.

        Returns
        -------
        list of dict
            Active parameters only.

        Raises
        ------
        InfeasibleSpace
            20,000 points in a row were refused.
        """
        n, seed = check_integer("n", n, 0), check_integer("seed", seed, 0, 2**128 - 1)
        if not self.constraints:
            # One decode of whole columns; the rows are those that the loop below would draw.
            d, low, high = len(self._names), seed % 2**64, seed // 2**64
            rows = [native_rng.uniform(low, high, i, SAMPLE, d) for i in range(n)]
            drawn: list[Params] = self.decode(np.array(rows).reshape(n, d))
            return drawn
        points = self._feasible_samples(int(seed))
        out: list[Params] = []
        for params in points:
            if len(out) == n:
                break
            out.append(params)
        if len(out) < n:
            raise InfeasibleSpace(f"constraints must allow some points; {MAX_TRIES} random ones in a row were refused")
        return out

    def grid(self, levels: int | Mapping[str, int] | None = None) -> Iterator[Params]:
        """Every point of a grid that the constraints allow; the last parameter runs fastest.

        Parameters
        ----------
        levels : int or mapping of str to int, optional
            An int is the number of values of each continuous parameter, spread evenly over its scale from bound to
            bound (an open Normal: over its quantiles); parameters that are grids themselves are visited whole. A
            mapping says it by name, and may thin out integer parameters too.

        Returns
        -------
        iterator of dict
            Lazy: a grid of any size may be begun.

        Raises
        ------
        InvalidArgument
            A continuous parameter without a number of levels, an unknown name, a number below 1.
        """
        points = self.grid_points(levels)  # checks levels now, not when somebody looks at the first point
        found = (self.assemble(self._codec.settle(u)) for u in points)
        return (params for params in found if self.allows(params))

    def grid_points(self, levels: int | Mapping[str, int] | None = None) -> Iterator[FloatArray]:
        """The rows of the cube behind `grid`, before constraints; NaN where inactive."""
        visited, places = self._grid_levels(levels)
        return self._grid_rows(visited, places)

    def _grid_rows(self, visited: Sequence[range | list[int]], places: Sequence[list[float]]) -> Iterator[FloatArray]:
        def real_of(j: int, level: int) -> float:
            u = np.full(len(self._names), 0.5)
            u[j] = places[j][level]
            real, _, _ = self._codec.decode(u[None, :])
            return float(real[0, j])

        for chosen in walk(self._layout, self._order, visited, real_of):
            u = np.full(len(self._names), np.nan)
            for j, level in chosen.items():
                u[j] = places[j][level] if places[j] else self._encode_level(j, level)
            yield u

    def _grid_levels(self, levels: int | Mapping[str, int] | None) -> tuple[list[range | list[int]], list[list[float]]]:
        if levels is not None and (isinstance(levels, bool) or not isinstance(levels, int | np.integer | Mapping)):
            raise InvalidType(f"levels must be an integer or a mapping of names to integers, got {levels!r}")
        by_name = dict(levels) if isinstance(levels, Mapping) else {}
        everywhere = None if isinstance(levels, Mapping) else levels
        for name in by_name:
            if name not in self._parameters:
                raise InvalidArgument(f"levels must name parameters of the space, got {name!r}")
        visited: list[range | list[int]] = []
        places: list[list[float]] = []
        for name, parameter in self._parameters.items():
            n = by_name.get(name, everywhere)
            if n is not None:
                n = check_integer(f"levels of {name!r}", n, 1)
            if parameter.levels is None:
                if n is None:
                    raise InvalidArgument(f"levels must say how many values of the continuous {name!r} to visit")
                visited.append(range(n))
                # A side without a bound has its outermost value in the middle of its share, not eight std away.
                low_open, high_open = parameter.open_ends
                first, last = 0.5 / n if low_open else 0.0, 1 - 0.5 / n if high_open else 1.0
                places.append([0.5] if n == 1 else [first + (last - first) * i / (n - 1) for i in range(n)])
                continue
            places.append([])
            visited.append(evenly(parameter.levels, by_name[name]) if name in by_name else range(parameter.levels))
        return visited, places

    def _encode_level(self, j: int, level: int) -> float:
        parameter = self._parameters[self._names[j]]
        if isinstance(parameter, Categorical):
            return float(self._codec.encode_whole(j, np.array([level], dtype=np.int64))[0])
        return float(self._encode_column(j, [parameter.at(level)])[0])

    # --- encode and decode ---------------------------------------------------------------------------------------

    def check(self, params: Mapping[str, Any]) -> Params:
        """The same parameters with every value as its parameter's own type, in the order of the columns.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, a missing active parameter, a value for an inactive one, or an illegal value.
        """
        if not isinstance(params, Mapping):
            raise InvalidType(f"params must be a mapping of names to values, got {params!r}")
        return self._encode_rows([params])[0][0]

    def check_partial(self, params: Mapping[str, Any]) -> Params:
        """Some of the parameters, each as its parameter's own type.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, an illegal value, one that the others make inactive whatever the rest is, or a full set
            that the constraints refuse.
        """
        if not isinstance(params, Mapping):
            raise InvalidType(f"params must be a mapping of names to values, got {params!r}")
        clean: Params = {}
        for name, value in params.items():
            if name not in self._parameters:
                known = ", ".join(map(repr, self._names))
                raise InvalidArgument(f"params must name parameters of the space ({known}), got {name!r}")
            clean[name] = self._parameters[name].check(name, value)
        # Parents that are left out take what the given ones need; what is inactive even so can never be active.
        full = self.complete(clean, np.full(len(self._names), 0.5))
        for j in self._order:
            name = self._names[j]
            if name in clean and name not in full:
                raise InvalidArgument(
                    f"params must leave out {name!r}, which is active only when {self._when(name, clean)}, "
                    f"got {dict(params)!r}"
                )
        if set(full) == set(clean) and not self.allows(clean):
            raise InvalidArgument(f"params must satisfy the constraints, got {clean!r}")
        return clean

    def complete(self, given: Params, u: FloatArray) -> Params:
        """Checked values for some parameters, the others from a row of the cube; what is then inactive left out.

        The parents of what is given come from where their conditions hold, as far as they do not contradict.
        """
        row = np.array(u, dtype=np.float64)
        columns: set[int] = set()
        for j, name in enumerate(self._names):
            if name in given:
                row[j] = self._encode_column(j, [given[name]])[0]
                columns.add(j)
        for j, within in self._shares(frozenset(columns)).items():
            row[j] = place(within, row[j])
        params = self.assemble(self._codec.settle(row))
        return {name: given.get(name, value) for name, value in params.items()}

    def _shares(self, given: frozenset[int]) -> dict[int, Shares]:
        """Where to draw the parents of given columns; kept for the next draw, which is mostly for the same ones."""
        known = self._last_shares
        if known is None or known[0] != given:
            found = implied(self._layout, self._order, set(given))
            within = {j: shares(self._parameters[self._names[j]], where) for j, where in found.items() if where}
            known = self._last_shares = (given, within)
        return known[1]

    def _when(self, name: str, given: Params) -> str:
        """The conditions of a parameter and, where its parents are not given, of theirs."""
        waiting, said = [name], []
        for child in waiting:
            when = self._parameters[child].when
            said += [repr(when)] if when else []
            waiting += [parent for parent in when if parent not in given and parent not in waiting]
        return " and ".join(said)

    @overload
    def encode(self, params: Mapping[str, Any]) -> EncodedPoint: ...
    @overload
    def encode(self, params: Sequence[Mapping[str, Any]]) -> FloatArray: ...
    def encode(self, params: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> FloatArray:
        """Where parameters lie in the unit cube.

        Parameters
        ----------
        params : mapping of str to value, or a sequence of them
            Every active parameter and no other.

        Returns
        -------
        ndarray of shape (d,) or (n, d)
            In [0, 1], NaN where inactive. Of one point, the answer also remembers the parameters that it came from:
            a cube of doubles has fewer points than, say, the integers up to 2**63 have values, so that only with
            this memory ``decode(encode(p)) == p`` holds for every legal p. Without it (in a copy, a slice or a row
            of many) the round trip is exact for every value that `decode` can give.

        Raises
        ------
        InvalidArgument, InvalidType
            As for `check`.
        """
        if isinstance(params, Mapping):
            clean, u = self._encode_rows([params])
            return EncodedPoint.remember(u[0], clean[0])
        if isinstance(params, str | bytes) or not isinstance(params, Sequence):
            raise InvalidType(f"params must be a mapping of names to values or a list of them, got {params!r}")
        return self._encode_rows(params)[1]

    def _encode_rows(self, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Params], FloatArray]:
        n, d = len(rows), len(self._names)
        for row in rows:
            if not isinstance(row, Mapping):
                raise InvalidType(f"params must be a mapping of names to values, got {row!r}")
            for name in row:
                if name not in self._parameters:
                    known = ", ".join(map(repr, self._names))
                    raise InvalidArgument(f"params must name parameters of the space ({known}), got {name!r}")
        u = np.full((n, d), 0.5)
        given = np.zeros((n, d), dtype=np.bool_)
        clean: list[Params] = [{} for _ in rows]
        for j, (name, parameter) in enumerate(self._parameters.items()):
            at = [i for i, row in enumerate(rows) if name in row]
            if not at:
                continue
            values = [parameter.check(name, rows[i][name]) for i in at]
            u[at, j] = self._encode_column(j, values)
            given[at, j] = True
            for i, value in zip(at, values, strict=True):
                clean[i][name] = value
        _, _, active = self._codec.decode(u)
        if not np.array_equal(active, given):
            i, j = (int(k) for k in np.argwhere(active != given)[0])
            name = self._names[j]
            if active[i, j]:
                raise InvalidArgument(f"params must give the active parameter {name!r}, got {dict(rows[i])!r}")
            raise InvalidArgument(
                f"params must leave out {name!r}, which is active only when {self._parameters[name].when!r}, "
                f"got {dict(rows[i])!r}"
            )
        u[~given] = np.nan
        return clean, u

    def _encode_column(self, j: int, values: list[Any]) -> FloatArray:
        """Values that were checked, as coordinates."""
        name = self._names[j]
        parameter = self._parameters[name]
        if isinstance(parameter, Categorical):
            return self._codec.encode_whole(j, np.array([parameter.level(name, v) for v in values], dtype=np.int64))
        if isinstance(parameter, Int):
            return self._codec.encode_whole(j, np.array(values, dtype=np.int64))
        return self._codec.encode_real(j, np.array(values, dtype=np.float64))

    def decode(self, u: npt.ArrayLike) -> Any:
        """The parameters at points of the unit cube.

        Parameters
        ----------
        u : array_like of shape (d,) or (n, d)
            Clamped to [0, 1]; what stands in an inactive column is not read.

        Returns
        -------
        dict or list of dict
            Active parameters only: floats, ints and the very objects given as choices, inside their bounds and on
            their grids.

        Raises
        ------
        InvalidArgument
            A shape other than these, or NaN in an active column.
        """
        if isinstance(u, EncodedPoint) and u.params is not None:
            again = self.encode(u.params)
            if np.array_equal(np.asarray(again), np.asarray(u), equal_nan=True):
                return dict(u.params)
        try:
            points = np.ascontiguousarray(u)
            if points.dtype.kind not in "fiuO":
                raise TypeError(f"it holds {points.dtype}")
            points = points.astype(np.float64, copy=False)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidType(f"u must be an array of numbers, got {u!r} ({error})") from None
        d = len(self._names)
        if points.ndim not in (1, 2) or points.shape[-1] != d:
            raise InvalidArgument(f"u must have shape ({d},) or (n, {d}), got {points.shape}")
        try:
            real, whole, active = self._codec.decode(points.reshape(-1, d))
        except ValueError as error:
            raise InvalidArgument(f"u must be finite where a parameter is active: {error}") from None
        params = self._from_columns(real, whole, active)
        return params[0] if points.ndim == 1 else params

    def _from_columns(self, real: FloatArray, whole: npt.NDArray[np.int64], active: BoolArray) -> list[Params]:
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

    def assemble(self, values: list[Any]) -> Params:
        """The params dict of one settled row of the cube; the way of every ask, so no more than it must."""
        return {
            name: value if choices is None else choices[value]
            for name, value, choices in zip(self._names, values, self._choices)  # noqa: B905 - equal by construction
            if value is not None
        }

    # --- other forms ---------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, mapping: Mapping[str, Any] | Space, constraints: Sequence[Constraint] = ()) -> Space:
        """A space from what people already have.

        Parameters
        ----------
        mapping : mapping of str to value
            Each value a parameter; a list or array (Categorical); a `range` (Int); a ``(low, high)`` tuple of two
            ints (Int) or with a float (Float); a frozen `scipy.stats` distribution; anything else that is not a
            collection is a constant. A `Space` is given back as it is.
        constraints : sequence of callable
            As for `Space`.

        Returns
        -------
        Space

        Raises
        ------
        InvalidSpace, InvalidType, InvalidArgument
            A value that has no such reading.
        """
        from hpcore.space.convert import parameters_of

        if isinstance(mapping, Space):
            more = _check_constraints(constraints)
            return mapping if not more else cls(mapping._parameters, [*mapping.constraints, *more])
        return cls(parameters_of(mapping), constraints)

    def to_json(self) -> str:
        """The space as JSON text: plain data, without the constraints' code (their number is noted).

        Raises
        ------
        InvalidType
            A choice that is not None, bool, int, float, str, bytes, or a tuple or list of these.
        """
        from hpcore.space.serial import space_to_json

        return space_to_json(self)

    @classmethod
    def from_json(cls, text: str, constraints: Sequence[Constraint] = ()) -> Space:
        """The space that `to_json` wrote. Nothing in the text is executed.

        Parameters
        ----------
        text : str
            From `to_json`.
        constraints : sequence of callable
            As many as the written space had: functions are not stored.

        Raises
        ------
        InvalidArgument
            Text that is not such JSON, of a newer version, or with another number of constraints.
        """
        from hpcore.space.serial import parameters_from_json

        return cls(parameters_from_json(text, len(_check_constraints(constraints))), constraints)


def _utf8(name: str) -> bytes:
    try:
        return name.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"a parameter's name must be text that UTF-8 can write, got {name[:80]!r}") from None


def _packed(i: int, constraint: Constraint) -> Constraint | bytes:
    """A constraint as pickle can take it: itself or, of a lambda or a local function, its code."""
    try:
        pickle.dumps(constraint)
    except Exception:
        import cloudpickle

        try:
            code: bytes = cloudpickle.dumps(constraint)
        except Exception as error:
            name = getattr(constraint, "__name__", constraint)
            raise InvalidType(f"constraint {i} ({name!s}) must be a function that can be pickled: {error}") from error
        return code
    return constraint


def _unpacked(kind: type[Space], parameters: Mapping[str, Parameter], packed: Sequence[Constraint | bytes]) -> Space:
    constraints = [_loaded(c) if isinstance(c, bytes) else c for c in packed]
    return kind(parameters, constraints)


def _loaded(code: bytes) -> Constraint:
    import cloudpickle

    constraint: Constraint = cloudpickle.loads(code)  # made by _packed
    return constraint


def _check_constraints(constraints: Any) -> tuple[Constraint, ...]:
    if isinstance(constraints, str | bytes) or not isinstance(constraints, Sequence):
        raise InvalidType(f"constraints must be a list of functions, got {constraints!r}")
    for constraint in constraints:
        if not callable(constraint):
            raise InvalidType(f"constraints must be functions of the params, got {constraint!r}")
    return tuple(constraints)
