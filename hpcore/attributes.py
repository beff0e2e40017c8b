"""Attributes of trials and studies: values are converted to plain data when they are set.

Plain data is None, bool, int, float, str, and lists and dicts of these with str keys. JSON restores it exactly, so that
a search in memory and a stored search hold the same attributes.
"""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
import os
import sys
from collections.abc import Mapping, Sequence, Set, ValuesView
from datetime import date, datetime, time, timedelta
from enum import Enum
from operator import index
from typing import Any

import numpy as np

from hpcore.errors import HpcoreError, InvalidArgument, InvalidType

__all__ = [
    "ATTRIBUTE_BYTES",
    "MAX_DEPTH",
    "USER_PREFIX",
    "Attributes",
    "Settled",
    "check_size",
    "settled",
    "settled_reports",
    "to_plain",
]

ATTRIBUTE_BYTES = 2**20
USER_PREFIX = "user:"
"""Beginning of the names under which a study keeps a user's own attributes, each as a list of its value alone."""
MAX_DEPTH = 32
# 3,913 digits; Python reads at most 4,300 digits from text.
MAX_INT_BITS = 13_000
TEXT_CHARACTERS = 1000

ALLOWED = (
    "plain data (None, bool, int, float, str, lists and dicts) or what converts to it (NumPy and pandas values, dates "
    "and times, paths, bytes, enums, decimals, sets, tuples, dataclasses)"
)


def to_plain(argument: str, value: Any, depth: int = MAX_DEPTH) -> Any:
    """Copy a value as plain data.

    Parameters
    ----------
    argument : str
        Name of the value, for errors.
    value : object
        Value to convert. Tuples, arrays and series become lists, sets become sorted lists; mappings (with keys as
        text), data frames and dataclasses become dicts; dates and times become ISO 8601 text, timedeltas seconds, paths
        and bytes text, enums their values, decimals and fractions floats. NaN and infinities are kept.
    depth : int
        Maximum depth of nested lists and dicts.

    Raises
    ------
    InvalidType
        The value holds an object of another type.
    InvalidArgument
        The value is nested too deep or too large, or two of its keys are equal as text.
    """
    if value is None or type(value) in (bool, float):
        return value
    return _Converter(argument).convert(value, depth)


def check_size(argument: str, plain: Any) -> str:
    """Convert plain data to JSON.

    Raises
    ------
    InvalidArgument
        The text takes more than 1 MiB.
    """
    text = json.dumps(plain)
    if len(text) > ATTRIBUTE_BYTES:
        raise InvalidArgument(f"{argument} must take at most {ATTRIBUTE_BYTES} bytes as JSON, got {len(text)}")
    return text


