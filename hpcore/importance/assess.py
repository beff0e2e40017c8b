"""The function `hpcore.importance`: arguments, values by a method, intervals by resampling the trials."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_choice, check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument
from hpcore.importance.fanova import Model, fanova
from hpcore.importance.observations import Observations, Target, observe
from hpcore.importance.ped_anova import ped_anova, resampled
from hpcore.importance.result import Importance, Importances

__all__ = ["importance"]

FloatArray = npt.NDArray[np.float64]

METHODS = ("ped_anova", "fanova")
MODELS = ("gp", "forest")
N_RESAMPLES = {"ped_anova": 200, "fanova": 20}
QUANTILE, BASELINE, N_TREES = 0.1, 1.0, 64


def importance(
    source: Any,
    *,
    method: str = "ped_anova",
    target: Target = None,
    direction: str | None = None,
    quantile: float | None = None,
    baseline: float | str | None = None,
    model: str | None = None,
    n_trees: int | None = None,
    pairs: bool = False,
    interval: float | None = 0.95,
    n_resamples: int | None = None,
    seed: int = 0,
) -> Importances:
    """Compute which parameters mattered in a search.

    Parameters
    ----------
    source : Study, Optimizer, fitted SearchCV, or SearchView
        Search; `minimize` returns a study, ``optimizer.view()`` a view.
    method : {"ped_anova", "fanova"}, default="ped_anova"
        ``"ped_anova"``: what separates the best trials from all (Watanabe, Bansal & Hutter 2023). The number is the
        share of a parameter in the sum, over the parameters, of the variance of the chance to be among the best given
        the parameter's value; the sum of all is 1. For a conditional parameter it is the variance where the parameter
        is active, weighted by how often it is.
        ``"fanova"``: what makes values differ anywhere in the space (Hutter, Hoos & Leyton-Brown 2014). The number is
        the share of the variance of a model, over the space, that is due to the parameter alone; interactions are the
        rest (see `model` and `pairs`). For a conditional parameter it is the share of the variance in the part of the
        space where it is active, from the trials in which it was.
    target : int, str or callable, optional
        Quantity: the number of an objective; ``"value"``, the only objective; ``"cost"``; the name of a metric; or a
        function of a complete trial that returns a number, or None to leave the trial out. By default the only
        objective; of several, ``"ped_anova"`` takes the order of the Pareto fronts, ``"fanova"`` needs a target.
    direction : {"minimize", "maximize"}, optional
        End of the quantity that is the best, for ``"ped_anova"``: by default the objective's own, otherwise the lower.
    quantile : float, optional
        Share of the trials that are the best, for ``"ped_anova"``; default 0.1, but at least five trials, or half if
        there are fewer than ten.
    baseline : float or "space", optional
        Share of the best trials with which these are compared, for ``"ped_anova"``; default 1, all. With 0.5 the
        importance is what separates the best from other good ones. ``"space"`` compares with the values that random
        search would try, for a search whose sampler soon left bad values alone. It also counts what the sampler closed
        in on for no great gain: after a long search all such parameters look equally important.
    model : {"gp", "forest"}, optional
        Model of the quantity, for ``"fanova"``. ``"gp"``, the default: the posterior mean of a Gaussian process with a
        product of squared exponentials, integrated exactly. Its hyperparameters are learnt from at most 250 trials
        and the mean from at most 2,000 (1,000 in a bootstrap sample), evenly spaced in the order of their values.
        ``"forest"``, the default if `n_trees` is given: the mean over the trees of a random forest, for quantities that
        change by steps. On other functions with known shares the process came closer, often by far
        (``benchmarks/README.md``).
    n_trees : int, optional
        Size of the forest; default 64.
    pairs : bool, default=False
        Compute interactions of two parameters too, for ``"fanova"``.
    interval : float or None, default=0.95
        Confidence of the intervals; None for none, which takes less time.
    n_resamples : int, optional
        Number of bootstrap samples of the trials; default 200 for ``"ped_anova"``, 20 for ``"fanova"``. Each has a
        forest of a quarter of the trees, or a Gaussian process whose hyperparameters are learnt again, by a few steps
        from those of all trials.
    seed : int, default=0
        Seed of forest and bootstrap.

    Returns
    -------
    Importances
        Mapping of names to `Importance`, the most important first, with ``.pairs``; ``print`` shows a table.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument that is not allowed or belongs to the other method, an unknown target, or fewer than five trials
        with the quantity.
    NoCompletedTrial
        No trial has it.

    Notes
    -----
    Complete trials count, and where the quantity is an objective also pruned ones with an estimate, as for samplers.
    Where a scheduler paused trials, these count too, with their values at the highest resource that at least ten
    trials, and one more than there are parameters, reached; ``.target`` names it, unless so many are complete. A trial
    that was paused below it has its last value there, plus the median change of those that went on.
    Failed, running and withdrawn trials have no value and do not count, nor do infinite values. Where an
    objective is limited, ``"ped_anova"`` has no trial among the best that breaks a limit.

    Constant parameters have importance 0; so have all if the values are equal, as nothing then separates trials, and
    in ``"fanova"`` a parameter active in fewer than five trials, with the interval 0 .. 1. An interval is the value
    plus and minus a multiple of the standard deviation over bootstrap samples, cut to 0 .. 1. It says how much the
    number varies between searches of this size; it does not say that a model of few trials finds too little of small
    effects. The first forest of an installation compiles for some seconds.

    A sampler that learns tries few bad values. A parameter whose good value it found at once then does not separate the
    best trials from all that were made, see `baseline`; and ``"fanova"`` has few trials where the values are bad.

    Examples
    --------
    >>> import hpcore as hp
    >>> study = hp.minimize(lambda t: t["x"] ** 2 + 0.01 * t["y"], {"x": hp.Float(-1, 1), "y": hp.Float(-1, 1)},
    ...                     sampler="random", n_trials=60, seed=0)
    >>> list(hp.importance(study))
    ['x', 'y']
    """
    check_choice("method", method, METHODS)
    by_model = method == "fanova"
    _refuse(by_model, direction=direction, quantile=quantile, baseline=baseline)
    _refuse(not by_model, model=model, n_trees=n_trees, pairs=check_flag("pairs", pairs) or None)
    if by_model:
        model = ("gp" if n_trees is None else "forest") if model is None else check_choice("model", model, MODELS)
        if model == "gp" and n_trees is not None:
            raise InvalidArgument(f"n_trees belongs to model='forest', got n_trees={n_trees!r}")
    share = QUANTILE if quantile is None else check_number("quantile", quantile, 0.0, 1.0, open_low=True)
    whole = _baseline(BASELINE if baseline is None else baseline)
    if not share < (1.0 if whole is None else whole):
        raise InvalidArgument(f"quantile must be < baseline, got quantile={share} and baseline={whole}")
    trees = N_TREES if n_trees is None else check_integer("n_trees", n_trees, 1)
    if interval is not None:
        interval = check_number("interval", interval, 0.0, 1.0, open_low=True, open_high=True)
    elif n_resamples is not None:
        raise InvalidArgument("n_resamples needs an interval, got interval=None")
    r = N_RESAMPLES[method] if n_resamples is None else check_integer("n_resamples", n_resamples, 2)
    seed = check_integer("seed", seed, 0, 2**32 - 1)
    seen = observe(source, target, direction, front=not by_model)

    if by_model:
        n_samples = 0 if interval is None else r
        values, samples, joint = _by_model(seen, trees if model == "forest" else None, pairs, n_samples, seed)
    else:
        n, joint = len(seen.y), {}
        values = ped_anova(seen, np.ones((1, n)), share, whole)[0]
        drawn = resampled(n, 0 if interval is None else r, np.random.default_rng(seed))
        samples = ped_anova(seen, drawn, share, whole)
    names = seen.space.names
    d = len(names)
    found = _with_intervals(np.concatenate([values, list(joint.values())]), samples, interval)
    return Importances(
        dict(zip(names, found[:d], strict=True)),
        method=method,
        model=model,
        target=seen.label,
        n_trials=len(seen.y),
        pairs={(names[j], names[k]): pair for (j, k), pair in zip(joint, found[d:], strict=True)},
    )


def _baseline(value: Any) -> float | None:
    """Check a share, or None for the space."""
    if isinstance(value, str):
        check_choice("baseline", value, ("space",))
        return None
    return check_number("baseline", value, 0.0, 1.0, open_low=True)


def _refuse(other: bool, **given: Any) -> None:
    """Refuse arguments of the other method."""
    for name, value in given.items():
        if other and value is not None:
            mine = "ped_anova" if name in ("direction", "quantile", "baseline") else "fanova"
            raise InvalidArgument(f"{name} belongs to method={mine!r}, got {name}={value!r}")


def _by_model(
    seen: Observations, n_trees: int | None, pairs: bool, n_resamples: int, seed: int
) -> tuple[FloatArray, FloatArray, dict[tuple[int, int], float]]:
    """Shares, those of bootstrap samples, and those of pairs, by a forest of so many trees or by a Gaussian process."""
    of_all, of_sample = _models(n_trees, seed)
    values, joint = fanova(seen, of_all, pairs)
    rng, n, samples = np.random.default_rng(seed), len(seen.y), []
    for _ in range(n_resamples):
        rows = rng.integers(0, n, n)
        again = Observations(seen.space, seen.X[rows], seen.y[rows], seen.allowed[rows], seen.label)
        main, inner = fanova(again, of_sample(int(rng.integers(2**32))), pairs)
        # In a sample two parameters may be active in the same trials by chance: then there are more pairs.
        samples.append(np.concatenate([main, [inner.get(pair, math.nan) for pair in joint]]))
    return values, np.array(samples).reshape(n_resamples, len(values) + len(joint)), joint


def _models(n_trees: int | None, seed: int) -> tuple[Model, Callable[[int], Model]]:
    """The model of all trials, and that of a bootstrap sample by its seed."""
    if n_trees is None:
        from hpcore.importance.gaussian import GaussianModel

        gaussian = GaussianModel()
        return gaussian, lambda _: gaussian
    from hpcore.importance.forest import forest_shares  # which needs Numba

    fewer = max(n_trees // 4, 1)
    return partial(forest_shares, n_trees=n_trees, seed=seed), lambda at: partial(forest_shares, n_trees=fewer, seed=at)


def _with_intervals(values: FloatArray, samples: FloatArray, interval: float | None) -> list[Importance]:
    """Values with the ends of their intervals, by the standard deviations of samples (r, k)."""
    known = ~np.isnan(values)
    values = np.where(known, values, 0.0)
    if interval is None:
        return [Importance(value, math.nan, math.nan) for value in values.tolist()]
    # The spread about the samples' own mean: a divergence, and a share of variance, is larger in a sample by bootstrap.
    z = NormalDist().inv_cdf(0.5 + 0.5 * interval)
    out = []
    for k, value in enumerate(values.tolist()):
        sample = samples[~np.isnan(samples[:, k]), k]
        half = z * float(np.std(sample, ddof=1)) if known[k] and len(sample) > 1 else math.inf
        out.append(Importance(value, max(value - half, 0.0), min(value + half, 1.0)))
    return out
