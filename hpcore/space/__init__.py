"""Parameters, conditions, constraints, and the way to the unit cube and back."""

from hpcore.space.columns import Columns
from hpcore.space.conditions import at_least, at_most
from hpcore.space.discrete import Categorical, Int
from hpcore.space.linear import linear
from hpcore.space.parameter import Parameter
from hpcore.space.point import EncodedPoint
from hpcore.space.reals import Float, Normal
from hpcore.space.space import Params, Space

__all__ = [
    "Categorical",
    "Columns",
    "EncodedPoint",
    "Float",
    "Int",
    "Normal",
    "Parameter",
    "Params",
    "Space",
    "at_least",
    "at_most",
    "linear",
]
