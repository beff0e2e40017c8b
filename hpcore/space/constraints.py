"""Functions that users write to allow or refuse a combination of parameters: checked, called and pickled."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpcore.errors import ConstraintError, InvalidType

__all__ = ["Constraint", "allow", "check_constraints", "pack", "unpack"]

Constraint = Callable[[dict[str, Any]], bool]


def check_constraints(constraints: Any) -> tuple[Constraint, ...]:
    """Check that constraints are functions."""
    if isinstance(constraints, str | bytes) or not isinstance(constraints, Sequence):
        raise InvalidType(f"constraints must be a list of functions, got {constraints!r}")
    for constraint in constraints:
        if not callable(constraint):
            raise InvalidType(f"constraints must be functions of the params, got {constraint!r}")
    return tuple(constraints)


def allow(constraints: Sequence[Constraint], params: dict[str, Any]) -> bool:
    """True if all constraints allow a combination of active parameters; see `Space.allows`."""
    for i, constraint in enumerate(constraints):
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


def pack(constraints: Sequence[Constraint]) -> tuple[Constraint | bytes, ...]:
    """Make constraints picklable: each itself or, for a lambda or a local function, its code."""
    return tuple(_packed(i, constraint) for i, constraint in enumerate(constraints))


def _packed(i: int, constraint: Constraint) -> Constraint | bytes:
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


def unpack(packed: Sequence[Constraint | bytes]) -> list[Constraint]:
    """Restore the constraints that `pack` was given."""
    return [_loaded(c) if isinstance(c, bytes) else c for c in packed]


def _loaded(code: bytes) -> Constraint:
    import cloudpickle

    constraint: Constraint = cloudpickle.loads(code)  # made by _packed
    return constraint
