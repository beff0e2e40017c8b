"""A pipeline as it is, as a candidate of its search: what tuned parameters are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hpcore.samplers import GPSampler
from hpcore.sklearn.defaults import default_candidate
from hpcore.sklearn.spaces import read_space
from hpcore.sklearn.values import Manner

if TYPE_CHECKING:
    from hpcore.space import Space

__all__ = ["nearest_to_default"]


def nearest_to_default(own: Mapping[str, Any], space: Space, n_columns: int) -> dict[str, Any] | None:
    """Find the point of a space that is nearest to the parameters that a pipeline has.

    Parameters
    ----------
    own : mapping of str to object
        Parameters of the pipeline, under the names of the space.
    space : Space
        Parameters that are searched.
    n_columns : int
        Number of columns of the table; `gamma` of a support vector machine is one over it, which ``"scale"`` is for
        standardised columns.

    Returns
    -------
    dict or None
        All active parameters; None if the space has none of the pipeline's.
    """
    own = {
        name: 1.0 / n_columns if name.endswith("gamma") and value == "scale" else value for name, value in own.items()
    }
    return default_candidate(read_space(space, Manner.of(GPSampler(), False)), own)
