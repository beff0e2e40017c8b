"""Spaces and the optimizer around them: encode, decode, ask and tell."""

import numpy as np
import pytest

import hpcore as hp


def mixed(d):
    """Return a space of d parameters: ten of all kinds, repeated."""
    space = {}
    for k in range(d // 10):
        space |= {f"x{k}_{j}": hp.Float(0, 1) for j in range(4)}
        space |= {
            f"rate{k}": hp.Float(1e-5, 1, log=True),
            f"n{k}": hp.Int(1, 100),
            f"width{k}": hp.Int(1, 1000, log=True),
            f"share{k}": hp.Float(0, 1, step=0.1),
            f"kernel{k}": hp.Categorical(["rbf", "poly", "linear"]),
            f"degree{k}": hp.Int(2, 5, when={f"kernel{k}": "poly"}),
        }
    return hp.Space(space)


@pytest.mark.parametrize("d", [10, 50])
def test_encode(benchmark, d):
    benchmark.group = f"encode d={d}"
    space = mixed(d)
    [params] = space.sample(1, seed=0)
    point = benchmark(space.encode, params)
    assert space.decode(np.asarray(point)) == params


@pytest.mark.parametrize(("n", "d"), [(1, 10), (1000, 10), (1, 50), (1000, 50)])
def test_decode(benchmark, n, d):
    benchmark.group = f"decode n={n} d={d}"
    space = mixed(d)
    points = np.array([np.asarray(space.encode(p)) for p in space.sample(n, seed=0)])
    assert benchmark(space.decode, points) == space.sample(n, seed=0)


HISTORIES = [(0, 10), (10_000, 10), (0, 50)]
ROUNDS, WARMUP = 1000, 50


def optimizer_of(sampler, n, d):
    opt = hp.Optimizer(mixed(d), sampler, seed=0)
    for params in opt.space.sample(n, seed=1):
        opt.add(params, params["x0_0"])
    return opt


@pytest.mark.parametrize(("n", "d"), HISTORIES)
@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_ask(benchmark, sampler, n, d):
    benchmark.group = f"ask {sampler} n={n} d={d}"
    opt, asked = optimizer_of(sampler, n, d), []

    def setup():
        for trial in asked:
            opt.tell(trial, trial["x0_0"])
        asked.clear()

    benchmark.pedantic(lambda: asked.append(opt.ask()), setup=setup, rounds=ROUNDS, warmup_rounds=WARMUP)
    setup()
    assert opt.n_trials == n + ROUNDS + WARMUP
    assert opt.best_value == min(t.value for t in opt.trials)


@pytest.mark.parametrize(("n", "d"), HISTORIES)
def test_tell(benchmark, n, d):
    benchmark.group = f"tell n={n} d={d}"
    opt = optimizer_of("random", n, d)

    def setup():
        trial = opt.ask()
        return (trial, trial["x0_0"]), {}

    benchmark.pedantic(opt.tell, setup=setup, rounds=ROUNDS, warmup_rounds=WARMUP)
    assert opt.n_trials == n + ROUNDS + WARMUP
    assert opt.best_value == min(t.value for t in opt.trials)
