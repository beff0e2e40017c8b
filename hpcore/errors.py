"""Types of errors. Each is also the builtin error that it specialises, so that existing handlers catch it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

__all__ = [
    "ConstraintError",
    "DamagedStore",
    "DataChanged",
    "FitTimeout",
    "HpcoreError",
    "HypergradientError",
    "InfeasibleParams",
    "InfeasibleSpace",
    "InvalidArgument",
    "InvalidSpace",
    "InvalidType",
    "KernelError",
    "LeaseExpired",
    "MissingDependency",
    "NoCompletedTrial",
    "NoFeasibleTrial",
    "NotFitted",
    "Pruned",
    "ResultsNeeded",
    "RunEnded",
    "SearchSpaceExhausted",
    "SpaceMismatch",
    "StorageError",
    "TrialAlreadyTold",
    "UnknownStudy",
    "UnknownTrial",
    "UnsupportedStore",
    "UntrustedStore",
    "WorkerDied",
]


class HpcoreError(Exception):
    """Base of every error that hpcore raises on purpose."""


class InvalidArgument(HpcoreError, ValueError):
    """An argument has the right type, but a value that is not allowed."""


class InvalidType(HpcoreError, TypeError):
    """An argument has a type that is not allowed."""


class InvalidSpace(InvalidArgument):
    """The parameters do not form a search space: an unknown parent, a cycle, a condition that is never true."""


class InfeasibleSpace(InvalidSpace):
    """No point that satisfies the constraints was found in a bounded number of tries."""


class InfeasibleParams(InfeasibleSpace):
    """Enqueued parameters cannot be completed within the constraints; they were removed from the queue."""


class ConstraintError(HpcoreError, RuntimeError):
    """A constraint raised an error, or returned something that is not true or false."""


class KernelError(HpcoreError, RuntimeError):
    """A user-defined kernel does not compile, raised an error, or returned NaN."""


class HypergradientError(HpcoreError, RuntimeError):
    """A user-defined hypergradient raised an error."""


class SearchSpaceExhausted(HpcoreError, RuntimeError):
    """Every point of a finite space or grid has been proposed, or no further allowed point of the space was found."""


class UnknownTrial(InvalidArgument):
    """The trial was not created by this optimizer."""


class TrialAlreadyTold(InvalidArgument):
    """The result of the trial is already known."""


class NoCompletedTrial(HpcoreError, LookupError):
    """There is no best trial, because no trial has completed."""


class NoFeasibleTrial(NoCompletedTrial):
    """There is no best trial, because no complete trial keeps the limits.

    Attributes
    ----------
    nearest : Trial or None
        Complete trial with the least violation of the limits.
    """

    def __init__(self, message: str, nearest: object = None) -> None:
        super().__init__(message)
        self.nearest = nearest


class Pruned(HpcoreError, RuntimeError):
    """Raised by an objective to end an evaluation that `Trial.should_stop` told to stop."""


class ResultsNeeded(HpcoreError, RuntimeError):
    """The scheduler needs results of running trials before the next trial can begin."""


class NotFitted(HpcoreError, RuntimeError):
    """A model was used before `fit`."""


class WorkerDied(HpcoreError, RuntimeError):
    """A worker process ended while it evaluated something."""


class FitTimeout(HpcoreError, TimeoutError):
    """An evaluation took longer than its limit, and was stopped together with its process."""


class DataChanged(HpcoreError, RuntimeError):
    """The data changed during a search, so that its scores cannot be compared."""


class RunEnded(HpcoreError, RuntimeError):
    """Last error in the ``__context__`` chain of an error that ended a run or search but cannot hold its result.

    Attributes
    ----------
    result : Study or SearchCV
        Study or search with all results so far.
    """

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result


class MissingDependency(HpcoreError, ImportError):
    """An optional package is not installed; the message names the extra that installs it."""


def require(module: str, extra: str, needed_by: str | None = None) -> Any:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Name of the module.
    extra : str
        Extra of hpcore that installs its package.
    needed_by : str, optional
        Words for the message; by default the module ``hpcore.integrations.EXTRA``.

    Returns
    -------
    module
        The module.

    Raises
    ------
    MissingDependency
        It cannot be imported; the message names the package and the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependency(
            f"{needed_by or f'hpcore.integrations.{extra}'} needs {module.partition('.')[0]}, which cannot be imported "
            f"({error}): pip install 'hpcore[{extra}]'"
        ) from error


class StorageError(HpcoreError, RuntimeError):
    """A store could not be opened, read or written: no permission, no space, no connection, no database."""


class DamagedStore(StorageError):
    """A record of a store is damaged; the message names it. ``hpcore repair`` saves the other records."""


class UntrustedStore(StorageError):
    """A store holds objects that hpcore never writes, such as a trigger or a view. None of them was executed."""


class UnsupportedStore(StorageError):
    """A store was written by a newer version of hpcore."""


class LeaseExpired(TrialAlreadyTold, StorageError):
    """A result came too late: its trial already has a result from another worker, or was given up."""


class UnknownStudy(InvalidArgument):
    """The store has no study of that name."""


class SpaceMismatch(InvalidSpace):
    """The space of a stored study differs from the one that was given; the message names the difference."""


def closest(word: str, known: Iterable[str], n: int = 1) -> str:
    """Return ``; did you mean ...?`` with the nearest known words, or an empty string."""
    from difflib import get_close_matches

    by_fold = {str(name).casefold(): str(name) for name in known}
    near = [repr(by_fold[match]) for match in get_close_matches(word.casefold(), by_fold, n=n)]
    return f"; did you mean {' or '.join(near)}?" if near else ""
