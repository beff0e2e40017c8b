"""Parzen mixtures the slow and obvious way: SciPy's distributions, one point and one kernel at a time."""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm, truncnorm


def cell_mass(a, b, centre, h):
    """Mass of a normal distribution in [a, b], by the tail that loses no digits."""
    left = norm.cdf(b, centre, h) - norm.cdf(a, centre, h)
    return np.where(a > centre, norm.sf(a, centre, h) - norm.sf(b, centre, h), left)


def log_kernel(x, centres, h, n_levels, categorical, q):
    """Log density over [0, 1] of one column's kernels, around each of the centres, at x."""
    if n_levels == 0:
        return truncnorm.logpdf(x, (0 - centres) / h, (1 - centres) / h, loc=centres, scale=h)
    level = min(int(x * n_levels), n_levels - 1)
    own = np.minimum((centres * n_levels).astype(int), n_levels - 1)
    if categorical:
        mass = np.where(own == level, 1 + q, q) / (1 + n_levels * q)
    else:
        middle = (own + 0.5) / n_levels
        mass = cell_mass(level / n_levels, (level + 1) / n_levels, middle, h) / cell_mass(0.0, 1.0, middle, h)
    with np.errstate(divide="ignore"):
        return np.log(mass * n_levels)


def log_prior(x, n_levels, categorical):
    """Log density over [0, 1] of one column of the prior component."""
    if n_levels == 0:
        return truncnorm(-0.5, 0.5, loc=0.5, scale=1.0).logpdf(x)
    if categorical:
        return 0.0
    level = min(int(x * n_levels), n_levels - 1)
    edges = norm.cdf([level / n_levels, (level + 1) / n_levels], 0.5, 1.0)
    return np.log((edges[1] - edges[0]) / (norm.cdf(0.5) - norm.cdf(-0.5)) * n_levels)


def log_density(X, points, weights, prior_weight, h, n_levels, categorical):
    """Log density (n,) of the mixture at each row of X."""
    d = points.shape[1]
    q = 1.0 / (len(points) + 1.0)
    out = []
    for x in X:
        kernels = (log_kernel(x[j], points[:, j], h[j], n_levels[j], categorical[j], q) for j in range(d))
        terms = list(np.log(weights) + sum(kernels))
        if prior_weight > 0:
            terms.append(np.log(prior_weight) + sum(log_prior(x[j], n_levels[j], categorical[j]) for j in range(d)))
        out.append(logsumexp(terms) - np.log(np.sum(weights) + prior_weight))
    return np.array(out)
