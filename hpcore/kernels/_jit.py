"""The one place that knows how functions are compiled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

__all__ = ["jit", "log"]

log = logging.getLogger("hpcore.kernels")


def jit(function: Callable[..., Any]) -> Any:
    """Compile with Numba on first call: without the GIL, no fast-math (NaN means "failed" here), cached on disk.

    A function without a file (typed in an interactive session), or a place where nothing can be written, is compiled
    without the cache.
    """
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:  # no place for the cache
        log.debug("no writable cache for %s: it is compiled in every process", function.__qualname__)
        return numba.njit(function, **options)
