"""Test of transformers for purity: they depend on their parameters and rows alone, and change only themselves."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse

__all__ = ["is_pure"]

_ATOMS = frozenset(
    {type(None), bool, int, float, complex, str, bytes, np.float64, np.float32, np.int64, np.int32, np.bool_}
)

# Functions of these modules return the same for the same arguments; draws from the global generators are detected in
# `prefixes`.
_KNOWN_MODULES = frozenset({"numpy", "scipy", "sklearn"})

# Most parts of parameters that are examined; a transformer with more is not known to be pure.
_MOST_PARTS = 20_000


def is_pure(transformer: Any) -> bool:
    """Tell whether a fit of this transformer can replace another one with the same parameters on the same rows.

    Parameters
    ----------
    transformer : estimator
        Unfitted transformer.

    Returns
    -------
    bool
        True for classes of scikit-learn whose parameters are data, further objects of scikit-learn, and functions of
        NumPy, SciPy and scikit-learn. False for all other classes and functions, which may count their calls, learn in
        `transform` or write into their own buffers, and if a parameter asks for work in place (``copy=False``).

    Notes
    -----
    Classes of this package count as those of scikit-learn do if their own body says ``is_pure = True``. Whoever writes
    such a class has read this file; a subclass does not inherit it, and the same line in a class from elsewhere is
    not believed.
    """
    kind = type(transformer)
    return not isinstance(transformer, type) and _is_known_class(kind) and _Look().known(transformer)


class _Look:
    """Examination of the parts of one transformer."""

    def __init__(self) -> None:
        self._n_parts = 0

    def known(self, value: Any) -> bool:
        self._n_parts += 1
        if self._n_parts > _MOST_PARTS:
            return False
        kind = type(value)
        if kind in _ATOMS or kind is np.ndarray or isinstance(value, np.generic | np.dtype):
            return True
        if kind in (list, tuple, set, frozenset):
            return self._all_known(value)
        if kind is dict:
            return self._all_known(value) and not any(map(_in_place, value.items())) and self._all_known(value.values())
        if isinstance(value, type):
            return _module(value) in ("builtins", "numpy")
        if isinstance(value, np.random.RandomState) or scipy.sparse.issparse(value):
            return True  # each clone has a copy of its own
        if _is_function(value):
            return True
        # Attributes, not parameters: a method that was replaced on the object is one of them.
        attributes = getattr(value, "__dict__", None)
        return _is_known_class(kind) and attributes is not None and self.known(attributes)

    def _all_known(self, values: Iterable[Any]) -> bool:
        return set(map(type, values)) <= _ATOMS or all(map(self.known, values))


def _is_known_class(kind: type) -> bool:
    module = _module(kind)
    return module == "sklearn" or (module == "hpcore" and vars(kind).get("is_pure") is True)


def _module(kind: Any) -> str:
    return str(getattr(kind, "__module__", None)).partition(".")[0]


def _is_function(value: Any) -> bool:
    if isinstance(value, types.BuiltinFunctionType):
        # A method of a generator is one of these, too.
        return isinstance(value.__self__, types.ModuleType) and _module(value) in _KNOWN_MODULES
    plain = isinstance(value, types.FunctionType | np.ufunc) or type(value).__name__ == "_ArrayFunctionDispatcher"
    return plain and (isinstance(value, np.ufunc) or _module(value) in _KNOWN_MODULES)


def _in_place(item: tuple[Any, Any]) -> bool:
    """Tell whether a parameter asks for work in place: ``copy=False``, ``copy_X=False``, ``out=array``."""
    name, value = item
    return isinstance(name, str) and (name == "out" or (name.startswith("copy") and not _is_true(value)))


def _is_true(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) and bool(value)
