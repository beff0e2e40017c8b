"""A trial: its parameters, state and result."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hpcore.arguments import check_attributes, check_number, check_values
from hpcore.attributes import Attributes, Settled, settled, settled_reports
from hpcore.errors import UnknownTrial
from hpcore.records.objective_values import ObjectiveValues
from hpcore.space.choices import maybe_copy

if TYPE_CHECKING:
    from hpcore.records.progress import Progress
    from hpcore.records.snapshot import TrialSnapshot

__all__ = ["Trial", "TrialState"]


class TrialState(str, Enum):
    """State of a trial. It compares equal to its name: ``trial.state == "complete"``."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"

    __str__ = str.__str__


_NO_FACTS = (None, None, None)
_NONE: frozenset[str] = frozenset()


class Trial(Mapping[str, Any]):
    """Trial of a search: a mapping of its active parameters to their values, with state and result.

    ``trial["C"]``, ``dict(trial)``, ``**trial``, ``trial.values()`` and ``trial.items()`` read the parameters;
    ``trial.values`` without a call holds the objectives' values.

    Attributes
    ----------
    number : int
        Number of the trial, from 0, in the order of asking.
    params : dict
        Active parameters.
    state : TrialState
        ``"running"``, ``"paused"``, ``"complete"``, ``"pruned"``, ``"failed"`` or ``"withdrawn"``, which says nothing
        of the point.
    values : tuple of float
        One value per objective in the user's own sign. The value of a pruned trial is an estimate. Empty if there are
        none. ``trial.values()`` gives the values of the parameters, as for every mapping.
    reports : dict of int to float
        Partial results by step: the value of the first objective.
    user_attrs : dict of str to plain data
        Attributes set by the user. The record keeps their content at the time of `tell`; later changes are lost.
        Attributes of a trial that `Optimizer.add` makes are given to that call. Each value is converted to plain data
        when it is set: arrays, tuples and sets to lists; dates, paths and keys to text (see
        `hpcore.attributes.to_plain`). Other objects raise InvalidType, more than 1 MiB or 32 levels InvalidArgument.
    started, finished : float or None
        Unix times of start and finish in seconds, UTC; None if not known.
    cost : float or None
        Cost of the evaluation, as told, or in a run its seconds; of all its jobs, if a scheduler paused it.
    metrics : dict of str to float
        Further measurements by name, as told.
    gradient : dict of str to float
        Derivative of the first value by parameter, as told.
    violations : dict of str to float
        Distance of each metric with a limit beyond its bounds: at most 0 where they are kept, NaN where the metric is
        not known. Empty without limits, and while the trial runs.
    feasible : bool or None
        True if the trial is complete and known to keep all limits; None without limits, and until the trial has ended.
    error : str or None
        Reason of a failure: a traceback, or a message about the value.
    info : dict or None
        Facts of the proposal: the ``"step"`` reached under a deadline; ``"prefetched"`` and the ``"unseen"`` trials,
        see `Optimizer`; the ``"sampler"`` that `AutoSampler` chose; of another evaluation of a point, the number of the
        trial that it is a ``"repeat_of"``. Not stored.
    """

    __slots__ = (
        "_facts",
        "_later",
        "_progress",
        "_reports",
        "_user_attrs",
        "_values",
        "_violations",
        "error",
        "finished",
        "info",
        "number",
        "params",
        "started",
        "state",
    )

    def __init__(self, number: int, params: dict[str, Any], state: TrialState = TrialState.RUNNING) -> None:
        self.number = number
        self.params = params
        self.state = state
        self._values: tuple[float, ...] | None = None
        self.started: float | None = None
        self.finished: float | None = None
        self.error: str | None = None
        self.info: dict[str, Any] | None = None
        # Cost, metrics and gradient, which few trials have.
        self._facts: tuple[float | None, Mapping[str, float] | None, Mapping[str, float] | None] = _NO_FACTS
        self._violations: Mapping[str, float] | None = None
        # Names of the parameters that it got when the space became larger.
        self._later: frozenset[str] = _NONE
        # Made on first use: most trials have neither.
        self._reports: dict[int, float] | None = None
        # `Attributes` while they are written; `Settled` if they belong to the record, and are copied on access.
        self._user_attrs: dict[str, Any] | None = None
        # Its way to the scheduler; None for a trial that has ended, or that another process unpickled.
        self._progress: Progress | None = None

    # --- partial results -----------------------------------------------------------------------------------------

    @property
    def until(self) -> float:
        """Resource that this job goes to, in the unit of the reports' steps; infinite without a scheduler."""
        return math.inf if self._progress is None else self._progress.until

    def report(self, value: float | Sequence[float], step: float, *, cost: float | None = None) -> None:
        """Report a partial result: an epoch of a training, a number of trees.

        Parameters
        ----------
        value : float or sequence of float
            One number per objective, in the user's own sign; NaN counts as the worst value.
        step : float
            Resource used so far, counted from the beginning of the trial; finite. Steps increase. A step that was
            reported before, or a smaller one, is ignored: a training that begins again, for want of a checkpoint, may
            report everything anew.
        cost : float, optional
            Cost of reaching the step in any unit, at least 0.

        Raises
        ------
        TrialAlreadyTold
            The trial has ended.
        InvalidType, InvalidArgument
            An argument is not allowed.
        """
        if self._progress is not None:
            recorded = self._progress.report(self.number, value, step, cost)
            if recorded is not None:
                step, first = recorded
                self.reports[int(step) if step.is_integer() else step] = first  # type: ignore[index]
            return
        step = check_number("step", step)
        if cost is not None:
            check_number("cost", cost, 0.0)
        values = check_values(value, len(value) if isinstance(value, Sequence) else 1)
        if values:
            self.reports.setdefault(int(step) if step.is_integer() else step, values[0])  # type: ignore[arg-type]

    def should_stop(self) -> bool:
        """Tell whether this job ends now: the last report reached `until`, or the scheduler stops the trial.

        The objective then saves its state to `checkpoint` if the trial may go on, and returns; the return is ignored
        unless the trial is complete. It may raise `hpcore.Pruned` instead.
        """
        return self._progress is not None and self._progress.should_stop

    @property
    def checkpoint(self) -> Path:
        """Folder that is kept between the jobs of the trial; empty in the first job, or with the files of another trial
        if the scheduler continues from that one. A job that begins again, as its process died, finds its own files.

        Report a step before its state is saved: what was saved and not reported is missing from the curve after a kill.

        Raises
        ------
        InvalidArgument
            The trial has no folder: it does not belong to a run or a study, or the storage needs ``checkpoints=``.
        """
        from hpcore.records.progress import checkpoint_of

        return checkpoint_of(self.number, self._progress)

    @property
    def progress(self) -> Progress | None:
        """Progress of the running job, for the optimizer and its workers."""
        return self._progress

    @progress.setter
    def progress(self, progress: Progress | None) -> None:
        self._progress = progress

    @property
    def value(self) -> float | None:
        """Value of the first objective; None if there is none."""
        return None if self._values is None else self._values[0]

    @property
    def values(self) -> ObjectiveValues:
        """Values of the objectives, empty if there are none; if called, the values of the parameters."""
        return ObjectiveValues.of(self.params, self._values)

    @values.setter
    def values(self, values: tuple[float, ...] | None) -> None:
        self._values = values

    @property
    def cost(self) -> float | None:
        """Cost of the evaluation, as told."""
        return self._facts[0]

    @property
    def metrics(self) -> dict[str, float]:
        """Further measurements by name, as told."""
        return dict(self._facts[1] or {})

    @property
    def gradient(self) -> dict[str, float]:
        """Derivative of the first value by parameter, as told."""
        return dict(self._facts[2] or {})

    @property
    def violations(self) -> dict[str, float]:
        """Distance of each metric with a limit beyond its bounds."""
        return dict(self._violations or {})

    @property
    def feasible(self) -> bool | None:
        """True if the trial is complete and known to keep all limits; None without limits, or before its end."""
        if self._violations is None or self.state in (TrialState.RUNNING, TrialState.PAUSED, TrialState.WITHDRAWN):
            return None
        return self.state == TrialState.COMPLETE and all(beyond <= 0.0 for beyond in self._violations.values())

    def set_violations(self, violations: Mapping[str, float] | None) -> None:
        """Set the distances beyond the limits; None without limits."""
        self._violations = violations

    def set_facts(
        self, cost: float | None, metrics: Mapping[str, float] | None, gradient: Mapping[str, float] | None
    ) -> None:
        """Set cost, metrics and gradient."""
        self._facts = (cost, metrics, gradient)

    def add_facts(
        self, cost: float | None, metrics: Mapping[str, float] | None, gradient: Mapping[str, float] | None
    ) -> None:
        """Set those of cost, metrics and gradient that are not None."""
        before = self._facts
        self._facts = (
            before[0] if cost is None else cost,
            before[1] if metrics is None else metrics,
            before[2] if gradient is None else gradient,
        )

    @property
    def reports(self) -> dict[int, float]:
        """Partial results by step."""
        if self._reports is None:
            self._reports = {}
        return self._reports

    @property
    def user_attrs(self) -> dict[str, Any]:
        """Attributes set by the user, as plain data."""
        if type(self._user_attrs) is not Attributes:
            self._user_attrs = Attributes(self._user_attrs or ())
        return self._user_attrs

    @user_attrs.setter
    def user_attrs(self, given: Mapping[str, Any]) -> None:
        if given is not self._user_attrs:  # `trial.user_attrs |= ...` assigns the same object
            self._user_attrs = Attributes(check_attributes("user_attrs", given))

    @property
    def extras(self) -> tuple[dict[str, Any] | None, dict[int, float] | None]:
        """Tuple ``(user_attrs, reports)``, None for each that was never used; reading creates neither."""
        return self._user_attrs, self._reports

    @extras.setter
    def extras(self, given: tuple[dict[str, Any] | None, dict[int, float] | None]) -> None:
        self._user_attrs, self._reports = given

    def settle(self) -> tuple[dict[str, Any] | None, dict[int, float] | None]:
        """Replace attributes and reports by copies as plain data, which the record keeps, and return both; None for
        each that is empty. Entries that cannot be kept as they are become text or are dropped, with a warning; no error
        is raised."""
        if self._user_attrs is None and self._reports is None:
            return None, None
        self._user_attrs, reports = self.settled()
        self._reports = None if reports is None else dict(reports)
        return self._user_attrs, reports

    def snapshot(self) -> TrialSnapshot:
        """Copy the trial as it is now, for a queue or another thread; later changes of the trial do not reach the copy.

        Returns
        -------
        TrialSnapshot
            Read-only copy of parameters, state, values, partial results so far and all other facts; it can be pickled
            if the values of the parameters can.

        Examples
        --------
        >>> import hpcore as hp
        >>> trial = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0).ask()
        >>> trial.report(0.5, step=1)
        >>> copy = trial.snapshot()
        >>> trial.report(0.25, step=2)
        >>> dict(copy.reports), copy["x"] == trial["x"]
        ({1: 0.5}, True)
        """
        # Imported here: few trials are copied.
        from hpcore.records.snapshot import NOTHING, TrialSnapshot

        user_attrs, reports = self._user_attrs, self._reports
        if (user_attrs is not None or reports is not None) and self.state == TrialState.RUNNING:
            user_attrs, reports = self.settled()
        cost, metrics, gradient = self._facts
        violations = self._violations
        return TrialSnapshot.make(
            {
                "number": self.number,
                "params": MappingProxyType(dict(self.params)),
                "state": self.state,
                "objectives": self._values,
                "reports": MappingProxyType(dict(reports)) if reports else NOTHING,
                "user_attrs": MappingProxyType(_copied(user_attrs)) if user_attrs else NOTHING,
                "started": self.started,
                "finished": self.finished,
                "cost": cost,
                "metrics": MappingProxyType(dict(metrics)) if metrics else NOTHING,
                "gradient": MappingProxyType(dict(gradient)) if gradient else NOTHING,
                "violations": MappingProxyType(dict(violations)) if violations else NOTHING,
                "feasible": None if violations is None else self.feasible,
                "error": self.error,
                "info": None if self.info is None else MappingProxyType(dict(self.info)),
                "until": self.until,
            }
        )

    def settled(self) -> tuple[dict[str, Any] | None, dict[int, float] | None]:
        """Copy attributes and reports as plain data; None for each that is empty. See `settle`."""
        user_attrs, reports = self._user_attrs, self._reports
        if user_attrs is not None and type(user_attrs) is not Settled:
            user_attrs = settled(f"trial {self.number}", user_attrs)
        return user_attrs or None, None if not reports else settled_reports(f"trial {self.number}", reports)

    def __getstate__(self) -> Any:
        # An attribute may have been changed since it was set, and hold an object that cannot be pickled.
        state = {name: getattr(self, name) for name in self.__slots__}
        if self._user_attrs is not None or self._reports is not None:
            state["_user_attrs"], state["_reports"] = self.settled()
        return None, state

    def check_copy(self, trial: Trial) -> None:
        """Check that another object of this number may be a copy of this trial.

        Raises
        ------
        UnknownTrial
            The other object has other parameters. A copy that was made before the space became larger may lack the
            new ones.
        """
        if trial is not self and not (
            self.params.keys() - self._later <= trial.params.keys() <= self.params.keys()
            and all(maybe_copy(value, self.params[name]) for name, value in trial.params.items())
        ):
            raise UnknownTrial(f"trial {self.number} comes from another optimizer: its params differ, got {trial!r}")

    def enlarge(self, params: dict[str, Any]) -> None:
        """Take the parameters that this trial has in a larger space."""
        self._later |= params.keys() - self.params.keys()
        self.params = params  # not changed in place: its caller may be reading them

    def adopt(self, copy: Trial) -> None:
        """Copy times, attributes and reports from a copy of this trial, for instance from a worker process."""
        self.started, self.finished = copy.started, copy.finished
        self.extras = copy.extras
        if copy._progress is not None:
            self._progress = copy._progress

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self.params)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Trial):
            return all(
                getattr(self, field) == getattr(other, field)
                for field in ("number", "params", "state", "values", "reports", "user_attrs", "error")
            ) and (self._facts[1:] == other._facts[1:])  # a cost may be measured, and times do not count either
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        value = self.value if self._values is None or len(self._values) == 1 else self._values
        return f"Trial(number={self.number}, params={self.params!r}, state={self.state.value!r}, value={value!r})"


def _copied(user_attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Copy attributes; only lists and dicts need a deep copy, which takes as long as the rest of a snapshot."""
    own = dict(user_attrs)
    return copy.deepcopy(own) if any(type(value) in (list, dict) for value in own.values()) else own
