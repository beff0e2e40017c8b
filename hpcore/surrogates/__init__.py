"""Models of an objective, usable alone: fit, predict, sample."""

from hpcore.surrogates.gp import GaussianProcess

__all__ = ["GaussianProcess"]
