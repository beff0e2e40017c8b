"""Names that newcomers try for arguments of `SearchCV`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpcore.arguments import check_alias
from hpcore.errors import InvalidType
from hpcore.samplers import DEFAULT

__all__ = ["read_aliases"]

# What other searches call it, and the argument here.
_ELSEWHERE = {
    "bayes_iter": "n_trials",
    "max_evals": "n_trials",
    "n_iter": "n_trials",
    "name": "study_name",
    "param_distributions": "space",
    "param_grid": "space",
    "param_space": "space",
    "search_spaces": "space",
}
_ACCEPTED = {"sampler": "strategy", "seed": "random_state"}


def read_aliases(given: Mapping[str, Any], strategy: Any, random_state: Any) -> tuple[Any, Any]:
    """Values of `strategy` and `random_state`, which may have been given as ``sampler`` and ``seed``.

    Raises
    ------
    InvalidArgument
        Both names of one argument, with different values.
    InvalidType
        A name that is no argument; the message says which one may be meant.
    """
    for name in given:
        if name not in _ACCEPTED:
            meant = _ELSEWHERE.get(name)
            hint = "" if meant is None else f"; did you mean {meant}=?"
            raise InvalidType(f"SearchCV got an unexpected keyword argument {name!r}{hint}")
    if given.get("sampler") is not None:
        strategy = check_alias("strategy", None if strategy is DEFAULT else strategy, "sampler", given["sampler"])
    return strategy, check_alias("random_state", random_state, "seed", given.get("seed"))
