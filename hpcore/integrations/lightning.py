"""Callback for PyTorch Lightning."""

from __future__ import annotations

from typing import Any

from hpcore.errors import require
from hpcore.integrations.training import ReportingTrial, check_name, check_trial, pick, report

__all__ = ["PruningCallback"]

_Callback: Any = require("lightning.pytorch", "lightning").Callback


class PruningCallback(_Callback):
    """Report a logged metric after each epoch, and end the training when the trial is to stop.

    Steps are completed epochs, which go on where `ckpt_path` ends. Epochs that did not log the metric, for want of a
    validation, are not reported. In a distributed training the process of rank 0 reports, and all end together: log the
    metric with ``sync_dist=True``. Lightning does not stop before `min_epochs` and `min_steps`.

    Parameters
    ----------
    trial : Trial
        Running trial.
    monitor : str
        Name of a metric that `training_step`, `validation_step` or `on_validation_epoch_end` logs.

    Raises
    ------
    InvalidType, InvalidArgument
        An argument is not allowed; during the training, if there is no such metric.

    Examples
    --------
    A training that continues where an earlier job of the trial ended, or was killed::

        last = trial.checkpoint / "last.ckpt"
        keep = ModelCheckpoint(trial.checkpoint, save_last=True)
        trainer = Trainer(max_epochs=100, callbacks=[keep, PruningCallback(trial, "val_loss")])
        trainer.fit(model, data, ckpt_path=last if last.exists() else None)
    """

    def __init__(self, trial: ReportingTrial, monitor: str) -> None:
        super().__init__()
        self.trial = check_trial(trial)
        self.monitor = check_name("monitor", monitor)
        self._before: Any = None
        self._validated = False

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin a training."""
        self._validated = False

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Remember the metric of earlier epochs, which Lightning keeps until it is logged again."""
        self._before = trainer.callback_metrics.get(self.monitor)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Remember that there was a validation."""
        self._validated |= not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Report the metric, and tell Lightning to stop if the trial is to."""
        if trainer.fast_dev_run:
            return
        metrics = trainer.callback_metrics
        if self.monitor not in metrics and trainer.enable_validation and not self._validated:
            return  # the first validation is still to come
        value = pick("monitor", self.monitor, metrics, "log it in training_step or validation_step")
        if value is self._before:
            return
        stop = report(self.trial, value, trainer.current_epoch + 1) if trainer.is_global_zero else False
        trainer.should_stop = trainer.strategy.broadcast(stop) or trainer.should_stop
