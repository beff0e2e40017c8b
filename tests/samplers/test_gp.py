"""The GP sampler through `Optimizer`: determinism, resumption, hostile histories, batches, constraints; LogEI."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading

import mpmath as mp
import numpy as np
import pytest

import hpcore as hp
from hpcore._core import acquisition, bo
from hpcore.samplers import GPSampler


def mixed_space():
    return hp.Space(
        {
            "kernel": hp.Categorical(["rbf", "poly", "linear"]),
            "C": hp.Float(1e-3, 1e3, log=True),
            "gamma": hp.Float(1e-5, 1e1, log=True, when={"kernel": ["rbf", "poly"]}),
            "degree": hp.Int(2, 5, when={"kernel": "poly"}),
            "layers": hp.Int(1, 300),
            "size": hp.Categorical(["s", "m", "l"], ordered=True),
            "share": hp.Float(0, 1, step=0.1),
        }
    )


def loss(p):
    value = (math.log10(p["C"]) - 1) ** 2 + abs(p["layers"] - 120) / 100 + p["share"]
    return value + {"rbf": 0.0, "poly": 1.0, "linear": 2.0}[p["kernel"]] + 0.1 * p.get("degree", 0)


def run(space, n, *, seed=0, sampler="gp", objective=loss):
    opt = hp.Optimizer(space, sampler=sampler, seed=seed)
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, objective(trial.params))
    return opt


# --- it optimises ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("acquisition", ["log_ei", "noisy_log_ei", "ucb", "pi", "thompson"])
def test_it_finds_a_minimum(acquisition):
    space = {f"x{j}": hp.Float(-5, 5) for j in range(3)}
    opt = run(space, 40, sampler=GPSampler(acquisition), objective=lambda p: sum((v - 1) ** 2 for v in p.values()))
    assert opt.best_value < 0.05


@pytest.mark.parametrize("acquisition", ["noisy_log_ei", "thompson"])
@pytest.mark.parametrize("inference", ["map", "mcmc"])
def test_draws_of_the_objective_over_any_space(acquisition, inference):
    rng = np.random.default_rng(0)
    sampler = GPSampler(acquisition, inference, n_draws=3, warp=inference == "map")
    opt = run(mixed_space(), 30, seed=1, sampler=sampler, objective=lambda p: loss(p) + 0.1 * rng.standard_normal())
    batch = opt.ask(4)
    assert len({json.dumps(t.params) for t in batch}) == 4
    assert min(loss(t.params) for t in opt.trials) < 1.0


@pytest.mark.parametrize("inference", ["map", "mcmc"])
def test_it_finds_a_minimum_over_mixed_and_conditional_columns(inference):
    opt = run(mixed_space(), 50, sampler=GPSampler(inference=inference, n_draws=4))
    assert opt.best_value < 0.4
    assert opt.best_params["kernel"] == "rbf"


@pytest.mark.parametrize("transform", ["turns", "auto", "standard", "half_log", "log", "clip"])
@pytest.mark.parametrize("explore", [True, False])
def test_every_transform_finds_a_minimum(transform, explore):
    space = {"x": hp.Float(-5, 5), "y": hp.Float(-5, 5)}
    sampler = GPSampler(transform=transform, explore=explore)
    opt = run(space, 30, sampler=sampler, objective=lambda p: math.exp(((p["x"] - 1) ** 2 + (p["y"] + 2) ** 2) / 20))
    assert opt.best_value < 1.05


def test_it_maximises_too():
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler="gp", direction="maximize", seed=0)
    for _ in range(20):
        trial = opt.ask()
        opt.tell(trial, -((trial["x"] - 0.7) ** 2))
    assert abs(opt.best_params["x"] - 0.7) < 0.01


def test_several_objectives_are_scalarised():
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler="gp", directions=["minimize", "maximize"], seed=0)
    for _ in range(25):
        trial = opt.ask()
        opt.tell(trial, [trial["x"] ** 2, -((trial["x"] - 1) ** 2)])
    assert len(opt.pareto_front) > 10


def test_the_trust_region_follows_success_and_failure():
    region = bo.TrustRegion()
    assert region.side(np.zeros(50), 30) == 1.0  # off
    region.on = True
    start = [5.0, 9.0, 7.0, 6.0, 8.0, 5.5, 6.5, 7.5, 8.5, 9.5]
    patience = 30 // 4

    def side(*later: float) -> float:
        return region.side(np.array([*start, *later]), 30)

    assert side() == side(4.0, 3.0) == 0.8
    assert side(4.0, 3.0, 2.0) == 1.6  # three successes in a row
    assert side(4.0, 3.0, 3.0, 2.0) == 0.8
    assert side(4.0, 3.9999, 3.9998) == 0.8  # too little to count
    assert side(*[6.0] * (patience - 1)) == 0.8
    assert side(*[6.0] * patience) == 0.4
    assert side(*[6.0] * (5 * patience)) == 0.8 / 32
    assert side(*[6.0] * (6 * patience)) == 0.8  # narrower than 1/64: from the beginning
    extreme = np.array([1.7e308, -1.7e308] * 20)
    assert 0 < region.side(extreme, 30) <= 1.6


def test_large_spaces_are_searched_near_the_best_point():
    space = {f"x{j}": hp.Float(0, 1) for j in range(30)}

    def away(**options):
        opt = run(space, 60, sampler=GPSampler(**options), objective=lambda p: sum((v - 0.4) ** 2 for v in p.values()))
        best = np.array(list(opt.best_params.values()))
        late = np.array([list(t.params.values()) for t in opt.trials[40:]])
        return opt.best_value, np.abs(late - best).max()

    assert away()[0] < 0.25  # 3 at random
    # A bound far below the mean goes where nothing is known, unless it is kept to a box: with eight seeds 0.73 to 0.89,
    # and 0.25 to 0.56.
    assert away(acquisition="ucb", kappa=10.0)[1] < 0.65
    assert away(acquisition="ucb", kappa=10.0, trust_region=False)[1] > 0.65


# --- determinism -------------------------------------------------------------------------------------------------


def test_same_seed_same_trials_another_seed_others():
    a, b, c = (run(mixed_space(), 25, seed=s) for s in (1, 1, 2))
    assert [t.params for t in a.trials] == [t.params for t in b.trials]
    assert [t.params for t in a.trials] != [t.params for t in c.trials]


@pytest.mark.parametrize("options", [{}, {"inference": "mcmc", "n_draws": 2}, {"transform": "auto", "warp": True}])
def test_a_search_killed_at_any_trial_goes_on_alike(options):
    sampler = GPSampler(n_startup_trials=4, **options)
    whole = run(mixed_space(), 55, sampler=sampler)
    for cut in (3, 12, 30, 41, 43, 47, 54):
        resumed = hp.Optimizer(mixed_space(), sampler=sampler, seed=0)
        resumed.restore(whole.rows(cut))
        assert resumed.ask().params == whole.trials[cut].params, cut


def test_another_process_says_the_same():
    code = """
