"""Kernels that users write, at work in the GP sampler: same answers as the built-in, errors, lifetimes, pickles."""

from __future__ import annotations

import copy
import gc
import math
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, KernelError
from hpcore.kernels import examples
from hpcore.samplers import GPSampler


def floats():
    return {f"x{j}": hp.Float(-5, 5) for j in range(2)}


def mixed_space():
    return {
        "kind": hp.Categorical(["a", "b", "c"]),
        "x": hp.Float(0, 1),
        "i": hp.Int(1, 9),
        "y": hp.Float(0, 1, when={"kind": ["a", "b"]}),
    }


def sphere(params):
    return sum((v - 1) ** 2 for v in params.values() if not isinstance(v, str))


def run(sampler, n, space=None, seed=0, objective=sphere, **options):
    opt = hp.Optimizer(space or floats(), sampler=sampler, seed=seed, **options)
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, objective(trial.params))
    return opt


def params_of(opt):
    return [t.params for t in opt.trials]


@hp.kernels.acquisition(log=True)
def bound(mean, std, best):
    return 2.0 * std - mean, -1.0, 2.0


@hp.kernels.acquisition
def expected_improvement(mean, std, best):
    z = (best - mean) / std
    cdf = 0.5 * math.erfc(-z / math.sqrt(2.0))
    pdf = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return (best - mean) * cdf + std * pdf, -cdf, pdf


@hp.kernels.acquisition
def answers_nan(mean, std, best):
    return math.nan, 0.0, 0.0


@hp.kernels.acquisition
def raises(mean, std, best):
    if std > 0.0:
        raise ValueError("no")
    return 0.0, 0.0, 0.0


@hp.kernels.acquisition
def steep(mean, std, best):
    return -mean, math.inf, 0.0


@hp.kernels.density
def density_nan(u):
    return math.nan


@hp.kernels.density
def density_raises(u):
    if u[0] >= 0.0:
        raise ValueError("no")
    return 0.0


# --- acquisitions ------------------------------------------------------------------------------------------------


def test_a_users_bound_suggests_what_the_built_in_does():
    for space in (floats(), mixed_space()):
        mine, built_in = (run(GPSampler(a), 18, space) for a in (bound, "ucb"))
        assert params_of(mine) == params_of(built_in)


@pytest.mark.parametrize("inference", ["map", "mcmc"])
def test_an_improvement_on_its_own_scale_is_maximised(inference):
    # Improvements shrink by many orders of magnitude as the search closes in; steps must not end early for that.
    sampler = GPSampler(expected_improvement, inference, n_draws=2)
    assert run(sampler, 30).best_value < 1e-3


def test_improvement_per_cost_runs_over_any_space():
    sampler = GPSampler(examples.expected_improvement_per_cost(0.5, 0.1))
    assert run(sampler, 30, mixed_space()).best_value < 0.5


PRIOR = examples.belief_around([0.9, 0.9], 0.05)

# --- priors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("acquisition", ["log_ei", "noisy_log_ei", "thompson", expected_improvement])
def test_a_prior_draws_the_first_suggestions_and_fades(acquisition):
    def distances(sampler):
        opt = run(sampler, 24, objective=lambda p: 0.1 * sphere(p))
        X = np.array([list(t.params.values()) for t in opt.trials])
        return np.abs(X - 4.0).max(axis=1)  # the prior is around (4, 4), the minimum at (1, 1)

    options = {"n_startup_trials": 4, "explore": False}
    with_prior = distances(GPSampler(acquisition, prior=PRIOR, beta=10.0, **options))
    without = distances(GPSampler(acquisition, **options))
    assert with_prior[4:8].mean() < without[4:8].mean()
    assert with_prior[4:8].min() < 0.5
    weak = distances(GPSampler(acquisition, prior=PRIOR, beta=0.0, **options))
    np.testing.assert_array_equal(weak[:4], without[:4])
    np.testing.assert_allclose(weak, without, atol=1e-6)


def test_a_good_prior_helps():
    def far(params):
        return sum((v - 4.0) ** 2 for v in params.values())

    plain, told = (run(GPSampler(prior=p), 14, objective=far).best_value for p in (None, PRIOR))
    assert told < plain


def test_a_prior_sees_the_whole_cube():
    @hp.kernels.density
    def in_the_cube(u):
        for j in range(u.size):
            if not (u[j] >= 0.0 and u[j] <= 1.0):
                return math.nan
        return -math.inf if u[1] > 0.5 else 0.0

    opt = run(GPSampler(prior=in_the_cube, explore=False, n_startup_trials=5), 12, mixed_space())
    assert all(t["x"] <= 0.5 for t in opt.trials[5:])


