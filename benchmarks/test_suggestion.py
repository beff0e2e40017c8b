"""One whole suggestion, tell + ask: model, maximiser or densities, decoding."""

import pytest

import hpcore as hp

ROUNDS = {"gp": 15, "tpe": 100}


@pytest.mark.parametrize(
    ("sampler", "n", "d"),
    [
        *(("gp", n, d) for n, d in [(50, 5), (200, 5), (200, 20)]),
        *(("tpe", n, d) for n, d in [(100, 5), (1000, 5), (100, 20), (10_000, 5)]),
    ],
)
def test_suggestion(benchmark, sampler, n, d):
    benchmark.group = f"{sampler} suggestion n={n} d={d}"
    opt = hp.Optimizer({f"x{j}": hp.Float(0, 1) for j in range(d)}, sampler, seed=0)
    for params in opt.space.sample(n, seed=0):
        opt.add(params, sum(params.values()))

    def cycle():
        trial = opt.ask()
        opt.tell(trial, sum(trial.params.values()))
        return trial

    trial = benchmark.pedantic(cycle, rounds=ROUNDS[sampler], warmup_rounds=5)
    assert all(0 <= v <= 1 for v in trial.params.values())
    assert opt.n_trials == n + ROUNDS[sampler] + 5
