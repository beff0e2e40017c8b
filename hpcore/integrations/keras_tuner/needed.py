"""The modules of Keras Tuner."""

from __future__ import annotations

from typing import Any

from hpcore.errors import require

__all__ = ["keras_tuner"]

# `six`, which Keras Tuner imports and does not declare, comes with the extra too.
keras_tuner: Any = require("keras_tuner", "keras-tuner", "hpcore.integrations.keras_tuner")
