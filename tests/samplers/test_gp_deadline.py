"""The ladder of GPSampler under a deadline: honest about its step, and without a trace on later suggestions."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

import hpcore as hp

SPACE = {
    "a": hp.Float(0, 1),
    "b": hp.Float(1e-3, 1, log=True),
    "k": hp.Int(1, 9),
    "c": hp.Categorical(["x", "y", "z"]),
}
STEPS = {"full", "reuse", "search", "draft"}


def loss(trial: hp.Trial) -> float:
    return (trial["a"] - 0.3) ** 2 + abs(math.log10(trial["b"]) + 1.5) + 0.1 * trial["k"] + (trial["c"] != "y")


def optimizer(n: int, seed: int = 0, sampler: str | hp.samplers.GPSampler = "gp") -> hp.Optimizer:
    """After n trials, without a model: they were added, not asked for."""
    donor = hp.Optimizer(SPACE, "random", seed=seed)
    opt = hp.Optimizer(SPACE, sampler, seed=seed)
    for _ in range(n):
        trial = donor.ask()
        opt.add(trial.params, loss(trial))
    return opt


def test_a_generous_deadline_changes_nothing() -> None:
    plain, hurried = optimizer(20), optimizer(20)
    for _ in range(4):
        a, b = plain.ask(), hurried.ask(deadline_ms=60_000)
        assert a.params == b.params
        assert b.info == {"step": "full"}
        plain.tell(a, loss(a))
        hurried.tell(b, loss(b))
    assert [t.params for t in plain.ask(3)] == [t.params for t in hurried.ask(3, deadline_ms=60_000)]


def test_no_time_for_a_first_model_gives_a_draft() -> None:
    opt = optimizer(40)
    trial = opt.ask(deadline_ms=1e-6)
    assert trial.info == {"step": "draft"}
    batch = opt.ask(4, deadline_ms=1e-6)
    assert {t.info["step"] for t in batch if t.info is not None} == {"draft"}
    assert len({tuple(t.params.values()) for t in (trial, *batch)}) == 5


def test_nothing_to_make_a_model_of_gives_a_sobol_point() -> None:
    opt = optimizer(1, sampler=hp.samplers.GPSampler(n_startup_trials=1))
    trial = opt.ask(deadline_ms=1e-6)
    assert trial.info == {"step": "sobol"}
    assert trial.params == [t.params for t in hp.Optimizer(SPACE, "sobol", seed=0).ask(2)][1]


def test_no_time_for_a_search_gives_a_draft() -> None:
    opt = optimizer(39)
    opt.tell(opt.ask(), 1.0)  # a fit; the next one is due after the next result
    for _ in range(5):
        trial = opt.ask(deadline_ms=1e-6)
        assert trial.info == {"step": "draft"}
        opt.tell(trial, loss(trial))


def test_drafts_find_more_than_chance() -> None:
    opt = optimizer(60)
    drafts = []
    for _ in range(30):
        trial = opt.ask(deadline_ms=1e-6)
        drafts.append(loss(trial))
        opt.tell(trial, drafts[-1])
    values = sorted(loss(t) for t in opt.trials[:60])
    assert sum(v < values[15] for v in drafts) > 15  # a quarter would be 7 or 8
    assert min(drafts) < values[0]


@pytest.mark.parametrize("m", [2, 3, 4])
def test_several_objectives_have_drafts_too(m: int) -> None:
    opt = hp.Optimizer(SPACE, "gp", directions=["minimize"] * m, seed=0)
    for _ in range(20):
        trial = opt.ask(deadline_ms=60_000)
        opt.tell(trial, [loss(trial), trial["a"], -trial["b"], trial["k"]][:m])
    assert {t.info["step"] for t in opt.ask(3, deadline_ms=1e-6) if t.info is not None} == {"draft"}


@pytest.mark.parametrize("options", [{}, {"transform": "auto"}, {"inference": "mcmc", "n_draws": 2}])
@pytest.mark.parametrize("n", [45, 130])
def test_hurry_leaves_no_trace(n: int, options: dict[str, Any]) -> None:
    """State between calls is a cache, also when it was filled, or given up, in a hurry."""
    hurried, patient = (optimizer(n, sampler=hp.samplers.GPSampler(**options)) for _ in range(2))
    for k in range(12):
        deadline = (1e-3, 0.5, 3.0, 20.0)[k % 4]
        trial = hurried.ask(deadline_ms=deadline)
        assert trial.info is not None
        assert trial.info["step"] in STEPS
        hurried.tell(trial, loss(trial))
        patient.add(trial.params, loss(trial))
    assert hurried.ask().params == patient.ask().params


def test_start_up_is_always_in_time() -> None:
    opt = hp.Optimizer(SPACE, "gp", seed=0)
    assert opt.ask(deadline_ms=5).info == {"step": "full"}


def test_a_batch_is_the_models() -> None:
    for n in (150, 200):
        opt = optimizer(n)
        opt.ask()  # a model
        batch = opt.ask(40, deadline_ms=5)
        assert {t.info["step"] for t in batch if t.info is not None} <= STEPS - {"full"}
        assert len({tuple(t.params.values()) for t in batch}) == 40


def test_suggestions_load_nothing() -> None:
    """Modules that a process loads on first use take longer than a deadline."""
    code = (
        "import sys, hpcore as hp\n"
        "opt = hp.Optimizer({'x': hp.Float(0, 1), 'c': hp.Categorical(['a', 'b'])}, seed=0)\n"
        "before = set(sys.modules)\n"
        "for i in range(12): opt.tell(opt.ask(deadline_ms=60_000), float(i))\n"
        "assert set(sys.modules) == before, set(sys.modules) - before\n"
        "assert {t.info['step'] for t in opt.trials} == {'full'}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_finite_space_never_repeats_under_a_deadline() -> None:
    opt = hp.Optimizer({"k": hp.Int(0, 30)}, "gp", seed=0)
    seen = set()
    for _ in range(31):
        trial = opt.ask(deadline_ms=0.05)
        seen.add(trial["k"])
        opt.tell(trial, float(trial["k"]))
    assert len(seen) == 31
    with pytest.raises(hp.errors.SearchSpaceExhausted):
        opt.ask(deadline_ms=0.05)
