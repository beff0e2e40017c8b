"""Kernels to use, and to copy from: written as a user would write them.

>>> import hpcore as hp
>>> from hpcore.kernels import examples
>>> prior = examples.belief_around([0.5, 0.2], width=0.1)
>>> sampler = hp.samplers.GPSampler(
...     examples.expected_improvement_per_cost(1.0, 0.2), covariance=examples.rational_quadratic, prior=prior
... )
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.kernels.decorators import AcquisitionKernel, CovarianceKernel, DensityKernel

__all__ = ["belief_around", "expected_improvement_per_cost", "periodic", "rational_quadratic"]


def expected_improvement_per_cost(cost: float, slope: float) -> AcquisitionKernel:
    """Expected improvement over a cost that grows where the mean is low: ``cost + slope * exp(-mean)``.

    Parameters
    ----------
    cost : float
        Positive.
    slope : float
        At least 0; 0 is expected improvement itself, over a constant.

    Returns
    -------
    AcquisitionKernel

    Notes
    -----
    Snoek, Larochelle & Adams (2012), "Practical Bayesian optimization of machine learning algorithms", section 3.2.
    """
    if not 0.0 < cost < math.inf or not 0.0 <= slope < math.inf:
        raise InvalidArgument(f"cost must be positive and slope >= 0, got cost={cost!r}, slope={slope!r}")

    def ei_per_cost(mean, std, best):  # type: ignore[no-untyped-def]
        gap = best - mean
        z = gap / std
        cdf = 0.5 * math.erfc(-z / math.sqrt(2.0))
        pdf = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        gain = gap * cdf + std * pdf
        price = cost + slope * math.exp(-mean)
        # d gain / d mean = -cdf and d gain / d std = pdf; d price / d mean = cost - price.
        by_mean = (-cdf * price - gain * (cost - price)) / (price * price)
        return gain / price, by_mean, pdf / price

    return AcquisitionKernel(ei_per_cost)


def _periodic(x, y, theta):  # type: ignore[no-untyped-def]
    """exp(-2 sum sin^2(pi (x - y) / period) / length^2), theta = length, period."""
    length, period = theta[0], theta[1]
    total = 0.0
    for j in range(x.size):
        s = math.sin(math.pi * (x[j] - y[j]) / period)
        total += s * s
    return math.exp(-2.0 * total / (length * length))


def _periodic_gradient(x, y, theta, d_theta, d_x):  # type: ignore[no-untyped-def]
    length, period = theta[0], theta[1]
    total, by_period = 0.0, 0.0
    for j in range(x.size):
        angle = math.pi * (x[j] - y[j]) / period
        total += math.sin(angle) ** 2
        by_period += math.sin(2.0 * angle) * angle
    k = math.exp(-2.0 * total / (length * length))
    d_theta[0] = k * 4.0 * total / (length * length * length)
    d_theta[1] = k * 2.0 * by_period / (length * length * period)
    for j in range(x.size):
        angle = math.pi * (x[j] - y[j]) / period
        d_x[j] = -k * 2.0 * math.sin(2.0 * angle) * math.pi / (period * length * length)


def _rational_quadratic(x, y, theta):  # type: ignore[no-untyped-def]
    """(1 + |x - y|^2 / (2 a length^2))^-a, theta = length, a."""
    length, a = theta[0], theta[1]
    total = 0.0
    for j in range(x.size):
        total += (x[j] - y[j]) ** 2
    return (1.0 + total / (2.0 * a * length * length)) ** (-a)


periodic = CovarianceKernel(
    _periodic, n_hyperparameters=2, bounds=[(0.02, 20.0), (0.05, 2.0)], gradient=_periodic_gradient, log=True
)
"""Periodic covariance, theta = (length, period), with its gradient; MacKay (1998), "Introduction to Gaussian
processes", eq. 47."""

rational_quadratic = CovarianceKernel(
    _rational_quadratic, n_hyperparameters=2, bounds=[(0.02, 20.0), (0.02, 50.0)], log=True
)
"""Rational-quadratic covariance, theta = (length, alpha), differenced; Rasmussen & Williams (2006), eq. 4.19."""


def belief_around(point: Sequence[float], width: float) -> DensityKernel:
    """Make a Gaussian prior around a known good point.

    Parameters
    ----------
    point : sequence of float
        In the unit cube, (d,), as ``space.encode`` gives it.
    width : float
        Standard deviation in each column, positive.

    Returns
    -------
    DensityKernel
    """
    centre = np.array(point, dtype=np.float64)
    if centre.ndim != 1 or not len(centre) or not ((centre >= 0.0) & (centre <= 1.0)).all():
        raise InvalidArgument(f"point must lie in the unit cube, (d,), got {point!r}")
    if isinstance(width, bool) or not isinstance(width, int | float):
        raise InvalidType(f"width must be a number, got {width!r}")
    if not 0.0 < width < math.inf:
        raise InvalidArgument(f"width must be positive, got {width!r}")
    middle = tuple(float(v) for v in centre)

    def around(u):  # type: ignore[no-untyped-def]
        total = 0.0
        for j in range(u.size):
            z = (u[j] - middle[j]) / width
            total += z * z
        return -0.5 * total

    return DensityKernel(around)
