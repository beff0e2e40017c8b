"""Callback for XGBoost: `train`, `cv`, and the estimators with the interface of scikit-learn."""

from __future__ import annotations

from typing import Any

from hpcore.errors import require
from hpcore.integrations.training import ReportingTrial, check_name, check_trial, pick, report

__all__ = ["PruningCallback"]

xgboost = require("xgboost", "xgboost")
collective = require("xgboost.collective", "xgboost")
_TrainingCallback: Any = xgboost.callback.TrainingCallback


class PruningCallback(_TrainingCallback):
    """Report a metric of XGBoost after each iteration, and end the training when the trial is to stop.

    Steps are the boosted rounds of the model, which go on where `xgb_model` ends. In a distributed training the worker
    of rank 0 reports, and all end together. XGBoost does not call the callbacks that come after this one at the
    iteration at which it ends the training.

    Parameters
    ----------
    trial : Trial
        Running trial.
    observation_key : str
        Data and metric, such as ``"validation-logloss"`` with ``evals=[(data, "validation")]``, ``"test-auc"`` in
        `xgboost.cv`, whose mean over the folds is reported, and ``"validation_0-auc"`` in the estimators.

    Raises
    ------
    InvalidType, InvalidArgument
        An argument is not allowed; during the training, if there is no such metric.

    Examples
    --------
    A training that continues where an earlier job of the trial ended::

        saved = trial.checkpoint / "model.ubj"
        start = xgboost.Booster(model_file=saved) if saved.exists() else None
        rounds = 1000 - (start.num_boosted_rounds() if start else 0)
        model = xgboost.train(params, data, rounds, evals=[(valid, "validation")], xgb_model=start,
                              callbacks=[PruningCallback(trial, "validation-auc")])
        model.save_model(saved)
    """

    def __init__(self, trial: ReportingTrial, observation_key: str) -> None:
        super().__init__()
        self.trial = check_trial(trial)
        self.observation_key = check_name("observation_key", observation_key)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Report the metric; True ends the training."""
        stop = self._report(model, evals_log)
        if stop and not isinstance(model, xgboost.Booster):
            model.set_attr(best_iteration=str(epoch))  # `cv` cuts its result there
        return stop

    def _report(self, model: Any, evals_log: Any) -> bool:
        last = {f"{data}-{name}": all_[-1] for data, of_data in evals_log.items() for name, all_ in of_data.items()}
        value = pick("observation_key", self.observation_key, last, "give the training evals or an eval_set")
        if isinstance(value, tuple):  # mean and standard deviation over folds
            value = value[0]
        if collective.get_world_size() == 1:
            return report(self.trial, value, model.num_boosted_rounds())
        # The workers exchange data in each iteration: one that ended alone would leave the others waiting.
        stop = report(self.trial, value, model.num_boosted_rounds()) if collective.get_rank() == 0 else None
        return bool(collective.broadcast(stop, 0))
