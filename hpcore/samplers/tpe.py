"""The tree-structured Parzen estimator."""

from __future__ import annotations

from typing import ClassVar

from hpcore._core import samplers as native
from hpcore._core.tpe import Weights
from hpcore.arguments import check_choice, check_flag, check_integer, check_number
from hpcore.errors import InvalidSpace, InvalidType
from hpcore.kernels.decorators import DensityKernel
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.ladder import TPE_LADDER
from hpcore.samplers.native import NativeSuggester, categorical_of, constraints_of
from hpcore.space.columns import Columns

__all__ = ["TPESampler"]

MOST = 2**31 - 1  # greatest count: an int of the native options
MOST_STARTUP = 10_000  # a startup point costs time in proportion


class _TPE(NativeSuggester):
    ladder: ClassVar[tuple[str, ...]] = TPE_LADDER


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
        Its lower limit, in (0, 1]. Whatever this says, kernels of continuous parameters are no wider than trials lie
        apart on average, ``n**(-1 / d)``, which matters with one parameter or two.
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
        Every third proposal, and all of them while fewer than 25 trials have a value, or 8 a parameter, also weighs
        candidates by their expected improvement, predicted by a kernel regression. Where trials have several
        objectives, limits or costs, or failed, every proposal does so, whatever this says. Not with a `prior`, which
        it would overrule.
    local : bool
        Every fourth proposal, from 50 trials with a value on, looks at a box around the best trial that holds so few
        trials, 16 and 4 a parameter, that it shrinks as they come closer: what lets the search approach an optimum
        of continuous parameters as far as there are evaluations for. `max_good` and `max_kernels` do not bound it. Not
        with a `prior`, and not where trials have several objectives, limits or costs, or failed.

    Raises
    ------
    InvalidArgument, InvalidType
        An option outside what is said above.

    Notes
    -----
    Bergstra et al. (2011), "Algorithms for hyper-parameter optimization"; Watanabe (2023), "Tree-structured Parzen
    estimator: understanding its algorithm components and their roles for better empirical performance". Differences,
    chosen by the sample-efficiency benchmark (``benchmarks/quality/tpe_ablation.md``): bandwidths that do not depend on
    distances between good points, log-rank weights, candidates beyond the good density's own draws, the trend, the
    regression and the turns near the best trial.

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
        local: bool = True,
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
        self.local = check_flag("local", local)

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`.

        Raises
        ------
        InvalidSpace
            A `prior` and a space whose columns are not all active together.
        KernelError
            The `prior` does not compile.
        """
        try:
            made = native.tpe(columns.codec, categorical_of(columns), self._native_options(), constraints_of(columns))
        except ValueError as error:
            raise InvalidSpace(f"{error}; with multivariate=False each column is one") from None
        return _TPE(made, self.prior)

    def _native_options(self) -> native.TpeOptions:
        options = native.TpeOptions()
        engine = options.engine
        engine.joint = self.multivariate
        engine.n_startup = self.n_startup_trials
        engine.gamma = self.gamma
        engine.max_good = self.max_good
        engine.max_bad = self.max_kernels
        engine.weights = Weights.rank if self.weights == "rank" else Weights.uniform
        engine.prior_weight = self.prior_weight
        engine.bandwidth = self.bandwidth
        engine.min_bandwidth = self.min_bandwidth
        engine.adaptive = self.adaptive_bandwidth
        engine.trend = self.trend
        engine.regression = self.regression
        engine.local = self.local
        engine.constant_liar = self.constant_liar
        options.engine = engine
        options.set_candidates(self.n_candidates)
        if self.prior is not None:
            options.set_prior(self.prior.address, self.prior.title)
        return options
