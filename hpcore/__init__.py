"""Hyperparameter optimisation: better hyperparameters in fewer evaluations, with almost no time of its own.

``Optimizer`` asks and tells, ``minimize`` and ``maximize`` run a function, ``hpcore.sklearn.SearchCV`` tunes an
estimator by cross-validation, and the command ``hpcore tune`` does so for a table in a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from hpcore._core import __version__
except ModuleNotFoundError as error:
    if error.name != "hpcore._core":
        raise
    raise ImportError(
        "hpcore has no compiled core here: Python found the source tree before the installed package. Start it in "
        "another directory, or install with 'pip install -e .'"
    ) from error

from hpcore import errors, kernels, samplers
from hpcore.optimizer import Optimizer
from hpcore.records.trial import Trial, TrialState
from hpcore.space import Categorical, Float, Int, Normal, Space, at_least, at_most

if TYPE_CHECKING:
    from hpcore import stopping, surrogates
    from hpcore.study import Study, delete_study, list_studies, load_study, maximize, minimize

__all__ = [
    "Categorical",
    "Float",
    "Int",
    "Normal",
    "Optimizer",
    "Space",
    "Study",
    "Trial",
    "TrialState",
    "__version__",
    "at_least",
    "at_most",
    "delete_study",
    "errors",
    "kernels",
    "list_studies",
    "load_study",
    "maximize",
    "minimize",
    "samplers",
    "stopping",
    "surrogates",
]

# Loaded on first use: asking and telling needs neither executors and clocks nor models to look into.
_STUDY = ("Study", "delete_study", "list_studies", "load_study", "maximize", "minimize")
_LAZY = dict.fromkeys(_STUDY, "hpcore.study")
_MODULES = {"stopping": "hpcore.stopping", "surrogates": "hpcore.surrogates"}


def __getattr__(name: str) -> Any:
    home = _MODULES.get(name) or _LAZY.get(name)
    if home is None:
        raise AttributeError(f"module 'hpcore' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(home)
    return module if name in _MODULES else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
