"""Callback for Keras 3, with any of its backends."""

from __future__ import annotations

from typing import Any

from hpcore.arguments import check_integer
from hpcore.errors import require
from hpcore.integrations.training import ReportingTrial, check_name, check_trial, is_due, pick, report

__all__ = ["PruningCallback"]

_Callback: Any = require("keras.callbacks", "keras").Callback


class PruningCallback(_Callback):
    """Report a metric of Keras after each epoch, and end the training when the trial is to stop.

    Steps are completed epochs, which go on from `initial_epoch`.

    Parameters
    ----------
    trial : Trial
        Running trial.
    monitor : str
        Name of a metric in the logs, such as ``"val_loss"`` or ``"val_accuracy"``.
    interval : int, default 1
        Number of epochs from one report to the next. The epoch at which the trial pauses is always reported if it has
        the metric. With ``validation_freq=k`` give a multiple of k.

    Raises
    ------
    InvalidType, InvalidArgument
        An argument is not allowed; during the training, if there is no such metric.

    Examples
    --------
    A training that continues where an earlier job of the trial ended, or was killed::

        keep = keras.callbacks.BackupAndRestore(trial.checkpoint, delete_checkpoint=False)
        model.fit(X, y, validation_data=valid, epochs=100, callbacks=[keep, PruningCallback(trial, "val_loss")])

    `BackupAndRestore` needs a model that is built: one with an `Input`, or after ``model.build``.
    """

    def __init__(self, trial: ReportingTrial, monitor: str, interval: int = 1) -> None:
        super().__init__()
        self.trial = check_trial(trial)
        self.monitor = check_name("monitor", monitor)
        self.interval = check_integer("interval", interval, 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the metric, and tell Keras to stop if the trial is to."""
        step = epoch + 1
        logs = logs or {}
        if not is_due(self.trial, step, self.interval):
            return
        if self.monitor not in logs and step % self.interval:
            return  # an epoch without validation, at which the trial would pause: it does at the next report
        value = pick("monitor", self.monitor, logs, "compile the model with a loss")
        if report(self.trial, value, step):
            self.model.stop_training = True
