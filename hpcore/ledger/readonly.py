"""Read-only optimizer of a stored study: changes must be made by the study, which stores them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from hpcore.errors import InvalidType
from hpcore.optimizer import Optimizer
from hpcore.records.trial import Trial

__all__ = ["ReadOnlyOptimizer"]

# Methods without effects.
_READING = ("no_feasible_trial", "outcome", "recommend", "rows", "running", "schedule", "used_params", "view")
# Methods for which the study has another name.
_INSTEAD = {
    "restore": "study.add_many(...)",
    "put": "study.add_many(...)",
    "take_known": "study.add_many(...)",
    "finish": "study.tell(...)",
    "replace_running": "study.refresh()",
    "report": "study.tell(...), which keeps trial.reports",
    "resume": "study.ask()",
    "restart": "study.ask()",
    "use_costs": "hpcore.load_study(..., per_cost=, cost=)",
    "forget": "hpcore.delete_study(...)",
}


class ReadOnlyOptimizer(Optimizer):
    """Read-only view of an optimizer, with which it shares its state.

    Every public method of `Optimizer` that may change the state raises InvalidType. A copy, made by pickle or `copy`,
    is an `Optimizer` in memory, independent of the store.

    Parameters
    ----------
    optimizer : Optimizer
        Optimizer that follows the store.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        object.__setattr__(self, "__dict__", vars(optimizer))

    def running(self) -> Mapping[int, Trial]:
        """Return the running trials by number."""
        return MappingProxyType(super().running())

    @property
    def jobs(self) -> NoReturn:
        """Refused: jobs of a stored study belong to the study, which stores them."""
        raise InvalidType(
            "optimizer.jobs would change a stored study past its store; use study.ask() and study.tell(...)"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        raise InvalidType(
            f"optimizer.{name} of a stored study cannot be changed; give it to hpcore.Study(...) or load_study(...)"
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __reduce__(self) -> Any:
        return copy.copy, (self._plain(),)

    def __copy__(self) -> Optimizer:
        return self.__deepcopy__({})  # a shallow copy would share the record

    def __deepcopy__(self, memo: dict[int, Any]) -> Optimizer:
        return copy.deepcopy(self._plain(), memo)

    def _plain(self) -> Optimizer:
        """Make an optimizer that shares the state, to be copied at once."""
        plain = Optimizer.__new__(Optimizer)
        plain.__dict__ = vars(self)
        return plain


def _refused(name: str) -> Callable[..., NoReturn]:
    instead = _INSTEAD.get(name, f"study.{name}(...)")

    def refuse(self: ReadOnlyOptimizer, *args: Any, **kwargs: Any) -> NoReturn:
        raise InvalidType(
            f"optimizer.{name} would change a stored study past its store; use {instead}. "
            f"The optimizer of a stored study is to be read"
        )

    refuse.__name__, refuse.__qualname__ = name, f"{ReadOnlyOptimizer.__name__}.{name}"
    refuse.__doc__ = f"Refused; use {instead}."
    return refuse


for _name, _member in vars(Optimizer).items():
    if not _name.startswith("_") and callable(_member) and _name not in _READING:
        setattr(ReadOnlyOptimizer, _name, _refused(_name))
