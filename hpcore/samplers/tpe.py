"""The tree-structured Parzen estimator."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hpcore._core import tpe as native
from hpcore.arguments import check_choice, check_flag, check_integer, check_number
from hpcore.errors import InvalidSpace, InvalidType
from hpcore.kernels.decorators import DensityKernel
from hpcore.records.history import FAILED, PRUNED, History
from hpcore.records.streams import ALLOWED, Rng
from hpcore.records.tradeoff import chebyshev, order_by_front, order_by_limits, random_weights
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.ladder import EARLIER_RANKING, FULL, TPE_LADDER
from hpcore.samplers.told import log_costs
from hpcore.space.columns import Columns

__all__ = ["TPESampler"]

FloatArray = npt.NDArray[np.float64]

MOST = 2**31 - 1  # greatest count: an int of the native options
MOST_STARTUP = 10_000  # a startup point costs time in proportion
# Number of ranked candidates that are checked against constraints at a time: usually one of the first is allowed.
CHUNK = 4
MOST_OBJECTIVES = 3  # of which the hypervolume's improvement is computed; more are scalarised, trial by trial
PLACES = 64  # of an order that matter: more than the good trials, and than the best that a regression is fitted to
N_BEST = 5  # trials near which allowed points are looked for, where they are rare


class _TPE(Suggester):
    ladder: ClassVar[tuple[str, ...]] = TPE_LADDER

    def __init__(self, columns: Columns, sampler: TPESampler) -> None:
        self._codec = columns.codec
        self._d = columns.d
        self._feasible, self._around = columns.feasible, columns.around
        options = sampler._native_options()
        self._want = 2 * (options.n_draws + options.n_uniform + options.n_mutants)  # greatest number of candidates
        self._native = native.Suggester(columns.codec, [kind == "categorical" for kind in columns.kinds], options)
        self._ranked: FloatArray | None = None
        self._n_ended = -1
        self._ranking_ms = 0.0  # time of the last ranking
        self._per_cost = False
        self._cost_points, self._cost_logs = np.empty((0, self._d)), np.empty(0)
        # A reference, because its compiled code must outlive the native object.
        self._prior = sampler.prior
        if self._prior is not None:
            if self._native.n_groups != 1:
                raise InvalidSpace(
                    "prior needs a space without conditional parameters, and multivariate=True: it is a density over "
                    f"the whole cube, and this space falls into {self._native.n_groups} groups of columns"
                )
            self._native.set_prior(self._prior.address, self._prior.title)

    def prepare(self, n_objectives: int) -> None:
        if n_objectives > 1:
            # Loads what a ranking needs, which a suggestion under a deadline has no time for.
            order_by_front(np.eye(n_objectives))

    def use_cost(self, on: bool) -> None:
        self._per_cost = on

    def know_costs(self, rows: FloatArray, costs: FloatArray) -> None:
        self._cost_points, self._cost_logs = np.ascontiguousarray(rows), np.log(costs)

    def suggest(self, history: History, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        values = self._order(history) if _is_reordered(history) else history.values
        return self._suggest(history, values, pending, n, rng)

    def suggest_within(
        self, history: History, pending: FloatArray, n: int, rng: Rng, deadline_ms: float
    ) -> tuple[FloatArray, str]:
        if not _is_reordered(history) or self._ranked is None or self._is_ranked(history):
            return self.suggest(history, pending, n, rng), FULL
        # The other half of the time is for the proposal.
        if self._ranking_ms <= 0.5 * deadline_ms:
            return self.suggest(history, pending, n, rng), FULL
        return self._suggest(history, self._extended(history.n), pending, n, rng), EARLIER_RANKING

    def at_once(self, history: History, pending: FloatArray, n: int, rng: Rng) -> tuple[FloatArray, str] | None:
        """See `Suggester.at_once`."""
        # A ranking takes time, and so may a user's functions, also in a call of another thread. Without them a turn at
        # the engine is over in a moment.
        if _is_reordered(history) or self._feasible is not None or self._prior is not None:
            return None
        return self.suggest(history, pending, n, rng), FULL

    def _suggest(self, history: History, values: FloatArray, pending: FloatArray, n: int, rng: Rng) -> FloatArray:
        if self._feasible is None and history.values.shape[1] <= MOST_OBJECTIVES:
            return self._propose(history, values, pending, rng, 0, n, 1)
        # One by one: each is checked against constraints, and a scalarisation is a trial's own.
        rows = np.empty((n, self._d))
        want = 1 if self._feasible is None else self._want
        for offset in range(n):
            ranked = self._propose(history, values, pending, rng, offset, 1, want)
            rows[offset] = ranked[0]
            if self._feasible is not None:
                allowed = self._first_allowed(ranked)
                if allowed is None:
                    allowed = self._best_of_allowed(history, values, rng, offset)
                if allowed is not None:
                    rows[offset] = allowed
            if offset + 1 < n:
                taken = rows[offset : offset + 1].copy()
                self._codec.snap(taken)
                pending = np.concatenate([pending, taken])
        return rows

    def _propose(
        self, history: History, values: FloatArray, pending: FloatArray, rng: Rng, offset: int, n: int, want: int
    ) -> FloatArray:
        rows: FloatArray = self._native.suggest(
            self._codec,
            history.X,
            values,
            history.observed_state,
            pending,
            rng.seed_low,
            rng.seed_high,
            rng.number + offset,
            rng.attempt,
            n,
            want,
            self._told(history, rng, offset),
        )
        return rows

    def _told(self, history: History, rng: Rng, offset: int) -> native.Outcomes | None:
        """Outcomes beyond one value; None for one objective without limits, costs and failures."""
        objectives = history.values
        failed = _failed(history)
        m, log_cost = objectives.shape[1], log_costs(history) if self._per_cost else None
        has_costs = self._per_cost and (log_cost is not None or len(self._cost_logs) > 0)
        if m == 1 and not (history.n_limits or has_costs or failed is not None):
            return None
        if m > MOST_OBJECTIVES:
            objectives = _scalarised(history, rng, offset)
        violations = history.violations
        if failed is not None:
            # A failure is one more limit, violated where trials failed.
            column = np.where(failed, 1.0, np.where(history.observed, -1.0, np.nan))
            violations = np.column_stack([violations, column])
        if log_cost is None:
            log_cost = np.full(history.n if has_costs else 0, np.nan)
        points, logs = (self._cost_points, self._cost_logs) if has_costs else (self._cost_points[:0], np.empty(0))
        return native.Outcomes(objectives, violations, log_cost, points, logs)

    def _first_allowed(self, ranked: FloatArray) -> FloatArray | None:
        assert self._feasible is not None
        for first in range(0, len(ranked), CHUNK):
            chunk = ranked[first : first + CHUNK]
            allowed = np.flatnonzero(self._feasible(chunk))
            if len(allowed):
                best: FloatArray = chunk[allowed[0]]
                return best
        return None

    def _best_of_allowed(self, history: History, values: FloatArray, rng: Rng, offset: int) -> FloatArray | None:
        """Best of some allowed points by the densities, where hardly any point is allowed; None elsewhere."""
        assert self._around is not None
        order = np.argsort(values[:, 0], kind="stable")[:N_BEST]
        best = history.X[order[np.isfinite(values[order, 0])]]
        points = self._around(best, Rng(rng.seed, rng.number + offset, rng.attempt).generator(ALLOWED))
        if points is None or not len(points):
            return None
        settled = points.copy()
        self._codec.snap(settled)
        # The sum over the groups of columns that are active in a row.
        score = np.nansum(self._native.log_ratio(self._codec, settled).reshape(len(points), -1), axis=1)
        chosen: FloatArray = points[int(np.argmax(score))]
        return chosen

    def _is_ranked(self, history: History) -> bool:
        return self._ranked is not None and self._n_ended == history.n_ended

    def _order(self, history: History) -> FloatArray:
        """Rank trials with several objectives or limits: the place of each, the best first."""
        if not self._is_ranked(history):
            start = time.monotonic()
            # A trial that joins a front moves others, so the division into good and bad is made anew.
            self._native.forget_results()
            ranked = np.full((history.n, 1), np.nan)
            done = np.flatnonzero(history.observed)
            if len(done):
                values = history.values[done]
                ranked[done, 0] = (
                    order_by_limits(values, history.violations[done], PLACES)
                    if history.n_limits
                    else order_by_front(values, PLACES)
                )
            self._ranked, self._n_ended = ranked, history.n_ended
            self._ranking_ms = 1e3 * (time.monotonic() - start)
        return self._extended(history.n)

    def _extended(self, n: int) -> FloatArray:
        """The last ranking, in which later trials have no place."""
        assert self._ranked is not None
        if len(self._ranked) < n:
            self._ranked = np.concatenate([self._ranked, np.full((n - len(self._ranked), 1), np.nan)])
        return self._ranked


def _failed(history: History) -> npt.NDArray[np.bool_] | None:
    """Mask of the trials that count as failed; None if there is none."""
    if history.n_ended == history.n_complete:  # without a look at every trial
        return None
    failed: npt.NDArray[np.bool_] = (history.state == FAILED) | ((history.state == PRUNED) & ~history.observed)
    return failed if failed.any() else None


def _is_reordered(history: History) -> bool:
    """True if trials are ranked by more than a value of their own."""
    return history.values.shape[1] > 1 or history.n_limits > 0


def _scalarised(history: History, rng: Rng, offset: int) -> FloatArray:
    """Many objectives as one, by an augmented Chebyshev sum with weights of the trial's own; NaN where not known."""
    out = np.full((history.n, 1), np.nan)
    done = np.flatnonzero(history.observed)
    if len(done):
        out[done, 0] = chebyshev(history.values[done], random_weights(history.values.shape[1], rng, offset))
    return out


