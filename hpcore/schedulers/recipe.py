"""Constants of the freeze-thaw scheduler."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RECIPE", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """Constants of the method; benchmarks/quality/multifidelity_ablation.md has measurements.

    Attributes
    ----------
    start_share : float
        Share of the full resource at which a configuration begins; the nearest rung is taken.
    halving : tuple of (int, float)
        Successive halving of the start design: so many configurations go on to the rung nearest to a share.
    whole_curves : int
        Configurations of lowest last value whose whole curves are data; of the others the last two values are.
    most_rows : int
        Greatest number of rows of the model.
    refit_growth : float
        Growth of the rows, as a share, after which hyperparameters are fitted again.
    iterations : int
        Greatest number of iterations of a fit.
    margin : float
        A configuration goes on if the logarithm of its expected improvement is at most so far below a new one's.
    explore_first, explore_every : int
        The first trials, and after them every so many, are where the bound of `kappa` standard deviations is lowest.
    kappa : float
        Standard deviations of that bound.
    audit_first, audit_after : int
        Full trainings before the first audit, a full training of a configuration that low fidelities do not favour, and
        those between two audits.
    audit_cost : float
        Full resources that may be spent without a full training until forecasts are known to be good.
    check_last : int
        Number of the latest forecasts of full trainings by which low fidelities are judged.
    check_gain : float
        Sum of their gains below which low fidelities count as misleading.
    trust_from, trust_gain : int and float
        Number of forecasts, and their mean gain, from which low fidelities are trusted.
    largest_gain, sharpest : float
        Bound of a gain, and smallest standard deviation of a forecast in units of the targets.
    """

    start_share: float = 0.04
    halving: tuple[tuple[int, float], ...] = ((4, 0.12), (2, 0.36), (1, 1.0))
    whole_curves: int = 30
    most_rows: int = 220
    refit_growth: float = 0.15
    iterations: int = 40
    margin: float = 0.7
    explore_first: int = 30
    explore_every: int = 2
    kappa: float = 3.0
    audit_first: int = 5
    audit_after: int = 2
    audit_cost: float = 1.25
    check_last: int = 6
    check_gain: float = -3.0
    trust_from: int = 3
    trust_gain: float = 0.3
    largest_gain: float = 4.0
    sharpest: float = 0.1


RECIPE = Recipe()
