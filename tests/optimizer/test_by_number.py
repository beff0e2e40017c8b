"""A record that is kept elsewhere: `put`, and proposals by number, which follow from the rows alone."""

import math
import pickle
import random

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted, TrialAlreadyTold
from tests.optimizer.samples import facts

SPACE = hp.Space(
    {
        "x": hp.Float(-5, 5),
        "y": hp.Float(1e-3, 1, log=True),
        "k": hp.Int(1, 20),
        "c": hp.Categorical(["a", "b", "c"]),
        "z": hp.Float(0, 1, step=0.1, when={"c": "a"}),
    }
)
SAMPLERS = hp.samplers.names()
REAL = hp.Space({"x": hp.Float(-5, 5), "y": hp.Float(-5, 5)})


def loss(p) -> float:
    return (p["x"] - 1) ** 2 + math.log10(p["y"]) ** 2 + p["k"] / 10 + {"a": p.get("z", 0), "b": 0.5, "c": 1}[p["c"]]


def row(number: int, params) -> tuple:
    """State and value of a trial: some fail, some are pruned."""
    if number % 11 == 7:
        return "failed", None
    return ("pruned" if number % 13 == 5 else "complete"), loss(params)


def new(sampler: str, rows=(), **options) -> hp.Optimizer:
    opt = hp.Optimizer(SPACE, sampler, **{"seed": 3, **options})
    for number, params, *rest in rows:
        opt.put(number, params, *rest)
    return opt


def search(sampler: str, numbers, stops=(), order=None) -> list[dict]:
    """Parameters of a search that is told by number, and is made anew from its rows before the numbers `stops`."""
    opt, rows = new(sampler), []
    for number in numbers:
        if number in stops:
            again = list(rows)
            if order is not None:
                random.Random(order + number).shuffle(again)
            opt = new(sampler, again)
        params = dict(opt.ask(number=number).params)
        rows.append((number, params, *row(number, params)))
        opt.put(*rows[-1])
    return [params for _, params, *_ in rows]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_resumed_search_goes_on_as_an_unbroken_one(sampler: str) -> None:
    unbroken = search(sampler, range(36))
    assert search(sampler, range(36), stops=(1, 5, 17, 30)) == unbroken
    assert search(sampler, range(36), stops=(6, 23, 35), order=1) == unbroken
    opt = new(sampler)
    for number in range(36):
        trial = opt.ask()
        assert trial.params == unbroken[number]
        state, value = row(number, trial.params)
        opt.tell(trial, value, state=state)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_numbers_may_have_gaps(sampler: str) -> None:
    numbers = [3, 4, 9, 10, 11, 5, 12, 20, 21, 22, 0, 23, 24, 25, 30, 31, 7]
    unbroken = search(sampler, numbers)
    assert search(sampler, numbers, stops=(9, 5, 22, 0, 25, 7), order=2) == unbroken


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_order_of_the_rows_does_not_matter(sampler: str) -> None:
    known = hp.Optimizer(SPACE, "random", seed=8)
    rows = [(k, t.params, *row(k, t.params)) for k, t in enumerate(known.ask(20)) if k not in (4, 12)]
    rows[4] = (5, rows[4][1] | {"x": 0.25}, "running")
    reference = new(sampler, rows).ask(number=20)
    for seed in range(3):
        shuffled = list(rows)
        random.Random(seed).shuffle(shuffled)
        opt = new(sampler)
        for i, (number, params, state, *value) in enumerate(shuffled):
            if i % 5 == 1:
                opt.ask(number=40 + i)  # the sampler learns from what is there so far
                opt.put(40 + i, None, "withdrawn")
            opt.put(number, params | {"x": 4.5}, "running")
            if i % 4 == 0:
                opt.put(number, params, "complete", 123.0)
            opt.put(number, params, state, *value)
        trial = opt.ask(number=20)
        assert trial == reference
        assert trial.info == reference.info


def test_a_proposal_is_made_once() -> None:
    opt = new("gp", [(k, t.params, "complete", loss(t.params)) for k, t in enumerate(new("random").ask(6))])
    trial = opt.ask(number=8)
    assert opt.ask(number=8) is trial
    assert trial.number == 8
    assert trial.state == "running"
    opt.withdraw(8)
    assert opt.ask(number=8).params == trial.params
    with pytest.raises(TrialAlreadyTold, match="complete"):
        opt.ask(number=3)
    assert opt.ask(number=7).number == 7
    assert opt.ask().number == 9


