"""The hyperparameters of Keras Tuner, with their conditions, as a space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpcore.errors import InvalidSpace
from hpcore.integrations.keras_tuner.dimensions import Dimension, dimension_of
from hpcore.space.space import Params, Space

__all__ = ["Tree"]

When = dict[str, list[Any]]


class Tree:
    """Space of some hyperparameters.

    Those with a single value, such as `Fixed`, are not in the space, nor are those whose conditions never hold.

    Parameters
    ----------
    hps : sequence of HyperParameter
        Hyperparameters, in any order.

    Attributes
    ----------
    space : Space or None
        Space of the hyperparameters that vary; None if none does.

    Raises
    ------
    InvalidSpace
        A hyperparameter or a condition has no counterpart.
    """

    def __init__(self, hps: Sequence[Any]) -> None:
        self._hps = _parents_first(hps)
        self._dimensions = {name: dimension_of(hp) for name, hp in self._hps.items()}
        # Conditions of each hyperparameter that may be active.
        self._when: dict[str, When] = {}
        for name, hp in self._hps.items():
            when = self._when_of(hp)
            if when is not None:
                self._when[name] = when
        varying = {}
        for name, when in self._when.items():
            parameter = self._dimensions[name].parameter
            if not self._dimensions[name].is_single:
                parameter.when = when
                varying[name] = parameter
        self.space = Space(varying) if varying else None

    def row(self, values: Mapping[str, Any]) -> Params:
        """The parameters of a trial.

        Parameters
        ----------
        values : mapping of str to value
            Values of a trial. What it lacks has its default, since the trial ran without asking for it, or will ask.

        Returns
        -------
        dict
            Active parameters; without those whose value the space does not have, such as a default off its steps.
        """
        active: dict[str, Any] = {}
        found: Params = {}
        for name, hp in self._hps.items():
            if all(condition.is_active(active) for condition in hp.conditions):
                active[name] = value = values.get(name, hp.default)
                place = self._dimensions[name].place_of(value)
                if place is not None and self.space is not None and name in self.space:
                    found[name] = place
        return found

    def values(self, params: Params) -> dict[str, Any]:
        """The values of all active hyperparameters, for active parameters of the space."""
        found: dict[str, Any] = {}
        for name, hp in self._hps.items():
            if all(condition.is_active(found) for condition in hp.conditions):
                dimension = self._dimensions[name]
                found[name] = dimension.value_of(params[name]) if name in params else dimension.first
        return found

    def _when_of(self, hp: Any) -> When | None:
        """Conditions of a hyperparameter on those that vary; None if they never hold."""
        when: When = {}
        for condition in hp.conditions:
            parent, wanted = condition.name, condition.values
            if parent not in self._when:
                return None
            dimension = self._dimensions[parent]
            if dimension.is_single:
                if dimension.first not in wanted:
                    return None
                more = self._when[parent]
            else:
                more = {parent: self._places(hp, parent, wanted)}
            for name, places in more.items():
                when[name] = [place for place in when.get(name, places) if place in places]
                if not when[name]:
                    return None
        return when

    def _places(self, hp: Any, parent: str, wanted: Any) -> list[Any]:
        dimension: Dimension = self._dimensions[parent]
        places = dimension.places(wanted)
        if places and dimension.parameter.levels is None:
            raise InvalidSpace(
                f"hyperparameter {hp.name!r} is active at single values of {parent!r}, which is continuous and meets "
                "none of them: give it a step, or use Choice"
            )
        return places


def _parents_first(hps: Sequence[Any]) -> dict[str, Any]:
    """Hyperparameters by name, each after those that its conditions name; Keras Tuner's workers mix them."""
    known: dict[str, Any] = {}
    for hp in hps:
        if known.setdefault(hp.name, hp).conditions != hp.conditions:
            raise InvalidSpace(
                f"hyperparameter {hp.name!r} is asked for under different conditions, of which Keras Tuner loses "
                "values: give each a name of its own, for instance by hp.name_scope"
            )
        for condition in hp.conditions:
            if not (hasattr(condition, "name") and hasattr(condition, "values")):
                raise InvalidSpace(
                    f"hyperparameter {hp.name!r} has the condition {condition!r:.200}, which has no counterpart: use "
                    "hp.conditional_scope"
                )
        known[hp.name] = hp
    seen: set[str] = set()
    found: dict[str, Any] = {}

    def add(name: str) -> None:
        if name in known and name not in seen:
            seen.add(name)
            for condition in known[name].conditions:
                add(condition.name)
            found[name] = known[name]

    for name in known:
        add(name)
    return found
