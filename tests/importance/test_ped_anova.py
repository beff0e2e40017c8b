"""PED-ANOVA against a slow twin, and against the variance that it stands for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import hpcore as hp
from hpcore.importance.observations import Observations, observe
from hpcore.importance.ped_anova import _cells, _density, _shares, ped_anova, resampled

SPACE = {
    "g": hp.Float(1e-3, 1, log=True, when={"k": "a"}),
    "k": hp.Categorical(["a", "b", "c"]),
    "w": hp.Categorical([1, 2], weights=[1, 3]),
    "n": hp.Int(1, 7),
    "big": hp.Int(1, 4000, log=True),
    "many": hp.Int(0, 10**12),
    "one": hp.Categorical(["only"]),
    "x": hp.Float(0, 1),
    "z": hp.Normal(0, 1),
}


def searched(n: int) -> Observations:
    opt = hp.Optimizer(SPACE, sampler="random", seed=3)
    for trial in opt.ask(n):
        inside = math.log10(trial["g"]) ** 2 if trial["k"] == "a" else 5.0
        opt.tell(trial, inside + 3 * (trial["x"] - 0.4) ** 2 + 0.2 * trial["n"])
    return observe(opt, None, None, front=True)


def kernels(counts: Any) -> Any:
    """Density by the definition: a normal kernel per trial, cut to the range, and a prior of one trial."""
    c, n = len(counts), int(counts.sum())
    at = np.repeat(np.arange(c), counts.astype(int))
    q1, q3 = at[max(n // 4, 1) - 1], at[min(n * 3 // 4, n - 1)]
    sigma = 1.059 * min((q3 - q1) / 1.34, np.std(at, ddof=1) if n > 1 else 0.0) * n**-0.2
    sigma = max(sigma, 0.5 / 1.64)
    out = np.zeros(c)
    for mean, std in [*((m, sigma) for m in at), (0.5 * (c - 1), float(c))]:
        cdf = stats.norm(mean, std).cdf
        out += np.diff(cdf(np.arange(c + 1) - 0.5)) / (cdf(c - 0.5) - cdf(-0.5))
    return out / (n + 1)


def by_definition(seen: Observations, quantile: float) -> list[float]:
    """Shares by loops over single parameters and trials."""
    k = max(math.ceil(quantile * len(seen.y)), min(5, len(seen.y) // 2))
    best = seen.y <= np.sort(seen.y)[k - 1]
    found = []
    for j, name in enumerate(seen.space.names):
        cells, c = _cells(seen.space[name], seen.X[:, j])
        active = cells >= 0
        if c == 1:
            found.append(0.0)
            continue
        in_best, in_all = (np.bincount(cells[rows & active], minlength=c) for rows in (best, np.ones_like(best)))
        if name in "kw":
            p, q = _shares(in_best[None].astype(float))[0], _shares(in_all[None].astype(float))[0]
        else:
            p, q = kernels(in_best), kernels(in_all)
        alpha, beta = in_best.sum() / best.sum(), in_all.sum() / len(best)
        found.append(best.mean() ** 2 * alpha**2 / beta * sum((p - q) ** 2 / q))
    return [value / sum(found) for value in found]


def test_equal_to_the_definition() -> None:
    seen = searched(150)
    found = ped_anova(seen, np.ones((1, 150)), 0.1, 1.0)[0]
    np.testing.assert_allclose(found, by_definition(seen, 0.1), rtol=1e-7, atol=1e-10)
    assert found.sum() == pytest.approx(1.0) and found[6] == 0.0 and np.argmax(found) == 0


def test_a_weight_is_a_number_of_copies() -> None:
    seen = searched(80)
    weights = resampled(80, 3, np.random.default_rng(0))
    assert (weights.sum(axis=1) == 80).all() and len(np.unique(weights)) > 2
    found = ped_anova(seen, weights, 0.15, 0.8)
    for row, drawn in zip(found, weights, strict=True):
        rows = np.repeat(np.arange(80), drawn.astype(int))
        again = Observations(seen.space, seen.X[rows], seen.y[rows], seen.allowed[rows], "")
        np.testing.assert_allclose(row, ped_anova(again, np.ones((1, 80)), 0.15, 0.8)[0], rtol=1e-9, atol=1e-12)


def test_the_variance_of_the_chance_to_be_among_the_best() -> None:
    """Two choices: P(best | a) = 0.4, P(best | b) = 0, so the shares of c and x follow by hand, up to the priors."""
    opt = hp.Optimizer({"c": hp.Categorical(["a", "b"]), "d": hp.Categorical(["a", "b"])}, sampler="random", seed=0)
    for i in range(2000):
        opt.add({"c": "ab"[i % 2], "d": "ab"[i // 2 % 2]}, float(i % 2) + (0.0 if i % 20 < 8 else 2.0) + i * 1e-6)
    seen = observe(opt, None, None, front=True)
    shares = ped_anova(seen, np.ones((1, 2000)), 0.2, 1.0)[0]
    best = seen.y <= np.sort(seen.y)[399]
    variances = []
    for j in range(2):
        chance = [best[(seen.X[:, j] < 0.5) == side].mean() for side in (True, False)]
        variances.append(np.var(chance))
    np.testing.assert_allclose(shares, np.array(variances) / sum(variances), atol=0.01)


@pytest.mark.parametrize("counts", [[3, 0, 0, 5, 1], [1, 0, 0, 0], [0, 0, 9, 0, 0, 0]])
def test_densities(counts: list[int]) -> None:
    row = np.array([counts], dtype=float)
    for density in (_density, _shares):
        assert density(row).sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(_density(row)[0], kernels(row[0]), rtol=1e-9)
