"""Models of an objective, usable alone: fit, predict, sample."""

from hpcore.surrogates.gp import GaussianProcess
from hpcore.surrogates.parzen import ParzenEstimator

__all__ = ["GaussianProcess", "ParzenEstimator"]
