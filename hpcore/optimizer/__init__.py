"""Ask and tell: what to try next, and the record of what came of it."""

from hpcore.optimizer.optimizer import Optimizer

__all__ = ["Optimizer"]
