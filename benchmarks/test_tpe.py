"""TPE: building, scoring and sampling of estimators."""

import numpy as np
import pytest

from hpcore.surrogates import ParzenEstimator

PROBLEMS = [(100, 5), (1000, 5), (100, 20)]


@pytest.mark.parametrize(("n", "d"), PROBLEMS)
@pytest.mark.parametrize("by", ["hpcore", "limit: one pass"])
def test_build(benchmark, by, n, d):
    benchmark.group = f"parzen build n={n} d={d}"
    X = np.random.default_rng(0).random((n, d))
    if by != "hpcore":
        np.testing.assert_array_equal(benchmark(X.copy), X)
        return
    density = benchmark(ParzenEstimator().fit, X)
    assert np.isfinite(density.logpdf(X)).all()


@pytest.mark.parametrize(("n", "d"), PROBLEMS)
@pytest.mark.parametrize("by", ["hpcore", "limit: exp of n x 224"])
def test_score_224_candidates(benchmark, by, n, d):
    """Scores of candidates; the limit is NumPy's exponential of one number per pair of candidate and kernel."""
    benchmark.group = f"parzen score n={n} d={d}"
    rng = np.random.default_rng(0)
    X, Z = rng.random((n, d)), rng.random((224, d))
    h = 0.2
    density = ParzenEstimator(bandwidth=h, prior_weight=0.0).fit(X)
    if by != "hpcore":
        q = -0.5 * (((Z[:, None] - X[None]) / h) ** 2).sum(axis=2)
        out = np.empty_like(q)
        benchmark(np.exp, q, out=out)
        assert np.isfinite(out).all()
        return
    from scipy.stats import truncnorm

    expected = np.log(np.prod(truncnorm.pdf(Z[:1, None], -X / h, (1 - X) / h, X, h), axis=2).mean())
    got = benchmark(density.logpdf, Z)
    assert got[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), PROBLEMS)
def test_draw_1000(benchmark, n, d):
    benchmark.group = f"parzen draw n={n} d={d}"
    density = ParzenEstimator().fit(np.random.default_rng(0).random((n, d)) ** 3)
    U = benchmark(density.sample, 1000, seed=0)
    assert U.shape == (1000, d)
    assert U.mean() == pytest.approx(0.25, abs=0.15)
