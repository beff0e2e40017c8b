"""Records of a search: trials, their results and their partial results."""

from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.records.trial import Trial, TrialState

__all__ = ["History", "Rng", "Trial", "TrialState"]
