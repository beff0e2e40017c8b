"""Spaces of ConfigSpace as ours: hyperparameters, conditions and forbidden clauses."""

from hpcore.integrations.configspace.reading import space

__all__ = ["space"]
