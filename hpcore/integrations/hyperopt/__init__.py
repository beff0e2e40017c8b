"""Search with hpcore in Hyperopt: an `algo` for `fmin`, and its spaces as ours."""

from hpcore.integrations.hyperopt.reading import space
from hpcore.integrations.hyperopt.suggesting import suggest, suggest_with

__all__ = ["space", "suggest", "suggest_with"]