def test_numbers_between_count_as_nothing() -> None:
    opt = new("tpe", [(6, {"x": 0.0, "y": 0.1, "k": 3, "c": "b"}, "complete", 1.0)])
    history = opt.history
    assert (history.n, history.n_ended, history.n_running, history.n_complete) == (7, 1, 0, 1)
    assert len(history.running()) == 0
    assert [t.state for t in opt.trials[:6]] == ["withdrawn"] * 6
    assert opt.trials[2].params == {}
    assert [t.number for t in opt.trials[::-3]] == [6, 3, 0]
    assert opt.best_trial.number == 6
    assert [t.number for t in opt.pareto_front] == [6]
    again = hp.Optimizer(SPACE, "tpe", seed=3)
    again.restore(opt.rows())
    assert facts(again) == facts(opt)
    assert facts(pickle.loads(pickle.dumps(opt))) == facts(opt)  # noqa: S301 - our own data
    assert again.ask().params == opt.ask(number=7).params


def test_the_copy_follows_the_original() -> None:
    opt = new("tpe")
    params = {"x": 0.0, "y": 0.1, "k": 3, "c": "b"}
    opt.put(0, params, "running")
    trial = opt.trials[0]
    assert trial.state == "running"
    assert opt.history.n_running == 1
    opt.put(0, params | {"k": 4}, "running")
    assert trial.params["k"] == 4
    assert opt.trials[0] is trial
    opt.put(0, params, "complete", 2.0, std_error=0.5, cost=3.0, metrics={"m": 1.0}, reports={1: 5.0, 2: 4.0})
    told = opt.trials[0]
    assert (told.value, told.cost, told.metrics, told.reports) == (2.0, 3.0, {"m": 1.0}, {1: 5.0, 2: 4.0})
    assert trial.state == "complete"
    before = facts(opt)
    opt.put(0, params, "complete", 2.0, std_error=0.5, cost=3.0, metrics={"m": 1.0}, reports={1: 5.0, 2: 4.0})
    assert facts(opt) == before
    opt.put(1, params | {"x": 1.0}, "complete", 1.0)
    assert opt.best_trial.number == 1
    opt.put(1, params | {"x": 1.0}, "complete", 3.0)
    assert (opt.best_trial.number, opt.trials[1].value) == (0, 3.0)
    opt.put(0, params, "failed")
    assert opt.best_trial.number == 1
    assert (opt.history.std_error(0), opt.trials[0].cost, opt.trials[0].metrics) == (None, None, {})
    opt.put(1, None, "withdrawn")
    opt.put(1, None, "withdrawn")
    with pytest.raises(hp.errors.NoCompletedTrial):
        opt.best_trial  # noqa: B018 - raises
    assert (opt.history.n_withdrawn, opt.history.n_ended) == (1, 1)


def test_reports_are_the_original_s() -> None:
    opt = new("random")
    params = {"x": 0.0, "y": 0.1, "k": 3, "c": "b"}
    opt.put(0, params, "running", reports={1: 5.0})
    opt.put(1, params, "running", reports={1: 6.0})
    opt.put(0, params, "running", reports={1: 5.0, 3: 4.0})
    assert opt.trials[0].reports == {1: 5.0, 3: 4.0}
    assert opt.history.curves.of(0) == [0, 2]
    opt.put(0, params, "pruned", reports={1: 5.5, 3: 4.0})
    assert opt.trials[0].reports == {1: 5.5, 3: 4.0}
    assert opt.trials[1].reports == {1: 6.0}
    opt.put(0, params, "pruned", 4.0)
    assert (opt.trials[0].reports, opt.trials[0].value) == ({1: 5.5, 3: 4.0}, 4.0)
    opt.put(0, params | {"k": 1}, "complete", 4.0)
    assert opt.trials[0].reports == {}


def test_values_keep_their_sign_and_parameters_their_last_digit() -> None:
    # A cube of doubles has fewer points than the integers have values.
    opt = hp.Optimizer({"n": hp.Int(0, 2**60), "x": hp.Float(0, 1, step=0.1)}, direction="maximize", seed=0)
    given = {"n": 2**59 + 1, "x": 0.1 + 0.2}
    opt.put(0, given, "complete", 2.0)
    opt.put(1, {"n": 2**59, "x": 0.3}, "complete", 1.0)
    assert opt.best_trial.params == {"n": 2**59 + 1, "x": 0.3}
    assert opt.trials[1].params == {"n": 2**59, "x": 0.3}
    assert opt.history.n_given == 0
    before = facts(opt)
    opt.put(0, given, "complete", 2.0)
    assert facts(opt) == before
    opt.put(0, {"n": 2**59, "x": 0.3}, "complete", 2.0)
    assert opt.best_trial.params == {"n": 2**59, "x": 0.3}
    assert opt.history.n_given == 0


