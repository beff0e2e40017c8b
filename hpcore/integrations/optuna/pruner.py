"""Pruner for studies of Optuna."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from hpcore.errors import require
from hpcore.integrations.optuna.outcomes import directions_of
from hpcore.integrations.stopping import stopping_scheduler
from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.records.history import COMPLETE, FAILED, PRUNED, RUNNING
from hpcore.schedulers import Judge, Scheduler
from hpcore.space.reals import Float
from hpcore.space.space import Space

__all__ = ["HpcorePruner"]

_BasePruner: Any = require("optuna.pruners", "optuna").BasePruner

STATES = {"RUNNING": RUNNING, "COMPLETE": COMPLETE, "PRUNED": PRUNED, "FAIL": FAILED, "WAITING": RUNNING}
MOST_STUDIES = 32


class _Record:
    """Reports of a study and the judge that decides from them.

    Parameters
    ----------
    judge : Judge
        Judge of this study.
    sign : float
        -1 if the objective is maximized.
    """

    def __init__(self, judge: Judge, sign: float) -> None:
        self._judge, self._sign = judge, sign
        self._begin()

    def _begin(self) -> None:
        self._curves = Curves(1)
        # By trial: the object that was read last, the number of its reports, and its last step.
        self._read: dict[int, tuple[Any, int, float]] = {}

    def stops(self, trials: Sequence[Any], number: int, step: int) -> bool:
        """Decide on a trial after its report of a step."""
        if len(self._read) > len(trials) or not all(self._take(trial) for trial in trials):
            self._begin()
            for trial in trials:
                self._take(trial)
        n = 1 + max((trial.number for trial in trials), default=number)
        state = np.full(n, RUNNING, dtype=np.uint8)
        for trial in trials:
            state[trial.number] = STATES[trial.state.name]
        return self._judge.decide(number, float(step), self._curves, state) is Decision.STOP

    def _take(self, trial: Any) -> bool:
        """Read what is new of a trial; False if earlier reports have changed, so that all is to be read anew."""
        before, n, last = self._read.get(trial.number, (None, 0, -math.inf))
        if before is trial and trial.state.is_finished():
            return True
        if before is not None and before.datetime_start not in (None, trial.datetime_start):
            return False  # another study of that name
        reports = trial.intermediate_values
        if len(reports) != n:
            new = sorted(step for step in reports if step > last)
            if len(reports) != n + len(new):
                return False
            for step in new:
                self._curves.append(trial.number, step, (self._sign * reports[step],))
            n, last = len(reports), new[-1] if new else last
        self._read[trial.number] = trial, n, last
        return True


class HpcorePruner(_BasePruner):
    """Pruner of Optuna that decides by a scheduler of hpcore.

    Parameters
    ----------
    scheduler : str or Scheduler, default="asha"
        ``"asha"``, ``"hyperband"``, ``"halving"``, ``"median"``, ``"bandit"``, ``"truncation"``, ``"patience"``,
        ``"threshold"``, or an object of `hpcore.schedulers` with its options.

    Raises
    ------
    InvalidArgument, InvalidType
        The scheduler is not known, or needs what Optuna does not have.

    Notes
    -----
    Optuna can stop a trial, and cannot pause one: `ASHA` has the kind ``"stopping"`` here, `SuccessiveHalving` is the
    same with one bracket, and `Hyperband` with all brackets, to which trials are dealt by their numbers. Schedulers
    that resume trials or copy checkpoints, as ``"freeze_thaw"`` and ``"pbt"``, are refused.

    A decision follows from the reports and states in the study alone, whichever process asks. A trial whose last report
    is NaN is pruned. Optuna prunes studies with one objective only.

    Examples
    --------
    >>> import optuna
    >>> from hpcore.integrations.optuna import HpcorePruner
    >>> study = optuna.create_study(pruner=HpcorePruner("median"))
    """

    def __init__(self, scheduler: str | Scheduler = "asha") -> None:
        self.scheduler, self._rule = stopping_scheduler(scheduler, "Optuna")
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._records: OrderedDict[tuple[Any, ...], _Record] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        # What was read is in the study.
        return {"scheduler": self.scheduler, "_rule": self._rule}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __repr__(self) -> str:
        return f"HpcorePruner({self.scheduler!r})"

    def prune(self, study: Any, trial: Any) -> bool:
        """See `optuna.pruners.BasePruner`."""
        step = trial.last_step
        if step is None:
            return False
        if math.isnan(trial.intermediate_values[step]):
            return True
        directions = directions_of(study)
        key = study.study_name, directions
        with self._lock:
            trials = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
            record = self._records.pop(key, None)
            if record is None:
                columns = Space({"x": Float(0.0, 1.0)}).columns
                sign = -1.0 if directions[0] == "maximize" else 1.0
                record = _Record(self._rule.bind(columns, directions, 0), sign)
            self._records[key] = record
            if len(self._records) > MOST_STUDIES:
                self._records.popitem(last=False)
            return record.stops([*trials, trial], trial.number, step)
