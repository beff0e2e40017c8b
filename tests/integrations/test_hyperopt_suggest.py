"""The algo for `hyperopt.fmin`: what it makes of the trials that there are."""

from __future__ import annotations

import copy
import math
import pickle
import sys
import warnings
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType, MissingDependency
from hpcore.samplers import GPSampler

hyperopt = pytest.importorskip("hyperopt")

from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp  # noqa: E402
from hyperopt.base import JOB_STATE_CANCEL, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_RUNNING  # noqa: E402

from hpcore.integrations.hyperopt import suggest, suggest_with  # noqa: E402

pytestmark = pytest.mark.doors

SPACE = {"x": hp.uniform("x", -5, 5), "c": hp.choice("c", [0, hp.quniform("q", 0, 1, 0.1)])}


def loss(config: Any) -> float:
    return float((config["x"] - 1) ** 2 + config["c"])


def run(n: int, space: Any = SPACE, fn: Any = loss, algo: Any = suggest, trials: Any = None, seed: int = 0) -> Any:
    trials = Trials() if trials is None else trials
    fmin(
        fn,
        space,
        algo=algo,
        max_evals=n,
        trials=trials,
        rstate=np.random.default_rng(seed),
        verbose=False,
        show_progressbar=False,
    )
    return trials


def values(trials: Any) -> list[Any]:
    return [document["misc"]["vals"] for document in trials.trials]


def ask(trials: Any, number: int, space: Any = SPACE, algo: Any = suggest) -> Any:
    [document] = algo([number], hyperopt.Domain(loss, space), trials, 0)
    return document


def insert(trials: Any, document: Any, state: int, **result: Any) -> None:
    document["state"] = state
    document["result"] = result
    trials.insert_trial_docs([document])
    trials.refresh()


def test_it_finds_the_minimum_and_fmin_returns_it() -> None:
    trials = Trials()
    best = fmin(
        loss, SPACE, suggest, 40, trials=trials, rstate=np.random.default_rng(0), verbose=False, show_progressbar=False
    )
    assert best == trials.argmin and best["c"] == 0 and abs(best["x"] - 1) < 0.1
    assert hyperopt.space_eval(SPACE, best) == {"x": best["x"], "c": 0}
    assert all(type(v[0]) in (int, float) for vals in values(trials) for v in vals.values() if v)


def test_documents_are_those_of_random_search() -> None:
    ours, theirs = ask(Trials(), 0), ask(Trials(), 0, algo=hyperopt.rand.suggest)
    assert ours.keys() == theirs.keys() and ours["misc"].keys() == theirs["misc"].keys()
    assert ours["misc"]["vals"].keys() == theirs["misc"]["vals"].keys()
    assert ours["result"] == theirs["result"] and ours["state"] == theirs["state"]


def test_the_seed_decides() -> None:
    assert values(run(12, seed=1)) == values(run(12, seed=1)) != values(run(12, seed=2))
    algo = suggest_with("tpe", seed=7)
    assert values(run(12, algo=algo, seed=1)) == values(run(12, algo=algo, seed=2))


def test_samplers() -> None:
    sobol = suggest_with("sobol")
    assert values(run(8, algo=sobol)) == values(run(8, algo=pickle.loads(pickle.dumps(sobol))))  # noqa: S301
    assert values(run(8, algo=sobol)) != values(run(8))
    assert len(run(8, algo=suggest_with(GPSampler("ucb")))) == 8


def test_trials_that_go_on_are_those_of_one_run() -> None:
    parts = run(10)
    run(20, trials=parts, seed=5)
    assert values(parts) == values(run(20))


def test_the_order_of_results_does_not_matter() -> None:
    first, second = Trials(), Trials()
    documents = [ask(first, k) for k in range(4)]
    for trials, order in ((first, (0, 1, 2, 3)), (second, (3, 1, 0, 2))):
        for k in order:
            insert(trials, dict(documents[k]), JOB_STATE_DONE, status=STATUS_OK, loss=float(k))
            ask(trials, 9)  # a proposal that is never used leaves nothing behind
            ask(trials, 9)
    assert ask(first, 4)["misc"] == ask(second, 4)["misc"]


def test_a_loss_that_is_told_again_counts_as_it_is_now() -> None:
    changed, fresh = run(15), run(15)
    for document in changed.trials[:5]:
        document["result"]["loss"] = -100.0 - document["tid"]
    copied = Trials()
    copied.insert_trial_docs(copy.deepcopy(changed.trials))
    copied.refresh()
    ask(copied, 15)  # with the seed 0
    seeded = suggest_with(seed=3)
    assert ask(changed, 15, algo=seeded)["misc"] == ask(copied, 15, algo=seeded)["misc"]
    assert ask(changed, 15, algo=seeded)["misc"] != ask(fresh, 15, algo=seeded)["misc"]


def test_trials_that_were_deleted_are_forgotten() -> None:
    trials = run(15)
    trials.delete_all()
    algo = suggest_with(seed=3)
    assert ask(trials, 3, algo=algo)["misc"] == ask(Trials(), 3, algo=algo)["misc"]


