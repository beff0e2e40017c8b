"""Bayesian optimisation with a Gaussian process."""

from __future__ import annotations

from typing import Any, ClassVar

from hpcore._core import samplers as native
from hpcore.arguments import check_choice, check_flag, check_integer, check_number
from hpcore.errors import InvalidType
from hpcore.kernels.decorators import AcquisitionKernel, CovarianceKernel, DensityKernel
from hpcore.samplers.base import Sampler, Suggester
from hpcore.samplers.ladder import GP_LADDER
from hpcore.samplers.native import NativeSuggester, categorical_of, constraints_of
from hpcore.space.columns import Columns
from hpcore.surrogates.gp import check_covariance, check_warp, native_covariance, prior_of

__all__ = ["GPSampler"]

ACQUISITIONS = ("log_ei", "noisy_log_ei", "ucb", "pi", "thompson")
MOST_DRAWS = 1000
INFERENCES = ("map", "mcmc")
TRANSFORMS = ("turns", "auto", "standard", "half_log", "log", "clip")


class _GP(NativeSuggester):
    ladder: ClassVar[tuple[str, ...]] = GP_LADDER

    def revised(self) -> bool:
        # A fit is kept with all that it was made from.
        return True


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
    the same as through the C interface. The core's own linear algebra is used, in the calling thread alone, whatever
    BLAS there is and however many threads it has.

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

    Branches: where a choice decides which other parameters there are, and the last proposals, three or one in twelve of
    all, were made in the branch of the best trial without an improvement of more than 2 % of the distance from the best
    to the median, the next one is made in another branch and improves on the best trial of that: what a branch may be
    worth does not show in the few trials that it has at first. It is one whose last five trials were not in vain, if
    there is any, and of these the one with the fewest trials; while it improves on itself it goes on. None whose last
    three trials failed or were pruned without a value, or all of whose points were tried. Not in batches, and not where
    few points are allowed.

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

    def _native_options(self, columns: Columns) -> native.GpOptions:
        options = native.GpOptions()
        if isinstance(self.acquisition, AcquisitionKernel):
            options.set_acquisition(self.acquisition.address, self.acquisition.title, self.acquisition.log)
        else:
            options.acquisition = native.GpOptions.Acquisition.__members__[self.acquisition]
        options.n_draws = self.n_draws if self.inference == "mcmc" else 0
        options.n_startup = self.n_startup_trials
        options.kappa = self.kappa
        options.set_covariance(native_covariance(self.covariance), prior_of(columns.d, self.covariance).user)
        if self.prior is not None:
            options.set_prior(self.prior.address, self.prior.title, self.beta)
        transform = "likeliest" if self.transform == "auto" else self.transform
        options.transform = native.GpOptions.Transform.__members__[transform]
        options.warp = self.warp
        options.trust_region = self.trust_region
        options.explore = self.explore
        options.gradients = self.gradients
        return options

    def bind(self, columns: Columns) -> Suggester:
        """See `Sampler.bind`.

        Raises
        ------
        KernelError
            A kernel that does not compile.
        """
        options = self._native_options(columns)
        return _GP(native.gp(columns.codec, categorical_of(columns), options, constraints_of(columns)), self)
