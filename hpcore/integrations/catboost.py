"""Callback for CatBoost."""

from __future__ import annotations

from typing import Any

from hpcore.arguments import check_integer
from hpcore.errors import require
from hpcore.integrations.training import ReportingTrial, check_name, check_trial, pick, report

__all__ = ["PruningCallback"]

require("catboost", "catboost")


class PruningCallback:
    """Report a metric of CatBoost after each iteration, and end the training when the trial is to stop.

    Steps are the iterations of the training, which go on when CatBoost continues from a snapshot, as in the example.
    With `init_model` CatBoost begins at 1 again. With `metric_period` the iterations that CatBoost evaluates are
    reported.

    Parameters
    ----------
    trial : Trial
        Running trial.
    metric : str
        Name of a metric, such as ``"Logloss"`` or ``"AUC"``: the loss function, `eval_metric` or one of
        `custom_metric`.
    eval_set_index : int, optional
        Index of the data in a list of evaluation sets; None if there is one.

    Raises
    ------
    InvalidType, InvalidArgument
        An argument is not allowed. During the training, if metric or data do not exist, CatBoost raises CatBoostError
        with the text of our error, as for every error in a callback.

    Examples
    --------
    A training that continues where an earlier job of the trial ended, or was killed::

        saved = str(trial.checkpoint / "snapshot")
        model = CatBoostClassifier(iterations=1000, save_snapshot=True, snapshot_file=saved)
        model.fit(X, y, eval_set=(X_valid, y_valid), callbacks=[PruningCallback(trial, "AUC")])

    A snapshot belongs to its parameters: CatBoost refuses it in a trial of population-based training where others than
    the learning rate have changed.
    """

    def __init__(self, trial: ReportingTrial, metric: str, eval_set_index: int | None = None) -> None:
        self.trial = check_trial(trial)
        self.metric = check_name("metric", metric)
        self.eval_set_index = None if eval_set_index is None else check_integer("eval_set_index", eval_set_index, 0)
        # Number of evaluations so far; None before the first call.
        self._n_seen: int | None = None

    def after_iteration(self, info: Any) -> bool:
        """Report the metric if it was evaluated; False ends the training."""
        name = "validation" if self.eval_set_index is None else f"validation_{self.eval_set_index}"
        sets = {data: of_data for data, of_data in info.metrics.items() if data != "learn"}
        if self.eval_set_index == 0 and "validation" in sets:
            name = "validation"
        of_data = pick("eval_set_index", name, sets, "give fit an eval_set")
        values = pick("metric", self.metric, of_data, "give the training a metric")
        # A training continued from a snapshot has the evaluations before it: whether one of this iteration is among
        # them is then known only if there is one for each iteration.
        seen = self._n_seen if self._n_seen is not None and info.iteration > 1 else info.iteration - 1
        fresh = len(values) > seen
        self._n_seen = len(values)
        return not (fresh and report(self.trial, values[-1], info.iteration))
