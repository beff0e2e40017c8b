"""The one place that knows how functions are compiled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import FunctionType
from typing import Any

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
    # Numba's cache does not tell options apart, and would serve what was compiled without the check: another name is
    # another entry.
    if isinstance(function, FunctionType):
        code, names = function.__code__, function.__globals__
        twin = FunctionType(code, names, function.__name__, function.__defaults__, function.__closure__)
        twin.__module__, twin.__qualname__ = function.__module__, f"{function.__qualname__}.checked"
        function = twin
    return _compile(function, (arguments,), {"boundscheck": True})


def _compile(function: Callable[..., Any], signature: tuple[Any, ...], options: dict[str, Any]) -> Any:
    import numba

    njit: Any = numba.njit
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        return njit(*signature, cache=True, **options)(function)
    except RuntimeError:  # no place for the cache
        log.debug("no writable cache for %s: it is compiled in every process", function.__qualname__)
        return njit(*signature, **options)(function)
