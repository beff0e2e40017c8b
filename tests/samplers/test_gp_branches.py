"""The Gaussian process in spaces with branches: it does not stay in the first one whose optimum it found."""

import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore import Categorical, Float, Int

SPACE = {
    "scale": Float(1e-3, 1e3, log=True),
    "kind": Categorical(["linear", "tree", "net"]),
    "penalty": Float(1e-4, 1e2, log=True, when={"kind": "linear"}),
    "depth": Int(1, 12, when={"kind": "tree"}),
    "leaf": Float(0, 0.5, when={"kind": "tree"}),
    "layers": Int(1, 3, when={"kind": "net"}),
    "rate": Float(1e-5, 1, log=True, when={"kind": "net"}),
    "drop": Float(0, 0.8, when={"kind": "net"}),
    "width0": Int(8, 512, log=True, when={"kind": "net"}),
    "width1": Int(8, 512, log=True, when={"layers": (2, 3)}),
    "width2": Int(8, 512, log=True, when={"layers": (3, 3)}),
}


def loss(p):
    """Least, 0, in the branch of most parameters, and 0.1 in an easier one."""
    common = 0.05 * (np.log10(p["scale"]) - 1) ** 2
    if p["kind"] == "linear":
        return common + 0.3 + 0.02 * (np.log10(p["penalty"]) + 1) ** 2
    if p["kind"] == "tree":
        return common + 0.1 + 0.01 * (p["depth"] - 7) ** 2 + (p["leaf"] - 0.1) ** 2
    net = 0.05 * (np.log10(p["rate"]) + 2.5) ** 2 + (p["drop"] - 0.3) ** 2 + 0.1 * abs(p["layers"] - 2)
    return common + net + 0.01 * sum((np.log2(p[f"width{i}"]) - 6) ** 2 for i in range(p["layers"]))


def search(seed, n=60, space=SPACE, **options):
    opt = hp.Optimizer(space, "gp", seed=seed, **options)
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, loss(trial.params))
    return opt


def test_the_better_branch_is_found():
    # Without turns for the other branches 3 of these 8 stay at 0.1.
    assert np.mean([search(seed).best_value for seed in range(8)]) < 0.015


def test_other_branches_are_tried_less_and_less():
    kinds = [t.params["kind"] for t in search(3, 140).trials]
    best = "net"
    early, late = kinds[30:70], kinds[100:]
    assert 0 < sum(k != best for k in early) <= 14
    assert 0 < sum(k != best for k in late) < sum(k != best for k in early)


def test_a_copy_goes_on_in_the_same_branches():
    opt = search(4, 30)
    for _ in range(12):
        copy = pickle.loads(pickle.dumps(opt))  # noqa: S301
        trial = opt.ask()
        assert copy.ask().params == trial.params
        opt.tell(trial, loss(trial.params))


@pytest.mark.parametrize("kind", ["linear", "tree"])
def test_a_given_branch_is_kept(kind):
    opt = search(5, 40)
    for _ in range(8):
        trial = opt.ask(given={"kind": kind})
        assert trial.params["kind"] == kind
        opt.tell(trial, loss(trial.params))


def test_workers_that_wait_do_not_all_leave_the_branch():
    opt = search(3, 50)
    kinds = [opt.ask().params["kind"] for _ in range(6)]
    assert sum(k != "net" for k in kinds) <= 3


def test_limits_and_failures_in_branches():
    opt = hp.Optimizer(SPACE, "gp", seed=0, limits={"size": hp.at_most(100)})
    for k in range(50):
        trial = opt.ask()
        p = trial.params
        if k % 9 == 4:
            opt.tell(trial, None)
            continue
        opt.tell(trial, loss(p), metrics={"size": float(p.get("width0", 0))})
    assert opt.best_trial.params.get("width0", 0) <= 100
    assert opt.best_value < 0.12


@pytest.mark.parametrize("end", ["failed", "pruned", "penalty"])
@pytest.mark.parametrize("sampler", ["gp", "auto"])
def test_a_branch_without_values_is_left(sampler, end):
    space = {
        "k": Categorical(["a", "b"]),
        "x": Float(0, 1, when={"k": "a"}),
        "y": Float(0, 1, when={"k": "b"}),
        "z": Float(0, 1, when={"k": "b"}),
    }
    opt = hp.Optimizer(space, sampler, seed=0)
    kinds = ""
    for number in range(60):
        trial = opt.ask()
        p = trial.params
        kinds += p["k"]
        if p["k"] == "a":
            opt.tell(trial, (p["x"] - 0.3) ** 2)
        elif number < 8:
            opt.tell(trial, 1 + p["y"] + p["z"])
        elif end == "penalty":
            opt.tell(trial, 1e12)
        else:
            opt.tell(trial, None, state=end)
    assert kinds[20:].count("a") >= 20 and kinds[40:].count("a") >= 12


def test_a_choice_of_one_point_is_not_tried_again():
    space = {
        "k": Categorical(["a", "b", "none"]),
        "x": Float(0, 1, when={"k": "a"}),
        "y": Float(0, 1, when={"k": "b"}),
    }
    opt = hp.Optimizer(space, "gp", seed=1)
    for _ in range(50):
        trial = opt.ask()
        p = trial.params
        if p["k"] == "a":
            opt.tell(trial, (p["x"] - 0.3) ** 2)
        else:
            opt.tell(trial, 1 + (p["y"] - 0.6) ** 2 if p["k"] == "b" else 2.0)
    late = [t.params for t in opt.trials[30:]]
    assert any(p["k"] == "b" for p in late)
    assert np.median([abs(p["x"] - 0.3) for p in late if p["k"] == "a"]) < 0.05
