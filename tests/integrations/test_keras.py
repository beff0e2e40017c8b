"""The callback of Keras, against its history."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

from hpcore.integrations.keras import PruningCallback  # noqa: E402

pytestmark = [
    pytest.mark.doors,
    # Keras copies tensors of torch in a way that NumPy 2 deprecates.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

rng = np.random.default_rng(0)
X = rng.random((64, 4)).astype("float32")
y = X @ np.array([1.0, -1.0, 0.5, 0.0], dtype="float32")


def fit(epochs: int, *callbacks: Any, **options: Any) -> dict[str, list[float]]:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.05), "mse", metrics=["mae"])
    options = {"validation_data": (X[48:], y[48:]), **options}
    fitted = model.fit(
        X[:48], y[:48], epochs=epochs, batch_size=16, shuffle=False, verbose=0, callbacks=list(callbacks), **options
    )
    return fitted.history


def test_it_reports_every_epoch(make_trial: Any) -> None:
    trial = make_trial()
    history = fit(3, PruningCallback(trial, "val_mae"))
    assert trial.reports == dict(enumerate(history["val_mae"], 1))


def test_it_ends_the_training(make_trial: Any) -> None:
    trial = make_trial(until=2)
    history = fit(5, PruningCallback(trial, "val_loss"))
    assert list(trial.reports) == [1, 2]
    assert len(history["loss"]) == 2


def test_intervals(make_trial: Any) -> None:
    trial = make_trial(until=5)
    history = fit(8, PruningCallback(trial, "loss", interval=2))
    assert trial.reports == {step: history["loss"][step - 1] for step in (2, 4, 5)}


def test_validations_that_are_rare(make_trial: Any) -> None:
    trial = make_trial(until=3)
    history = fit(8, PruningCallback(trial, "val_loss", interval=2), validation_freq=2)
    assert list(trial.reports) == [2, 4]
    assert list(trial.reports.values()) == history["val_loss"]
    assert len(history["loss"]) == 4


def test_it_counts_from_the_first_epoch(make_trial: Any) -> None:
    trial = make_trial()
    fit(5, PruningCallback(trial, "val_loss"), initial_epoch=3)
    assert list(trial.reports) == [4, 5]


def test_a_training_that_continues_counts_on(make_trial: Any) -> None:
    trial = make_trial()
    for until in (2, 4):
        trial.resume(until)
        keep = keras.callbacks.BackupAndRestore(trial.checkpoint, delete_checkpoint=False)
        fit(4, keep, PruningCallback(trial, "val_loss"))
    assert list(trial.reports) == [1, 2, 3, 4]
    np.testing.assert_allclose(list(trial.reports.values()), fit(4)["val_loss"], rtol=1e-5)


def test_what_is_not_there_is_named(make_trial: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"monitor must be one of .*'val_loss', 'val_mae', got 'val_accuracy'"):
        fit(1, PruningCallback(make_trial(), "val_accuracy"))
    with pytest.raises(InvalidArgument, match="there are no metrics"):
        PruningCallback(make_trial(), "val_accuracy").on_epoch_end(0)


def test_arguments(make_trial: Any) -> None:
    with pytest.raises(InvalidType, match="monitor must be a string"):
        PruningCallback(make_trial(), 1)
    with pytest.raises(InvalidArgument, match="interval must be >= 1, got 0"):
        PruningCallback(make_trial(), "loss", interval=0)


def test_jobs_of_a_real_run(check_run: Any) -> None:
    def objective(trial: Any, folder: Path) -> float:
        keep = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False)
        return fit(6, keep, PruningCallback(trial, "val_loss"))["val_loss"][-1]

    check_run(objective)
