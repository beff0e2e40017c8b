"""hpcore and its peers with one interface: known trials are added, then tell + ask is timed."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

import hpcore as hp

Params = Mapping[str, Any]
Asked = tuple[Params, Callable[[float], object]]  # params to evaluate, and the function to tell the value


def space_of(kind: str) -> hp.Space:
    """Return a space: ``"5"`` or ``"20"`` floats, or ``"mixed"``, ten parameters of all kinds."""
    if kind != "mixed":
        return hp.Space({f"x{j}": hp.Float(-5, 5) for j in range(int(kind))})
    return hp.Space(
        {
            "a": hp.Float(-5, 5),
            "b": hp.Float(-5, 5),
            "c": hp.Float(-5, 5),
            "d": hp.Float(1e-4, 1, log=True),
            "e": hp.Float(1e-4, 1, log=True),
            "i": hp.Int(1, 10),
            "j": hp.Int(1, 100),
            "k": hp.Int(8, 512, log=True),
            "p": hp.Categorical(["w", "x", "y", "z"]),
            "q": hp.Categorical([True, False]),
        }
    )


def objective(params: Params) -> float:
    """Compute a cheap function, smooth in numbers and additive in categories."""
    total = 0.0
    for j, value in enumerate(params.values()):
        if isinstance(value, str | bool):
            total += 0.3 * (value in ("x", True))
        else:
            total += (1 + 0.2 * j) * math.sin(0.7 * float(value) + j) + 0.01 * float(value)
    return total


class Library(ABC):
    """An optimiser with a history."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def __init__(self, space: hp.Space) -> None: ...

    @abstractmethod
    def add(self, params: Params, value: float) -> None:
        """Add a known trial."""

    @abstractmethod
    def ask(self) -> Asked:
        """Return the next trial and the function to tell its value."""


class Hpcore(Library):
    """An optimizer of hpcore."""

    sampler: ClassVar[str]

    def __init__(self, space: hp.Space) -> None:
        self.optimizer = hp.Optimizer(space, sampler=self.sampler, seed=0)

    def add(self, params: Params, value: float) -> None:
        self.optimizer.add(params, value)

    def ask(self) -> Asked:
        trial = self.optimizer.ask()
        return trial.params, lambda value: self.optimizer.tell(trial, value)


class HpcoreGP(Hpcore):
    name = "hpcore gp"
    sampler = "gp"


class HpcoreTPE(Hpcore):
    name = "hpcore tpe"
    sampler = "tpe"


class Optuna(Library):
    """Optuna in memory, with the space declared at `ask`."""

    needs = ("optuna",)

    def __init__(self, space: hp.Space) -> None:
        import optuna

        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.optuna = optuna
        self.distributions: dict[str, Any] = {}
        for name, p in space.items():
            if isinstance(p, hp.Categorical):
                self.distributions[name] = optuna.distributions.CategoricalDistribution(list(p.choices))
            elif isinstance(p, hp.Int):
                self.distributions[name] = optuna.distributions.IntDistribution(p.low, p.high, log=p.log)
            else:
                assert isinstance(p, hp.Float)
                self.distributions[name] = optuna.distributions.FloatDistribution(p.low, p.high, log=p.log)
        self.study = optuna.create_study(sampler=self.sampler())

    @abstractmethod
    def sampler(self) -> Any:
        """Return Optuna's sampler with a seed."""

    def add(self, params: Params, value: float) -> None:
        make = self.optuna.trial.create_trial
        self.study.add_trial(make(params=dict(params), distributions=self.distributions, value=value))

    def ask(self) -> Asked:
        trial = self.study.ask(self.distributions)
        return trial.params, lambda value: self.study.tell(trial, value)


class OptunaGP(Optuna):
    name = "optuna gp"
    needs = ("optuna", "torch")

    def sampler(self) -> Any:
        return self.optuna.samplers.GPSampler(seed=0, deterministic_objective=True)


class OptunaTPE(Optuna):
    name = "optuna tpe"

    def sampler(self) -> Any:
        return self.optuna.samplers.TPESampler(seed=0, multivariate=True)


class OptunaUnivariate(Optuna):
    name = "optuna tpe univariate"

    def sampler(self) -> Any:
        return self.optuna.samplers.TPESampler(seed=0, multivariate=False)


