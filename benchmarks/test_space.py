"""Spaces and the optimizer around them: encode, decode, ask and tell."""

import numpy as np
import pytest

import hpcore as hp


def mixed():
    return hp.Space(
        {
            **{f"x{j}": hp.Float(0, 1) for j in range(4)},
            "rate": hp.Float(1e-5, 1, log=True),
            "n": hp.Int(1, 100),
            "width": hp.Int(1, 1000, log=True),
            "share": hp.Float(0, 1, step=0.1),
            "kernel": hp.Categorical(["rbf", "poly", "linear"]),
            "degree": hp.Int(2, 5, when={"kernel": "poly"}),
        }
    )


def test_encode(benchmark):
    space = mixed()
    [params] = space.sample(1, seed=0)
    point = benchmark(space.encode, params)
    assert space.decode(np.asarray(point)) == params


@pytest.mark.parametrize("n", [1, 1000])
def test_decode(benchmark, n):
    space = mixed()
    points = np.array([np.asarray(space.encode(p)) for p in space.sample(n, seed=0)])
    assert benchmark(space.decode, points) == space.sample(n, seed=0)


@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_ask_and_tell(benchmark, sampler):
    opt = hp.Optimizer(mixed(), sampler, seed=0)

    def cycle():
        trial = opt.ask()
        opt.tell(trial, trial["x0"])

    benchmark.pedantic(cycle, rounds=2000, warmup_rounds=50)
    assert opt.n_trials == 2050
    assert opt.best_value == min(t.value for t in opt.trials)
