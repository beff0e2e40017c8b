"""Return of an objective that measured more than a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any

from hpcore.errors import InvalidArgument

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Return of an objective with further facts, in place of a plain value.

    Parameters
    ----------
    value : float, sequence of float, or None
        One number per objective. None, NaN or an infinity marks the trial as failed.
    metrics : mapping of str to float, optional
        Further measurements, such as those that have limits; a failed trial may have some too.
    std_error : float or sequence of float, optional
        Standard error of the first value, or one per objective.
    cost : float, optional
        Cost of the evaluation in any unit, at least 0; by default the seconds that it took. Where a scheduler pauses
        trials, that of this job: a run adds up those of a trial's jobs.
    error : str, optional
        Reason of a failure, which marks the trial as failed whatever the value.
    gradient : mapping of str to float, optional
        Derivative of the first value by parameter, in the parameters' own units; see `Optimizer.tell`.

    Examples
    --------
    >>> import hpcore as hp
    >>> def objective(trial):
    ...     return hp.Outcome((trial["x"] - 1) ** 2, metrics={"ms": 10 * trial["x"]}, cost=1.0)
    >>> study = hp.minimize(objective, {"x": (0.0, 2.0)}, limits={"ms": hp.at_most(5.0)}, n_trials=20, seed=0)
    >>> study.best_trial.metrics["ms"] <= 5.0
    True
    """

    value: Any = None
    _: KW_ONLY
    metrics: Mapping[str, float] | None = None
    std_error: float | Sequence[float] | None = None
    cost: float | None = None
    error: str | None = None
    gradient: Mapping[str, float] | None = None

    def facts(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all facts but the value by name, together with those that a caller gave.

        Raises
        ------
        InvalidArgument
            A fact is given twice.
        """
        out = dict(given)
        for field in fields(self)[1:]:
            mine = getattr(self, field.name)
            if mine is not None and out.get(field.name) is not None:
                raise InvalidArgument(f"{field.name} must be given once, got it in the Outcome and as an argument")
            out[field.name] = out.get(field.name) if mine is None else mine
        return out
