"""Hyperparameter optimisation: good hyperparameters in few evaluations, with very little overhead.

``Optimizer`` has ``ask`` and ``tell``, ``minimize`` and ``maximize`` run a function, ``hpcore.sklearn.SearchCV`` tunes
an estimator by cross-validation, and the command ``hpcore tune`` tunes a model for a table in a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


def _other_installation(here: list[str]) -> list[str]:
    """Return the folder of an installed hpcore with a compiled core, other than `here`, as a list of one or none."""
    import filecmp
    import sys
    import warnings
    from importlib.machinery import EXTENSION_SUFFIXES
    from pathlib import Path

    source = Path(here[0]).resolve()
    for entry in sys.path:
        folder = Path(entry).resolve() / "hpcore"
        built = any((folder / f"_core{suffix}").is_file() for suffix in EXTENSION_SUFFIXES)
        if built and folder != source and (folder / "__init__.py").is_file():
            names = [str(path.relative_to(source)) for path in source.rglob("*.py")]
            _, differ, missing = filecmp.cmpfiles(source, folder, names, shallow=False)
            if differ or missing:
                warnings.warn(
                    f"hpcore is imported from {folder}, where it was installed, and the source in {source} differs "
                    f"({(differ + missing)[0]}); install it again, or with 'pip install -e .' to work on it",
                    stacklevel=4,
                )
            # A folder with only stubs was imported as the core.
            sys.modules.pop("hpcore._core", None)
            return [str(folder)]
    return []


try:
    from hpcore._core import __version__
except ImportError as error:
    if error.name != "hpcore._core" or error.path is not None:  # the core exists but cannot be loaded
        raise
    # In a clone, Python finds the source tree before the installed package; the installed package is used instead.
    __path__ = _other_installation(__path__)
    if not __path__:
        raise ImportError(
            "hpcore has no compiled core here, and no other hpcore is installed for this Python: install it with "
            "'pip install .' or, to work on it, 'pip install -e .'"
        ) from error
    from hpcore._core import __version__

from hpcore import errors, kernels, samplers
from hpcore.errors import Pruned
from hpcore.optimizer import Optimizer
from hpcore.records.channel import Decision
from hpcore.records.limits import between
from hpcore.records.returned import Outcome
from hpcore.records.trial import Trial, TrialState
from hpcore.space import Categorical, Float, Int, Normal, Space, at_least, at_most, linear

if TYPE_CHECKING:
    from hpcore import report, schedulers, stopping, surrogates
    from hpcore.embedding import get_include, get_library
    from hpcore.evaluation.hypergradients import hypergradient
    from hpcore.importance import importance
    from hpcore.study import Study, delete_study, list_studies, load_study, maximize, minimize

__all__ = [
    "Categorical",
    "Decision",
    "Float",
    "Int",
    "Normal",
    "Optimizer",
    "Outcome",
    "Pruned",
    "Space",
    "Study",
    "Trial",
    "TrialState",
    "__version__",
    "at_least",
    "at_most",
    "between",
    "delete_study",
    "errors",
    "get_include",
    "get_library",
    "hypergradient",
    "importance",
    "kernels",
    "linear",
    "list_studies",
    "load_study",
    "maximize",
    "minimize",
    "report",
    "samplers",
    "schedulers",
    "stopping",
    "surrogates",
]

# Loaded on first use: `ask` and `tell` need neither executors and clocks nor surrogate models.
_STUDY = ("Study", "delete_study", "list_studies", "load_study", "maximize", "minimize")
_LAZY = {
    **dict.fromkeys(_STUDY, "hpcore.study"),
    "hypergradient": "hpcore.evaluation.hypergradients",
    "get_include": "hpcore.embedding",
    "get_library": "hpcore.embedding",
}
# The package `importance` is called like a function.
_MODULES = {name: f"hpcore.{name}" for name in ("importance", "report", "schedulers", "stopping", "surrogates")}


def __getattr__(name: str) -> Any:
    home = _MODULES.get(name) or _LAZY.get(name)
    if home is None:
        raise AttributeError(f"module 'hpcore' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(home)
    return module if name in _MODULES else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
