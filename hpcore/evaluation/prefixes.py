"""Shared work: the transformers of a pipeline, fitted once for each fold and not again for each configuration.

A search over the parameters of the last step fits the same scalers and projections on the same rows every time. Here
what a chain of transformers learnt and gave is kept by content: the fold, and class and parameters of each of them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import joblib
import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

__all__ = ["PrefixCache"]

Key = tuple[Any, ...]

# What one worker keeps: enough for the folds of most tables, little beside what the fits themselves need.
_MOST_BYTES = 2**27

_ATOMS = (type(None), bool, int, float, complex, str, bytes, np.generic, type)


class PrefixCache:
    """What transformers learnt and gave, by content; what was not used for longest goes first.

    Parameters
    ----------
    most_bytes : int
        Bound on the size of what is kept.

    Notes
    -----
    It works through the `memory` of a plain `Pipeline` that has none of its own. Other estimators, pipelines with
    metadata for a step, and data that is neither array, sparse matrix nor data frame are fitted as ever. What a
    transformer gave is handed out as a copy, because the next step may work in place; the fitted transformer is
    shared by all pipelines that have it, and only ever asked to transform.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Key, tuple[Any, Any, int]] = OrderedDict()
        self._n_bytes = 0
        self._lock = threading.Lock()

    @contextmanager
    def serving(self, estimator: Any, X: Any, fold: int) -> Iterator[None]:
        """Let the fit of a pipeline on the rows `X` of a fold take from what is kept, and add to it."""
        if type(estimator) is not Pipeline or estimator.memory is not None or _size(X) is None:
            yield
            return
        estimator.memory = _Prefix(self, X, (fold,))
        try:
            yield
        finally:
            estimator.memory = None

    def get(self, key: Key) -> tuple[Any, Any] | None:
        """What the transformer gave, and the fitted transformer."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0], found[1]

    def put(self, key: Key, X: Any, transformer: Any, n_bytes: int) -> None:
        """Keep them, if there is room or room can be made."""
        if n_bytes > self._most_bytes:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = X, transformer, n_bytes
            self._n_bytes += n_bytes
            while self._n_bytes > self._most_bytes:
                self._n_bytes -= self._kept.popitem(last=False)[1][2]


class _Prefix:
    """The memory of one pipeline during one fit: follows the data from step to step."""

    # A pipeline then fits its own transformers and not clones of them: ours are copies already.
    location = None

    def __init__(self, cache: PrefixCache, X: Any, key: Key) -> None:
        self._cache = cache
        self._X = X
        self._key: Key | None = key

    def cache(self, function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """As of a `joblib.Memory`."""
        return partial(self._fit, function)

    def _fit(self, function: Callable[..., Any], transformer: Any, X: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        metadata = kwargs.get("params") or {}
        content = None if any(metadata.values()) else _content(transformer)
        if self._key is None or content is None or X is not self._X:
            self._key = None
            return function(transformer, X, y, *args, **kwargs)
        key = (*self._key, content)
        found = self._cache.get(key)
        if found is None:
            size = _size(X) or 0
            found = function(transformer, X, y, *args, **kwargs)
            size_after = _size(found[0])
            if size_after is None or found[0] is X or _shares(found[0], X):
                self._key = None
                return found
            # The transformer may have kept its input.
            self._cache.put(key, found[0], found[1], size + size_after)
        # In its own order in memory, or the next step would round differently.
        given = found[0].copy(order="K") if type(found[0]) is np.ndarray else found[0].copy()
        self._X, self._key = given, key
        return given, found[1]


def _shares(a: Any, b: Any) -> bool:
    return type(a) is np.ndarray and type(b) is np.ndarray and np.may_share_memory(a, b)


def _size(X: Any) -> int | None:
    """Bytes of the data; None if it is of no kind that can be copied."""
    if type(X) is np.ndarray:
        return None if X.dtype == object else int(X.nbytes)
    if scipy.sparse.issparse(X) and X.format in ("csr", "csc"):
        return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)
    if hasattr(X, "iloc") and hasattr(X, "memory_usage"):
        return int(np.sum(X.memory_usage(deep=True)))
    return None


def _content(value: Any) -> Key | None:
    """A hashable name of an unfitted transformer or a parameter, by content; None for what cannot be named safely."""
    if isinstance(value, BaseEstimator):
        return _contents(type(value), [part for item in sorted(vars(value).items()) for part in item])
    if isinstance(value, _ATOMS):
        # 1, 1.0 and True are three different parameters; nan is one.
        return (type(value), repr(value) if isinstance(value, float | np.floating) else value)
    if isinstance(value, list | tuple):
        return _contents(type(value), value)
    if isinstance(value, dict):
        return _contents(dict, [part for item in value.items() for part in item])
    if isinstance(value, np.ndarray | np.random.RandomState):
        return (type(value), joblib.hash(value))
    if callable(value) and getattr(value, "__hash__", None) is not None and hasattr(value, "__qualname__"):
        return (value,)  # the function itself, so that its identity cannot pass to another one
    return None


def _contents(kind: type, parts: Any) -> Key | None:
    names = [_content(part) for part in parts]
    return None if None in names else (kind, *names)
