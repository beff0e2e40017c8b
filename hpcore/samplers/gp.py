"""Bayesian optimisation with a Gaussian process: the native engine, bound to a space."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hpcore._core import bo as native
from hpcore._core import gp as native_gp
from hpcore._core.acquisition import Kind
from hpcore.arguments import check_choice, check_flag, check_integer, check_number
from hpcore.errors import InvalidType
from hpcore.kernels.decorators import AcquisitionKernel, CovarianceKernel, DensityKernel
from hpcore.records.history import History
from hpcore.records.streams import ALLOWED, SUGGEST, Rng
from hpcore.records.tradeoff import random_weights
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.ladder import FULL, GP_LADDER, SOBOL
from hpcore.samplers.sobol import SobolSampler
from hpcore.samplers.told import Told, cost_of, told_of
from hpcore.space.columns import Columns
from hpcore.surrogates.gp import check_covariance, check_warp, native_covariance, prior_of

__all__ = ["GPSampler"]

FloatArray = npt.NDArray[np.float64]

LARGE = 20  # more parameters are searched within a trust region
EXPLORING = 3.0  # kappa of the exploring turn
ACQUISITIONS = ("log_ei", "noisy_log_ei", "ucb", "pi", "thompson")
MOST_DRAWS = 1000
# Trials before a model takes over: of a single objective, the same in a large space, and the most where there are
# several objectives or costs.
STARTUP, STARTUP_OF_LARGE, MOST_STARTUP_OF_MORE = 4, 10, 6
STARTUP_OF_GRADIENTS = 2  # where gradients are told, each of which says as much as a value a parameter
# Rows of the matrix of values and derivatives: a fit needs the gradients of about six trials, or the length scales of
# many parameters are not learnt; beyond 600 rows a suggestion would take seconds. See benchmarks/quality/gradients.md.
LEAST_OBSERVATIONS, GRADIENTS_IN_FIT, MOST_OBSERVATIONS = 200, 8, 600
N_CHEAP = 64  # candidates of a cheap start
FRONT_OBJECTIVES = (2, 3)  # numbers of objectives whose hypervolume is improved on
TURNS = 3  # every third suggestion for several objectives improves on a scalarisation instead
N_BEST = 5  # trials near which allowed points are looked for, where they are rare
INFERENCES = ("map", "mcmc")
AUTO_TRANSFORMS = ["half_log", "standard", "log"]
TRANSFORMS = ("turns", "auto", "standard", "half_log", "log", "clip")


class _GP(Suggester):
    uses_pending: ClassVar[bool] = True
    ladder: ClassVar[tuple[str, ...]] = GP_LADDER

    def __init__(self, columns: Columns, sampler: GPSampler) -> None:
        self._columns = columns
        self._startup = SobolSampler().bind(columns)
        # A reference, because the compiled code of its kernels must outlive the native object.
        self._sampler = sampler
        # Made here, because the first one of a process loads SciPy's linear algebra: a tenth of a second that a
        # suggestion under a deadline does not have.
        categorical = [kind == "categorical" for kind in columns.kinds]
        self._engine = native.Suggester(columns.codec, categorical, sampler._options(columns))
        # By number of objectives; made when the history is known to have so many.
        self._fronts: dict[int, native.ParetoSuggester] = {}
        self._repeats = 1
        self._per_cost = False
        self._known_costs: tuple[FloatArray, FloatArray] | None = None

    def allow_repeats(self, n: int) -> None:
        if 0 not in self._columns.n_levels:  # no column is continuous
            self._repeats = n

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        return self._suggest(history, pending, n, rng, math.inf)[0]

    def suggest_within(
        self, history: History, pending: FloatArray, n: int, rng: Rng, deadline_ms: float
    ) -> tuple[FloatArray, str]:
        end = time.monotonic() + deadline_ms / 1e3
        rows, step = self._suggest(history, pending, n, rng, end)
        return self._completed(rows, step, history, pending, n, rng)

    def at_once(self, history: History, pending: FloatArray, n: int, rng: Rng) -> tuple[FloatArray, str] | None:
        """See `Suggester.at_once`."""
        m = history.values.shape[1]
        if history.n_observed < self._n_startup(history):
            return self._startup.suggest(history, pending, n, rng), FULL if not self._per_cost else SOBOL
        rows, step = self._ask(self._engine.draft, history, pending, n, rng, 0.0, random_weights(m, rng))
        return self._completed(rows, step, history, pending, n, rng)

    def _completed(
        self, rows: FloatArray, step: native.Step, history: History, pending: FloatArray, n: int, rng: Rng
    ) -> tuple[FloatArray, str]:
        """Fill in points of the start's sequence where there was nothing to make a model of."""
        if len(rows) < n and step == native.Step.none:
            later = Rng(rng.seed, rng.number + len(rows), rng.attempt)
            return np.vstack([rows, self._startup.suggest(history, pending, n - len(rows), later)]), SOBOL
        return rows, step.name

    def _n_startup(self, history: History) -> int:
        m = history.values.shape[1]
        has_gradients = history.gradients is not None and self._sampler._uses_gradients(m)
        return self._sampler._startup(self._columns, m, self._per_cost, has_gradients)

    def use_cost(self, on: bool) -> None:
        self._per_cost = on

    def know_costs(self, rows: FloatArray, costs: FloatArray) -> None:
        self._known_costs = rows, np.log(costs)

    def _suggest(
        self, history: History, pending: FloatArray, n: int, rng: Rng, end: float
    ) -> tuple[FloatArray, native.Step]:
        m = history.values.shape[1]
        if history.n_observed < self._n_startup(history):
            return self._start(history, pending, n, rng), native.Step.full
        if m == 1:
            return self._by_model(history, pending, n, rng, end)
        # One by one, since each suggestion has its own turn.
        rows, lowest = pending[:0], native.Step.full
        for number in range(rng.number, rng.number + n):
            # Of the time that is left, the share of this one.
            now = time.monotonic()
            mine = now + (end - now) / (n - len(rows))
            more, step = self._by_model(
                history, np.vstack([pending, rows]), 1, Rng(rng.seed, number, rng.attempt), mine
            )
            if step == native.Step.none and len(rows):
                break
            lowest = max(lowest, step, key=int)
            rows = np.vstack([rows, more])
        return rows, lowest

    def _by_model(
        self, history: History, pending: FloatArray, n: int, rng: Rng, end: float
    ) -> tuple[FloatArray, native.Step]:
        m = history.values.shape[1]
        if m in FRONT_OBJECTIVES and self._sampler.acquisition == "log_ei" and rng.number % TURNS != TURNS - 1:
            rows, step = self._ask(self._front(m).suggest, history, pending, n, rng, end, None)
            if step != native.Step.none:
                return rows, step
        return self._ask(self._engine.suggest, history, pending, n, rng, end, random_weights(m, rng))

    def _ask(
        self,
        suggest: Callable[..., tuple[FloatArray, native.Step]],
        history: History,
        pending: FloatArray,
        n: int,
        rng: Rng,
        end: float,
        weights: FloatArray | None,
    ) -> tuple[FloatArray, native.Step]:
        """Call a method of an engine on what a history holds, of several objectives by their `weights` if given."""
        told = told_of(history, self._per_cost, self._known_costs, weights)
        extra = self._allowed_candidates(told, rng)  # before the time that is left is taken
        rows, step = suggest(
            told.X,
            told.values,
            told.errors,
            np.ascontiguousarray(pending),
            n,
            rng.seed_low,
            rng.seed_high,
            rng.number,
            rng.attempt,
            self._columns.feasible,
            end - time.monotonic(),
            self._repeats,
            extra,
            told.limits,
            told.violations,
            told.cost,
            told.failed,
            # Those of the single objective, which the engine of several ones has no use for.
            told.gradients if self._sampler._uses_gradients(history.values.shape[1]) else None,
        )
        if not len(rows) and step != native.Step.none:
            # No point was met that is new and allowed; the optimizer finds out if there is one.
            rows = rng.uniform(self._columns.d, SUGGEST)[None, :]
        return rows, step

    def _start(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        cost = cost_of(history, self._known_costs) if self._per_cost else None
        if cost is None or rng.attempt:
            return self._startup.suggest(history, pending, n, rng)
        candidates = self._startup.suggest(history, pending, N_CHEAP, Rng(rng.seed, N_CHEAP * rng.number, rng.attempt))
        if self._columns.feasible is not None:
            settled = candidates.copy()
            self._columns.codec.snap(settled)
            candidates = candidates[self._columns.feasible(settled)]
            if not len(candidates):
                return self._startup.suggest(history, pending, n, rng)
        known, rows = history.X, np.empty((n, self._columns.d))
        for k in range(n):
            rows[k] = self._engine.cheap_start(np.ascontiguousarray(known), np.ascontiguousarray(candidates), cost)
            known = np.vstack([known, rows[k]])
        return rows

    def _front(self, m: int) -> native.ParetoSuggester:
        if m not in self._fronts:
            categorical = [kind == "categorical" for kind in self._columns.kinds]
            options = self._sampler._options(self._columns)
            options.views = [self._sampler._front_view()]
            self._fronts[m] = native.ParetoSuggester(self._columns.codec, categorical, options, m)
        return self._fronts[m]

    def _allowed_candidates(self, told: Told, rng: Rng) -> FloatArray | None:
        """Further candidates, where hardly any of the maximiser's own would be allowed."""
        if self._columns.around is None:
            return None
        first = told.values[: len(told.X)]  # of several objectives the first one
        order = np.argsort(first, kind="stable")
        if told.violations is not None:
            order = np.lexsort((first, told.violations))
        best: FloatArray = told.X[order[:N_BEST]]
        return self._columns.around(best, rng.generator(ALLOWED))


def _check_acquisition(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidType(
            f"acquisition must be one of {', '.join(map(repr, ACQUISITIONS))} or a kernel made by "
            f"hpcore.kernels.acquisition, got {value!r}"
        )
    return check_choice("acquisition", value, ACQUISITIONS)


class GPSampler(Sampler):
    """Bayesian optimisation: a Gaussian process with a Matern-5/2 covariance, refitted as the search goes on.

    Parameters
    ----------
    acquisition : {"log_ei", "noisy_log_ei", "ucb", "pi", "thompson"} or AcquisitionKernel
        Acquisition function: the logarithm of the expected improvement, the same where values are noisy, a confidence
        bound, the probability of an improvement, a draw from the posterior, or a function of your own, made by
        ``hpcore.kernels.acquisition``.
    inference : {"map", "mcmc"}
        One best set of hyperparameters, or the acquisition averaged over `n_draws` of them from their posterior.
    n_startup_trials : int, optional
        Complete trials before the model takes over; the first points are those of a scrambled Sobol sequence. By
        default 4, and 10 with more than 20 parameters; with several objectives, or where costs matter, two a parameter,
        at least 4 and at most 6; 2 where gradients are told.
    n_draws : int
        Number of draws of the hyperparameters with ``inference="mcmc"``, 1 .. 1000.
    kappa : float
        Standard deviations below the mean, for ``"ucb"``; at least 0.
    covariance : CovarianceKernel, optional
        Covariance of the numeric columns in place of the Matern-5/2, from ``hpcore.kernels.covariance``; categories and
        inactive parameters as `hpcore.surrogates.GaussianProcess` says.
    prior : DensityKernel, optional
        Prior density of good points, made by ``hpcore.kernels.density``. The acquisition is multiplied by its
        density to the power ``beta / n``, n being the number of finished trials, so that it fades as results come in.
        A bound and a draw have no sign of their own: to them the logarithm of that power is added.
    beta : float
        Weight of the `prior`, at least 0; about a tenth of the trials you mean to run is a good value.
    transform : {"turns", "auto", "standard", "half_log", "log", "clip"}
        Targets of the model: the objective's values, standardised; logarithmic above the median; logarithmic
        from just below the best; cut off far above the median. ``"auto"`` takes, at each fit, the one of the first
        three under which the values themselves are likeliest; ``"turns"`` gives half-log and clip every other trial,
        and each of several objectives the likelier of half-log and the values themselves.
    warp : bool
        Learn to stretch the numeric parameters' ranges (Snoek et al. 2014), for objectives that change faster near one
        end of a range than near the other. Off by default: it was not found to gain anything, and a fit costs twice.
    trust_region : bool, optional
        Keep to a box round the best point that widens with success and narrows with failure (Eriksson et al. 2019).
        By default with more than 20 parameters, where a model of the whole space knows little of most of it.
    gradients : bool
        Learn from the gradients too that `Optimizer.tell` is given, where there is a single objective; with a
        `covariance` of your own or a `warp` from the values only.
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

    Limits: an acquisition is multiplied by the probability that each is kept, by a model of each metric (Gardner et al.
    2014, "Bayesian optimization with inequality constraints"); improvement is over the best that keeps them all. While
    no trial does, the probability alone is maximised. A model of a metric sees by how much the limit is exceeded, in
    units of the median size of that, cut at twice it. Whether a trial succeeds is one more limit: regions where trials
    fail are left, and failures by chance change little; ``benchmarks/quality/failures.py``. A trial with a penalty in
    place of a value, such as 1e5 or 1e300 for what is impossible, counts as failed. Values are taken for penalties if
    they lie beyond an empty gap above at least four others, two of them among the first ten trials, that is several
    times as wide as these spread: 4 times for three or more equal values, 20 times for two, for a few levels that
    repeat or for values that differ by less than a tenth of the gap, 1000 times for values within a thousand gaps. Of
    several objectives, each must be one.

    Several objectives: with two or three, two suggestions of three maximise the expected improvement of the hypervolume
    (Emmerich, Deutz & Klinkenberg 2011, "Hypervolume-based expected improvement: monotonicity properties and exact
    computation"), of a model for each. The reference point is the worst value seen in each objective and a tenth of its
    range beyond. The third, and all with more than three, are for an augmented Chebyshev distance with random weights
    (Knowles 2006, "ParEGO"), modelled as one objective; so are all with another `acquisition` than ``"log_ei"``.
    ``benchmarks/quality/many_ablation.md`` says what each part is worth.

    Costs, where they matter (see `Optimizer`): an acquisition is divided by the predicted cost, by a model of its
    logarithm (Snoek et al. 2012, "Practical Bayesian optimization of machine learning algorithms"). From the first
    cost on the start is cheap: of 64 Sobol points the one that is farthest from all others, among the cheapest 40 %.

    Gradients: the process is conditioned on values and derivatives jointly (Solak et al. 2003, "Derivative observations
    in Gaussian process models of dynamic systems"), which are turned by the slope of the transform and have a learnt
    noise of their own. Its matrix has a row for each value and each derivative: those of the best and the newest trials
    in turn, up to 600 rows (while hyperparameters are fitted, 200 or eight a parameter), but always those of two
    trials. Gradients that do not predict how the values of neighbours differ are wrong, and not used.
    ``benchmarks/gradients.py`` says what they are worth.

    The ladder of `Optimizer.ask` under a deadline, as ``trial.info["step"]`` names it: ``"full"``; ``"reuse"``, with
    the hyperparameters of an earlier fit although a new one was due; ``"search"``, with the maximiser of the
    acquisition cut short; ``"draft"``, by a model of at most about 256 of the best rows and others, as many as the time
    allows, with the hyperparameters of the last fit, or of small fits that grow from call to call, or the prior's
    medians, in which limits and failures count as the worst value and costs do not count; ``"sobol"``, a point of the
    startup sequence, where there is nothing to make a model of. A batch for which there is no time for a search each is
    drafted at once. The time of a level is predicted from earlier calls. See `hpcore.samplers.ladder`.

    The improvement is over the best fitted mean (Ament et al. 2023, "Unexpected improvements to expected improvement").
    ``"noisy_log_ei"`` instead averages it over 32 quasi-random draws of what the ten best fitted trials and the running
    ones are really worth (Letham et al. 2019, "Constrained Bayesian optimization with noisy experiments").
    ``"thompson"`` climbs one draw of the objective, made by pathwise conditioning (Wilson et al. 2020, "Efficiently
    sampling functions from Gaussian process posteriors"); with a `covariance`, whose spectrum is not known, it takes
    the best of a joint draw at some hundred candidates, and ``"log_ei"`` where there are limits, failures or costs.
    """

    def __init__(
        self,
        acquisition: str | AcquisitionKernel = "log_ei",
        inference: str = "map",
        *,
        n_startup_trials: int | None = None,
        n_draws: int = 8,
        kappa: float = 2.0,
        covariance: CovarianceKernel | None = None,
        prior: DensityKernel | None = None,
        beta: float = 10.0,
        transform: str = "turns",
        warp: bool = False,
        trust_region: bool | None = None,
        explore: bool = True,
        gradients: bool = True,
    ) -> None:
        if not isinstance(acquisition, AcquisitionKernel):
            acquisition = _check_acquisition(acquisition)
        self.acquisition = acquisition
        self.inference = check_choice("inference", inference, INFERENCES)
        self.n_startup_trials = (
            None if n_startup_trials is None else check_integer("n_startup_trials", n_startup_trials, 1, 2**31 - 1)
        )
        self.n_draws = check_integer("n_draws", n_draws, 1, MOST_DRAWS)
        self.kappa = check_number("kappa", kappa, 0.0)
        self.covariance = check_covariance(covariance)
        if prior is not None and not isinstance(prior, DensityKernel):
            raise InvalidType(f"prior must be a kernel made by hpcore.kernels.density, or None, got {prior!r}")
        self.prior = prior
        self.beta = check_number("beta", beta, 0.0)
        self.transform = check_choice("transform", transform, TRANSFORMS)
        self.warp = check_warp(warp, self.covariance)
        self.trust_region = None if trust_region is None else check_flag("trust_region", trust_region)
        self.explore = check_flag("explore", explore)
        self.gradients = check_flag("gradients", gradients)

    def _uses_gradients(self, n_objectives: int) -> bool:
        return self.gradients and n_objectives == 1 and self.covariance is None and not self.warp

    def _startup(
        self, columns: Columns, n_objectives: int = 1, per_cost: bool = False, has_gradients: bool = False
    ) -> int:
        if self.n_startup_trials is not None:
            return self.n_startup_trials
        if has_gradients:
            return STARTUP_OF_GRADIENTS
        if n_objectives > 1 or per_cost:
            return min(max(STARTUP, 2 * columns.d), MOST_STARTUP_OF_MORE)
        return STARTUP_OF_LARGE if columns.d > LARGE else STARTUP

    def _options(self, columns: Columns) -> native.SuggestOptions:
        options = native.SuggestOptions()
        options.views = self._views()
        options.n_draws = self.n_draws if self.inference == "mcmc" else 0
        fit = native_gp.FitOptions()
        fit.prior = prior_of(columns.d, self.covariance)
        options.fit = fit
        options.fit_observations = min(max(LEAST_OBSERVATIONS, GRADIENTS_IN_FIT * columns.d), MOST_OBSERVATIONS)
        options.model_observations = MOST_OBSERVATIONS
        options.set_covariance(native_covariance(self.covariance))
        if isinstance(self.acquisition, AcquisitionKernel):
            options.set_acquisition(self.acquisition.address, self.acquisition.title, self.acquisition.log)
        if self.prior is not None:
            options.set_prior(self.prior.address, self.prior.title, self.beta)
        region = native.TrustRegion()
        region.on = columns.d > LARGE if self.trust_region is None else self.trust_region
        region.after = self._startup(columns)
        options.trust_region = region
        return options

    def _views(self) -> list[native.View]:
        """Views of the history, one a trial in turn: benchmarks/quality/gp_ablation.md."""
        kind = Kind.user
        if isinstance(self.acquisition, str):
            kind = {"pi": Kind.pi, "ucb": Kind.ucb}.get(self.acquisition, Kind.log_ei)
        turns = {"turns": [["half_log"], ["clip"]], "auto": [AUTO_TRANSFORMS]}
        transforms = turns.get(self.transform, [[self.transform]])
        views = []
        for names in transforms:
            view = self._view(names)
            view.kind = kind
            view.noisy = self.acquisition == "noisy_log_ei"
            view.thompson = self.acquisition == "thompson"
            view.kappa = self.kappa
            view.posterior_best = True
            views.append(view)
        if self.explore:
            view = self._view(transforms[0])
            view.kind, view.kappa = Kind.ucb, EXPLORING
            # Every third trial, however few the other views are.
            views = [*(2 * views)[:2], view]
        return views

    def _front_view(self) -> native.View:
        """View of each of several objectives: benchmarks/quality/many_ablation.md."""
        choices = {"turns": ["standard", "half_log"], "auto": AUTO_TRANSFORMS}
        return self._view(choices.get(self.transform, [self.transform]))

    def _view(self, transforms: list[str]) -> native.View:
        view = native.View()
        view.warp = self.warp
        view.transforms = [native_gp.TransformKind.__members__[name] for name in transforms]
        return view

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`.

        Raises
        ------
        KernelError
            A kernel that does not compile.
        """
        return _GP(columns, self)
