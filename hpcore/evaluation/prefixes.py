"""Cache of the transformers of a pipeline, fitted once for each fold and not again for each configuration.

A search over the parameters of the last step fits the same scalers and projections on the same rows every time. The
cache keeps fitted transformers and their outputs, by fold and by the parameters that a configuration sets on them.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import pickle
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from hpcore.evaluation.purity import is_pure

__all__ = ["Key", "Prefix", "PrefixCache"]

log = logging.getLogger("hpcore")

Key = tuple[Any, ...]

# Largest size of one worker's cache: enough for the folds of most tables, little beside the memory of the fits.
_MOST_BYTES = 2**27

# Most entries of a list or dictionary in a key; for more, making the key would take longer than it saves.
_MOST_PARTS = 1000

_ATOMS = (type(None), bool, int, float, complex, str, bytes, np.generic, type)


class Kept(NamedTuple):
    """Output and state of a transformer on a fold.

    Attributes
    ----------
    X : array, sparse matrix or data frame
        Output of the transformer; a copy without other references.
    transformer : estimator
        Transformer right after the fit; a copy too.
    seconds : float
        Time that fit and transformation took.
    n_bytes : int
        Size of output and transformer.
    """

    X: Any
    transformer: Any
    seconds: float
    n_bytes: int


class PrefixCache:
    """Outputs and states of transformers; the least recently used are dropped first.

    Parameters
    ----------
    most_bytes : int
        Bound on the size of all entries.

    Notes
    -----
    The cache serves as the `memory` of a plain `Pipeline` that has none. Steps are kept up to the first one that is not
    known to be pure (see `purity`), is given metadata, or drew from the global generators of random numbers; that one
    and later ones are fitted as usual. So are other estimators, and pipelines on data that is neither array, sparse
    matrix nor data frame.

    Entries are copies, and copies of entries are given to a fit: neither the next step, which may work in place, nor a
    transformer that changes when it transforms can affect another fit.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._n_bytes = 0
        self._lock = threading.Lock()
        self._pure: dict[Key, bool] = {}

    def keys(self, estimator: Any, params: Mapping[str, Any]) -> list[Key]:
        """Make a key for each step of a configuration's prefix, up to the first that is not known to be pure.

        Parameters
        ----------
        estimator : estimator
            Unfitted estimator with `params` set.
        params : mapping
            Parameters set on the estimator of the search. Its other parameters are the same for all configurations, and
            so no part of a key: large ones are not read again and again.
        """
        if type(estimator) is not Pipeline or estimator.memory is not None:
            return []
        names = [name for name, _ in estimator.steps]
        positions = {name: i for i, name in enumerate(names)}
        # A parameter of no step, such as `steps` itself, may concern all of them.
        by_step: list[list[tuple[str, Any]]] = [[] for _ in names]
        for name, value in sorted(params.items()):
            by_step[positions.get(name.partition("__")[0], 0)].append((name, value))
        keys: list[Key] = []
        key: Key = ()
        for (_, step), own in zip(estimator.steps[:-1], by_step, strict=False):
            contents = [_content(value) for _, value in own]
            if None in contents:
                break
            key = (*key, tuple((name, content) for (name, _), content in zip(own, contents, strict=True)))
            if not self._is_pure(key, step):
                break
            keys.append(key)
        return keys

    @contextmanager
    def serving(self, estimator: Any, X: Any, part: Hashable, keys: list[Key]) -> Iterator[Prefix]:
        """Let the fit of a pipeline on rows `X` use the cache and add to it; `part` says which rows they are."""
        prefix = Prefix(self, estimator, X, [(part, *key) for key in keys])
        if not keys or _size(X) is None:
            yield prefix
            return
        estimator.memory = prefix
        try:
            yield prefix
        finally:
            estimator.memory = None

    def get(self, key: Key) -> Kept | None:
        """Look up an entry; None if there is none. The caller copies it before use."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, X: Any, transformer: Any, seconds: float) -> None:
        """Keep copies of an output and its transformer, unless they are larger than the cache."""
        try:
            n_bytes = (_size(X) or 0) + _weight(transformer)
            if n_bytes > self._most_bytes:
                return
            kept = Kept(_copied(X), copy.deepcopy(transformer), seconds, n_bytes)
        except Exception as error:  # whatever the attributes of a fitted transformer do when they are copied
            log.debug("a fitted %s cannot be copied and is not kept: %r", type(transformer).__name__, error)
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = kept
            self._n_bytes += n_bytes
            while self._n_bytes > self._most_bytes:
                self._n_bytes -= self._kept.popitem(last=False)[1].n_bytes

    def _is_pure(self, key: Key, step: Any) -> bool:
        try:
            return self._pure[key]
        except KeyError:
            pure = step is None or isinstance(step, str) or is_pure(step)
            if len(self._pure) < 10_000:
                self._pure[key] = pure
            return pure


class Prefix:
    """Memory of one pipeline during one fit: follows the data from step to step.

    Attributes
    ----------
    saved : float
        Seconds by which the fit would have taken longer without the cache.
    """

    # A pipeline then fits its own transformers and not clones of them: ours are copies already.
    location = None

    def __init__(self, cache: PrefixCache, estimator: Any, X: Any, keys: list[Key]) -> None:
        self.saved = 0.0
        self._cache = cache
        self._estimator = estimator
        self._X = X
        self._keys = keys
        self._ended = False

    def cache(self, function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """Wrap a function as `joblib.Memory.cache` does."""
        return partial(self._fit, function)

    def _fit(self, function: Callable[..., Any], transformer: Any, X: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        key = self._key(transformer)
        if key is None or X is not self._X or any((kwargs.get("params") or {}).values()):
            self._ended = True
            return function(transformer, X, y, *args, **kwargs)
        found = self._cache.get(key)
        if found is not None:
            given, fitted = _copied(found.X), copy.deepcopy(found.transformer)
            self._X = given
            self.saved += found.seconds - (time.perf_counter() - start)
            return given, fitted
        random_state = _global_randomness()
        begun = time.perf_counter()
        given, fitted = function(transformer, X, y, *args, **kwargs)
        seconds = time.perf_counter() - begun
        if _size(given) is None or _global_randomness() != random_state:
            self._ended = True
        elif not _shares(given, X):
            self._cache.put(key, given, fitted, seconds)
        self._X = given
        self.saved -= time.perf_counter() - start - seconds
        return given, fitted

    def _key(self, transformer: Any) -> Key | None:
        if self._ended:
            return None
        i = next((i for i, (_, step) in enumerate(self._estimator.steps) if step is transformer), len(self._keys))
        return self._keys[i] if i < len(self._keys) else None


def _global_randomness() -> bytes:
    return pickle.dumps((np.random.get_state(legacy=False), random.getstate()))  # noqa: NPY002 - it is asked, not used


def _copied(X: Any) -> Any:
    if type(X) is np.ndarray:
        return X.copy(order="K")  # in its own order in memory, or the next step would round differently
    # A sparse matrix's own copy may have indices of another type, which not every estimator takes.
    return copy.deepcopy(X) if scipy.sparse.issparse(X) else X.copy()


def _shares(a: Any, b: Any) -> bool:
    """Tell whether writing into one may change the other."""
    if a is b:
        return True
    ours, theirs = _arrays(a), _arrays(b)
    return not {id(_owner(array)) for array in ours}.isdisjoint([id(_owner(array)) for array in theirs])


def _arrays(X: Any) -> list[Any]:
    if type(X) is np.ndarray:
        return [X]
    if scipy.sparse.issparse(X):
        return [X.data, X.indices, X.indptr]
    return [X.to_numpy()] if X.ndim == 1 else [X.iloc[:, i].to_numpy() for i in range(X.shape[1])]


def _owner(array: Any) -> Any:
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


def _size(X: Any) -> int | None:
    """Count the bytes of the data; None if it is of no kind that can be copied to the last bit."""
    if type(X) is np.ndarray:
        # The copy of a view with gaps has no gaps, and products of it may round differently.
        return None if X.dtype == object or not X.flags.forc else int(X.nbytes)
    if scipy.sparse.issparse(X) and X.format in ("csr", "csc"):
        return int(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes)
    if hasattr(X, "iloc") and hasattr(X, "memory_usage"):
        return int(np.sum(X.memory_usage(deep=True)))
    return None


def _weight(transformer: Any) -> int:
    """Count the bytes of a transformer with all that it refers to: parameters, fitted attributes, kept rows."""
    buffers: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(transformer, protocol=5, buffer_callback=buffers.append)
    return len(stream) + sum(buffer.raw().nbytes for buffer in buffers)


def _content(value: Any) -> Key | None:
    """Make a hashable key of an unfitted transformer or a parameter by its content; None if there is no safe one."""
    if isinstance(value, BaseEstimator):
        return _contents(type(value), [part for item in sorted(vars(value).items()) for part in item])
    if isinstance(value, _ATOMS):
        # 1, 1.0 and True are three different parameters; nan is one.
        return (type(value), repr(value) if isinstance(value, float | np.floating | complex) else value)
    if isinstance(value, list | tuple):
        return _contents(type(value), value)
    if isinstance(value, dict):
        return _contents(dict, [part for item in value.items() for part in item])
    if type(value) is np.ndarray and value.dtype != object:
        digest = hashlib.blake2b(np.ascontiguousarray(value).tobytes()).digest()
        return (np.ndarray, value.dtype.str, value.shape, value.flags.f_contiguous, digest)
    if type(value) is np.random.RandomState:
        return (type(value), pickle.dumps(value.get_state(legacy=False)))
    if callable(value) and getattr(value, "__hash__", None) is not None and hasattr(value, "__qualname__"):
        return (value,)  # the function itself, so that its identity cannot pass to another one
    return None


def _contents(kind: type, parts: Any) -> Key | None:
    if len(parts) > _MOST_PARTS:
        return None
    names = [_content(part) for part in parts]
    return None if None in names else (kind, *names)
