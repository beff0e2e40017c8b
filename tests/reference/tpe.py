"""The tree-structured Parzen estimator's choice of points, weights and bandwidths, from the whole history at once."""

import numpy as np
from scipy.stats import norm, rankdata

from tests.reference import parzen

MAX_GOOD, MAX_BAD, FLOOR = 25, 128, 0.02


def scale_after(values):
    """The bandwidths' scale after trials with these values, NaN where a trial has none."""
    scale, least = 1.0, np.inf
    for value in values:
        if np.isnan(value):
            continue
        scale = min(1.0, 1.6 * scale) if value < least else max(0.25, 0.92 * scale)
        least = min(least, value)
    return scale


def divided(X, values, ended, columns, gamma):
    """Indices of the good trials, best first, and of the others that densities are made of, newest first."""
    active = ~np.isnan(X[:, columns[0]])
    with_value = [i for i in range(len(X)) if active[i] and not np.isnan(values[i])]
    n_good = min(max(int(np.ceil(gamma * len(with_value))), 1), MAX_GOOD)
    good = sorted(with_value, key=lambda i: (values[i], i))[:n_good]
    bad = [i for i in range(len(X)) if active[i] and ended[i] and i not in good][::-1][:MAX_BAD]
    return good, bad


def log_ratio(rows, X, values, ended, columns, n_levels, categorical, gamma=0.1, prior_weight=1.0, bandwidth=0.25):
    """log l - log g of rows by the group that `columns` are; X, values, ended are the history in order of number."""
    d = len(columns)
    good, bad = divided(X, values, ended, columns, gamma)
    n_good = len(good)
    weights = np.log(n_good + 1) - np.log(np.arange(1, n_good + 1))
    weights *= n_good / weights.sum()
    scale = scale_after(values)
    levels, unordered = [n_levels[j] for j in columns], [categorical[j] for j in columns]
    n_members = np.count_nonzero(~np.isnan(X[:, columns[0]]) & ended)
    widest = n_members ** (-1 / d) if 0 in levels else 1.0

    def density(points, w):
        n = max(len(points), 1)
        h = np.full(d, min(np.clip(bandwidth * scale * n ** (-1 / (d + 4)), FLOOR, 1.0), widest))
        return parzen.log_density(rows[:, columns], X[np.ix_(points, columns)], w, prior_weight, h, levels, unordered)

    return density(good, weights) - density(bad, np.ones(len(bad)))


def log_trend(rows, X, values, ended, columns, n_levels, categorical, gamma=0.1):
    """log P(good) of rows by a ridge regression of normal scores; failed trials count as the worst."""
    good, bad = divided(X, values, ended, columns, gamma)
    points = good + bad
    y = np.where(np.isnan(values[points]), np.inf, values[points])
    scores = norm.ppf((rankdata(y) - 0.5) / len(points))

    def features(u):
        parts = [np.ones((len(u), 1))]
        for j in columns:
            x = u[:, j]
            if n_levels[j]:
                x = (np.minimum(x * n_levels[j], n_levels[j] - 1) // 1 + 0.5) / n_levels[j]
            t = 2 * x - 1
            middles = (np.arange(n_levels[j]) + 0.5) / max(n_levels[j], 1)
            parts.append(0.5 * np.isclose(x[:, None], middles) if categorical[j] else np.stack([t, t * t], axis=1))
        return np.concatenate(parts, axis=1)

    F = features(X[points])
    penalty = np.eye(F.shape[1])
    penalty[0, 0] = 0.0
    hat = F @ np.linalg.solve(F.T @ F + penalty, F.T)
    b = np.linalg.solve(F.T @ F + penalty, F.T @ scores)
    n = len(points)
    deviation = np.sqrt(n * np.sum((scores - F @ b) ** 2)) / max(n - np.trace(hat), 0.05 * n)
    return norm.logcdf((norm.ppf(len(good) / n) - features(rows) @ b) / max(deviation, 0.05))
