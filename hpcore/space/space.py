"""The search space: named parameters, conditions and constraints, and the way to the unit cube and back."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import count, islice
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from hpcore._core import rng as native_rng
from hpcore._core import space as native
from hpcore.arguments import check_integer
from hpcore.errors import InfeasibleSpace, InvalidArgument, InvalidSpace, InvalidType
from hpcore.space.activity import Activity
from hpcore.space.allowed import AllowedSet
from hpcore.space.coder import Coder, Params, check_mapping
from hpcore.space.columns import Columns, native_space
from hpcore.space.completing import Completer
from hpcore.space.conditions import parents_of, shown_when
from hpcore.space.constraints import Constraint, allow, check_constraints, pack, unpack
from hpcore.space.grids import grid_rows, visits
from hpcore.space.linear import Linear
from hpcore.space.margins import margin
from hpcore.space.parameter import Parameter
from hpcore.space.point import EncodedPoint

__all__ = ["Params", "Space"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Tries before a space is called infeasible: a region of a thousandth of the volume is missed once in 5e8 times.
MAX_TRIES = 20_000
# A space is rare if fewer than so many of so many random points are allowed: about 0.2 % of the volume.
RARE_POINTS, RARE_TRIES = 4, 2_000


class Space(Mapping[str, Parameter]):
    """A search space: a mapping of names to parameters.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        `Float`, `Int`, `Categorical` or `Normal`; a parameter with ``when`` is active under that condition only.
        `Space.of` takes looser forms.
    constraints : sequence of callable
        Each takes the dict of active parameters and answers True if the combination is allowed. They are called in
        the order given, the later ones only if the earlier ones allow. `linear` makes one of coefficients. What is
        allowed may be a millionth of the space, but not a set without volume, such as a sum that must equal 1.

    Raises
    ------
    InvalidSpace
        No parameter, an unknown parent, a cycle, a condition that can never hold.
    InfeasibleSpace
        Constraints that refuse every point tried: 20,000 random ones, and those that steps towards the border of the
        refusing comparison led to.
    ConstraintError
        A constraint that raised an error or did not answer True or False.

    Attributes
    ----------
    constraints : tuple of callable
        The constraints.
    unexplained : tuple of str
        Parameters that some complete trials lack for a reason that `learn` did not find; of other spaces none. They are
        kept by copies, not by JSON.

    Notes
    -----
    If fewer than about 0.2 % of random points are allowed, points come from random walks in the allowed set (see
    `hpcore.space.allowed`) instead of from rejection.

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
        self.constraints = check_constraints(constraints)
        for constraint in self.constraints:
            if isinstance(constraint, Linear):
                constraint.check_names(self._parameters)
        core = native_space(self._parameters)
        self._layout, self._codec = core.columns, core.codec
        self._order = self._codec.order
        self._coder = Coder(self._parameters, self._codec)
        self.unexplained: tuple[str, ...] = ()
        self._completer = Completer(self._parameters, self._coder, self._layout, self._order)
        self._columns = self._make_columns(core.points())
        self._rare: bool | None = None
        self._allowed_set: AllowedSet | None = None
        if self.constraints:
            self._check_feasible()

    def _make_columns(self, finite_size: int | None) -> Columns:
        parameters = self._parameters.values()
        position = {name: j for j, name in enumerate(self._parameters)}
        return Columns(
            names=tuple(self._parameters),
            kinds=tuple(p.kind for p in parameters),
            n_levels=tuple(p.levels or 0 for p in parameters),
            parents=tuple(tuple(position[q] for q in parents_of(p.when)) for p in parameters),
            order=tuple(self._order),
            codec=self._codec,
            finite_size=finite_size,
            grid=self.grid_points,
            feasible=self._feasible if self.constraints else None,
            around=self._around if self.constraints else None,
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
        return (_unpacked, (type(self), self._parameters, pack(self.constraints), self.unexplained))

    # Copies are not pickled: a constraint that is no importable function stays the same function.

    def __copy__(self) -> Space:
        return self._with_unexplained(type(self)(self._parameters, self.constraints))

    def __deepcopy__(self, memo: dict[int, Any]) -> Space:
        made = type(self)(copy.deepcopy(self._parameters, memo), copy.deepcopy(self.constraints, memo))
        return self._with_unexplained(made)

    def _with_unexplained(self, other: Space) -> Space:
        other.unexplained = self.unexplained
        return other

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in the order of the columns."""
        return self._columns.names

    @property
    def columns(self) -> Columns:
        """The space as samplers see it."""
        return self._columns

    @property
    def coder(self) -> Coder:
        """Coder between parameters and rows of the cube, without the checks of `encode` and `decode`."""
        return self._coder

    @property
    def n_points(self) -> int | None:
        """Number of distinct points before constraints; None if a parameter is continuous (or beyond counting)."""
        return self._columns.finite_size

    # --- constraints ---------------------------------------------------------------------------------------------

    def allows(self, params: Params) -> bool:
        """Return True if the constraints allow a combination of active parameters.

        Raises
        ------
        ConstraintError
            A constraint raised an error, or answered neither True nor False.
        """
        return allow(self.constraints, params)

    def _feasible(self, u: FloatArray) -> BoolArray:
        return np.fromiter((self.allows(p) for p in self.decode(u)), dtype=np.bool_, count=len(u))

    @property
    def rare(self) -> bool:
        """True if random points are hardly ever allowed, so that they should come from `allowed_set`."""
        if self._rare is None:
            allowed = (params for params in islice(self._random_points(0), RARE_TRIES) if params is not None)
            self._rare = bool(self.constraints) and len(list(islice(allowed, RARE_POINTS))) < RARE_POINTS
        return self._rare

    @property
    def allowed_set(self) -> AllowedSet:
        """Points that the constraints allow, found by walks and not by rejection."""
        if self._allowed_set is None:
            self._allowed_set = self.make_allowed_set(self._coder.settle)
        return self._allowed_set

    def make_allowed_set(self, settle: Callable[[FloatArray], Params | None]) -> AllowedSet:
        """Allowed points where a row of the cube stands for other parameters than the space's own."""
        kinds = enumerate(self._columns.kinds)
        unordered = [j for j, kind in kinds if kind == "categorical"]
        return AllowedSet(settle, self.allows, partial(margin, self.constraints), self.names, unordered)

    def _around(self, points: FloatArray, rng: np.random.Generator) -> FloatArray | None:
        return self.allowed_set.around(points, rng) if self.rare else None

    def _check_feasible(self) -> None:
        if any(params is not None for params in islice(self._random_points(0), RARE_TRIES)):
            return
        if self.allowed_set.find() is not None or next(self._feasible_samples(0), None) is not None:
            return
        if self.n_points is not None and self.n_points <= 1_000_000 and next(self.grid(), None) is not None:
            return
        raise InfeasibleSpace(
            f"constraints must allow some combination of parameters; none of {MAX_TRIES} random ones was allowed, and "
            "no way to an allowed one was found (a set without volume, such as a sum that must equal a number, "
            "cannot be searched: leave a parameter out and compute it from the others)"
        )

    # --- sampling and grids --------------------------------------------------------------------------------------

    def _random_points(self, seed: int) -> Iterator[Params | None]:
        """Random points without end; None for each that the constraints refuse."""
        for number in count():
            u = native_rng.uniform(seed % 2**64, seed // 2**64, number, native_rng.SAMPLE, len(self))
            params = self._coder.settle(u)
            yield params if self.allows(params) else None

    def _feasible_samples(self, seed: int) -> Iterator[Params]:
        """Random allowed points without end; after MAX_TRIES refusals in a row by walks, if any is known."""
        refused = 0
        for params in self._random_points(seed):
            refused = 0 if params is not None else refused + 1
            if params is not None:
                yield params
            elif refused == MAX_TRIES:
                break
        rng = np.random.default_rng([seed, native_rng.SAMPLE])
        while (u := self.allowed_set.draw(rng)) is not None:
            yield self._coder.settle(u)

    def sample(self, n: int, seed: int) -> list[Params]:
        """Random points, independent and uniform in the cube, that the constraints allow.

        Parameters
        ----------
        n : int
            Number of points; they may repeat in a finite space.
        seed : int
            0 .. 2**128 - 1; the same seed gives the same points.

        Returns
        -------
        list of dict
            Active parameters only.

        Raises
        ------
        InfeasibleSpace
            20,000 points in a row were refused, and no way to an allowed one was found.

        Notes
        -----
        After 20,000 refusals in a row, the rest comes from random walks in the allowed set: uniform over
        each part of it in the limit of long walks.
        """
        n, seed = check_integer("n", n, 0), check_integer("seed", seed, 0, 2**128 - 1)
        if not self.constraints:
            # One decode of whole columns; the rows are those that the loop below would draw.
            d, low, high = len(self), seed % 2**64, seed // 2**64
            rows = [native_rng.uniform(low, high, i, native_rng.SAMPLE, d) for i in range(n)]
            drawn: list[Params] = self.decode(np.array(rows).reshape(n, d))
            return drawn
        out = list(islice(self._feasible_samples(int(seed)), n))
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
        return (params for params in map(self._coder.settle, points) if self.allows(params))

    def grid_points(self, levels: int | Mapping[str, int] | None = None) -> Iterator[FloatArray]:
        """The rows of the cube behind `grid`, before constraints; NaN where inactive."""
        return grid_rows(self._coder, self._layout, self._order, visits(self._parameters, levels))

    # --- encode and decode ---------------------------------------------------------------------------------------

    def check(self, params: Mapping[str, Any]) -> Params:
        """The same parameters with every value as its parameter's own type, in the order of the columns.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, a missing active parameter, a value for an inactive one, or an illegal value.
        """
        return self._coder.encode_one(params)[0]

    def check_partial(self, params: Mapping[str, Any]) -> Params:
        """Some of the parameters, each as its parameter's own type.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, an illegal value, one that the others make inactive whatever the rest is, or a full set
            that the constraints refuse.
        """
        clean, whole = self._completer.check(params)
        if whole and not self.allows(clean):
            raise InvalidArgument(f"params must satisfy the constraints, got {clean!r}")
        return clean

    def complete(self, given: Params, u: FloatArray) -> Params:
        """Checked values for some parameters, the others from a row of the cube; what is then inactive left out.

        The parents of what is given come from where their conditions hold, as far as they do not contradict.
        """
        return self._completer.complete(given, u)

    @overload
    def encode(
        self, params: Mapping[str, Any], *, missing: str = "error", defaults: Mapping[str, Any] | None = None
    ) -> EncodedPoint: ...
    @overload
    def encode(
        self, params: Sequence[Mapping[str, Any]], *, missing: str = "error", defaults: Mapping[str, Any] | None = None
    ) -> FloatArray: ...
    def encode(
        self,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        missing: str = "error",
        defaults: Mapping[str, Any] | None = None,
    ) -> FloatArray:
        """Encode parameters as points of the unit cube.

        Parameters
        ----------
        params : mapping of str to value, or a sequence of them
            Every active parameter and no other.
        missing : {"error", "inactive"}
            What an active parameter without a value is, such as one that a pruned trial had not asked for yet:
            an error, or NaN, as if it were inactive. Conditions on a missing value are then open: what depends on it
            may be there or not. `decode` refuses such points, samplers learn from them.
        defaults : mapping of str to value, optional
            Values that stand for missing ones where the parameter is active.

        Returns
        -------
        ndarray of shape (d,) or (n, d)
            In [0, 1], NaN where inactive or missing. Of one point, the answer also remembers the parameters that it
            came from: a cube of doubles has fewer points than, say, the integers up to 2**63 have values, so that only
            with this memory ``decode(encode(p)) == p`` holds for every legal p. Without it (in a copy, a slice or a
            row of many) the round trip is exact for every value that `decode` can give.

        Raises
        ------
        InvalidArgument, InvalidType
            Parameters that `check` refuses.
        """
        encode = self._coder.encode
        if missing != "error" or defaults is not None:
            encode = partial(self._encode_missing, missing=missing, defaults=defaults or {})
        elif isinstance(params, Mapping):
            one, point = self._coder.encode_one(params)
            return EncodedPoint.remember(point, one)
        if isinstance(params, Mapping):
            clean, u = encode([params])
            return EncodedPoint.remember(u[0], clean[0])
        if isinstance(params, str | bytes) or not isinstance(params, Sequence):
            raise InvalidType(f"params must be a mapping of names to values or a list of them, got {params!r}")
        return encode(params)[1]

    def complete_missing(self, params: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Params:
        """Parameters in the order of the columns, with defaults for those that are active and missing.

        Parameters
        ----------
        params : mapping of str to value
            Parameters, some of which may be missing.
        defaults : mapping of str to value, optional
            Values that stand for missing ones. What remains missing stays so.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, a value for an inactive parameter, or an illegal value.
        """
        check_mapping(params)
        given = {name: self._coder.check(name, value) for name, value in params.items()}
        others = {name: self._coder.check(name, value) for name, value in (defaults or {}).items()}
        places = {name: self._activity.place(name, value) for name, value in given.items()}
        stand_in = {name: self._activity.place(name, value) for name, value in others.items()}
        states = self._activity.states(places, stand_in)
        for name in given:
            if states[name] is False:
                raise InvalidArgument(
                    f"params must leave out {name!r}, which is active only when {shown_when(self[name].when)}, "
                    f"got {dict(params)!r}"
                )
        found = {**{name: value for name, value in others.items() if states[name]}, **given}
        return {name: found[name] for name in self if name in found}

    def _encode_missing(
        self, rows: Sequence[Mapping[str, Any]], missing: str, defaults: Mapping[str, Any]
    ) -> tuple[list[Params], FloatArray]:
        if missing not in ("error", "inactive"):
            raise InvalidArgument(f"missing must be 'error' or 'inactive', got {missing!r}")
        clean = [self.complete_missing(row, defaults) for row in rows]
        if missing == "error":
            return self._coder.encode(clean)
        return clean, self._coder.encode_values(clean)

    @cached_property
    def _activity(self) -> Activity:
        return Activity(self._parameters, self._layout, self._order)

    def explains(self, params: Mapping[str, Any], complete: bool = True) -> bool:
        """Tell whether a trial agrees with the conditions; if not, `learn` finds others.

        Parameters
        ----------
        params : mapping of str to value
            Parameters that the trial asked for.
        complete : bool
            True if it asked for all of them. Otherwise active parameters may be missing.

        Returns
        -------
        bool
            False if the trial has an inactive parameter, an unknown one or an illegal value, or is complete and lacks
            an active parameter that is not among the unexplained ones. Constraints are not looked at.
        """
        check_mapping(params)
        try:
            places = {name: self._activity.place(name, value) for name, value in params.items()}
        except (InvalidArgument, InvalidType):
            return False
        states = self._activity.states(places)
        return all(
            states[name] is not False if name in places else not (complete and states[name]) or name in self.unexplained
            for name in self
        )

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
        InvalidArgument, InvalidType
            A shape other than these, NaN in an active column, or something other than numbers.
        """
        if isinstance(u, EncodedPoint) and u.params is not None and self._has(u, u.params):
            return dict(u.params)
        try:
            points = np.ascontiguousarray(u)
            if points.dtype.kind not in "fiuO":
                raise TypeError(f"it holds {points.dtype}")
            points = points.astype(np.float64, copy=False)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidType(f"u must be an array of numbers, got {u!r} ({error})") from None
        d = len(self)
        if points.ndim not in (1, 2) or points.shape[-1] != d:
            raise InvalidArgument(f"u must have shape ({d},) or (n, {d}), got {points.shape}")
        try:
            params = self._coder.decode(points.reshape(-1, d))
        except ValueError as error:
            raise InvalidArgument(f"u must be finite where a parameter is active: {error}") from None
        return params[0] if points.ndim == 1 else params

    def decode_recorded(self, points: FloatArray) -> list[Params]:
        """The parameters at points (n, d) of trials, without those that were not recorded; see `encode`."""
        points = np.ascontiguousarray(points)
        try:
            return self._coder.decode(points)
        except ValueError:
            # Values do not depend on what is active.
            alone = native.Space([p.core.named(name) for name, p in self._parameters.items()])
            whole = Coder(self._parameters, alone.codec).decode(np.nan_to_num(points, nan=0.5))
            return [
                {name: value for (name, value), u in zip(params.items(), row, strict=True) if not math.isnan(u)}
                for params, row in zip(whole, points.tolist(), strict=True)
            ]

    def slopes(self, params: Mapping[str, Any]) -> dict[str, float]:
        """Derivatives of continuous parameters by their coordinates in the unit cube.

        A derivative of an objective by a parameter, times the parameter's slope, is one by its coordinate.

        Parameters
        ----------
        params : mapping of str to value
            Every active parameter and no other.

        Returns
        -------
        dict of str to float
            Slope of each active `Float` and `Normal` without a `step`, in the parameter's own units: greater than 0,
            or 0 if its bounds are equal. Parameters whose values jump have none.

        Raises
        ------
        InvalidArgument, InvalidType
            Parameters that `check` refuses.

        Examples
        --------
        >>> import hpcore as hp
        >>> hp.Space({"x": hp.Float(0.0, 4.0), "n": hp.Int(1, 3)}).slopes({"x": 1.0, "n": 2})
        {'x': 4.0}
        """
        _, u = self._coder.encode([params])
        slopes = self._columns.codec.slopes(u)[0].tolist()
        return {name: slope for name, slope in zip(self.names, slopes, strict=True) if not math.isnan(slope)}

    def _has(self, point: FloatArray, params: Params) -> bool:
        """True if these parameters lie at a point; False if they are those of another space."""
        try:
            again = self.encode(params)
        except (InvalidArgument, InvalidType):
            return False
        return np.array_equal(np.asarray(again), np.asarray(point), equal_nan=True)

    # --- other forms ---------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, mapping: Mapping[str, Any] | Space, constraints: Sequence[Constraint] = ()) -> Space:
        """A space from what people already have.

        Parameters
        ----------
        mapping : mapping of str to value
            Each value a parameter; a list or array (Categorical; of three numbers or more an ordered one, in which
            they stand by size unless they rise or fall as they are); a `range` (Int); a ``(low, high)`` tuple of two
            ints (Int) or with a float (Float); a frozen `scipy.stats` distribution; anything else that is not a
            collection is a constant. A `Space` is given back as it is.
        constraints : sequence of callable
            Constraints as for `Space`.

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
            more = check_constraints(constraints)
            return mapping if not more else cls(mapping._parameters, [*mapping.constraints, *more])
        return cls(parameters_of(mapping), constraints)

    @classmethod
    def learn(
        cls,
        parameters: Mapping[str, Parameter],
        trials: Iterable[Any],
        *,
        unexplained: str = "keep",
        constraints: Sequence[Constraint] = (),
    ) -> Space:
        """A space whose conditions are read off the trials of a program that asks for its parameters one by one.

        A parameter that all complete trials have is active always. One that some lack is explained by a parameter that
        was asked for earlier and whose values tell the trials with it from those without: a set of choices, or a
        threshold. Trials that lack the earlier one too are explained by its own conditions. If no single parameter
        explains it, up to 3 conditions that hold together are tried, and then up to 4 any one of which suffices.

        Parameters
        ----------
        parameters : mapping of str to Parameter
            Parameters by name, with their ranges, in the order of the columns. One with ``when`` keeps it.
        trials : iterable
            Each the parameters of a complete trial, a mapping in the order in which they were asked for; a pair of
            such a mapping and whether the trial is complete; or a `Trial`. A trial that is not complete may lack
            parameters because it ended before it asked for them: it shows what is active, and not what is inactive.
            Names that are not among the parameters are not looked at.
        unexplained : {"keep", "drop"}
            What becomes of a parameter that some complete trials lack for no reason that was found, or that no trial
            has: it is active always and listed in `unexplained`, and points of trials without it need
            ``encode(missing="inactive")``; or it is left out of the space.
        constraints : sequence of callable
            Constraints of the space.

        Returns
        -------
        Space

        Raises
        ------
        InvalidArgument, InvalidType, InvalidSpace
            An illegal value, an argument of the wrong form, or no parameter.

        Notes
        -----
        If several parameters explain it, that one is taken which could explain the fewest other patterns, as a choice
        of two against a continuous value, and of equals the one asked for last. Choices that no such trial had count as
        those without the parameter, except where choices have an order. A threshold is the middle between the nearest
        values on both sides, on a log scale the geometric one; a whole number just in the middle is on the side without
        the parameter.

        Examples
        --------
        >>> import hpcore as hp
        >>> ranges = {"kernel": hp.Categorical(["rbf", "linear"]), "gamma": hp.Float(1e-5, 10.0, log=True)}
        >>> space = hp.Space.learn(ranges, [{"kernel": "rbf", "gamma": 0.1}, {"kernel": "linear"}])
        >>> space["gamma"].when
        {'kernel': ['rbf']}
        >>> space.explains({"kernel": "linear", "gamma": 1.0})
        False
        """
        from hpcore.space.learning import learn_conditions

        if unexplained not in ("keep", "drop"):
            raise InvalidArgument(f"unexplained must be 'keep' or 'drop', got {unexplained!r}")
        seen = list(trials)
        learnt, left = learn_conditions(parameters, seen)
        while unexplained == "drop" and left:
            learnt, left = learn_conditions(
                {n: p for n, p in parameters.items() if n in learnt and n not in left}, seen
            )
        space = cls(learnt, constraints)
        space.unexplained = left
        return space

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
            Text from `to_json`.
        constraints : sequence of callable
            Constraints, as many as the written space had: functions are not stored.

        Raises
        ------
        InvalidArgument
            Text that is not such JSON, of a newer version, or with another number of constraints.
        """
        from hpcore.space.serial import parameters_from_json

        return cls(parameters_from_json(text, len(check_constraints(constraints))), constraints)


def _utf8(name: str) -> bytes:
    try:
        return name.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"a parameter's name must be text that UTF-8 can write, got {name[:80]!r}") from None


def _unpacked(
    kind: type[Space],
    parameters: Mapping[str, Parameter],
    packed: Sequence[Constraint | bytes],
    unexplained: tuple[str, ...] = (),
) -> Space:
    space = kind(parameters, unpack(packed))
    space.unexplained = unexplained
    return space
