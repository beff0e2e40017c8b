"""Doors to Keras Tuner: an oracle for its tuners, and a tuner for Keras models that uses it."""

from __future__ import annotations

from hpcore.integrations.keras_tuner.oracle import HpcoreOracle
from hpcore.integrations.keras_tuner.tuner import HpcoreTuner

__all__ = ["HpcoreOracle", "HpcoreTuner"]
