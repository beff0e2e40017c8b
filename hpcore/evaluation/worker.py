"""Evaluation of a bundle of (configuration, folds) inside a worker."""

from __future__ import annotations

import pickle
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import takewhile
from typing import Any, NamedTuple

import cloudpickle
import sklearn

from hpcore.evaluation.sharing import Handle, Surroundings, fetch, live_warning_filters, owns
from hpcore.evaluation.workload import FoldScore, Workload, decisive
from hpcore.records.channel import Channel, Decision
from hpcore.schedulers.racing import Incumbent, RaceSnapshot
from hpcore.workers.nesting import working
from hpcore.workers.packing import Cargo, Miss, OutOfReach
from hpcore.workers.threads import bounded
from hpcore.workers.watchdog import clock_of

__all__ = ["Deadline", "Item", "run_bundle"]


class Deadline(NamedTuple):
    """Time after which no fold begins; a tuple, because it travels between processes.

    Attributes
    ----------
    seconds : float
        Time of the monotonic clock, or for a worker that may be on another machine, with another clock, the seconds
        that were left when it was sent.
    is_left : bool
        True for seconds that were left.
    """

    seconds: float
    is_left: bool

    @classmethod
    def of(cls, at: float, shared_clock: bool) -> Deadline:
        """Make a deadline from a time of the monotonic clock here, for a worker that has the same clock or not."""
        return cls(at, False) if shared_clock else cls(at - time.monotonic(), True)

    def here(self) -> float:
        """Return the time of the monotonic clock here, when the deadline has just arrived."""
        return time.monotonic() + self.seconds if self.is_left else self.seconds


class Item(NamedTuple):
    """Some folds of a configuration; a tuple, because it travels between processes.

    Attributes
    ----------
    params : mapping
        Parameters of the estimator.
    folds : sequence of (int, int)
        Pairs of the position among the folds of the search and the index of the split.
    serial : int
        Serial number of the first fold; the others have the next.
    known : mapping of int to float
        Scores that are known already, by position.
    incumbent : Incumbent or None
        Incumbent that may stop the configuration before its last fold.
    number : int
        Number of the trial.
    levels : sequence of int
        Levels of the resource so far, see `Workload.evaluate`.
    deadline : Deadline or None
        Time after which no fold begins.
    """

    params: Mapping[str, Any]
    folds: Sequence[tuple[int, int]]
    serial: int = 0
    known: Mapping[int, float] = {}
    incumbent: Incumbent | None = None
    number: int = 0
    levels: Sequence[int] = ()
    deadline: Deadline | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Parameters may be of classes and functions of a script, which not every executor knows how to send.
        return _unpacked, (cloudpickle.dumps(tuple(self)),)


def _unpacked(packed: bytes) -> Item:
    return Item(*pickle.loads(packed))  # noqa: S301 - by this program, further up


Raised = tuple["Carried", str]


def run_bundle(
    handle: Handle, items: Sequence[Item], cargo: Cargo | None = None
) -> tuple[list[list[FoldScore]], Raised | None, float] | Miss:
    """Evaluate some configurations on some folds each.

    Parameters
    ----------
    handle : Handle
        Reference to the workload.
    items : sequence of Item
        Folds to evaluate.
    cargo : Cargo, optional
        Packed workload for a worker that cannot read the files.

    Returns
    -------
    Miss
        This worker does not have the workload, and evaluated nothing. Otherwise:
    scores : list of list of FoldScore
        One list for each item; shorter than its folds if its incumbent or the deadline stopped it.
    error : (Exception, str) or None
        Error of an evaluation and its traceback, if ``error_score="raise"``; a value, so that it differs from an error
        of the worker itself.
    seconds : float
        Time that the evaluation took, without transfers.
    """
    start = time.perf_counter()
    limits = [None if item.deadline is None else item.deadline.here() for item in items]
    try:
        workload, surroundings = fetch(handle, cargo)
    except OutOfReach:
        return Miss.here()
    context = _thread(handle, surroundings) if owns(handle) else _process(handle, surroundings)
    scores: list[list[FoldScore]] = []
    with working(), context:
        try:
            for item, limit in zip(items, limits, strict=True):
                scores.append(_run_item(workload, item, handle, limit))
        except Exception as error:
            return scores, (Carried(error), traceback.format_exc()), time.perf_counter() - start
    return scores, None, time.perf_counter() - start


class Carried:
    """Error on its way back from a worker.

    Parameters
    ----------
    error : Exception
        Error that was raised. One that cannot be pickled becomes a `RuntimeError` with its text on the way.

    Attributes
    ----------
    error : Exception
        Error to raise.
    """

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __reduce__(self) -> tuple[Any, ...]:
        error = self.error
        words = RuntimeError(f"{type(error).__name__}: {error}")
        # A class whose constructor takes other arguments than those it passes on cannot be called again.
        for form in (error, _Bare(type(error), error.args, vars(error)), words):
            with suppress(Exception):
                packed = cloudpickle.dumps(form)
                if type(_carried(packed).error) is type(form if form is words else error):
                    return _carried, (packed,)
        raise TypeError(f"an error of type {type(error).__name__} cannot be sent")


class _Bare(NamedTuple):
    """An error by its parts."""

    kind: type[Exception]
    args: tuple[Any, ...]
    attributes: dict[str, Any]


def _carried(packed: bytes) -> Carried:
    found = pickle.loads(packed)  # noqa: S301 - by this program, further up
    if isinstance(found, _Bare):
        error = found.kind.__new__(found.kind)
        error.args = found.args
        vars(error).update(found.attributes)
        found = error
    return Carried(found)


def _run_item(workload: Workload, item: Item, handle: Handle, limit: float | None) -> list[FoldScore]:
    folds: Iterator[int] = (fold for _, fold in item.folds)
    if limit is not None:
        folds = takewhile(lambda fold: time.monotonic() < limit, folds)
    if handle.timed:
        folds = clock_of(handle.path).timed(folds, item.serial)
    evaluated = workload.evaluate(item.params, folds, item.levels, item.number)
    if item.incumbent is None:
        return list(evaluated)
    channel: Channel = RaceSnapshot(item.incumbent, item.known)
    scores: list[FoldScore] = []
    for (position, _), score in zip(item.folds, evaluated, strict=False):
        scores.append(score)
        value = decisive(score, item.incumbent.metric)
        if channel.report(item.number, position, (value,)) is not Decision.CONTINUE:
            break
    return scores


@contextmanager
def _thread(handle: Handle, surroundings: Surroundings) -> Iterator[None]:
    # OpenMP bounds belong to the calling thread; BLAS bounds and warning filters belong to the process, which the
    # owner looks after: set and restored here, the bounds of neighbours would overlap.
    with bounded(handle.n_threads, "openmp"), sklearn.config_context(**surroundings.config):
        yield


@contextmanager
def _process(handle: Handle, surroundings: Surroundings) -> Iterator[None]:
    # Ctrl-C reaches the whole process group. The owner decides what stops; a worker that raised would only add noise.
    main = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        with bounded(handle.n_threads), sklearn.config_context(**surroundings.config), warnings.catch_warnings():
            live_warning_filters()[:] = surroundings.warning_filters
            yield
    finally:
        if main:
            signal.signal(signal.SIGINT, previous)
