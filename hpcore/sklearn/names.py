"""Check that an estimator has the parameters that a space names, before anything is fitted."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone

from hpcore.errors import InvalidSpace, closest
from hpcore.sklearn.spaces import SearchSpace

__all__ = ["check_names"]

# Most combinations of steps that are tried; with more, the first fit shows wrong names.
_MOST_TRIED = 256

# Most values of a parameter that are tried: an estimator may refuse one and accept another.
_MOST_VALUES = 4


def check_names(space: SearchSpace, estimator: Any) -> None:
    """Check that the estimator has, or accepts, every name of a space.

    Parameters
    ----------
    space : SearchSpace
        Space that is searched.
    estimator : estimator
        Estimator of the search; only copies are changed.

    Raises
    ------
    InvalidSpace
        If a name is refused; the message has it and the closest names that exist.

    Notes ----- `get_params` need not list all names: boosting libraries accept any keyword, and a choice (a step, a
    list of steps, a class) may have further parameters. So a name that is not listed is set on a copy, together with
    each of the choices that may have it, and with each choice of every other name alone; it is refused if all these
    attempts fail.
    """
    told = set(estimator.get_params(deep=True))
    for branch in space.branches():
        for name, values in branch.items():
            if name in told:
                continue
            bringing = {other: choices for other, choices in branch.items() if _may_bring(other, choices, name)}
            # A plain value may bring names, too: kind="tree" those of a tree.
            alone = ({other: choices[:_MOST_TRIED]} for other, choices in branch.items() if other != name)
            if not any(_is_taken(estimator, name, values, beside) for beside in (bringing, *alone)):
                raise InvalidSpace(_refusal(estimator, name, told | _brought(bringing)))


def _may_bring(other: str, choices: Sequence[Any], name: str) -> bool:
    if name.startswith(f"{other}__"):
        return True
    # Such as `steps` of a pipeline.
    return other != name and any(
        isinstance(part, list | tuple) and any(hasattr(item, "get_params") for item in part)
        for choice in choices
        if isinstance(choice, list | tuple)
        for part in choice
    )


def _is_taken(estimator: Any, name: str, values: Sequence[Any], bringing: Mapping[str, Sequence[Any]]) -> bool:
    combinations = itertools.product(*bringing.values())
    for combination in itertools.islice(combinations, _MOST_TRIED):
        beside = dict(zip(bringing, combination, strict=True))
        if any(_accepts(estimator, {**beside, name: value}) for value in values[:_MOST_VALUES]):
            return True
    return next(combinations, None) is not None


def _accepts(estimator: Any, params: dict[str, Any]) -> bool:
    copy = clone(estimator)
    try:
        copy.set_params(**{name: clone(value, safe=False) for name, value in params.items()})
    except (ValueError, TypeError, AttributeError, LookupError):
        return False
    except Exception:
        return True  # another reason than the name; a fit will show it
    return True


def _brought(bringing: Mapping[str, Sequence[Any]]) -> set[str]:
    return {
        f"{other}__{inner}"
        for other, choices in bringing.items()
        for choice in choices
        if hasattr(choice, "get_params") and not isinstance(choice, type)
        for inner in choice.get_params(deep=True)
    }


def _refusal(estimator: Any, name: str, known: set[str]) -> str:
    hint = closest(name, known, n=3) or f"; it has {', '.join(sorted(known))}"
    return f"space names {name!r}, which is not a parameter of {type(estimator).__name__}{hint}"
