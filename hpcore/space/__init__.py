"""Parameters, conditions, constraints, and the way to the unit cube and back."""

from hpcore.space.columns import Columns
from hpcore.space.conditions import at_least, at_most
from hpcore.space.linear import linear
from hpcore.space.parameters import Categorical, Float, Int, Normal, Parameter
from hpcore.space.point import EncodedPoint
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
