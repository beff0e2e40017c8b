"""What can go wrong, as types. Each also is the builtin error that it specialises, so existing handlers catch it."""

from __future__ import annotations

__all__ = [
    "ConstraintError",
    "DamagedStore",
    "DataChanged",
    "FitTimeout",
    "HpcoreError",
    "InfeasibleParams",
    "InfeasibleSpace",
    "InvalidArgument",
    "InvalidSpace",
    "InvalidType",
    "KernelError",
    "LeaseExpired",
    "MissingDependency",
    "NoCompletedTrial",
    "NotFitted",
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
    """An argument has the right type and a value that is not allowed."""


class InvalidType(HpcoreError, TypeError):
    """An argument is of a type that is not allowed."""


class InvalidSpace(InvalidArgument):
    """Parameters that do not make a search space: an unknown parent, a cycle, a condition that never holds."""


class InfeasibleSpace(InvalidSpace):
    """No point that satisfies the constraints was found in a bounded number of tries."""


class InfeasibleParams(InfeasibleSpace):
    """Enqueued parameters for whose rest the constraints left no room; they have left the queue."""


class ConstraintError(HpcoreError, RuntimeError):
    """A constraint raised an error, or answered with something that is not true or false."""


class KernelError(HpcoreError, RuntimeError):
    """A kernel that a user wrote does not compile, raised an error, or answered with NaN."""


class SearchSpaceExhausted(HpcoreError, RuntimeError):
    """Every point of a finite space, or of a grid, has been proposed; of another space, all that could be found."""


class UnknownTrial(InvalidArgument):
    """A trial that this optimizer never asked for."""


class TrialAlreadyTold(InvalidArgument):
    """A trial whose result is already known."""


class NoCompletedTrial(HpcoreError, LookupError):
    """There is no best trial, because no trial has completed."""


class NotFitted(HpcoreError, RuntimeError):
    """A model was asked before `fit`."""


class WorkerDied(HpcoreError, RuntimeError):
    """A worker process ended while it evaluated something."""


class FitTimeout(HpcoreError, TimeoutError):
    """An evaluation took longer than its limit, and was ended together with its process."""


class DataChanged(HpcoreError, RuntimeError):
    """The data of a search is not what it was when the search began: its scores do not belong together."""


class RunEnded(HpcoreError, RuntimeError):
    """Last in the chain (``__context__``) of an error that ended a run or a search and cannot carry it itself.

    Attributes
    ----------
    result : Study or SearchCV
        With all that is known.
    """

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result


class MissingDependency(HpcoreError, ImportError):
    """An optional package is not installed; the message names the extra that brings it."""


class StorageError(HpcoreError, RuntimeError):
    """A store could not be opened, read or written: no permission, no space, no connection, no database."""


class DamagedStore(StorageError):
    """A record of a store is not what was written; the message names it. ``hpcore repair`` saves the others."""


class UntrustedStore(StorageError):
    """A store holds what hpcore never writes, such as a trigger or a view. Nothing of it was run."""


class UnsupportedStore(StorageError):
    """A store was written by a newer hpcore."""


class LeaseExpired(TrialAlreadyTold, StorageError):
    """A result came too late: its trial has another one by now, told by somebody else, or was given up."""


class UnknownStudy(InvalidArgument):
    """There is no study of that name in the store."""


class SpaceMismatch(InvalidSpace):
    """A stored study searches another space than the one that was given; the message says what differs."""
