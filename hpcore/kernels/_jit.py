"""The one place that knows how functions are compiled."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

__all__ = ["jit", "jit_user", "log"]

log = logging.getLogger("hpcore.kernels")


def jit(function: Callable[..., Any]) -> Any:
    """Compile with Numba on first call: without the GIL, no fast-math (NaN means "failed" here), cached on disk.

    A function without a file (typed in an interactive session), or a place where nothing can be written, is compiled
    without the cache.
    """
    return _compile(function, (), {})


def jit_user(function: Callable[..., Any], *arguments: Any) -> Any:
    """Compile a user's function now, for these Numba types only; an index outside its array is an IndexError."""
    # Numba's cache tells apart neither options, and would serve what was compiled without the check, nor the values of
    # globals, which are constants to it: another name is another entry.
    if isinstance(function, FunctionType):
        code, names = function.__code__, function.__globals__
        twin = FunctionType(code, names, function.__name__, function.__defaults__, function.__closure__)
        twin.__module__ = function.__module__
        twin.__qualname__ = f"{function.__qualname__}.checked{_digest(function)}"
        function = twin
    return _compile(function, (arguments,), {"boundscheck": True})


def _digest(function: FunctionType) -> str:
    """Of the values that a function and those it calls read from outside themselves; closures are Numba's own care."""
    found = hashlib.sha256()
    functions, known = [function], {function}
    while functions:
        at = functions.pop()
        found.update(at.__code__.co_code)
        for name, value in sorted(_outside(at.__code__, at.__globals__), key=lambda pair: pair[0]):
            called = getattr(value, "py_func", None)  # another compiled function
            if isinstance(called, FunctionType):
                if called not in known:
                    known.add(called)
                    functions.append(called)
            elif isinstance(value, np.ndarray):
                found.update(f"{name} {value.dtype} {value.shape}".encode() + value.tobytes())
            elif isinstance(value, bool | int | float | complex | str | bytes | tuple | np.generic):
                found.update(f"{name} {value!r}".encode())
    return found.hexdigest()[:16]


def _outside(code: CodeType, names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Globals that the code names, and what it names of modules among them."""
    for name in code.co_names:
        value = names.get(name)
        yield name, value
        if isinstance(value, ModuleType):
            yield from ((f"{name}.{part}", getattr(value, part, None)) for part in code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _outside(inner, names)


def _compile(function: Callable[..., Any], signature: tuple[Any, ...], options: dict[str, Any]) -> Any:
    import numba

    njit: Any = numba.njit
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        return njit(*signature, cache=True, **options)(function)
    except RuntimeError:  # no place for the cache
        log.debug("no writable cache for %s: it is compiled in every process", function.__qualname__)
        return njit(*signature, **options)(function)
