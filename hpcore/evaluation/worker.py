"""What runs inside a worker: a bundle of (configuration, folds)."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sklearn

from hpcore.evaluation.nesting import working
from hpcore.evaluation.sharing import Handle, Settings, fetch, live_warning_filters
from hpcore.evaluation.threads import bounded
from hpcore.evaluation.workload import FoldScore

__all__ = ["Item", "run_bundle"]

Item = tuple[Mapping[str, Any], Sequence[int]]


def run_bundle(handle: Handle, items: Sequence[Item]) -> tuple[list[list[FoldScore]], float]:
    """Evaluate some configurations on some folds each.

    Parameters
    ----------
    handle : Handle
        Where the workload is.
    items : sequence of (params, folds)
        What to evaluate.

    Returns
    -------
    scores : list of list of FoldScore
        One list an item.
    seconds : float
        The time it took here, without the way to the worker and back.
    """
    start = time.perf_counter()
    workload, settings = fetch(handle)
    surroundings = _thread(handle, settings) if handle.owner == os.getpid() else _process(handle, settings)
    with working(), surroundings:
        scores = [workload.evaluate(params, folds) for params, folds in items]
    return scores, time.perf_counter() - start


@contextmanager
def _thread(handle: Handle, settings: Settings) -> Iterator[None]:
    # OpenMP bounds belong to the calling thread; BLAS bounds and warning filters belong to the process, which the
    # owner looks after: set and restored here, the bounds of neighbours would overlap.
    with bounded(handle.n_threads, "openmp"), sklearn.config_context(**settings.config):
        yield


@contextmanager
def _process(handle: Handle, settings: Settings) -> Iterator[None]:
    # Ctrl-C reaches the whole process group. The owner decides what stops; a worker that raised would only add noise.
    main = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        with bounded(handle.n_threads), sklearn.config_context(**settings.config), warnings.catch_warnings():
            live_warning_filters()[:] = settings.warning_filters
            yield
    finally:
        if main:
            signal.signal(signal.SIGINT, previous)
