"""The one place that knows how functions are compiled."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
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
    """Digest of a function, the functions it calls, and the values that they read from outside themselves."""
    found, known = hashlib.sha256(), set()

    def read(value: Any) -> None:
        called = getattr(value, "py_func", None)  # another compiled function
        if isinstance(called, FunctionType):
            read_function(called)
        elif isinstance(value, np.ndarray):
            found.update(f"{value.dtype} {value.shape}".encode() + value.tobytes())
        elif isinstance(value, tuple):
            found.update(f"({len(value)}".encode())
            for part in value:
                read(part)
        elif value is None or isinstance(value, bool | int | float | complex | str | bytes | np.generic):
            found.update(f"{type(value).__name__} {value!r},".encode())

    def read_function(at: FunctionType) -> None:
        if at in known:
            return
        known.add(at)
        read_code(at.__code__, at.__globals__)
        read(at.__defaults__)
        for cell in at.__closure__ or ():
            read(cell.cell_contents)

    def read_code(code: CodeType, names: dict[str, Any]) -> None:
        found.update(code.co_code)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                read_code(constant, names)
            else:
                read(constant)
        for name in code.co_names:
            value = names.get(name)
            found.update(name.encode())
            read(value)
            if isinstance(value, ModuleType):  # and what the code names of it
                for part in code.co_names:
                    read(getattr(value, part, None))

    read_function(function)
    return found.hexdigest()[:16]


def _compile(function: Callable[..., Any], signature: tuple[Any, ...], options: dict[str, Any]) -> Any:
    import numba

    njit: Any = numba.njit
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        return njit(*signature, cache=True, **options)(function)
    except RuntimeError:  # no place for the cache
        log.debug("no writable cache for %s: it is compiled in every process", function.__qualname__)
        return njit(*signature, **options)(function)