def test_failed_cancelled_and_running_trials() -> None:
    def outcome(config: Any) -> Any:
        if config["x"] < -3:
            raise RuntimeError("no")
        if config["x"] < -1:
            return {"status": STATUS_FAIL}
        return {"status": STATUS_OK, "loss": math.nan if config["x"] > 4 else loss(config), "loss_variance": math.nan}

    trials = Trials()
    best = fmin(
        outcome,
        SPACE,
        suggest,
        30,
        trials=trials,
        rstate=np.random.default_rng(0),
        verbose=False,
        show_progressbar=False,
        catch_eval_exceptions=True,
        max_queue_len=3,
    )
    assert abs(best["x"] - 1) < 0.3
    states = [document["state"] for document in trials._dynamic_trials]
    assert states[:15].count(JOB_STATE_ERROR) > states[15:].count(JOB_STATE_ERROR)
    # A cancelled trial is no failure that one learns from, and does not run.
    with_cancelled, without = Trials(), Trials()
    for trials in (with_cancelled, without):
        for k in range(12):
            document = ask(trials, k)
            insert(
                trials,
                document,
                JOB_STATE_DONE,
                status=STATUS_OK,
                loss=loss({"x": document["misc"]["vals"]["x"][0], "c": 0}),
            )
    insert(with_cancelled, ask(with_cancelled, 12), JOB_STATE_CANCEL, status="new")
    assert ask(with_cancelled, 13)["misc"]["vals"] == ask(without, 13)["misc"]["vals"]
    other = Trials()
    other.insert_trial_docs(without.trials)
    other.refresh()
    insert(other, ask(without, 12), JOB_STATE_RUNNING, status="new")
    assert ask(other, 13)["misc"]["vals"] != ask(without, 13)["misc"]["vals"]


def test_the_variance_of_a_loss_is_learnt() -> None:
    def noisy(variance: Any) -> Any:
        return lambda config: {"status": STATUS_OK, "loss": loss(config), "loss_variance": variance}

    assert values(run(20, fn=noisy(4.0))) != values(run(20, fn=noisy(0.0)))
    assert values(run(20, fn=noisy(0.0))) == values(run(20)) == values(run(20, fn=noisy(-1.0)))


def test_trials_of_other_algorithms_are_learnt_from() -> None:
    trials = run(20, algo=hyperopt.rand.suggest)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(40, trials=trials)
    assert min(trials.losses()) < 0.02 < min(run(40, algo=hyperopt.rand.suggest).losses())


def points(*given: Any) -> Any:
    """Trials with points to evaluate, as `fmin` makes them from its argument."""
    trials = hyperopt.fmin.__globals__["generate_trials_to_calculate"](list(given))
    trials.refresh()
    return trials


def test_rounding_errors_of_quantised_values() -> None:
    trials = points({"x": 0.0, "c": 1, "q": 0.3}, {"x": 1.0, "c": 1, "q": 0.1 + 0.2}, {"x": 1, "c": np.int64(0)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(5, trials=trials)
    assert len(trials) == 5


def test_points_outside_the_space_are_not_used() -> None:
    trials = points({"x": 7.0, "c": 0}, {"x": 1.0, "c": 0})
    with pytest.warns(UserWarning, match=r"trial 0 is not used.*'x' must be within -5.0 .. 5.0, got 7.0"):
        run(6, trials=trials)
    assert len(trials) == 6


def test_a_space_that_changed() -> None:
    trials = run(10, space={"x": hp.uniform("x", -5, 5)}, fn=lambda c: (c["x"] - 1) ** 2)
    run(20, space={"x": hp.uniform("x", -9, 9)}, fn=lambda c: (c["x"] - 1) ** 2, trials=trials)
    assert min(trials.losses()) < 0.01


def test_only_trials_of_the_same_key_count() -> None:
    trials = Trials(exp_key="ours")
    run(6, trials=trials)
    others = [{**document, "exp_key": "theirs", "tid": document["tid"] + 100} for document in run(6).trials]
    trials._insert_trial_docs(others)
    alone = Trials(exp_key="ours")
    run(6, trials=alone)
    assert ask(trials, 6)["misc"]["vals"] == ask(alone, 6)["misc"]["vals"]


def test_finite_spaces() -> None:
    space = hp.choice("arm", [0.0, 1.0, 2.0])
    trials = run(12, space=space, fn=float)
    assert len(trials) == 12 and {v["arm"][0] for v in values(trials)} == {0, 1, 2}
    assert len(run(12, space=space, fn=float, algo=suggest_with("grid", repeats=1))) == 3
    assert len(run(12, space=space, fn=float, algo=suggest_with("tpe", repeats=2))) == 6


def test_nothing_varies() -> None:
    trials = run(3, space={"a": 1}, fn=lambda c: float(c["a"]))
    assert trials.losses() == [1.0, 1.0, 1.0]


def test_bad_arguments() -> None:
    with pytest.raises(InvalidArgument, match="sampler must be one of"):
        suggest_with("bayes")
    with pytest.raises(InvalidArgument, match="repeats must be >= 1"):
        suggest_with(repeats=0)
    with pytest.raises(InvalidArgument, match="seed must be"):
        suggest_with(seed=-1)
    with pytest.raises(InvalidType, match=r"domain must be a hyperopt\.base\.Domain"):
        suggest([0], SPACE, Trials(), 0)
    with pytest.raises(InvalidType, match="new_ids must be an integer"):
        suggest(["a"], hyperopt.Domain(loss, SPACE), Trials(), 0)  # type: ignore[list-item]
    with pytest.raises(InvalidSpace, match="label 'x'"):
        run(3, space={"x": hp.normal("x", 0, -1), "c": 0})


def test_without_hyperopt_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hpcore.integrations.hyperopt")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "hyperopt"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=r"needs hyperopt.*pip install 'hpcore\[hyperopt\]'"):
        import_module("hpcore.integrations.hyperopt")
