"""Executor of a Ray cluster, which needs Ray without Tune."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import wait as wait_for
from typing import Any

import cloudpickle
import numpy as np

from hpcore.errors import InvalidArgument, require

__all__ = ["RayExecutor"]

_ray: Any = require("ray", "ray", "hpcore.integrations.ray.RayExecutor")

# Arrays and byte strings of so many bytes are stored in the cluster once, and tasks refer to them: what Ray sends with
# the task itself is at most as large.
LARGE = 100_000
# Stored objects that are kept for further tasks. A search sends the data behind its objective again and again.
MOST_KEPT = 8
# Bytes that are compared at once.
BLOCK = 2**19


class RayExecutor(Executor):
    """Executor that runs functions as tasks of Ray: ``hpcore.minimize(..., executor=RayExecutor())``.

    Parameters
    ----------
    **options
        Options of the tasks, as for ``ray.remote``: ``num_cpus``, ``num_gpus``, ``resources``, ``max_retries``,
        ``runtime_env`` and others. As many tasks run at a time as the cluster has resources for.

    Raises
    ------
    InvalidArgument
        Ray refuses an option, or a task needs more than the cluster has.

    Notes
    -----
    Uses the cluster of ``ray.init``, and starts a local one without it. Workers need hpcore.

    Large arrays and byte strings in arguments, wherever they are, are stored in the cluster once (``ray.put``) and not
    sent with each task; a task has a copy of its own, which it may change. The last 8 of them are kept until
    `shutdown`. References (``ray.ObjectRef``) in arguments stand for what they refer to.

    A task whose worker dies runs again on another one, up to ``max_retries`` times, 3 by default: a search does not
    notice. ``cancel`` of a future takes a waiting task from the queue; one that runs may go on, without a result.

    Examples
    --------
    >>> import hpcore as hp
    >>> from hpcore.integrations.ray import RayExecutor  # doctest: +SKIP
    >>> with RayExecutor(num_cpus=2) as executor:  # doctest: +SKIP
    ...     study = hp.minimize(objective, space, n_trials=100, executor=executor)
    """

    def __init__(self, **options: Any) -> None:
        if not _ray.is_initialized():
            _ray.init()
        if "num_returns" in options:
            raise InvalidArgument(f"num_returns must be left out, got {options['num_returns']!r}")
        try:
            self._task = _ray.remote(**{"num_cpus": 1, **options})(_run)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"options must be those of ray.remote: {error}") from error
        self._needs = _needs({"num_cpus": 1, **options})
        if self.n_workers < 1:
            raise InvalidArgument(f"a task needs {self._needs!r}, and the cluster has {_ray.cluster_resources()!r}")
        self._lock = threading.Lock()
        self._pending: set[Future[Any]] = set()
        self._stored: list[_Stored] | None = []

    @property
    def n_workers(self) -> int:
        """Number of tasks that the cluster has resources for."""
        there = _ray.cluster_resources()
        return min(int(there.get(name, 0.0) / amount + 1e-9) for name, amount in self._needs.items())

    # The name that executors of the standard library have for it.
    _max_workers = n_workers

    def put(self, value: Any) -> Any:
        """Store a value in the cluster; the reference that is returned stands for it in arguments of `submit`.

        Functions get the value as Ray has it: its arrays are read-only.
        """
        return _ray.put(value)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`.

        Raises
        ------
        RuntimeError
            The executor is shut down.
        """
        with self._lock:
            if self._stored is None:
                raise RuntimeError("cannot schedule new futures after shutdown")
            stream, references = self._pack((fn, args, kwargs))
            future = _TaskFuture(self._task.remote(stream, *references))
            self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`; the cluster goes on."""
        with self._lock:
            self._stored = None
            pending = list(self._pending)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            wait_for(pending)

    def _pack(self, call: tuple[Any, ...]) -> tuple[bytes, list[Any]]:
        """Pickle a call without its large parts, and return the references to those."""
        assert self._stored is not None
        file = io.BytesIO()
        pickler = _Pickler(file, self._stored)
        pickler.dump(call)
        del self._stored[:-MOST_KEPT]
        return file.getvalue(), pickler.references


class _Stored:
    """A part that is stored in the cluster.

    Parameters
    ----------
    content : bytes or ndarray
        The part as it is stored.
    reference : ObjectRef
        Reference to it.
    """

    def __init__(self, content: Any, reference: Any) -> None:
        self.content, self.reference = content, reference


class _Pickler(cloudpickle.Pickler):
    """Pickler that leaves large parts to the cluster.

    Parameters
    ----------
    file : BytesIO
        File for the rest.
    stored : list of _Stored
        What is stored already, the last one used at the end; further parts are added.

    Attributes
    ----------
    references : list
        References to the parts, and to what the caller has stored.
    """

    def __init__(self, file: io.BytesIO, stored: list[_Stored]) -> None:
        super().__init__(file, protocol=5)
        self._stored = stored
        self.references: list[Any] = []

    def persistent_id(self, obj: Any) -> tuple[int, bool] | None:
        """Return the position of a part among the references, and whether a worker needs a copy of its own."""
        kind = type(obj)
        is_array = kind is np.ndarray or kind is np.memmap
        if isinstance(obj, _ray.ObjectRef):
            self.references.append(obj)
        elif is_array and obj.nbytes >= LARGE and not obj.dtype.hasobject:
            self._store(np.asarray(obj))
        elif kind is bytes and len(obj) >= LARGE:
            self._store(obj)
        else:
            return None
        return len(self.references) - 1, is_array

    def _store(self, part: Any) -> None:
        if isinstance(part, np.ndarray) and not (part.flags.c_contiguous or part.flags.f_contiguous):
            part = np.ascontiguousarray(part)  # as Ray stores it
        known = next((stored for stored in reversed(self._stored) if _is_same(stored.content, part)), None)
        if known is None:
            reference = _ray.put(part)
            # An array may change later: what it is compared with is in the memory of the store.
            known = _Stored(part if type(part) is bytes else _ray.get(reference), reference)
        else:
            self._stored.remove(known)
        self._stored.append(known)
        self.references.append(known.reference)


def _is_same(stored: Any, part: Any) -> bool:
    """True if a part is what is stored: its type, form and content, to the last bit."""
    if type(stored) is not type(part) or isinstance(part, bytes):
        return stored is part or (type(stored) is type(part) and bool(stored == part))
    if (stored.dtype, stored.shape, stored.flags.f_contiguous) != (part.dtype, part.shape, part.flags.f_contiguous):
        return False
    # Ten times as fast as a hash, and without a temporary array of the whole.
    ours, theirs = (array.ravel(order="K").view(np.uint8) for array in (stored, part))
    return all(np.array_equal(ours[i : i + BLOCK], theirs[i : i + BLOCK]) for i in range(0, ours.size, BLOCK))


class _Unpickler(cloudpickle.pickle.Unpickler):
    def __init__(self, file: io.BytesIO, parts: tuple[Any, ...]) -> None:
        super().__init__(file)
        self._parts = parts

    def persistent_load(self, pid: Any) -> Any:
        position, copied = pid
        # Ray maps arrays into memory that nobody may write to.
        return self._parts[position].copy(order="K") if copied else self._parts[position]


def _run(stream: bytes, *parts: Any) -> Any:
    """Call a function in a worker."""
    fn, args, kwargs = _Unpickler(io.BytesIO(stream), parts).load()
    return fn(*args, **kwargs)


class _TaskFuture(Future[Any]):
    """Result of a task.

    Parameters
    ----------
    reference : ObjectRef
        Reference to it.
    """

    def __init__(self, reference: Any) -> None:
        super().__init__()
        self._reference = reference
        reference.future().add_done_callback(self._take)

    def cancel(self) -> bool:
        """See `concurrent.futures.Future`; True also if the task runs already, which is not known here."""
        if self.cancelled():
            return True
        if not super().cancel():
            return False
        _ray.cancel(self._reference)
        return True

    def _take(self, done: Future[Any]) -> None:
        if not self.set_running_or_notify_cancel():
            return
        self._reference = None  # so that the cluster may forget the result
        error = done.exception()
        if error is None:
            self.set_result(done.result())
            return
        # Ray raises errors of a type of its own, which knows the error of the function.
        cause = getattr(error, "cause", None)
        if isinstance(error, _ray.exceptions.RayTaskError) and isinstance(cause, BaseException):
            cause.__cause__ = error
            error = cause
        self.set_exception(error)


def _needs(options: dict[str, Any]) -> dict[str, float]:
    """Resources of a task, by their names in the cluster."""
    wanted = {
        "CPU": options.get("num_cpus"),
        "GPU": options.get("num_gpus"),
        "memory": options.get("memory"),
        **(options.get("resources") or {}),
    }
    needs = {name: float(amount) for name, amount in wanted.items() if amount}
    return needs or {"CPU": 1.0}  # a task that needs nothing: as many as there are cores
