"""Bayesian optimisation with a Gaussian process: the native engine, bound to a space."""

from __future__ import annotations

import math
import time
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore._core import acquisition as native
from hpcore._core import gp as native_gp
from hpcore.arguments import check_choice, check_flag, check_integer, check_number
from hpcore.records.history import FAILED, PRUNED, History
from hpcore.records.streams import SUGGEST, Rng
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.sobol import SobolSampler
from hpcore.space.columns import Columns

__all__ = ["GPSampler"]

FloatArray = npt.NDArray[np.float64]

LARGE = 20  # more parameters are searched within a trust region
EXPLORING = 3.0  # kappa of the exploring turn
WEIGHTS = 16  # purpose: the weights of a scalarisation
ACQUISITIONS = ("log_ei", "ucb", "pi", "thompson")
INFERENCES = ("map", "mcmc")
TRANSFORMS = ("turns", "auto", "standard", "half_log", "log", "clip")


class _GP(Suggester):
    uses_pending: ClassVar[bool] = True

    def __init__(self, columns: Columns, n_startup_trials: int, options: native.SuggestOptions) -> None:
        self._columns = columns
        self._n_startup = n_startup_trials
        self._startup = SobolSampler().bind(columns)
        self._options = options
        # Made by the first suggestion that needs it, which also loads SciPy's linear algebra; not by the construction.
        self._engine: native.Suggester | None = None

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        return self._suggest(history, pending, n, rng, math.inf)[0]

    def suggest_within(
        self, history: History, pending: FloatArray, n: int, rng: Rng, deadline_ms: float
    ) -> tuple[FloatArray, str]:
        end = time.monotonic() + deadline_ms / 1e3
        rows, step = self._suggest(history, pending, n, rng, end)
        if len(rows) < n and step == native.Step.none:
            # No time for a model: the rest are points of the start's sequence.
            later = Rng(rng.seed, rng.number + len(rows), rng.attempt)
            return np.vstack([rows, self._startup.suggest(history, pending, n - len(rows), later)]), "sobol"
        return rows, step.name

    def _suggest(
        self, history: History, pending: FloatArray, n: int, rng: Rng, end: float
    ) -> tuple[FloatArray, native.Step]:
        if history.n_complete < self._n_startup:
            return self._startup.suggest(history, pending, n, rng), native.Step.full
        if self._engine is None:
            categorical = [kind == "categorical" for kind in self._columns.kinds]
            self._engine = native.Suggester(self._columns.codec, categorical, self._options)
        complete = history.complete
        X = np.ascontiguousarray(history.X[complete])
        values = _scalarise(history.values[complete], rng)
        std_errors = history.std_errors
        if std_errors is not None:
            std_errors = np.nan_to_num(std_errors[complete])
        over = (history.state == FAILED) | (history.state == PRUNED)
        failed = np.ascontiguousarray(history.X[over]) if over.any() else X[:0]
        rows, step = self._engine.suggest(
            X,
            values,
            std_errors,
            failed,
            np.ascontiguousarray(pending),
            n,
            rng.seed_low,
            rng.seed_high,
            rng.number,
            rng.attempt,
            self._columns.feasible,
            end - time.monotonic(),
        )
        if not len(rows) and step != native.Step.none:
            # No point was met that is new and allowed. Whether there is one is the optimizer's to find out.
            rows = rng.uniform(self._columns.d, SUGGEST)[None, :]
        return rows, step


def _scalarise(values: FloatArray, rng: Rng) -> FloatArray:
    """One column as it is; several as an augmented Chebyshev sum with this trial's own weights (Knowles 2006)."""
    if values.shape[1] == 1:
        return np.ascontiguousarray(values[:, 0])
    low, high = values.min(axis=0), values.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        width = np.where(high > low, high / 2 - low / 2, 1.0)
        unit = np.clip((values / 2 - low / 2) / width, 0.0, 1.0)
    weights = -np.log1p(-rng.uniform(values.shape[1], WEIGHTS))
    weighted = unit * (weights / weights.sum())
    return np.ascontiguousarray(weighted.max(axis=1) + 0.05 * weighted.sum(axis=1))