class Hyperopt(Library):
    """TPE of Hyperopt with its own `Trials`, one suggestion at a time."""

    name = "hyperopt tpe"
    needs = ("hyperopt",)

    def __init__(self, space: hp.Space) -> None:
        import hyperopt

        warnings.simplefilter("ignore")
        make, self.choices, nodes = hyperopt.hp, {}, {}
        for name, p in space.items():
            if isinstance(p, hp.Categorical):
                self.choices[name] = list(p.choices)
                nodes[name] = make.choice(name, self.choices[name])
            elif isinstance(p, hp.Int):
                low, high = math.log(p.low) if p.log else p.low, math.log(p.high) if p.log else p.high
                nodes[name] = (make.qloguniform if p.log else make.quniform)(name, low, high, 1)
            elif p.log:
                nodes[name] = make.loguniform(name, math.log(p.low), math.log(p.high))
            else:
                nodes[name] = make.uniform(name, p.low, p.high)
        self.hyperopt = hyperopt
        self.trials = hyperopt.Trials()
        self.domain = hyperopt.Domain(objective, nodes)
        self.known: list[tuple[dict[str, Any], float]] = []

    def document(self, number: int, raw: dict[str, Any], value: float) -> dict[str, Any]:
        misc = {
            "tid": number,
            "cmd": ("domain_attachment", "FMinIter_Domain"),
            "workdir": None,
            "idxs": {name: [number] for name in raw},
            "vals": {name: [v] for name, v in raw.items()},
        }
        [doc] = self.trials.new_trial_docs([number], [None], [{"status": "ok", "loss": value}], [misc])
        doc["state"] = self.hyperopt.JOB_STATE_DONE
        return dict(doc)

    def add(self, params: Params, value: float) -> None:
        raw = {name: self.choices[name].index(v) if name in self.choices else v for name, v in params.items()}
        self.known.append((raw, value))

    def ask(self) -> Asked:
        if self.known:
            numbers = self.trials.new_trial_ids(len(self.known))
            docs = [self.document(k, raw, value) for k, (raw, value) in zip(numbers, self.known, strict=True)]
            self.trials.insert_trial_docs(docs)
            self.known = []
        self.trials.refresh()
        [number] = self.trials.new_trial_ids(1)
        [doc] = self.hyperopt.tpe.suggest([number], self.domain, self.trials, seed=number)
        raw = {name: vals[0] for name, vals in doc["misc"]["vals"].items()}
        params = {name: self.choices[name][v] if name in self.choices else v for name, v in raw.items()}
        return params, lambda value: self.trials.insert_trial_docs([self.document(number, raw, value)])


class BoTorch(Library):
    """SingleTaskGP of BoTorch with its own fit and LogEI; defaults of the library on the encoded cube."""

    name = "botorch log_ei"
    needs = ("botorch", "torch")

    def __init__(self, space: hp.Space) -> None:
        import torch

        torch.set_num_threads(1)
        self.space = space
        self.X: list[np.ndarray[Any, Any]] = []
        self.y: list[float] = []

    def add(self, params: Params, value: float) -> None:
        self.X.append(np.asarray(self.space.encode(params)))
        self.y.append(value)

    def ask(self) -> Asked:
        import torch
        from botorch.acquisition.analytic import LogExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.optim import optimize_acqf
        from gpytorch.mlls import ExactMarginalLogLikelihood

        X = torch.tensor(np.array(self.X), dtype=torch.double)
        y = -torch.tensor(self.y, dtype=torch.double)[:, None]
        y = (y - y.mean()) / y.std()
        gp = SingleTaskGP(X, y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp))
        bounds = torch.tensor([[0.0] * X.shape[1], [1.0] * X.shape[1]], dtype=torch.double)
        u, _ = optimize_acqf(LogExpectedImprovement(gp, y.max()), bounds, q=1, num_restarts=4, raw_samples=64)
        params = self.space.decode(u[0].numpy())
        return params, lambda value: self.add(params, value)


# hpcore first: the others are ratios to it.
LIBRARIES: dict[str, list[type[Library]]] = {
    "gp": [HpcoreGP, OptunaGP, BoTorch],
    "tpe": [HpcoreTPE, OptunaTPE, OptunaUnivariate, Hyperopt],
}