def test_a_trial_that_was_given_here_is_a_copy_afterwards() -> None:
    opt = new("auto")
    params = {"x": 0.0, "y": 0.1, "k": 3, "c": "b"}
    opt.add(params, 1.0)
    assert opt.history.n_given == 1
    opt.put(0, params, "complete", 1.0)
    assert (opt.history.n_given, opt.trials[0].params) == (0, params)


def test_a_point_may_be_proposed_again_once_no_trial_has_it() -> None:
    space = {"n": hp.Int(0, 3)}
    opt = hp.Optimizer(space, "random", seed=0)
    for number in range(4):
        opt.put(number, {"n": number}, "complete", 0.0)
    with pytest.raises(SearchSpaceExhausted):
        opt.ask(number=4)
    opt.put(2, {"n": 1}, "complete", 0.0)
    assert opt.ask(number=4).params == {"n": 2}
    opt.withdraw(4)
    assert opt.ask().params == {"n": 2}


@pytest.mark.parametrize("sampler", ["gp", "tpe", "grid"])
def test_points_that_are_all_known_come_again_where_that_is_allowed(sampler: str) -> None:
    space = {"n": hp.Int(0, 2)}
    opt = hp.Optimizer(space, sampler, seed=0, repeats=None)
    for number in (1, 3, 4):
        opt.put(number, opt.ask(number=number).params, "complete", float(number))
    trial = opt.ask(number=6)
    assert trial.info is not None
    assert trial.info["repeat_of"] in (1, 3, 4)
    other = hp.Optimizer(space, sampler, seed=0, repeats=None)
    for number in (4, 1, 3):
        other.put(number, opt.trials[number].params, "complete", float(number))
    assert other.ask(number=6) == trial


def test_several_objectives() -> None:
    def told(p) -> tuple[float, float]:
        return p["x"] ** 2, (p["y"] - 1) ** 2

    first = hp.Optimizer(REAL, "gp", directions=["minimize", "maximize"], seed=1)
    rows = []
    for number in range(12):
        params = dict(first.ask(number=number).params)
        rows.append((number, params, "complete", told(params)))
        first.put(*rows[-1], reports={1: told(params)})
    again = hp.Optimizer(REAL, "gp", directions=["minimize", "maximize"], seed=1)
    for one in reversed(rows):
        again.put(*one)
    assert again.ask(number=12) == first.ask(number=12)
    assert again.trials[3].values == told(rows[3][1])


def test_prefetched_suggestions_follow_what_was_put() -> None:
    def search(prefetch: bool) -> list:
        opt = hp.Optimizer(REAL, "gp", seed=2, prefetch=prefetch)
        for _ in range(8):
            trial = opt.ask()
            opt.tell(trial, trial["x"] ** 2)
        opt.put(2, {"x": 0.5, "y": 0.5}, "complete", -1.0)
        return [opt.ask().params, opt.ask(number=15).params]

    assert search(True) == search(False)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, {"x": 9.0, "y": 0.0}, "complete", 1.0), {}, "'x'"),
        ((0, {"x": 0.0}, "complete", 1.0), {}, "'y'"),
        ((0, {"x": 0.0, "y": 0.0}, "done", 1.0), {}, "state must be one of"),
        ((0, {"x": 0.0, "y": 0.0}, "paused"), {}, "state must be one of"),
        ((0, {"x": 0.0, "y": 0.0}, "complete"), {}, "value must be given"),
        ((0, {"x": 0.0, "y": 0.0}, "running", 1.0), {}, "value must be left out"),
        ((0, {"x": 0.0, "y": 0.0}, "running"), {"cost": 1.0}, "cost must be left out"),
        ((0, None, "withdrawn"), {"reports": {1: 1.0}}, "reports must be left out"),
        ((0, {"x": 0.0, "y": 0.0}, "withdrawn"), {}, "params must be left out"),
        ((-1, {"x": 0.0, "y": 0.0}, "complete", 1.0), {}, "number"),
        ((10**9, {"x": 0.0, "y": 0.0}, "complete", 1.0), {}, "number"),
        ((0, {"x": 0.0, "y": 0.0}, "complete", (1.0, 2.0)), {}, "value"),
        ((0, {"x": 0.0, "y": 0.0}, "complete", 1.0), {"reports": {math.nan: 1.0}}, "step"),
        ((0, {"x": 0.0, "y": 0.0}, "complete", 1.0), {"std_error": -1.0}, "std_error"),
    ],
)
def test_bad_input_changes_nothing(arguments: tuple, options: dict, message: str) -> None:
    opt = hp.Optimizer(REAL, seed=0)
    with pytest.raises(InvalidArgument, match=message):
        opt.put(*arguments, **options)
    assert opt.n_trials == 0


