"""The callback of PyTorch Lightning, against the metrics that the module computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType

lightning = pytest.importorskip("lightning.pytorch")
torch = pytest.importorskip("torch")

from hpcore.integrations.lightning import PruningCallback  # noqa: E402

pytestmark = [
    pytest.mark.doors,
    # Advice of Lightning on workers, loggers and folders; deprecated uses within torch and Lightning.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

rng = np.random.default_rng(0)
X = torch.tensor(rng.random((48, 4)), dtype=torch.float32)
y = X @ torch.tensor([[1.0], [-1.0], [0.5], [0.0]])


class Module(lightning.LightningModule):
    def __init__(self, validate: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 1)
        self.validate = validate
        self.losses: list[float] = []

    def loss(self, batch: Any) -> Any:
        return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = self.loss(batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val_loss", self.loss(batch))

    def on_validation_epoch_end(self) -> None:
        if not self.trainer.sanity_checking:
            self.losses.append(float(self.loss((X[32:], y[32:]))))

    def on_train_epoch_end(self) -> None:
        self.log("late", 1.0)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(epochs: int, *callbacks: Any, ckpt_path: Any = None, valid: bool = True, **options: Any) -> Any:
    options = {"enable_checkpointing": False, "devices": 1, **options}
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=list(callbacks),
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    module = Module()
    load = torch.utils.data.DataLoader
    data = torch.utils.data.TensorDataset(X[:32], y[:32])
    held = torch.utils.data.TensorDataset(X[32:], y[32:])
    trainer.fit(module, load(data, 8), load(held, 8) if valid else None, ckpt_path=ckpt_path)
    return module


def test_it_reports_every_epoch_after_the_sanity_check(make_trial: Any) -> None:
    trial = make_trial()
    module = fit(3, PruningCallback(trial, "val_loss"))
    assert list(trial.reports) == [1, 2, 3]
    np.testing.assert_allclose(list(trial.reports.values()), module.losses, rtol=1e-5)


def test_it_ends_the_training(make_trial: Any) -> None:
    trial = make_trial(until=2)
    module = fit(5, PruningCallback(trial, "val_loss"))
    assert list(trial.reports) == [1, 2]
    assert module.trainer.current_epoch == 2
    assert len(module.losses) == 2


def test_metrics_of_the_training(make_trial: Any) -> None:
    trial = make_trial(until=2)
    module = fit(5, PruningCallback(trial, "train_loss"), valid=False)
    assert list(trial.reports) == [1, 2]
    assert trial.reports[2] == pytest.approx(float(module.trainer.callback_metrics["train_loss"]))
    assert trial.reports[2] < trial.reports[1]


def test_validations_that_are_rare(make_trial: Any) -> None:
    trial = make_trial()
    module = fit(5, PruningCallback(trial, "val_loss"), check_val_every_n_epoch=2)
    assert list(trial.reports) == [2, 4]
    np.testing.assert_allclose(list(trial.reports.values()), module.losses, rtol=1e-5)


def test_validations_within_an_epoch(make_trial: Any) -> None:
    trial = make_trial()
    module = fit(2, PruningCallback(trial, "val_loss"), val_check_interval=0.5)
    assert list(trial.reports) == [1, 2]
    np.testing.assert_allclose(list(trial.reports.values()), module.losses[1::2], rtol=1e-5)


def test_a_dry_run_reports_nothing(make_trial: Any) -> None:
    trial = make_trial()
    fit(1, PruningCallback(trial, "val_loss"), fast_dev_run=True)
    assert trial.reports == {}


def test_a_training_that_continues_counts_on(make_trial: Any) -> None:
    trial = make_trial()
    for until in (2, 4):
        trial.resume(until)
        last = trial.checkpoint / "last.ckpt"
        keep = lightning.callbacks.ModelCheckpoint(trial.checkpoint, save_last=True)
        start = last if last.exists() else None
        fit(4, keep, PruningCallback(trial, "val_loss"), ckpt_path=start, enable_checkpointing=True)
    assert list(trial.reports) == [1, 2, 3, 4]
    np.testing.assert_allclose(list(trial.reports.values()), fit(4).losses, rtol=1e-5)


def test_what_is_not_there_is_named(make_trial: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"monitor must be one of .*'val_loss'.*, got 'accuracy'"):
        fit(1, PruningCallback(make_trial(), "accuracy"))
    with pytest.raises(InvalidArgument, match=r"monitor must be one of .*'val_loss'.*, got 'late'"):
        fit(1, PruningCallback(make_trial(), "late"))
    with pytest.raises(InvalidArgument, match=r"monitor must be one of 'train_loss', got 'val_loss'"):
        fit(1, PruningCallback(make_trial(), "val_loss"), valid=False)


def test_arguments(make_trial: Any) -> None:
    with pytest.raises(InvalidType, match="monitor must be a string"):
        PruningCallback(make_trial(), 1)
    with pytest.raises(InvalidType, match="trial must be a trial"):
        PruningCallback("val_loss", make_trial())


class FileTrial:
    """Trial of several processes, which writes its reports to a file a process."""

    until = 2.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last = 0.0

    def report(self, value: float, step: float) -> None:
        self.last = step
        with (self.folder / f"{torch.distributed.get_rank()}").open("a") as file:
            file.write(f"{step} ")

    def should_stop(self) -> bool:
        return self.last >= self.until


class Epochs(lightning.Callback):
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        (self.folder / f"epochs-{trainer.global_rank}").write_text(str(trainer.current_epoch))


def test_distributed_processes_report_once_and_end_together(tmp_path: Path) -> None:
    callback = PruningCallback(FileTrial(tmp_path), "train_loss")
    fit(5, callback, Epochs(tmp_path), devices=2, strategy="ddp_fork", valid=False)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "0": "1 2 ",
        "epochs-0": "2",
        "epochs-1": "2",
    }


def test_jobs_of_a_real_run(check_run: Any) -> None:
    def objective(trial: Any, folder: Path) -> float:
        last = folder / "last.ckpt"
        keep = lightning.callbacks.ModelCheckpoint(folder, save_last=True)
        start = last if last.exists() else None
        module = fit(6, keep, PruningCallback(trial, "val_loss"), ckpt_path=start, enable_checkpointing=True)
        return float(module.trainer.callback_metrics["val_loss"])

    check_run(objective)
