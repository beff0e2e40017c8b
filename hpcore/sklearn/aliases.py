"""Arguments of `SearchCV` under the names that other searches use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

from hpcore.arguments import check_alias
from hpcore.errors import InvalidType

__all__ = ["with_aliases"]

Init = TypeVar("Init", bound=Callable[..., None])

# Name in other searches, and the argument here.
_ELSEWHERE = {
    "bayes_iter": "n_trials",
    "max_evals": "n_trials",
    "max_resource": "max_resources",
    "min_resource": "min_resources",
    "n_candidates": "n_trials",
    "n_iter": "n_trials",
    "name": "study_name",
    "param_distributions": "space",
    "param_grid": "space",
    "param_space": "space",
    "search_spaces": "space",
}
_ACCEPTED = {"eta": "factor", "sampler": "strategy", "seed": "random_state"}


def with_aliases(init: Init) -> Init:
    """Wrap a constructor so that it accepts its arguments under other names too.

    The signature is unchanged: scikit-learn reads the names for `get_params`, `set_params` and `clone` there.

    Raises
    ------
    InvalidArgument
        By the constructor, if both names of one argument are given with different values.
    InvalidType
        By the constructor, for a name that is no argument; the message suggests one.
    """
    known = signature(init).parameters.keys()

    @wraps(init)
    def reading(self: Any, *args: Any, **given: Any) -> None:
        init(self, *args, **(given if given.keys() <= known else _read(given, known)))

    return cast(Init, reading)


def _read(given: Mapping[str, Any], known: Any) -> dict[str, Any]:
    named = {name: value for name, value in given.items() if name in known}
    for name, value in given.items():
        argument = _ACCEPTED.get(name)
        if argument is not None:
            if value is not None:  # the same as not given
                named[argument] = check_alias(argument, named.get(argument), name, value)
        elif name not in known:
            meant = _ELSEWHERE.get(name)
            hint = "" if meant is None else f"; did you mean {meant}=?"
            raise InvalidType(f"SearchCV got an unexpected keyword argument {name!r}{hint}")
    return named
