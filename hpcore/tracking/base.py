"""Part that the trackers of this package share: their common arguments, the study of a run, and copies of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hpcore.tracking.facts import Incumbent, check_flush, check_metric_name, metric_names

if TYPE_CHECKING:
    from hpcore.study.trackers import TrackedStudy

__all__ = ["StudyCallback"]


class StudyCallback(ABC):
    """Tracker of a study, of which a copy has the arguments, and no open run, file or connection.

    Parameters
    ----------
    metric_name : str or sequence of str
        Name of the value, or one for each objective.
    flush_seconds : float
        Longest time in seconds that the end of a run waits for what is not logged yet.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed.
    """

    _study: TrackedStudy
    _names: tuple[str, ...]
    _incumbent: Incumbent

    def __init__(self, metric_name: str | Sequence[str], flush_seconds: float) -> None:
        self.metric_name = check_metric_name(metric_name)
        self.flush_seconds = check_flush(flush_seconds)
        self._reset()

    @abstractmethod
    def _reset(self) -> None:
        """Forget what belongs to a run."""

    def _take(self, study: TrackedStudy) -> None:
        """Begin the run of a study."""
        self._reset()
        self._names = metric_names(self.metric_name, len(study.directions))
        self._study, self._incumbent = study, Incumbent(study)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._reset()
