"""Tuner of Keras models."""

from __future__ import annotations

from typing import Any

from hpcore.integrations.keras_tuner.needed import keras_tuner
from hpcore.integrations.keras_tuner.oracle import HpcoreOracle
from hpcore.samplers import DEFAULT, Sampler

__all__ = ["HpcoreTuner"]

_Tuner: Any = keras_tuner.Tuner


class HpcoreTuner(_Tuner):
    """Tuner of Keras Tuner that proposes by a sampler of hpcore.

    Parameters
    ----------
    hypermodel : keras_tuner.HyperModel or callable, optional
        Hypermodel, or a function that makes a model from hyperparameters; not needed if `run_trial` is overridden.
    objective, max_trials, sampler, seed, hyperparameters
        See `HpcoreOracle`.
    allow_new_entries, tune_new_entries, max_retries_per_trial, max_consecutive_failed_trials
        See `HpcoreOracle`.
    **kwargs
        Arguments of `keras_tuner.Tuner`, such as `directory`, `project_name`, `overwrite` and `executions_per_trial`.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        As for `HpcoreOracle`.

    Examples
    --------
    >>> from hpcore.integrations.keras_tuner import HpcoreTuner  # doctest: +SKIP
    >>> tuner = HpcoreTuner(build_model, "val_accuracy", max_trials=30, seed=0)  # doctest: +SKIP
    >>> tuner.search(x, y, epochs=5, validation_data=(x_val, y_val))  # doctest: +SKIP
    >>> tuner.get_best_models()[0]  # doctest: +SKIP
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        sampler: str | Sampler = DEFAULT,
        seed: int | None = None,
        hyperparameters: Any = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        oracle = HpcoreOracle(
            objective=objective,
            max_trials=max_trials,
            sampler=sampler,
            seed=seed,
            hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle=oracle, hypermodel=hypermodel, **kwargs)
