"""One space for several models: the model is a parameter, and those of each model are active with it alone."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpcore.space import Categorical, Parameter, Space
from hpcore.space.conditions import alternatives_of, check_when

__all__ = ["MODEL", "ChoiceSpace"]

# Name of the parameter that chooses.
MODEL = "model"


@dataclass(frozen=True)
class ChoiceSpace:
    """Spaces of several models, and the one space of all of them.

    Attributes
    ----------
    models : dict of str to Space
        Space of each model; its names begin with the model's and two underscores.
    space : Space
        All of them, with the categorical parameter ``"model"``.
    """

    models: dict[str, Space]
    space: Space

    @classmethod
    def of(cls, models: Mapping[str, Mapping[str, Parameter]]) -> ChoiceSpace:
        """Join the parameters of several models, each under its own names, without the model's.

        Parameters
        ----------
        models : mapping of str to mapping of str to Parameter
            Parameters by model, of which there is at least one; conditions among the parameters of a model are kept.
        """
        spaces, joined = {}, dict[str, Parameter]({MODEL: Categorical(list(models))})
        for model, parameters in models.items():
            own = {f"{model}__{name}": _renamed(parameter, model) for name, parameter in parameters.items()}
            spaces[model] = Space(own)
            joined |= {name: _under(parameter, model) for name, parameter in own.items()}
        return cls(spaces, Space(joined))


def _renamed(parameter: Parameter, model: str) -> Parameter:
    """Copy a parameter with conditions on the names that its parents have in the joint space."""
    alternatives = alternatives_of(parameter.when)
    return _with(parameter, [{f"{model}__{name}": wanted for name, wanted in one.items()} for one in alternatives])


def _under(parameter: Parameter, model: str) -> Parameter:
    """Copy a parameter that is active with its model; one with parents is so anyway, because they are."""
    return parameter if parameter.when else _with(parameter, [{MODEL: model}])


def _with(parameter: Parameter, alternatives: list[dict[str, Any]]) -> Parameter:
    made = copy.copy(parameter)
    made.when = check_when(alternatives or None)
    return made
