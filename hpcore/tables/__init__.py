"""From a file or a data frame to a model: reading, preprocessing, presets, and `autotune` that chooses among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpcore.tables.automatic import autotune
    from hpcore.tables.autotuned import AutoTuned

__all__ = ["AutoTuned", "autotune"]

# Loaded on first use: the command line imports other modules of this package, which need no scikit-learn.
_HOMES = {"AutoTuned": "autotuned", "autotune": "automatic"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpcore.tables' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"hpcore.tables.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
