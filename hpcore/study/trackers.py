"""Protocol of trackers, which log runs elsewhere, and the description of the study that they log."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

if TYPE_CHECKING:
    from hpcore.records.snapshot import TrialSnapshot

__all__ = ["TrackedStudy", "Tracker", "is_tracker"]


class TrackedStudy:
    """Description of a study for trackers, which does not keep it alive.

    Attributes
    ----------
    key : str
        Identity of the study, 32 hexadecimal digits: the same for every run and process that continues it.
    name : str or None
        Name of the study.
    is_stored : bool
        True if other processes may run the study too.
    directions : tuple of str
        Direction of each objective.
    parameters : dict of str to str
        Parameters of the space by name, as text.
    settings : dict of str to str
        Sampler, seed and other settings, as text.
    user_attrs : dict of str to plain data
        User attributes of the study; when the run has ended, those at its end.
    n_ended : int
        Number of trials that ended before this run.
    steps : str
        Name of partial results: ``"report"``, or ``"fold"`` where the steps are folds.
    best : TrialSnapshot or None
        Best trial at the begin of the run; when the run has ended, that at its end. None with several objectives.
    state : str
        ``"running"``; at the end of the run ``"finished"``, ``"interrupted"`` (by Ctrl-C) or ``"failed"`` (by an error
        that ended the run).
    """

    def __init__(
        self,
        result: Any,
        *,
        key: str,
        name: str | None,
        is_stored: bool,
        directions: tuple[str, ...],
        parameters: Mapping[str, str],
        settings: Mapping[str, str],
        user_attrs: Mapping[str, Any],
        n_ended: int,
        steps: str,
        best: TrialSnapshot | None,
    ) -> None:
        self._result = weakref.ref(result)
        self.key, self.name, self.is_stored, self.directions = key, name, is_stored, directions
        self.parameters, self.settings = dict(parameters), dict(settings)
        self.user_attrs = dict(user_attrs)
        self.n_ended, self.steps, self.best = n_ended, steps, best
        self.state = "running"

    @property
    def result(self) -> Any:
        """The `Study` or `SearchCV` itself, to be read in `Tracker.close` only: its run goes on before; None if it does
        not exist any more."""
        return self._result()


class Tracker(Protocol):
    """Object that logs runs elsewhere, in ``callbacks=[...]`` of `minimize`, `Study.run` and `SearchCV`.

    An object with these four methods is a tracker, and is not called like other callbacks. The methods are called one
    after the other on one thread of the tracker's own, from a bounded queue, in the process that runs the study: they
    may block, and what they raise is logged once and costs no trial. At the end of a run the remaining records are
    logged for at most `flush_seconds`.

    Attributes
    ----------
    flush_seconds : float, optional
        Seconds that the end of a run waits for the tracker, ``math.inf`` for as long as it takes; 30 without this
        attribute. Read when the run begins.

    Notes
    -----
    After an error of `begin` it is called again, after a pause of 1 s that doubles up to a minute, while records wait
    in the queue. A record whose method raises is lost; the next one follows after such a pause. At the end of the run
    there are no pauses: an error of `begin`, or three errors in a row, end the logging. ``nested_cross_validate`` logs
    each of its searches with a shallow copy of the tracker.

    Examples
    --------
    >>> import hpcore as hp
    >>> class Lines:
    ...     def begin(self, study):
    ...         print(study.directions, dict(study.parameters))
    ...
    ...     def reported(self, trial, step, values):
    ...         print("trial", trial.number, "at", step, values)
    ...
    ...     def ended(self, trial):
    ...         print("trial", trial.number, trial.state, trial.value)
    ...
    ...     def close(self):
    ...         print("end")
    >>> done = hp.minimize(lambda t: abs(t["x"]), {"x": [3]}, n_trials=1, callbacks=[Lines()])
    ('minimize',) {'x': 'Categorical([3])'}
    trial 0 complete 3.0
    end
    """

    def begin(self, study: TrackedStudy) -> None:
        """Begin a run, before its first trial."""
        ...

    def reported(self, trial: TrialSnapshot, step: float, values: tuple[float, ...]) -> None:
        """Log a partial result, with one value per objective in the user's own sign.

        `trial` is a copy from the time of its first partial result. The last ones may come right before `ended`, if
        the trial runs in another process, and those of a paused trial when it pauses. Those of earlier runs, and of
        other processes that had the trial before, are not repeated.
        """
        ...

    def ended(self, trial: TrialSnapshot) -> None:
        """Log a trial that is complete, pruned or failed."""
        ...

    def close(self) -> None:
        """End the run, also after an error or Ctrl-C; see `TrackedStudy.state`."""
        ...


def is_tracker(callback: Any) -> TypeGuard[Tracker]:
    """Tell whether a callback is a tracker: an object, no class, with the four methods."""
    return not isinstance(callback, type) and all(
        callable(getattr(callback, name, None)) for name in ("begin", "reported", "ended", "close")
    )