def test_negative_values_cannot_be_multiplied():
    @hp.kernels.acquisition
    def negative(mean, std, best):
        return -1.0 - std, 0.0, -1.0

    opt = run(GPSampler(negative, n_startup_trials=3, prior=PRIOR), 3)
    with pytest.raises(KernelError, match=r"'negative' answered negative values only.*log=True"):
        opt.ask()


# --- what goes wrong ---------------------------------------------------------------------------------------------

FAILING = [
    (lambda: GPSampler(answers_nan, n_startup_trials=3), "acquisition kernel 'answers_nan' answered NaN"),
    (lambda: GPSampler(raises, n_startup_trials=3), "acquisition kernel 'raises' raised an error"),
    (lambda: GPSampler(steep, n_startup_trials=3), "acquisition kernel 'steep' answered a derivative"),
    (lambda: GPSampler(prior=density_nan, n_startup_trials=3), "density kernel 'density_nan' answered NaN"),
    (lambda: GPSampler(prior=density_raises, n_startup_trials=3), "density kernel 'density_raises' raised"),
]


@pytest.mark.parametrize(("make", "words"), FAILING, ids=[words for _, words in FAILING])
@pytest.mark.parametrize("prefetch", [False, True, "delayed"])
def test_errors_inside_are_typed_and_name_the_kernel(make, words, prefetch):
    opt = hp.Optimizer(floats(), sampler=make(), seed=0, prefetch=prefetch)
    with pytest.raises(KernelError, match=words):
        for _ in range(6):
            trial = opt.ask()
            opt.tell(trial, sphere(trial.params))
    assert opt.n_trials >= 3
    for _ in range(2):  # and the optimizer stands: it says the same again, and can be told
        with pytest.raises(KernelError, match=words):
            opt.ask()
    opt.add({"x0": 0.0, "x1": 0.0}, 1.0)
    assert opt.best_value <= 1.0


def test_what_does_not_compile_is_refused_at_the_start():
    @hp.kernels.acquisition
    def hopeless(mean, std, best):
        return object().nothing

    with pytest.raises(KernelError, match="'hopeless'"):
        hp.Optimizer(floats(), sampler=GPSampler(hopeless))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"acquisition": lambda m, s, b: 0.0}, InvalidType, "acquisition .*hpcore.kernels.acquisition"),
        ({"acquisition": examples.periodic}, InvalidType, "acquisition"),
        ({"prior": lambda u: 0.0}, InvalidType, "prior .*hpcore.kernels.density"),
        ({"prior": bound}, InvalidType, "prior"),
        ({"beta": -1.0}, InvalidArgument, "beta"),
        ({"beta": "much"}, InvalidType, "beta"),
    ],
)
def test_wrong_options_are_named(options, error, words):
    with pytest.raises(error, match=words):
        GPSampler(**options)


# --- lifetimes and pickles ---------------------------------------------------------------------------------------


def make_everything():
    """Kernels that nobody else knows, compiled anew."""
    shift = 0.5

    @hp.kernels.acquisition(log=True)
    def mine(mean, std, best):
        return 2.0 * std - mean + 0.0 * shift, -1.0, 2.0

    return GPSampler(mine, prior=examples.belief_around([0.6, 0.6], 0.3), n_startup_trials=3)


def test_compiled_code_lives_as_long_as_its_optimizer():
    opt = run(make_everything(), 5)
    opt.sampler = None  # only what is at work holds them now
    gc.collect()
    run(make_everything(), 4)  # new code where the old one could have been
    gc.collect()
    trial = opt.ask()
    opt.tell(trial, sphere(trial.params))
    assert params_of(opt) == params_of(run(make_everything(), 6))


@pytest.mark.parametrize("again", [lambda o: pickle.loads(pickle.dumps(o)), copy.deepcopy])  # noqa: S301
def test_a_pickled_optimizer_goes_on_alike(again):
    opt = run(make_everything(), 6)
    other = again(opt)
    assert other.ask().params == opt.ask().params
    assert repr(other.sampler) == repr(opt.sampler)


def test_a_kernel_that_cannot_be_pickled_says_so():
    import threading

    held = threading.Lock()
    kernel = hp.kernels.acquisition(lambda mean, std, best: (0.0 if held else std, 0.0, 1.0))
    with pytest.raises(KernelError, match="cannot be pickled"):
        pickle.dumps(GPSampler(kernel))


def test_a_search_goes_on_in_a_worker_process():
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    opt = run(make_everything(), 5)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(hp.Optimizer.ask, opt).result()
    assert there.params == opt.ask().params
