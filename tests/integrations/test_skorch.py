"""The callback of skorch, against its history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType

skorch = pytest.importorskip("skorch")
torch = pytest.importorskip("torch")

from hpcore.integrations.skorch import PruningCallback  # noqa: E402

pytestmark = pytest.mark.doors

rng = np.random.default_rng(0)
X = rng.random((60, 4)).astype("float32")
y = (X[:, 0] > 0.5).astype("int64")


def make_net(*callbacks: Any, **options: Any) -> Any:
    torch.manual_seed(0)
    options = {"max_epochs": 5, "optimizer__momentum": 0.9, **options}
    return skorch.NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=4,
        module__out_features=2,
        criterion=torch.nn.CrossEntropyLoss,
        callbacks=list(callbacks),
        verbose=0,
        **options,
    )


def test_it_reports_every_epoch(make_trial: Any) -> None:
    trial = make_trial()
    net = make_net(PruningCallback(trial, "valid_loss")).fit(X, y)
    assert trial.reports == dict(enumerate(net.history[:, "valid_loss"], 1))
    assert len(trial.reports) == 5


def test_it_ends_the_training(make_trial: Any) -> None:
    trial = make_trial(until=3)
    net = make_net(PruningCallback(trial, "valid_acc")).fit(X, y)
    assert list(trial.reports) == [1, 2, 3]
    assert len(net.history) == 3
    assert net.predict(X).shape == (60,)


def test_scores_of_other_callbacks(make_trial: Any) -> None:
    trial = make_trial()
    scoring = skorch.callbacks.EpochScoring("roc_auc", name="auc", lower_is_better=False)
    net = make_net(("auc", scoring), PruningCallback(trial, "auc")).fit(X, y)
    assert list(trial.reports.values()) == list(net.history[:, "auc"])


def test_a_training_that_continues_counts_on(make_trial: Any) -> None:
    trial = make_trial()
    for until in (2, 4):
        trial.resume(until)
        net = make_net(PruningCallback(trial, "valid_loss")).initialize()
        names = {f"f_{part}": trial.checkpoint / part for part in ("params", "optimizer", "history")}
        if names["f_history"].exists():
            net.load_params(**names)
        net.partial_fit(X, y, epochs=4 - len(net.history))
        net.save_params(**names)
    assert list(trial.reports) == [1, 2, 3, 4]
    whole = make_net(max_epochs=4).fit(X, y).history[:, "valid_loss"]
    np.testing.assert_allclose(list(trial.reports.values()), whole, rtol=1e-5)


def test_what_is_not_there_is_named(make_trial: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"monitor must be one of .*'valid_loss'.*, got 'auc'") as error:
        make_net(PruningCallback(make_trial(), "auc")).fit(X, y)
    assert "batches" not in str(error.value)


def test_arguments(make_trial: Any) -> None:
    with pytest.raises(InvalidType, match="monitor must be a string"):
        PruningCallback(make_trial(), 1)  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match="trial must be a trial"):
        PruningCallback("valid_loss", make_trial())  # type: ignore[arg-type]


def test_its_parameters_are_those_of_an_estimator(make_trial: Any) -> None:
    trial = make_trial()
    assert PruningCallback(trial, "valid_loss").get_params() == {"trial": trial, "monitor": "valid_loss"}


def test_jobs_of_a_real_run(check_run: Any) -> None:
    def objective(trial: Any, folder: Path) -> float:
        net = make_net(PruningCallback(trial, "valid_loss")).initialize()
        names = {f"f_{part}": folder / part for part in ("params", "optimizer", "history")}
        if names["f_history"].exists():
            net.load_params(**names)
        net.partial_fit(X, y, epochs=6 - len(net.history))
        net.save_params(**names)
        return net.history[-1, "valid_loss"]

    check_run(objective)
