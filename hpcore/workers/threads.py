"""Bounds on the threads of numerical libraries inside workers, so that cores are not oversubscribed."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

import joblib
from threadpoolctl import ThreadpoolController

__all__ = ["bounded", "environment", "threads_per_worker"]

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    # The number of cores that joblib sees, and so the meaning of n_jobs=-1 inside an estimator.
    "LOKY_MAX_CPU_COUNT",
)

_controller: ThreadpoolController | None = None
_modules_seen = -1


def threads_per_worker(n_workers: int) -> int:
    """Return the number of threads that each of `n_workers` may use, at least 1."""
    return max(1, int(joblib.cpu_count()) // n_workers)


def environment(n_threads: int) -> dict[str, str]:
    """Return environment variables for a new worker, which bound libraries that load after its start."""
    return dict.fromkeys(_VARIABLES, str(n_threads))


def bounded(n_threads: int, user_api: str | None = None) -> AbstractContextManager[Any]:
    """Bound the thread pools of this process while the context lasts.

    Parameters
    ----------
    n_threads : int
        Largest number of threads that a pool may use.
    user_api : {"blas", "openmp"}, optional
        Kind of pools to bound; all by default.
    """
    global _controller, _modules_seen
    # Finding the loaded libraries takes a millisecond: done again only after something was imported.
    if _controller is None or len(sys.modules) != _modules_seen:
        _controller = ThreadpoolController()
        _modules_seen = len(sys.modules)
    return _controller.limit(limits=n_threads, user_api=user_api)  # type: ignore[no-any-return]
