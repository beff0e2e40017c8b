"""Facts: what was tried and what came of it."""

from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.records.trial import Trial, TrialState

__all__ = ["History", "Rng", "Trial", "TrialState"]
