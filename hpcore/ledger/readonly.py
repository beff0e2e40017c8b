"""The optimizer of a stored study, to be read: what changes it must go through the study, which stores it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from hpcore.errors import InvalidType
from hpcore.optimizer import Optimizer
from hpcore.records.trial import Trial

__all__ = ["ReadOnlyOptimizer"]

# Methods that change nothing.
_READING = ("outcome", "rows", "running", "view")
# Calls of a study that have another name.
_INSTEAD = {
    "restore": "study.add_many(...)",
    "take_known": "study.add_many(...)",
    "finish": "study.tell(...)",
    "replace_running": "study.refresh()",
    "report": "study.tell(...), which keeps trial.reports",
    "resume": "study.ask()",
    "restart": "study.ask()",
    "forget": "hpcore.delete_study(...)",
}


class ReadOnlyOptimizer(Optimizer):
    """An optimizer's own state with all that reads it, and nothing that would change it without its store.

    Every public method of `Optimizer` that is not known to read only is refused. A copy, pickled or by `copy`, is an
    `Optimizer` in memory that may be used, without the store.

    Parameters
    ----------
    optimizer : Optimizer
        Follows the store.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        object.__setattr__(self, "__dict__", vars(optimizer))

    def running(self) -> Mapping[int, Trial]:
        """The trials that are being evaluated, by number."""
        return MappingProxyType(super().running())

    def __setattr__(self, name: str, value: Any) -> None:
        raise InvalidType(
            f"optimizer.{name} of a stored study cannot be changed; give it to hpcore.Study(...) or load_study(...)"
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __reduce__(self) -> Any:
        return copy.copy, (self._plain(),)

    def __copy__(self) -> Optimizer:
        return self.__deepcopy__({})  # or it would share the record

    def __deepcopy__(self, memo: dict[int, Any]) -> Optimizer:
        return copy.deepcopy(self._plain(), memo)

    def _plain(self) -> Optimizer:
        """An optimizer of the same state, for as long as it takes to copy it."""
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
