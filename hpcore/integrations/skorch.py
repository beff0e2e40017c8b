"""Callback for skorch."""

from __future__ import annotations

from typing import Any

from hpcore.errors import require
from hpcore.integrations.training import ReportingTrial, check_name, check_trial, pick, report

__all__ = ["PruningCallback"]

_Callback: Any = require("skorch.callbacks", "skorch").Callback


class PruningCallback(_Callback):
    """Report a value of the history of skorch after each epoch, and end the training when the trial is to stop.

    Steps are the epochs in the net's history, which go on if the net was loaded with its history. The training ends by
    a KeyboardInterrupt, which `fit` and `partial_fit` of skorch catch; callbacks after this one are not called in that
    epoch.

    Parameters
    ----------
    trial : Trial
        Running trial.
    monitor : str
        Name of a value in the history, such as ``"valid_loss"``. The callback that computes it comes before this one.

    Raises
    ------
    InvalidType, InvalidArgument
        An argument is not allowed; during the training, if there is no such value.

    Examples
    --------
    A training that continues where an earlier job of the trial ended::

        net = NeuralNetClassifier(module, callbacks=[PruningCallback(trial, "valid_loss")]).initialize()
        names = {f"f_{part}": trial.checkpoint / part for part in ("params", "optimizer", "history")}
        if names["f_history"].exists():
            net.load_params(**names)
        net.partial_fit(X, y, epochs=100 - len(net.history))
        net.save_params(**names)
    """

    def __init__(self, trial: ReportingTrial, monitor: str) -> None:
        check_trial(trial)
        check_name("monitor", monitor)
        # As scikit-learn has it: attributes are the arguments, and a copy is made from them.
        self.trial = trial
        self.monitor = monitor

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Report the value; a KeyboardInterrupt ends the training."""
        row = {name: value for name, value in net.history[-1].items() if name != "batches"}
        if report(self.trial, pick("monitor", self.monitor, row, "add a callback that scores"), len(net.history)):
            raise KeyboardInterrupt