class _Converter:
    """Conversion of one value, with a limit on its size."""

    def __init__(self, argument: str) -> None:
        self.argument = argument
        self.left = ATTRIBUTE_BYTES

    def convert(self, value: Any, depth: int) -> Any:
        kind = type(value)
        self.spend(2)  # an item of a list takes more
        if value is None or kind in (bool, float):
            return value
        if kind is str:
            self.spend(len(value))
            return value
        if kind is int:
            if value.bit_length() > MAX_INT_BITS:
                raise InvalidArgument(f"{self.argument} must have integers below 2**{MAX_INT_BITS}, got a larger one")
            return value
        if depth < 0:
            raise InvalidArgument(f"{self.argument} may be nested at most {MAX_DEPTH} deep")
        if kind in (list, tuple):
            return [self.convert(item, depth - 1) for item in value]
        if kind is dict:
            return self.mapping(value.items(), depth)
        try:
            return self.other(value, depth)
        except HpcoreError:
            raise
        except Exception as error:  # raised by a method of the value
            raise InvalidType(
                f"{self.argument} must be {ALLOWED}; an object of type {_name(kind)} cannot be read: "
                f"{type(error).__name__}: {error}"
            ) from error

    def spend(self, n: int) -> None:
        self.left -= n
        if self.left < 0:
            raise InvalidArgument(f"{self.argument} must take at most {ATTRIBUTE_BYTES} bytes as JSON, and takes more")

    def other(self, value: Any, depth: int) -> Any:
        if isinstance(value, Enum):
            return self.enum(value, depth)
        if isinstance(value, np.ndarray | np.generic):
            return self.array(value, depth)
        if isinstance(value, str):
            return self.convert(str.__str__(value), depth)
        if isinstance(value, bytes | bytearray):
            return self.convert(value.decode("utf-8", "backslashreplace"), depth)
        if isinstance(value, numbers.Integral):
            return self.convert(int(value), depth)
        if isinstance(value, numbers.Real) or _is(value, "decimal", "Decimal"):
            return float(value)
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, datetime | date | time):
            return value.isoformat()
        if isinstance(value, os.PathLike):
            return self.convert(os.fspath(value), depth)
        if _is(value, "uuid", "UUID"):
            return str(value)
        return self.container(value, depth)

    def enum(self, value: Enum, depth: int) -> Any:
        try:
            return self.convert(value.value, depth - 1)
        except InvalidType:  # for instance an `object()` as a marker
            return value.name

    def container(self, value: Any, depth: int) -> Any:
        pandas: Any = sys.modules.get("pandas")
        if pandas is not None and value is getattr(pandas, "NA", self):
            return None
        if _is(value, "pandas", "DataFrame"):
            self.room_for(value)
            names = list(value.columns)
            return self.mapping(((name, value.iloc[:, i]) for i, name in enumerate(names)), depth)
        if _is(value, "pandas", "Series") and not isinstance(value.index, pandas.RangeIndex) and value.index.is_unique:
            self.room_for(value)
            return self.mapping(zip(value.index.tolist(), value.tolist(), strict=True), depth)
        if isinstance(value, Mapping):
            return self.mapping(value.items(), depth)
        if isinstance(value, Set):
            return _ordered([self.convert(item, depth - 1) for item in value])
        if isinstance(value, Sequence | ValuesView):
            return [self.convert(item, depth - 1) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [field.name for field in dataclasses.fields(value)]
            return self.mapping(((name, getattr(value, name)) for name in fields), depth)
        if not isinstance(value, type) and callable(getattr(value, "tolist", None)):
            # Series, tensors, memory views, and arrays of other libraries.
            self.room_for(value)
            return self.convert(value.tolist(), depth - 1)
        raise InvalidType(f"{self.argument} must be {ALLOWED}, got an object of type {_name(type(value))}")

    def mapping(self, items: Any, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, item in items:
            name = key if type(key) is str else self.key(key)
            if name in out:
                raise InvalidArgument(f"{self.argument} must have keys that differ as text, got {name!r:.80} twice")
            self.spend(len(name))
            out[name] = self.convert(item, depth - 1)
        return out

    def key(self, key: Any) -> str:
        plain = self.convert(key, 1)
        return str(tuple(plain)) if isinstance(plain, list) else str(plain)

    def array(self, value: Any, depth: int) -> Any:
        if isinstance(value, np.generic):
            value = np.asarray(value)
        if value.ndim > depth + 1:
            raise InvalidArgument(f"{self.argument} may be nested at most {MAX_DEPTH} deep")
        self.room_for(value)
        kind = value.dtype.kind
        if kind == "f":
            value = value.astype(np.float64)
        elif kind == "M":
            return np.datetime_as_string(value).tolist()
        elif kind == "m":
            return (value / np.timedelta64(1, "s")).tolist()
        elif kind == "c":
            raise InvalidType(f"{self.argument} must be {ALLOWED}, got complex numbers")
        plain = value.tolist()
        return plain if kind in "biuf" else self.convert(plain, depth)

    def room_for(self, value: Any) -> None:
        """Reject a value that is too large, before it is converted to a list."""
        shape = getattr(value, "shape", ())
        n = math.prod(shape) if isinstance(shape, tuple) else 0
        if n > self.left:
            self.spend(n)


def _is(value: Any, module: str, name: str) -> bool:
    """Tell whether a value is an instance of a class in a module that may not be imported."""
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and isinstance(value, found)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _ordered(items: list[Any]) -> list[Any]:
    """Sort the items of a set, so that their order does not depend on the process."""
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=json.dumps)


class Attributes(dict[str, Any]):
    """Attributes of a trial by name, each converted to plain data when it is set; see `to_plain`.

    Names are converted to text. All attributes together take at most 1 MiB as JSON.

    Raises
    ------
    InvalidType, InvalidArgument
        A value cannot be stored; the attributes are not changed.
    """

    __slots__ = ("_bytes",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self._bytes = 0  # an upper bound: attributes that were replaced still count
        if args or kwargs:
            self.update(*args, **kwargs)

    def __setitem__(self, name: str, value: Any) -> None:
        self.update(((name, value),))

    def __missing__(self, name: Any) -> Any:
        if isinstance(name, str):
            raise KeyError(name)
        return self[_name_of(name)]

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return an attribute, after setting it to a default if it is missing."""
        name = _name_of(name)
        if name not in self:
            self[name] = default
        return self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several attributes, all or none of them."""
        new = {}
        for name, value in dict(*args, **kwargs).items():
            name = _name_of(name)
            new[name] = to_plain(f"user_attrs[{name!r:.80}]", value)
        n = len(json.dumps(new))
        if self._bytes + n > ATTRIBUTE_BYTES:
            n = len(json.dumps({**self, **new}, default=repr))
            if n > ATTRIBUTE_BYTES:
                names = ", ".join(map(repr, new))
                raise InvalidArgument(
                    f"user_attrs must take at most {ATTRIBUTE_BYTES} bytes as JSON, got {n} with {names:.80}"
                )
            self._bytes = 0
        super().update(new)
        self._bytes += n

    def __ior__(self, other: Any) -> Attributes:  # type: ignore[override,misc]
        self.update(other)
        return self

    def copy(self) -> Attributes:
        """Return a copy."""
        return Attributes(self)

    def __reduce__(self) -> Any:
        return Attributes, (dict(self),)


def _name_of(name: Any) -> str:
    return name if type(name) is str else _Converter("an attribute's name").key(name)


class Settled(dict[str, Any]):
    """Attributes in a record: known to be plain data and never changed; users get a copy."""

    __slots__ = ()


def settled(what: str, given: Mapping[str, Any]) -> Settled:
    """Return attributes in the form that is stored, when it is too late to reject a change inside a value.

    A value that is no longer plain data becomes text. If all attributes together are too large, the largest are
    dropped. Both are logged as a warning.
    """
    out = Settled()
    for name, value in given.items():
        try:
            out[name] = to_plain(f"user_attrs[{name!r:.80}]", value)
        except HpcoreError as wrong:
            out[name] = _text(value)
            _warn("%s: an attribute is kept as text: %s", what, wrong)
    sizes = {name: len(json.dumps(value)) + len(json.dumps(name)) + 4 for name, value in out.items()}
    while sum(sizes.values()) > ATTRIBUTE_BYTES:
        largest = max(sizes, key=sizes.__getitem__)
        _warn("%s: attribute %.80r is left out: together they take more than %d bytes", what, largest, ATTRIBUTE_BYTES)
        del out[largest], sizes[largest]
    return out


def settled_reports(what: str, given: Mapping[Any, Any]) -> dict[int, float]:
    """Return intermediate values by step in the form that is stored; others are dropped and logged as a warning."""
    out: dict[int, float] = {}
    for step, value in given.items():
        try:
            out[to_plain("a step", index(step))] = float(value)
        except (TypeError, ValueError, OverflowError) as wrong:
            _warn("%s: a report is left out, reports must be numbers by step, an integer: %s", what, wrong)
    while len(json.dumps(list(out.items()))) > ATTRIBUTE_BYTES:
        _warn("%s: half of %d reports are left out: they take more than %d bytes", what, len(out), ATTRIBUTE_BYTES)
        out = dict(list(out.items())[::2])
    return out


def _text(value: Any) -> str:
    try:
        return repr(value)[:TEXT_CHARACTERS]
    except Exception:  # raised by the value's repr
        return f"<{_name(type(value))}>"


def _warn(message: str, *details: Any) -> None:
    import logging

    logging.getLogger("hpcore").warning(message, *details)
