"""Tune a neural network by Hyperband: its shape, its optimiser, and how long it is trained.

    python benchmarks/examples/neural_network.py --trials 40 --out digits

The network is PyTorch's if that is installed, otherwise scikit-learn's `MLPClassifier`, which has no dropout. The study
is stored in DIR: the same command goes on where it was interrupted, and a larger --trials adds trials. Epochs are the
resource: by default networks are compared after 1, 3, 9 and 27 of them, and only the best third is trained further.
"""

from __future__ import annotations

import argparse
import pickle
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import hpcore as hp

MOST_LAYERS = 3

SPACE: dict[str, Any] = {
    "layers": hp.Int(1, MOST_LAYERS),
    # A layer has a size only if the network has the layer.
    **{f"units_{i}": hp.Int(16, 256, log=True, when={"layers": hp.at_least(i)}) for i in range(1, MOST_LAYERS + 1)},
    "activation": hp.Categorical(["relu", "tanh"]),
    "optimizer": hp.Categorical(["sgd", "adam"]),
    "learning_rate": hp.Float(1e-4, 0.3, log=True),
    "momentum": hp.Float(0.0, 0.99, when={"optimizer": "sgd"}),
    "batch_size": hp.Categorical([16, 32, 64, 128], ordered=True),
    "weight_decay": hp.Float(1e-7, 1e-1, log=True),
}
ONLY_TORCH = {"dropout": hp.Float(0.0, 0.6)}


class Digits(NamedTuple):
    """Images of 8 x 8 pixels and the digits that they show."""

    X: Any
    y: Any
    X_valid: Any
    y_valid: Any
    X_test: Any
    y_test: Any


def load() -> Digits:
    """Load rows for training, for validation, which tells good configurations from bad ones, and for the final test."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=0)
    X, X_valid, y, y_valid = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    return Digits(X, y, X_valid, y_valid, X_test, y_test)


def sizes(params: Any) -> list[int]:
    """The numbers of neurons of the hidden layers."""
    return [params[f"units_{i}"] for i in range(1, params["layers"] + 1)]


class SklearnNetwork:
    """scikit-learn's network, trained epoch by epoch."""

    def __init__(self, params: Any, seed: int) -> None:
        from sklearn.neural_network import MLPClassifier

        self.model = MLPClassifier(
            sizes(params),
            activation=params["activation"],
            solver=params["optimizer"],
            learning_rate_init=params["learning_rate"],
            momentum=params.get("momentum", 0.9),
            batch_size=params["batch_size"],
            alpha=params["weight_decay"],
            random_state=seed,
        )

    def train_epoch(self, X: Any, y: Any) -> None:
        self.model.partial_fit(X, y, classes=range(10))

    def probabilities(self, X: Any) -> Any:
        return self.model.predict_proba(X)


class TorchNetwork:
    """PyTorch's network, trained epoch by epoch."""

    def __init__(self, params: Any, seed: int) -> None:
        import torch
        from torch import nn

        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        width = 64  # pixels
        for units in sizes(params):
            activation = nn.ReLU() if params["activation"] == "relu" else nn.Tanh()
            layers += [nn.Linear(width, units), activation, nn.Dropout(params["dropout"])]
            width = units
        self.model = nn.Sequential(*layers, nn.Linear(width, 10))
        self.batch_size = params["batch_size"]
        options = {"lr": params["learning_rate"], "weight_decay": params["weight_decay"]}
        if params["optimizer"] == "sgd":
            self.optimizer: Any = torch.optim.SGD(self.model.parameters(), momentum=params["momentum"], **options)
        else:
            self.optimizer = torch.optim.AdamW(self.model.parameters(), **options)

    def train_epoch(self, X: Any, y: Any) -> None:
        import torch

        self.model.train()
        inputs, labels = torch.from_numpy(X), torch.from_numpy(y)
        for batch in torch.randperm(len(y)).split(self.batch_size):
            self.optimizer.zero_grad()
            torch.nn.functional.cross_entropy(self.model(inputs[batch]), labels[batch]).backward()
            self.optimizer.step()

    def probabilities(self, X: Any) -> Any:
        import torch

        self.model.eval()
        with torch.no_grad():
            return torch.softmax(self.model(torch.from_numpy(X)), dim=1).numpy()