import json, sys
sys.path.insert(0, sys.argv[1])
import test_gp
print(json.dumps([t.params for t in test_gp.run(test_gp.mixed_space(), 24, seed=5).trials]))
"""
    from pathlib import Path

    outputs = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    here = json.dumps([t.params for t in run(mixed_space(), 24, seed=5).trials])
    assert outputs[0] == outputs[1] == here + "\n"


def test_the_number_of_blas_threads_changes_nothing():
    code = """
import json, random, hpcore as hp
from threadpoolctl import threadpool_info
draw = random.Random(0)
opt = hp.Optimizer({f"x{j}": hp.Float(0, 1) for j in range(6)}, "gp", seed=0)
opt.ask()
for _ in range(150):
    x = [draw.random() for _ in range(6)]
    opt.add({f"x{j}": v for j, v in enumerate(x)}, sum((v - 0.3) ** 2 for v in x))
params = [t.params for t in opt.ask(3)]
loaded = [i["filepath"] for i in threadpool_info() if i["user_api"] == "blas" and "scipy.libs" in i["filepath"]]
print(json.dumps([params, loaded]))
"""
    answers = {}
    for threads in ("1", "2"):
        env = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        answers[threads] = json.loads(done.stdout)
    assert answers["1"][0] == answers["2"][0]
    assert answers["1"][1] == []  # SciPy's is not even loaded


def test_threads_do_not_disturb_one_another():
    expected = [t.params for t in run(mixed_space(), 25, seed=3).trials]
    results = []
    threads = [
        threading.Thread(target=lambda: results.append([t.params for t in run(mixed_space(), 25, seed=3).trials]))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 3


# --- spaces ------------------------------------------------------------------------------------------------------


def test_a_finite_space_is_visited_once_and_whole():
    space = {"a": hp.Int(0, 4), "b": hp.Categorical(["x", "y"]), "c": hp.Float(0, 1, step=0.5)}
    opt = run(space, 30, objective=lambda p: p["a"] + p["c"])
    points = {tuple(t.params.values()) for t in opt.trials}
    assert len(points) == 30
    with pytest.raises(hp.errors.SearchSpaceExhausted):
        opt.ask()


def test_constraints_hold():
    space = hp.Space(
        {"x": hp.Float(0, 1), "y": hp.Float(0, 1), "k": hp.Int(1, 9)},
        constraints=[lambda p: p["x"] + p["y"] < 0.5, lambda p: p["k"] % 2 == 1],
    )
    opt = run(space, 30, objective=lambda p: -p["x"] - p["y"] - p["k"])
    assert all(t["x"] + t["y"] < 0.5 and t["k"] % 2 == 1 for t in opt.trials)
    assert opt.best_value < -9.4


def test_batches_are_diverse_and_pending_trials_are_avoided():
    opt = run({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, 15, objective=lambda p: (p["x"] - 0.3) ** 2 + p["y"])
    batch = opt.ask(6)
    X = np.array([list(t.params.values()) for t in batch])
    apart = np.linalg.norm(X[:, None] - X[None], axis=-1)[np.triu_indices(6, 1)]
    assert apart.min() >= 0.01
    one_by_one = [opt.ask() for _ in range(3)]
    assert all(t.params not in [b.params for b in batch] for t in one_by_one)
    for trial in [*one_by_one, *reversed(batch)]:  # told out of order
        opt.tell(trial, trial["y"])
    opt.ask()


def test_one_column_of_one_level_does_no_harm():
    run({"x": hp.Float(0, 1), "c": hp.Categorical(["only"]), "i": hp.Int(3, 3)}, 15, objective=lambda p: p["x"])


def test_huge_grids_are_no_trouble():
    space = {"i": hp.Int(1, 2**53, log=True), "j": hp.Int(-(2**62), 2**62), "x": hp.Float(1e-300, 1e300, log=True)}
    opt = run(space, 25, objective=lambda p: abs(math.log(p["i"]) - 10) + abs(math.log10(p["x"])))
    assert opt.best_value < 60


# --- histories ---------------------------------------------------------------------------------------------------

VALUES = {
    "constant": lambda k: 1.0,
    "two values": lambda k: float(k % 2),
    "1e308 now and then": lambda k: 1e308 if k % 4 == 0 else float(k),
    "-1e308 once": lambda k: -1e308 if k == 7 else float(k % 5),
    "both ends": lambda k: (-1) ** k * 1.7e308,
    "denormal": lambda k: 5e-324 * k,
    "tiny spread": lambda k: 1.0 + k * 1e-15,
    "huge spread": lambda k: 10.0 ** (k - 12),
    "failures": lambda k: math.nan if k % 3 else float(k),
    "all failed": lambda k: None,
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    "options", [{"n_startup_trials": 1}, {"n_startup_trials": 5, "transform": "auto", "warp": True}]
)
def test_any_history_gets_a_finite_proposal(name, options):
    opt = hp.Optimizer(mixed_space(), sampler=GPSampler(**options), seed=0)
    for k in range(25):
        trial = opt.ask()
        for value in trial.params.values():
            assert isinstance(value, str) or math.isfinite(value)
        opt.tell(trial, VALUES[name](k))


def test_a_glitch_does_not_end_the_search():
    def objective(p):
        objective.calls += 1
        return {12: 1e308, 15: -1e308}.get(objective.calls, (p["x"] - 0.4) ** 2)

    objective.calls = 0
    opt = run({"x": hp.Float(0, 1)}, 40, objective=objective)
    values = sorted(t.value for t in opt.trials)
    assert values[1] < 1e-4


def test_added_duplicates_and_known_noise():
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler="gp", seed=0)
    for k in range(30):
        opt.add({"x": 0.5}, 1.0 + 0.1 * (-1) ** k, std_error=0.1 if k % 2 else None)
    for _ in range(15):
        trial = opt.ask()
        opt.tell(trial, (trial["x"] - 0.2) ** 2, std_error=0.01)
    assert abs(opt.best_params["x"] - 0.2) < 0.1


def test_a_few_thousand_observations():
    rng = np.random.default_rng(0)
    opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(0, 1), "k": hp.Int(1, 5)}, sampler="gp", seed=0)
    for x, y in rng.random((2500, 2)):
        opt.add({"x": x, "y": y, "k": 1 + int(4 * x)}, (x - 0.3) ** 2 + (y - 0.6) ** 2)
    before = opt.best_value
    for _ in range(3):
        trial = opt.ask()
        opt.tell(trial, (trial["x"] - 0.3) ** 2 + (trial["y"] - 0.6) ** 2)
    assert opt.best_value < before


# --- time --------------------------------------------------------------------------------------------------------


def test_a_generous_deadline_changes_nothing():
    a, b = (run(mixed_space(), 20) for _ in range(2))
    assert a.ask().params == b.ask(deadline_ms=60_000).params


def test_prefetching_changes_nothing():
    outcomes = []
    for prefetch in (False, True):
        opt = hp.Optimizer(mixed_space(), sampler="gp", seed=0, prefetch=prefetch)
        for _ in range(25):
            trial = opt.ask()
            opt.tell(trial, loss(trial.params))
        outcomes.append([t.params for t in opt.trials])
    assert outcomes[0] == outcomes[1]


# --- wrong use ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"acquisition": "ei"}, "acquisition"),
        ({"acquisition": 3}, "acquisition"),
        ({"inference": "vi"}, "inference"),
        ({"n_startup_trials": 0}, "n_startup_trials"),
        ({"n_startup_trials": 2.5}, "n_startup_trials"),
        ({"n_startup_trials": True}, "n_startup_trials"),
        ({"n_draws": 0}, "n_draws"),
        ({"kappa": -1}, "kappa"),
        ({"kappa": math.nan}, "kappa"),
        ({"kappa": "2"}, "kappa"),
        ({"transform": "boxcox"}, "transform"),
        ({"explore": 1}, "explore"),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises((hp.errors.InvalidArgument, hp.errors.InvalidType), match=word):
        GPSampler(**options)


# --- acquisition functions ---------------------------------------------------------------------------------------


def exact_log_h(z):
    z = mp.mpf(float(z))
    # npdf + z ncdf cancels about z^2 digits' worth in the tail: enough digits for any z, by the scaled form.
    if z > -30:
        mp.mp.dps = 60
        return mp.log(mp.npdf(z) + z * mp.ncdf(z))
    mp.mp.dps = 60
    x = -z
    mills = mp.sqrt(mp.pi / 2) * (mp.exp(x * x / 2) * mp.erfc(x / mp.sqrt(2)) if x < 1000 else 0)
    if x >= 1000:
        bracket = sum((-1) ** k * mp.fac2(2 * k + 1) / x ** (2 * k + 2) for k in range(12))
    else:
        mp.mp.dps = 60
        bracket = 1 - x * mills
    return -x * x / 2 - mp.log(mp.sqrt(2 * mp.pi)) + mp.log(bracket)


def test_log_ei_is_accurate_far_into_the_tail():
    z = np.concatenate([-np.logspace(-3, 6, 200), np.linspace(-25, 40, 261), [-20.0, -1.0, 0.0, 40.0]])
    value, by_mean, by_std = acquisition.log_expected_improvement(-z, np.ones_like(z), 0.0)
    for x, got in zip(z, value, strict=True):
        exact = exact_log_h(x)
        assert abs(got - exact) <= 1e-10 * abs(exact) + 1e-15, x
    assert (by_mean < 0).all() and (by_std >= 0).all() and (by_std[z < 30] > 0).all()


def test_log_pi_is_accurate_far_into_the_tail():
    mp.mp.dps = 60
    z = np.concatenate([-np.logspace(-2, 5, 100), np.linspace(-25, 8, 100)])
    value, by_mean, _ = acquisition.log_probability_of_improvement(-z, np.ones_like(z), 0.0)
    for x, got in zip(z, value, strict=True):
        exact = mp.log(mp.erfc(-mp.mpf(float(x)) / mp.sqrt(2)) / 2)
        assert abs(got - exact) <= 1e-10 * abs(exact) + 1e-15, x
    assert (by_mean < 0).all()


@pytest.mark.parametrize("function", [acquisition.log_expected_improvement, acquisition.log_probability_of_improvement])
def test_slopes_against_central_differences(function):
    rng = np.random.default_rng(0)
    mean, std = rng.normal(0, 5, 200), rng.uniform(0.1, 2, 200)
    _, by_mean, by_std = function(mean, std, 0.3)
    h = 1e-6
    up, down = function(mean + h, std, 0.3)[0], function(mean - h, std, 0.3)[0]
    np.testing.assert_allclose(by_mean, (up - down) / (2 * h), rtol=1e-4, atol=1e-6)
    up, down = function(mean, std + h, 0.3)[0], function(mean, std - h, 0.3)[0]
    np.testing.assert_allclose(by_std, (up - down) / (2 * h), rtol=1e-4, atol=1e-6)


def test_constraints_that_refuse_the_samplers_own_tries_do_not_end_the_search():
    refusals = []

    def patience(params):
        if opt is None or opt.n_trials < 12 or len(refusals) >= 12_000:
            return True
        refusals.append(params)
        return False

    opt = None
    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, [patience])
    opt = hp.Optimizer(space, "gp", seed=0)
    for _ in range(13):
        trial = opt.ask()
        opt.tell(trial, trial["x"])
    assert len(refusals) == 12_000, "far more than a suggestion looks at"
