"""The kinds of parameter."""

from hpcore.space.discrete import Categorical, Int
from hpcore.space.parameter import Parameter
from hpcore.space.reals import Float, Normal

__all__ = ["Categorical", "Float", "Int", "Normal", "Parameter"]