def objective(trial: hp.Trial, network: type[SklearnNetwork | TorchNetwork], epochs: int, data: Digits) -> float:
    """Train a network, and return its loss on the validation rows."""
    model = network(trial, seed=trial.number)
    done, loss = 0, np.nan
    saved = trial.checkpoint / "network.pickle"
    if saved.exists():  # a trial that Hyperband paused goes on
        done, loss, attributes = pickle.loads(saved.read_bytes())  # noqa: S301 - written below
        vars(model).update(attributes)
    for epoch in range(done + 1, epochs + 1):
        model.train_epoch(data.X, data.y)
        done = epoch
        loss = log_loss(model.probabilities(data.X_valid), data.y_valid)
        trial.report(loss, epoch)
        if trial.should_stop():
            break
    part = saved.with_suffix(".part")
    part.write_bytes(pickle.dumps((done, loss, vars(model))))
    part.replace(saved)  # written whole or not at all, whenever the process ends
    return loss


def log_loss(probabilities: Any, y: Any) -> float:
    """Mean negative logarithm of the probability of the right digit; NaN of a network that diverged."""
    return -float(np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-12)).mean())


def main(arguments: list[str] | None = None) -> hp.Study:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--trials", type=int, default=40, help="networks in all (default: 40)")
    options.add_argument("--out", type=Path, default=Path("digits"), metavar="DIR", help="default: digits")
    options.add_argument("--epochs", type=int, default=27, help="epochs of a full training (default: 27)")
    options.add_argument("--jobs", type=int, default=1, help="trainings at a time (default: 1)")
    options.add_argument("--backend", choices=["torch", "sklearn"], help="default: torch where it is installed")
    given = options.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)

    data = load()
    backend = given.backend or ("torch" if find_spec("torch") else "sklearn")
    network, space = (TorchNetwork, SPACE | ONLY_TORCH) if backend == "torch" else (SklearnNetwork, SPACE)
    study = hp.Study(
        space,
        storage=given.out / "study.db",
        name=f"digits-{backend}",
        sampler="tpe",
        scheduler=hp.schedulers.Hyperband(min_resource=1, max_resource=given.epochs),
        seed=0,
    )
    left = given.trials - sum(trial.state != "running" for trial in study.trials)
    if left > 0:
        study.run(partial(objective, network=network, epochs=given.epochs, data=data), left, n_jobs=given.jobs)
    if not any(trial.state == "complete" for trial in study.trials):
        errors = [trial.error for trial in study.trials if trial.error]
        why = f" ({len(errors)} failed, the last one by {errors[-1].splitlines()[-1]})" if errors else ""
        raise SystemExit(f"no training has gone to its end yet{why}: --trials with a larger number goes on")

    print(f"best of {len(study.trials)} trials: a loss of {study.best_value:.4f} on validation rows\n")
    for name, value in study.best_params.items():
        print(f"  {name:<14} {value:.4g}" if isinstance(value, float) else f"  {name:<14} {value}")

    # The best of many is best by chance, too: its accuracy is that on rows that no trial has seen.
    best = network(study.best_params, seed=0)
    X, y = np.concatenate([data.X, data.X_valid]), np.concatenate([data.y, data.y_valid])
    for _ in range(given.epochs):
        best.train_epoch(X, y)
    right = best.probabilities(data.X_test).argmax(axis=1) == data.y_test
    print(f"\naccuracy on test rows: {right.mean():.4f}\n")

    print(f"{hp.importance(study)}\n")
    try:
        import hpcore.report

        print(f"report: {hpcore.report.html(study, given.out / 'report.html')}")
    except ImportError as missing:  # plotly, which pip install "hpcore[report]" brings
        print(f"no report: {missing}")
    return study


if __name__ == "__main__":
    main()