def test_wrong_types() -> None:
    opt = hp.Optimizer(REAL, seed=0)
    with pytest.raises(InvalidType):
        opt.put("0", {"x": 0.0, "y": 0.0}, "running")
    with pytest.raises(InvalidType, match="params"):
        opt.put(0, None, "running")
    with pytest.raises(InvalidType, match="reports"):
        opt.put(0, {"x": 0.0, "y": 0.0}, "running", reports=[1.0])
    with pytest.raises(InvalidType, match="number"):
        opt.ask(number="3")
    with pytest.raises(InvalidArgument, match="number stands for one trial"):
        opt.ask(2, number=3)
    with pytest.raises(InvalidArgument, match="scheduler"):
        hp.Optimizer(REAL, scheduler="asha", seed=0).put(0, {"x": 0.0, "y": 0.0}, "running")
    assert opt.n_trials == 0


def test_a_value_that_is_not_finite_is_a_failure() -> None:
    opt = hp.Optimizer(REAL, seed=0)
    opt.put(0, {"x": 0.0, "y": 0.0}, "complete", np.nan)
    assert opt.trials[0].state == "failed"


def test_limits_and_costs() -> None:
    def made(rows) -> hp.Optimizer:
        opt = hp.Optimizer(REAL, "tpe", seed=4, limits={"m": hp.at_most(1.0)})
        for one, facts_of in rows:
            opt.put(*one, **facts_of)
        return opt

    source = hp.Optimizer(REAL, "random", seed=5).ask(30)
    rows = [
        ((t.number, t.params, "complete", t["x"] ** 2), {"metrics": {"m": t["y"]}, "cost": 1.0 + abs(t["x"])})
        for t in source
    ]
    first, again = made(rows), made(rows[::-1])
    assert first.best_trial == again.best_trial
    assert first.best_trial.feasible
    again.put(7, rows[7][0][1], "complete", -100.0, metrics={"m": 0.0})
    assert again.best_trial.number == 7
    again.put(*rows[7][0], **rows[7][1])
    assert first.ask(number=30) == again.ask(number=30)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_may_lack_values(sampler: str) -> None:
    """Trials that ended, or are running, before they asked for all their parameters."""
    lacking = [
        (0, {"c": "a", "x": 0.5}, "failed", None),
        (1, {"k": 3, "x": -0.5}, "running", None),
        (3, {"c": "a", "x": 1.0, "y": 0.5, "k": 2}, "pruned", 4.0),
        (4, {"c": "b"}, "complete", 9.0),
    ]

    def copied(rows: list) -> hp.Optimizer:
        opt = new(sampler)
        for number, params, state, value in rows:
            opt.put(number, params, state, value, missing="inactive")
        return opt

    opt = copied(lacking)
    assert [opt.trials[number].params for number, *_ in lacking] == [params for _, params, *_ in lacking]
    before = facts(opt)
    for number, params, state, value in lacking:
        opt.put(number, params, state, value, missing="inactive")
    assert facts(opt) == before
    for number in range(5, 18):
        params = dict(opt.ask(number=number).params)
        lacking.append((number, params, "complete", loss(params)))
        opt.put(*lacking[-1])
    assert copied(lacking[::-1]).ask(number=20) == opt.ask(number=20)
    whole = {"x": 0.5, "y": 0.1, "k": 3, "c": "b"}
    opt.put(1, whole, "complete", 1.0)
    assert opt.trials[1].params == whole
    with pytest.raises(InvalidArgument, match="missing must be"):
        opt.put(1, whole, "complete", 1.0, missing="ignore")
    with pytest.raises(InvalidArgument, match="'y'"):
        opt.put(21, {"x": 0.5, "k": 3, "c": "b"}, "complete", 1.0)
    with pytest.raises(InvalidArgument, match="'z'"):
        opt.put(21, {"z": 0.5, "c": "b"}, "complete", 1.0, missing="inactive")
