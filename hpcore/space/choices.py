"""Identity of choices: True, 1, 1.0 and "1" are four different ones, and nan equals itself."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from hpcore.errors import InvalidArgument

__all__ = ["MAX_DEPTH", "choice_index", "choice_key", "choice_table", "maybe_copy"]

# A list that holds itself has no end; nobody nests choices this deep on purpose.
MAX_DEPTH = 32


def choice_key(value: Any, depth: int = 0) -> tuple[Any, ...]:
    """A hashable name of a choice: by type and content for plain data, by identity for every other object."""
    if depth > MAX_DEPTH:
        raise InvalidArgument(f"choices may be nested at most {MAX_DEPTH} deep")
    kind = type(value)
    if value is None or kind in (bool, int, str, bytes):
        return (kind, value)
    if kind is float:
        # nan differs from itself and 0.0 equals -0.0; their spelling does neither.
        return (kind, repr(value))
    if kind in (tuple, list):
        return (kind, *(choice_key(v, depth + 1) for v in value))
    if isinstance(value, np.generic) and type(value.item()) is not kind:
        key = choice_key(value.item())
        # An item that is no plain data either, such as a date or a complex number, is compared by its bytes: the item
        # is another object at each call.
        return (kind, *key) if len(key) > 1 else (kind, value.dtype.str, value.tobytes())
    return (id(value),)


def maybe_copy(value: Any, original: Any) -> bool:
    """True if a value may be a pickled copy of another: plain data by content, other objects by type."""
    if type(value) is not type(original):
        return False
    if isinstance(original, tuple | list):
        return len(value) == len(original) and all(map(maybe_copy, value, original))
    key = choice_key(original)
    return key == (id(original),) or key == choice_key(value)


def choice_table(choices: Sequence[Any]) -> dict[tuple[Any, ...], int]:
    """Index of each choice by its key."""
    if not choices:
        raise InvalidArgument("choices must not be empty")
    table: dict[tuple[Any, ...], int] = {}
    for i, choice in enumerate(choices):
        first = table.setdefault(choice_key(choice), i)
        if first != i:
            raise InvalidArgument(f"choices must be distinct, got {choice!r} at positions {first} and {i}")
    return table


def choice_index(table: dict[tuple[Any, ...], int], choices: Sequence[Any], value: Any) -> int | None:
    """The index of the choice that `value` is, or None.

    A NumPy scalar counts as the Python value that it holds, and a number as the one choice that equals it.
    """
    index = table.get(choice_key(value))
    if index is not None:
        return index
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        return choice_index(table, choices, item()) if type(item()) is not type(value) else None
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and not math.isnan(value):
        same = [
            i
            for i, choice in enumerate(choices)
            if isinstance(choice, numbers.Real) and not isinstance(choice, bool) and choice == value
        ]
        return same[0] if len(same) == 1 else None
    return None