class GPSampler(Sampler):
    """A Gaussian process with a Matern-5/2 covariance, refitted as the search goes on.

    Parameters
    ----------
    acquisition : {"log_ei", "ucb", "pi", "thompson"}
        What is maximised: the logarithm of the expected improvement, a confidence bound, the probability of an
        improvement, or a draw from the posterior.
    inference : {"map", "mcmc"}
        One best set of hyperparameters, or the acquisition averaged over `n_draws` of them from their posterior.
    n_startup_trials : int, optional
        Complete trials before the model takes over; the first points are those of a scrambled Sobol sequence. By
        default two a parameter, at least 4 and at most 10.
    n_draws : int
        Of the hyperparameters, with ``inference="mcmc"``.
    kappa : float
        Of ``"ucb"``: standard deviations below the mean.
    transform : {"turns", "auto", "standard", "half_log", "log", "clip"}
        What the model is fitted to: the objective's values, standardised; logarithmic above the median; logarithmic
        from just below the best; cut off far above the median. ``"auto"`` takes, at each fit, the one of the first
        three under which the values themselves are likeliest; ``"turns"`` gives half-log and clip every other trial.
    warp : bool
        Learn to stretch the numeric parameters' ranges (Snoek et al. 2014), for objectives that change faster near one
        end of a range than near the other. Off by default: it was not found to gain anything, and a fit costs twice.
    trust_region : bool, optional
        Keep to a box round the best point that widens with success and narrows with failure (Eriksson et al. 2019).
        By default with more than 20 parameters, where a model of the whole space knows little of most of it.
    explore : bool
        Give every third trial to where the model knows least, a bound of three standard deviations; without it a
        search is quicker to refine what it has, and more often stays with the wrong category or peak.

    Raises
    ------
    InvalidArgument, InvalidType
        An unknown name, or a number out of its range.

    Notes
    -----
    Same seed and history, same suggestions to the last bit: on one machine, across processes and resumed searches, and
    for any number of BLAS threads. While a suggestion is computed SciPy's BLAS (OpenBLAS or MKL) is held to one
    thread, and given its own number back; with another BLAS, set its number of threads yourself.

    The ladder of `Optimizer.ask` under a deadline, as ``trial.info["step"]`` names it: ``"full"``; ``"reuse"``, with
    the hyperparameters of an earlier fit although a new one was due; ``"search"``, with the maximiser of the
    acquisition cut short; ``"sobol"``, a point of the start's sequence. What a step will take is foretold from what it
    took before. The first model of a process loads SciPy's linear algebra, which no deadline can hold back.
    """

    def __init__(
        self,
        acquisition: str = "log_ei",
        inference: str = "map",
        *,
        n_startup_trials: int | None = None,
        n_draws: int = 8,
        kappa: float = 2.0,
        transform: str = "turns",
        warp: bool = False,
        trust_region: bool | None = None,
        explore: bool = True,
    ) -> None:
        self.acquisition = check_choice("acquisition", acquisition, ACQUISITIONS)
        self.inference = check_choice("inference", inference, INFERENCES)
        self.n_startup_trials = (
            None if n_startup_trials is None else check_integer("n_startup_trials", n_startup_trials, 1)
        )
        self.n_draws = check_integer("n_draws", n_draws, 1)
        self.kappa = check_number("kappa", kappa, 0.0)
        self.transform = check_choice("transform", transform, TRANSFORMS)
        self.warp = check_flag("warp", warp)
        self.trust_region = None if trust_region is None else check_flag("trust_region", trust_region)
        self.explore = check_flag("explore", explore)

    def _startup(self, columns: Columns) -> int:
        return min(max(4, 2 * columns.d), 10) if self.n_startup_trials is None else self.n_startup_trials

    def _options(self, columns: Columns) -> native.SuggestOptions:
        options = native.SuggestOptions()
        options.views = self._views()
        options.n_draws = self.n_draws if self.inference == "mcmc" else 0
        fit = native_gp.FitOptions()
        fit.prior = native_gp.Prior.standard(columns.d)
        options.fit = fit
        region = native.TrustRegion()
        region.on = columns.d > LARGE if self.trust_region is None else self.trust_region
        region.after = self._startup(columns)
        options.trust_region = region
        return options

    def _views(self) -> list[native.View]:
        """The ways of looking at the history, taken in turn: benchmarks/quality/gp_ablation.md."""
        turns = {"turns": [["half_log"], ["clip"]], "auto": [["half_log", "standard", "log"]]}
        transforms = turns.get(self.transform, [[self.transform]])
        views = []
        for names in transforms:
            view = self._view(names)
            view.kind = {"pi": native.Kind.pi, "ucb": native.Kind.ucb}.get(self.acquisition, native.Kind.log_ei)
            view.thompson = self.acquisition == "thompson"
            view.kappa = self.kappa
            view.posterior_best = True
            views.append(view)
        if self.explore:
            view = self._view(transforms[0])
            view.kind, view.kappa = native.Kind.ucb, EXPLORING
            # Every third trial, however few the other views are.
            views = [*(2 * views)[:2], view]
        return views

    def _view(self, transforms: list[str]) -> native.View:
        view = native.View()
        view.warp = self.warp
        view.transforms = [native_gp.OutputTransform.__members__[name] for name in transforms]
        return view

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`."""
        return _GP(columns, self._startup(columns), self._options(columns))