class TPESampler(Sampler):
    """The tree-structured Parzen estimator: proposes where good trials are dense and others are not.

    Parameters
    ----------
    multivariate : bool
        Model parameters that are active together by one joint density; False models each by itself.
    n_startup_trials : int
        Points of a Latin hypercube that come first, 1 .. 10,000; the densities rule once so many trials have a value.
    gamma : float
        Share of the trials that counts as good, in (0, 1).
    max_good : int
        The most trials that count as good, at least 1.
    n_candidates : int
        Candidates that are scored per proposal, at least 8: four in seven from the density of the good, one uniform,
        two variations of the best trials. Twice as many while fewer than 64 trials are known.
    prior_weight : float
        Weight of the prior component, against about one per trial; positive.
    prior : DensityKernel, optional
        Prior density of good points, made by ``hpcore.kernels.density``: the prior component of the good
        density in place of a wide Gaussian, and every other startup point. Only for spaces without conditional
        parameters.
    weights : {"rank", "uniform"}
        Weights of the good trials: by their rank, or equal.
    bandwidth : float
        Bandwidth of the kernels, as a share of the range: ``bandwidth * scale * n**(-1 / (d + 4))``, positive.
    min_bandwidth : float
        Its lower limit, in (0, 1].
    adaptive_bandwidth : bool
        Let `scale` follow success: 1.6 times after each new best value, 0.92 times after any other, within
        0.25 .. 1; False leaves it at 1.
    trend : bool
        Every third proposal, or every other without the regression, also weighs candidates by the probability that a
        quadratic trend of the values gives them of turning out good. Not in groups whose trend has more than 128
        coefficients: one, two per number, one per category.
    constant_liar : bool
        Count trials that are still running as bad, so that proposals keep away from them.
    max_kernels : int
        The density of the others is made of so many of the newest, at least 1: what bounds the time of a proposal.
    regression : bool
        Every third proposal, and all of them while fewer than 25 trials have a value, also weighs candidates by their
        expected improvement, predicted by a kernel regression. Where trials have several objectives, limits or costs,
        or failed, every proposal does so, whatever this says. Not with a `prior`, which it would overrule.

    Raises
    ------
    InvalidArgument, InvalidType
        An option outside what is said above.

    Notes
    -----
    Bergstra et al. (2011), "Algorithms for hyper-parameter optimization"; Watanabe (2023), "Tree-structured Parzen
    estimator: understanding its algorithm components and their roles for better empirical performance". Differences,
    chosen by the sample-efficiency benchmark (``benchmarks/quality/tpe_ablation.md``): bandwidths that do not depend on
    distances between good points, log-rank weights, candidates beyond the good density's own draws, the trend and the
    regression.

    Conditional parameters: columns with the same conditions form a group, with densities of its own from the trials in
    which it was active; parents are chosen first.

    Several objectives: trials are ordered by non-dominated fronts, then by hypervolume contribution (Ozaki et al. 2022,
    "Multiobjective tree-structured Parzen estimator"). Limits: feasible trials come first, then the others by their
    total violation, each limit in units of its median violation; a simpler division than that of Watanabe & Hutter
    (2023), "c-TPE". In both cases, with failed trials, and where costs count, candidates are chosen by half the log
    ratio plus their merit: the log expected improvement on the best feasible value (of the hypervolume with 2 or 3
    objectives, of a Chebyshev sum with weights of the trial's own with more), plus the log probability that each limit
    holds, minus the predicted log cost. Each is predicted by a kernel regression whose kernel is not learnt, of at most
    96 trials: the best and the newest. While nothing is feasible, feasibility alone is sought. A failed trial is one
    that violates a further limit; metrics that are not known are left out of their limit's regression. Where costs
    count, the first points after two are far from the others among the cheapest by prediction.

    A deadline that leaves no time for an order of the trials has the step ``"earlier_ranking"``: the order stays as it
    was, and trials that ended since count as bad. Failed and pruned trials count as bad. A grid of more
    than 64 values is modelled as continuous. Candidates that repeat a known or a running point are passed over, also in
    continuous spaces, where many of them lie at the very end of a range. Proposals are a function of seed and history
    to the last bit, however the history came about.
    """

    def __init__(
        self,
        multivariate: bool = True,
        n_startup_trials: int = 8,
        gamma: float = 0.1,
        max_good: int = 25,
        n_candidates: int = 224,
        prior_weight: float = 1.0,
        prior: DensityKernel | None = None,
        weights: str = "rank",
        bandwidth: float = 0.25,
        min_bandwidth: float = 0.02,
        adaptive_bandwidth: bool = True,
        trend: bool = True,
        constant_liar: bool = True,
        max_kernels: int = 128,
        regression: bool = True,
    ) -> None:
        self.multivariate = check_flag("multivariate", multivariate)
        self.n_startup_trials = check_integer("n_startup_trials", n_startup_trials, 1, MOST_STARTUP)
        self.gamma = check_number("gamma", gamma, 0.0, 1.0, open_low=True, open_high=True)
        self.max_good = check_integer("max_good", max_good, 1, MOST)
        self.n_candidates = check_integer("n_candidates", n_candidates, 8, MOST)
        self.prior_weight = check_number("prior_weight", prior_weight, 0.0, open_low=True)
        if prior is not None and not isinstance(prior, DensityKernel):
            raise InvalidType(f"prior must be a kernel made by hpcore.kernels.density, or None, got {prior!r}")
        self.prior = prior
        self.weights = check_choice("weights", weights, ("rank", "uniform"))
        self.bandwidth = check_number("bandwidth", bandwidth, 0.0, open_low=True)
        self.min_bandwidth = check_number("min_bandwidth", min_bandwidth, 0.0, 1.0, open_low=True)
        self.adaptive_bandwidth = check_flag("adaptive_bandwidth", adaptive_bandwidth)
        self.trend = check_flag("trend", trend)
        self.constant_liar = check_flag("constant_liar", constant_liar)
        self.max_kernels = check_integer("max_kernels", max_kernels, 1, MOST)
        self.regression = check_flag("regression", regression)

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`.

        Raises
        ------
        InvalidSpace
            A `prior` and a space whose columns are not all active together.
        KernelError
            The `prior` does not compile.
        """
        return _TPE(columns, self)

    def _native_options(self) -> native.Options:
        options = native.Options()
        options.joint = self.multivariate
        options.n_startup = self.n_startup_trials
        options.gamma = self.gamma
        options.max_good = self.max_good
        options.max_bad = self.max_kernels
        options.weights = native.Weights.rank if self.weights == "rank" else native.Weights.uniform
        options.prior_weight = self.prior_weight
        options.bandwidth = self.bandwidth
        options.min_bandwidth = self.min_bandwidth
        options.adaptive = self.adaptive_bandwidth
        options.trend = self.trend
        options.regression = self.regression
        options.constant_liar = self.constant_liar
        options.n_uniform = self.n_candidates // 7
        options.n_mutants = 2 * self.n_candidates // 7
        options.n_draws = self.n_candidates - options.n_uniform - options.n_mutants
        return options
