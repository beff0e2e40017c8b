"""The native models with a face of their own, usable without an optimizer."""

from __future__ import annotations

from hpcore.surrogates.parzen import ParzenEstimator

__all__ = ["ParzenEstimator"]
