"""Importance of parameters: which ones mattered in a search. The package is called, ``hp.importance(study)``.

`ped_anova` compares densities of the best trials and of all trials; `fanova` decomposes the variance of a model.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from hpcore.importance.assess import importance
from hpcore.importance.result import Importance, Importances

__all__ = ["Importance", "Importances", "importance"]


class _Callable(ModuleType):
    """The package, which is called like its function: importing it binds ``hpcore.importance``, whoever does so first,
    and so that name cannot be the function alone."""

    def __call__(self, *args: Any, **options: Any) -> Importances:
        return importance(*args, **options)

    @property
    def __signature__(self) -> Any:
        import inspect

        return inspect.signature(importance)


sys.modules[__name__].__class__ = _Callable
__doc__ = str(importance.__doc__)
