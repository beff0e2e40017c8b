"""Callback for LightGBM: `train`, `cv`, and the estimators with the interface of scikit-learn."""

from __future__ import annotations

from typing import Any

from hpcore.arguments import check_integer
from hpcore.errors import require
from hpcore.integrations.training import ReportingTrial, check_name, check_trial, is_due, pick, report

__all__ = ["PruningCallback"]

lightgbm = require("lightgbm", "lightgbm")

_DEFAULT_NAME = "valid_0"


class PruningCallback:
    """Report a metric of LightGBM after each iteration, and end the training when the trial is to stop.

    Steps are the trees per class of the model, which go on where `init_model` ends. The training ends as by early
    stopping, with the last iteration as the best one, so that the model keeps all its trees.

    Parameters
    ----------
    trial : Trial
        Running trial.
    metric : str
        Name of a metric, such as ``"auc"`` or ``"binary_logloss"``.
    valid_name : str, default "valid_0"
        Name of the validation data, as in ``valid_names=`` or ``eval_names=``. In `lightgbm.cv` the default stands for
        ``"valid"``, the mean over the folds.
    report_interval : int, default 1
        Number of iterations from one report to the next. The iteration at which the trial pauses is always reported.

    Raises
    ------
    InvalidType, InvalidArgument
        An argument is not allowed; during the training, if metric or validation data do not exist.

    Examples
    --------
    A training that continues where an earlier job of the trial ended::

        saved = trial.checkpoint / "model.txt"
        start = lightgbm.Booster(model_file=saved) if saved.exists() else None
        rounds = 1000 - (start.current_iteration() if start else 0)
        model = lightgbm.train(params, data, rounds, [valid], init_model=start,
                               callbacks=[PruningCallback(trial, "auc")])
        model.save_model(saved)
    """

    def __init__(
        self, trial: ReportingTrial, metric: str, valid_name: str = _DEFAULT_NAME, report_interval: int = 1
    ) -> None:
        self.trial = check_trial(trial)
        self.metric = check_name("metric", metric)
        self.valid_name = check_name("valid_name", valid_name)
        self.report_interval = check_integer("report_interval", report_interval, 1)
        # After LightGBM records the metrics (20), before it stops early (30); it looks for it in the object's dict.
        self.order = 25

    def __call__(self, env: Any) -> None:
        step = env.iteration + 1
        if not is_due(self.trial, step, self.report_interval):
            return
        in_folds = isinstance(env.model, lightgbm.CVBooster)
        metrics: dict[str, dict[str, float]] = {}
        for data, metric, value, *_ in env.evaluation_result_list or ():
            if in_folds and data == "cv_agg":  # before LightGBM 4.7, with the data in the name of the metric
                data, _, metric = metric.partition(" ")
            metrics.setdefault(data, {})[metric] = value
        name = "valid" if in_folds and self.valid_name == _DEFAULT_NAME else self.valid_name
        of_data = pick("valid_name", name, metrics, "give the training validation data and a metric")
        if report(self.trial, pick("metric", self.metric, of_data, "give the training a metric"), step):
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)
