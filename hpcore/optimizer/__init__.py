"""Ask and tell: proposals of parameters, and the record of their results."""

from hpcore.optimizer.optimizer import Optimizer

__all__ = ["Optimizer"]
