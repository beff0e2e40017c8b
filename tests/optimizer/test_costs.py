"""Costs in suggestions: told ones, and a cost function that is known in advance."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.samplers.base import Sampler, Suggester

SPACE = hp.Space({"x": hp.Float(0.0, 1.0), "n": hp.Int(1, 4)})


class Listening(Suggester):
    """A suggester that notes what it is told about costs."""

    def __init__(self, columns) -> None:
        self.d, self.on, self.known = columns.d, [], []

    def use_cost(self, on: bool) -> None:
        self.on.append(on)

    def know_costs(self, rows, costs) -> None:
        self.known.append((rows, costs))

    def suggest(self, history, pending, n, rng):
        return np.array([rng.uniform(self.d, 0, i) for i in range(n)])


class Listener(Sampler):
    def bind(self, columns) -> Listening:
        self.bound = Listening(columns)
        return self.bound


def optimizer(space=SPACE, **options) -> tuple[hp.Optimizer, Listening]:
    sampler = Listener()
    opt = hp.Optimizer(space, sampler, seed=0, **options)
    return opt, sampler.bound


def test_costs_count_as_soon_as_one_is_told() -> None:
    opt, heard = optimizer()
    opt.tell(opt.ask(), 1.0)
    opt.tell(opt.ask(), 1.0, cost=2.0)
    opt.ask(2)
    assert heard.on == [False, False, True] and heard.known == []


def test_in_a_deterministic_order_costs_count_once_they_are_seen() -> None:
    opt, _ = optimizer()
    for _ in range(3):
        opt.tell(opt.ask(as_of=-1), 1.0, cost=2.0)
    opt.ask(as_of=0)
    assert opt.sampler.bound.on == [False, False, False, True]


@pytest.mark.parametrize("per_cost", [True, False])
def test_an_explicit_choice_wins(per_cost: bool) -> None:
    opt, heard = optimizer(per_cost=per_cost, cost=lambda params: 1.0)
    opt.tell(opt.ask(), 1.0)
    opt.tell(opt.ask(), 1.0, cost=2.0)
    opt.ask()
    assert heard.on == [per_cost] * 3


@pytest.mark.parametrize("prefetch", [True, "delayed"])
def test_prefetched_suggestions_count_costs_too(prefetch) -> None:
    opt, heard = optimizer(prefetch=prefetch)
    opt.tell(opt.ask(), 1.0, cost=2.0)
    opt.tell(opt.ask(), 1.0, cost=2.0)
    opt.ask()
    assert heard.on[-1] is True


def test_a_known_cost_function_is_evaluated_at_spread_points() -> None:
    opt, heard = optimizer(cost=lambda params: 1.0 + params["x"] * params["n"])
    opt.ask()
    ((rows, costs),) = heard.known
    assert rows.shape == (64, 2) and heard.on == [True]
    params = SPACE.decode(rows)
    np.testing.assert_array_equal(costs, [1.0 + p["x"] * p["n"] for p in params])
    assert np.ptp(rows[:, 0]) > 0.9 and {p["n"] for p in params} == {1, 2, 3, 4}
    assert pickle.loads(pickle.dumps(opt)).ask()  # noqa: S301 - our own data, without the function
    opt.forget()


def test_only_allowed_points_are_evaluated_and_each_once() -> None:
    def cost(params) -> float:
        assert params["n"] >= 3
        return float(params["n"])

    constrained = hp.Space({"n": hp.Int(1, 4)}, constraints=[lambda params: params["n"] >= 3])
    _, heard = optimizer(constrained, cost=cost)
    ((rows, costs),) = heard.known
    assert sorted(costs) == [3.0, 4.0] and len(rows) == 2
    rare = hp.Space({f"x{i}": hp.Float(0, 1) for i in range(8)}, constraints=[lambda p: sum(p.values()) <= 0.3])
    _, heard = optimizer(rare, cost=lambda params: 0.1 + sum(params.values()))
    assert (heard.known[0][1] <= 0.4).all()


def test_conditional_parameters_are_left_out_of_the_params_where_they_are_inactive() -> None:
    space = hp.Space({"kind": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1, when={"kind": "b"})})
    _, heard = optimizer(space, cost=lambda params: 1.0 + len(params))
    rows, costs = heard.known[0]
    np.testing.assert_array_equal(costs, np.where(np.isnan(rows[:, 1]), 2.0, 3.0))
    assert set(costs) == {2.0, 3.0}


@pytest.mark.parametrize("answer", [0.0, -1.0, math.nan, math.inf, "1", None, True, [1.0]], ids=repr)
def test_a_cost_function_must_answer_with_a_cost(answer) -> None:
    with pytest.raises((InvalidArgument, InvalidType), match=r"cost must be .* got .* for \{'x': "):
        optimizer(cost=lambda params: answer)


def test_a_cost_function_that_fails() -> None:
    with pytest.raises(InvalidArgument, match=r"cost must answer .* KeyError: 'y' for \{'x': "):
        optimizer(cost=lambda params: params["y"])
    with pytest.raises(InvalidType, match="cost must be a function of the params, got 3"):
        optimizer(cost=3)
    with pytest.raises(InvalidType, match="per_cost must be True or False, got 1"):
        optimizer(per_cost=1)


@pytest.mark.parametrize("cost", [-1.0, math.nan, math.inf, "1"])
def test_costs_that_are_none(cost) -> None:
    opt, _ = optimizer()
    with pytest.raises((InvalidArgument, InvalidType), match="cost must be"):
        opt.tell(opt.ask(), 1.0, cost=cost)


def test_a_cost_of_nothing_is_kept() -> None:
    opt, _ = optimizer()
    trial = opt.ask()
    opt.tell(trial, 1.0, cost=0)
    assert trial.cost == 0.0 and opt.history.cost.tolist() == [0.0]
