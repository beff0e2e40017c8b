"""Wrong calls, one per line: each raises a typed error at the call, with the argument and the value.

The second column is the type of the error; the other columns must be in its message.
"""

import json
import math
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import stats

import hpcore as hp
from hpcore.errors import (
    ConstraintError,
    HpcoreError,
    InfeasibleSpace,
    InvalidArgument,
    InvalidSpace,
    InvalidType,
    TrialAlreadyTold,
    UnknownTrial,
)

NAN, INF = math.nan, math.inf
GOOD = {"x": hp.Float(0, 1), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])}
POINT = {"x": 0.5, "k": 3, "c": "a"}
SPACE = hp.Space(GOOD)


def document(**changes: Any) -> str:
    """Return a stored space of one Int, with changes."""
    entry = {"name": "k", "type": "Int", "low": 1, "high": 9, "log": False, "step": 1, "when": {}}
    top = {key: changes.pop(key) for key in ("hpcore_space", "n_constraints", "parameters") if key in changes}
    return json.dumps({"hpcore_space": 1, "n_constraints": 0, "parameters": [{**entry, **changes}], **top})


def endless() -> list:
    out: list = []
    out.append(out)
    return out


def loss(trial: hp.Trial) -> float:
    pytest.fail("the objective was called")


def opt(**options: Any) -> hp.Optimizer:
    return hp.Optimizer(SPACE, **options)


def told(value: Any, **options: Any) -> None:
    """Call `tell` on a fresh optimizer, which must not change."""
    optimizer = opt(directions=["minimize"] * options.pop("m", 1), seed=0)
    trial = optimizer.ask()
    try:
        optimizer.tell(trial, value, **options)
    finally:
        assert (trial.state, trial.values, trial.error, optimizer.n_trials) == ("running", None, None, 1)
        optimizer.tell(trial, [0.0] * len(optimizer.directions))


def unchanged(act: Callable[[hp.Optimizer], Any]) -> None:
    """Call a function on an optimizer with one finished and one running trial, which must not change."""
    optimizer, twin = opt(seed=1), opt(seed=1)
    for o in (optimizer, twin):
        o.tell(o.ask(), 1.0)
        o.ask()
    try:
        act(optimizer)
    finally:
        assert list(optimizer.trials) == list(twin.trials)
        assert [t.params for t in optimizer.ask(3)] == [t.params for t in twin.ask(3)]
        optimizer.tell(1, 0.5)


def pool_that_is_down() -> ThreadPoolExecutor:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    return pool


CASES = [
    # Float
    (lambda: hp.Float(NAN, 1), InvalidArgument, "low", "nan", "finite"),
    (lambda: hp.Float(0, NAN), InvalidArgument, "high", "nan", "finite"),
    (lambda: hp.Float(0, INF), InvalidArgument, "high", "inf", "finite"),
    (lambda: hp.Float(-INF, 0), InvalidArgument, "low", "-inf"),
    (lambda: hp.Float(1.0, 0.1), InvalidArgument, "low must be <= high", "low=1.0", "high=0.1"),
    (lambda: hp.Float("0", 1), InvalidType, "low", "'0'", "number"),
    (lambda: hp.Float(0, b"1"), InvalidType, "high", "b'1'"),
    (lambda: hp.Float(None, 1), InvalidType, "low", "None"),
    (lambda: hp.Float(True, 2), InvalidType, "low", "True"),
    (lambda: hp.Float(0, 1j), InvalidType, "high", "1j"),
    (lambda: hp.Float([0], 1), InvalidType, "low", "[0]"),
    (lambda: hp.Float(np.zeros(2), 1), InvalidType, "low", "array"),
    (lambda: hp.Float(np.array(0.0), 1), InvalidType, "low", "array"),
    (lambda: hp.Float(0, 10**400), InvalidArgument, "high", "range of a double"),
    (lambda: hp.Float(0, Fraction(10**400)), InvalidArgument, "high", "range of a double"),
    (lambda: hp.Float(0, 1, log=True), InvalidArgument, "low must be > 0", "low=0"),
    (lambda: hp.Float(-1, 1, log=True), InvalidArgument, "low", "-1"),
    (lambda: hp.Float(-0.0, 1, log=True), InvalidArgument, "low", "-0.0"),
    (lambda: hp.Float(1, 2, log="yes"), InvalidType, "log", "'yes'"),
    (lambda: hp.Float(1, 2, log=1), InvalidType, "log", "True or False", "1"),
    (lambda: hp.Float(0, 1, step=0), InvalidArgument, "step", "> 0", "0"),
    (lambda: hp.Float(0, 1, step=-0.1), InvalidArgument, "step", "-0.1"),
    (lambda: hp.Float(0, 1, step=NAN), InvalidArgument, "step", "nan"),
    (lambda: hp.Float(0, 1, step=INF), InvalidArgument, "step", "inf"),
    (lambda: hp.Float(0, 1, step="0.1"), InvalidType, "step", "'0.1'"),
    (lambda: hp.Float(0, 1, step=False), InvalidType, "step", "False"),
    (lambda: hp.Float(-1e308, 1e308, step=5e-324), InvalidArgument, "step", "2**63"),
    (lambda: hp.Float(0, 1, when="a"), InvalidType, "when", "'a'"),
    (lambda: hp.Float(0, 1, when={1: 2}), InvalidType, "when", "name", "1"),
    (lambda: hp.Float(0, 1, when={"a": []}), InvalidArgument, "when['a']", "at least one", "[]"),
    # Int
    (lambda: hp.Int(0.5, 3), InvalidType, "low", "0.5", "integer"),
    (lambda: hp.Int(0, 3.0), InvalidType, "high", "3.0"),
    (lambda: hp.Int("0", 3), InvalidType, "low", "'0'"),
    (lambda: hp.Int(False, 3), InvalidType, "low", "False"),
    (lambda: hp.Int(NAN, 3), InvalidType, "low", "nan"),
    (lambda: hp.Int(0, INF), InvalidType, "high", "inf"),
    (lambda: hp.Int(5, 1), InvalidArgument, "low=5", "high=1"),
    (lambda: hp.Int(0, 2**63), InvalidArgument, "high", str(2**63), "2**63 - 1"),
    (lambda: hp.Int(-(2**63) - 1, 0), InvalidArgument, "low", str(-(2**63) - 1)),
    (lambda: hp.Int(0, 10**400), InvalidArgument, "high", "2**63 - 1"),
    (lambda: hp.Int(0, 5, log=True), InvalidArgument, "low must be >= 1", "low=0"),
    (lambda: hp.Int(1, 5, step=0), InvalidArgument, "step", "0"),
    (lambda: hp.Int(1, 5, step=1.0), InvalidType, "step", "1.0"),
    (lambda: hp.Int(1, 5, step=None), InvalidType, "step", "None"),
    # Normal
    (lambda: hp.Normal(NAN, 1), InvalidArgument, "mean", "nan"),
    (lambda: hp.Normal(0, 0), InvalidArgument, "std", "> 0", "0"),
    (lambda: hp.Normal(0, -1), InvalidArgument, "std", "-1"),
    (lambda: hp.Normal(0, INF), InvalidArgument, "std", "inf"),
    (lambda: hp.Normal("0", 1), InvalidType, "mean", "'0'"),
    (lambda: hp.Normal(0, 1, low=2, high=1), InvalidArgument, "low=2", "high=1"),
    (lambda: hp.Normal(0, 1, low=NAN), InvalidArgument, "low", "nan"),
    (lambda: hp.Normal(0, 1, low=0, log=True), InvalidArgument, "low must be > 0", "low=0"),
    (lambda: hp.Normal(0, 1, low=50), InvalidArgument, "low=50", "8.3 std"),
    (lambda: hp.Normal(0, 1e308), InvalidArgument, "std=1e+308", "range of a double"),
    (lambda: hp.Normal(0, 200, log=True), InvalidArgument, "std=200", "range of a double"),
    (lambda: hp.Normal(50, 1, step=100), InvalidArgument, "step", "100", "41.7 .. 58.3"),
    (lambda: hp.Normal(0, 1, step=-1), InvalidArgument, "step", "-1"),
    # Categorical
    (lambda: hp.Categorical([]), InvalidArgument, "choices", "empty"),
    (lambda: hp.Categorical("abc"), InvalidType, "choices", "'abc'", "list"),
    (lambda: hp.Categorical(b"abc"), InvalidType, "choices", "b'abc'"),
    (lambda: hp.Categorical({"a", "b"}), InvalidType, "choices", "set", "order"),
    (lambda: hp.Categorical({"a": 1}), InvalidType, "choices", "{'a': 1}"),
    (lambda: hp.Categorical(5), InvalidType, "choices", "5"),
    (lambda: hp.Categorical(None), InvalidType, "choices", "None"),
    (lambda: hp.Categorical(["a", "b", "a"]), InvalidArgument, "choices", "distinct", "'a'", "0", "2"),
    (lambda: hp.Categorical([NAN, float("nan")]), InvalidArgument, "choices", "nan"),
    (lambda: hp.Categorical([np.float64(1), np.float64(1)]), InvalidArgument, "choices", "distinct"),
    (lambda: hp.Categorical([endless()]), InvalidArgument, "choices", "nested"),
    (lambda: hp.Categorical([1, 2], ordered="yes"), InvalidType, "ordered", "'yes'"),
    (lambda: hp.Categorical([1, 2], weights=[1]), InvalidArgument, "weights", "2", "1"),
    (lambda: hp.Categorical([1, 2], weights=[1, 0]), InvalidArgument, "weights", "> 0", "0.0"),
    (lambda: hp.Categorical([1, 2], weights=[1, -1]), InvalidArgument, "weights", "-1.0"),
    (lambda: hp.Categorical([1, 2], weights=[1, NAN]), InvalidArgument, "weights", "nan"),
    (lambda: hp.Categorical([1, 2], weights=[1e308, 1e308]), InvalidArgument, "weights", "finite sum"),
    (lambda: hp.Categorical([1, 2], weights=["1", 2]), InvalidType, "weights", "'1'"),
    (lambda: hp.Categorical([1, 2], weights="12"), InvalidType, "weights", "'12'"),
    # Space: names and parameters
    (lambda: hp.Space({}), InvalidSpace, "parameters", "at least one"),
    (lambda: hp.Space([hp.Int(0, 1)]), InvalidType, "parameters", "mapping"),
    (lambda: hp.Space(None), InvalidType, "parameters", "None"),
    (lambda: hp.Space({"": hp.Int(0, 1)}), InvalidArgument, "name", "''"),
    (lambda: hp.Space({None: hp.Int(0, 1)}), InvalidType, "name", "None"),
    (lambda: hp.Space({5: hp.Int(0, 1)}), InvalidType, "name", "5"),
    (lambda: hp.Space({b"x": hp.Int(0, 1)}), InvalidType, "name", "b'x'"),
    (lambda: hp.Space({"\ud800": hp.Int(0, 1)}), InvalidArgument, "name", r"\ud800"),
    (lambda: hp.Space({"x" * 1_000_000: hp.Int(0, 1)}), InvalidArgument, "name", "512", "xxx"),
    (lambda: hp.Space({"x": (0, 1)}), InvalidType, "'x'", "(0, 1)", "Space.of"),
    (lambda: hp.Space({"x": hp.Float}), InvalidType, "'x'", "Float"),
    # conditions
    (lambda: hp.Space({"x": hp.Int(0, 1, when={"z": 1})}), InvalidSpace, "when of 'x'", "'z'"),
    (lambda: hp.Space({"x": hp.Int(0, 1, when={"x": 1})}), InvalidSpace, "cycle", "'x'"),
    (
        lambda: hp.Space({"a": hp.Int(0, 1, when={"b": 1}), "b": hp.Int(0, 1, when={"a": 1})}),
        InvalidSpace,
        "cycle",
        "'a'",
        "'b'",
    ),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"c": "q"})}), InvalidSpace, "when['c'] of 'z'", "'q'"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"c": ["a", 1]})}), InvalidSpace, "when['c'] of 'z'", "1"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"k": 10})}), InvalidSpace, "when['k'] of 'z'", "10"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"k": "1"})}), InvalidSpace, "when['k'] of 'z'", "'1'"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"x": 0.5})}), InvalidSpace, "'x' is continuous", "0.5"),
    (
        lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"c": hp.at_least("a")})}),
        InvalidSpace,
        "when['c'] of 'z'",
        "ordered",
    ),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"k": hp.at_least(10)})}), InvalidSpace, "never hold", "10"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"k": hp.at_most(0)})}), InvalidSpace, "never hold", "0"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"k": hp.at_most(NAN)})}), InvalidSpace, "when['k']", "nan"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"k": hp.at_most("3")})}), InvalidSpace, "when['k']", "'3'"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"x": hp.at_least(10**400)})}), InvalidSpace, "never hold"),
    # constraints
    (lambda: hp.Space(GOOD, lambda p: True), InvalidType, "constraints", "list"),
    (lambda: hp.Space(GOOD, ["x < 1"]), InvalidType, "constraints", "'x < 1'"),
    (lambda: hp.Space(GOOD, 5), InvalidType, "constraints", "5"),
    (lambda: hp.Space(GOOD, [lambda p: False]), InfeasibleSpace, "constraints", "20000"),
    (lambda: hp.Space(GOOD, [lambda p: p["nope"]]), ConstraintError, "constraint 0", "KeyError", "'nope'"),
    (lambda: hp.Space(GOOD, [lambda p: True, lambda p: None]), ConstraintError, "constraint 1", "None"),
    (lambda: hp.Space(GOOD, [lambda p: "yes"]), ConstraintError, "constraint 0", "'yes'"),
    (lambda: hp.Space(GOOD, [lambda: True]), ConstraintError, "constraint 0", "TypeError"),
    # Space.of
    (lambda: hp.Space.of(5), InvalidType, "mapping", "5"),
    (lambda: hp.Space.of([("x", 1)]), InvalidType, "mapping"),
    (lambda: hp.Space.of({"x": []}), InvalidSpace, "'x'", "empty"),
    (lambda: hp.Space.of({"x": (1,)}), InvalidSpace, "'x'", "(1,)", "low, high"),
    (lambda: hp.Space.of({"x": (2, 1)}), InvalidSpace, "'x'", "low=2", "high=1"),
    (lambda: hp.Space.of({"x": (True, False)}), InvalidType, "'x'", "True"),
    (lambda: hp.Space.of({"x": range(3, 3)}), InvalidSpace, "'x'", "range(3, 3)"),
    (lambda: hp.Space.of({"x": {1, 2}}), InvalidType, "'x'", "{1, 2}"),
    (lambda: hp.Space.of({"x": {"low": 1}}), InvalidType, "'x'", "{'low': 1}"),
    (lambda: hp.Space.of({"x": stats.norm}), InvalidType, "'x'", "frozen"),
    (lambda: hp.Space.of({"x": stats.expon()}), InvalidSpace, "'x'", "'expon'"),
    (lambda: hp.Space.of({"x": stats.uniform(0, -1)}), InvalidSpace, "'x'", "nan"),
    (lambda: hp.Space.of({"x": stats.uniform([0, 1])}), InvalidSpace, "'x'", "arrays"),
    (lambda: hp.Space.of({"x": np.eye(2)}), InvalidSpace, "'x'", "(2, 2)"),
    (lambda: hp.Space.of(SPACE, 5), InvalidType, "constraints", "5"),
    # encode
    (lambda: SPACE.encode(5), InvalidType, "params", "5"),
    (lambda: SPACE.encode("x"), InvalidType, "params", "'x'"),
    (lambda: SPACE.encode([POINT, 5]), InvalidType, "params", "5"),
    (lambda: SPACE.encode({}), InvalidArgument, "'x'"),
    (lambda: SPACE.encode({**POINT, "q": 1}), InvalidArgument, "'q'", "'x', 'k', 'c'"),
    (lambda: SPACE.encode({**POINT, "x": NAN}), InvalidArgument, "'x'", "nan"),
    (lambda: SPACE.encode({**POINT, "x": 1.0000001}), InvalidArgument, "'x'", "1.0000001", "0.0 .. 1.0"),
    (lambda: SPACE.encode({**POINT, "x": "0.5"}), InvalidType, "'x'", "'0.5'"),
    (lambda: SPACE.encode({**POINT, "x": True}), InvalidType, "'x'", "True"),
    (lambda: SPACE.encode({**POINT, "x": 10**400}), InvalidArgument, "'x'", "range of a double"),
    (lambda: SPACE.encode({**POINT, "k": 3.5}), InvalidArgument, "'k'", "3.5", "whole"),
    (lambda: SPACE.encode({**POINT, "k": 10}), InvalidArgument, "'k'", "10", "1 .. 9"),
    (lambda: SPACE.encode({**POINT, "k": INF}), InvalidArgument, "'k'", "inf"),
    (lambda: SPACE.encode({**POINT, "k": True}), InvalidType, "'k'", "True"),
    (lambda: SPACE.encode({**POINT, "c": "A"}), InvalidArgument, "'c'", "'A'", "'a', 'b'"),
    (lambda: SPACE.encode({**POINT, "c": ["a"]}), InvalidArgument, "'c'", "['a']"),
    (lambda: SPACE.encode({**POINT, "c": np.array(["a", "b"])}), InvalidArgument, "'c'", "array"),
    (lambda: SPACE.encode([POINT, {**POINT, "k": 0}]), InvalidArgument, "'k'", "0"),
    (lambda: hp.Space({"x": hp.Float(0, 1, step=0.1)}).encode({"x": 0.15}), InvalidArgument, "'x'", "0.15", "grid"),
    (lambda: hp.Space({"k": hp.Int(0, 9, step=3)}).encode({"k": 4}), InvalidArgument, "'k'", "4", "multiple of 3"),
    (lambda: hp.Space({"x": hp.Normal(0, 1, log=True)}).encode({"x": 0.0}), InvalidArgument, "'x'", "0.0"),
    # decode
    (lambda: SPACE.decode([0.5]), InvalidArgument, "u", "(3,)", "(1,)"),
    (lambda: SPACE.decode(np.zeros((2, 4))), InvalidArgument, "u", "(n, 3)", "(2, 4)"),
    (lambda: SPACE.decode(np.zeros((1, 1, 3))), InvalidArgument, "u", "(1, 1, 3)"),
    (lambda: SPACE.decode([NAN, 0.5, 0.5]), InvalidArgument, "u", "NaN"),
    (lambda: SPACE.decode("abc"), InvalidType, "u", "'abc'"),
    (lambda: SPACE.decode(["0.1", "0.2", "0.3"]), InvalidType, "u", "'0.1'"),
    (lambda: SPACE.decode([1j, 0, 0]), InvalidType, "u", "1j"),
    (lambda: SPACE.decode([[0.1, 0.2, 0.3], [0.1]]), InvalidType, "u", "[0.1]"),
    (lambda: SPACE.decode({"x": 1}), InvalidType, "u", "{'x': 1}"),
    (lambda: SPACE.decode([True, False, True]), InvalidType, "u", "True"),
    # sample and grid
    (lambda: SPACE.sample(-1, 0), InvalidArgument, "n", "-1"),
    (lambda: SPACE.sample(2.0, 0), InvalidType, "n", "2.0"),
    (lambda: SPACE.sample(True, 0), InvalidType, "n", "True"),
    (lambda: SPACE.sample(1, -1), InvalidArgument, "seed", "-1"),
    (lambda: SPACE.sample(1, 2**128), InvalidArgument, "seed", str(2**128)),
    (lambda: SPACE.sample(1, 0.5), InvalidType, "seed", "0.5"),
    (lambda: SPACE.sample(1, "0"), InvalidType, "seed", "'0'"),
    (lambda: SPACE.grid(), InvalidArgument, "levels", "'x'"),
    (lambda: SPACE.grid(0), InvalidArgument, "levels", "0"),
    (lambda: SPACE.grid("3"), InvalidType, "levels", "'3'"),
    (lambda: SPACE.grid({"q": 3}), InvalidArgument, "levels", "'q'"),
    (lambda: SPACE.grid({"x": 2.0}), InvalidType, "levels", "'x'", "2.0"),
    # from_json and to_json
    (lambda: hp.Space.from_json(5), InvalidType, "text", "5"),
    (lambda: hp.Space.from_json(b"{}"), InvalidType, "text", "b'{}'"),
    (lambda: hp.Space.from_json(""), InvalidArgument, "text", "JSON"),
    (lambda: hp.Space.from_json("[1]"), InvalidArgument, "text", "to_json", "[1]"),
    (lambda: hp.Space.from_json("[" * 100_000), InvalidArgument, "text", "JSON"),
    (lambda: hp.Space.from_json("__import__('os')"), InvalidArgument, "text", "JSON"),
    (lambda: hp.Space.from_json(document(hpcore_space=2)), InvalidArgument, "version 1", "2"),
    (lambda: hp.Space.from_json(document(n_constraints=1)), InvalidArgument, "constraints", "1", "0"),
    (lambda: hp.Space.from_json(document(parameters=5)), InvalidArgument, "text", "to_json"),
    (lambda: hp.Space.from_json(document(parameters=[5])), InvalidArgument, "text", "to_json"),
    (lambda: hp.Space.from_json(document(type="os.system")), InvalidArgument, "text", "os.system"),
    (lambda: hp.Space.from_json(document(low=5.5)), InvalidType, "low", "5.5"),
    (lambda: hp.Space.from_json(document(extra=1)), InvalidArgument, "text", "extra"),
    (lambda: hp.Space.from_json(document(when={"k": {"equals": 1}})), InvalidSpace, "cycle", "'k'"),
    (lambda: hp.Space.from_json(document(when={"k": {"runs": 1}})), InvalidArgument, "'runs'"),
    (lambda: hp.Space.from_json(document(when=[1])), InvalidArgument, "text", "to_json"),
    (lambda: hp.Space.from_json(SPACE.to_json(), 5), InvalidType, "constraints", "5"),
    (lambda: hp.Space({"c": hp.Categorical([object])}).to_json(), InvalidType, "choices of 'c'", "object"),
    # Optimizer
    (lambda: hp.Optimizer(5), InvalidType, "mapping", "5"),
    (lambda: hp.Optimizer({}), InvalidSpace, "at least one"),
    (lambda: opt(sampler="rndom"), InvalidArgument, "sampler", "'rndom'", "'random'"),
    (lambda: opt(sampler=None), InvalidType, "sampler", "None"),
    (lambda: opt(sampler=hp.samplers.GridSampler), InvalidType, "sampler", "GridSampler"),
    (lambda: opt(direction="up"), InvalidArgument, "direction", "'up'"),
    (lambda: opt(direction=True), InvalidType, "direction", "True"),
    (lambda: opt(direction=np.array(["minimize", "maximize"])), InvalidType, "direction", "array"),
    (lambda: opt(directions="minimize"), InvalidType, "directions", "'minimize'"),
    (lambda: opt(directions=[]), InvalidType, "directions", "[]"),
    (lambda: opt(direction="minimize", directions=["minimize"]), InvalidArgument, "direction", "both"),
    (lambda: opt(seed=-1), InvalidArgument, "seed", "-1"),
    (lambda: opt(seed=2**128), InvalidArgument, "seed", str(2**128)),
    (lambda: opt(seed=0.5), InvalidType, "seed", "0.5"),
    (lambda: opt(seed="0"), InvalidType, "seed", "'0'"),
    (lambda: opt(seed=NAN), InvalidType, "seed", "nan"),
    (lambda: hp.samplers.GridSampler(0), InvalidArgument, "levels", "0"),
    (lambda: hp.samplers.GridSampler(2.5), InvalidType, "levels", "2.5"),
    (lambda: hp.samplers.GridSampler({"x": "3"}), InvalidType, "levels", "'3'"),
    (lambda: opt(sampler=hp.samplers.GridSampler({"q": 3})), InvalidArgument, "levels", "'q'"),
    (lambda: opt(seed=0).best_trial, hp.errors.NoCompletedTrial, "no trial has completed", "0 asked"),
    (lambda: opt(directions=["minimize"] * 2).best_value, InvalidArgument, "pareto_front"),
    # limits and costs
    (lambda: hp.between(2, 1), InvalidArgument, "low must be <= high", "low=2.0, high=1.0"),
    (lambda: hp.between(NAN, 1), InvalidArgument, "low", "nan"),
    (lambda: hp.between(0, INF), InvalidArgument, "high", "inf"),
    (lambda: hp.between("0", 1), InvalidType, "low", "'0'"),
    (lambda: opt(limits=5), InvalidType, "limits", "mapping", "5"),
    (lambda: opt(limits=["ms"]), InvalidType, "limits", "mapping", "['ms']"),
    (lambda: opt(limits={"ms": 20.0}), InvalidType, "limits['ms']", "hp.at_most", "20.0"),
    (lambda: opt(limits={"ms": "<= 20"}), InvalidType, "limits['ms']", "'<= 20'"),
    (lambda: opt(limits={"ms": None}), InvalidType, "limits['ms']", "None"),
    (lambda: opt(limits={"ms": hp.at_most}), InvalidType, "limits['ms']", "at_most"),
    (lambda: opt(limits={5: hp.at_most(1)}), InvalidType, "limits", "str", "5"),
    (lambda: opt(limits={"ms": hp.at_most(NAN)}), InvalidArgument, "limits['ms']", "nan"),
    (lambda: opt(limits={"ms": hp.at_least(-INF)}), InvalidArgument, "limits['ms']", "-inf"),
    (lambda: opt(limits={"ms": hp.at_most("20")}), InvalidType, "limits['ms']", "'20'"),
    (lambda: opt(limits={"ms": hp.at_most(True)}), InvalidType, "limits['ms']", "True"),
    (lambda: hp.Space({**GOOD, "z": hp.Int(0, 1, when={"k": hp.between(1, 2)})}), InvalidSpace, "'z'"),
    (lambda: opt(per_cost="yes"), InvalidType, "per_cost", "'yes'"),
    (lambda: opt(cost=2.0), InvalidType, "cost", "2.0"),
    (lambda: opt(cost=lambda params: 0), InvalidArgument, "cost", "> 0", "got 0", "{'x'"),
    (lambda: opt(cost=lambda params: NAN), InvalidArgument, "cost", "nan", "{'x'"),
    (lambda: opt(cost=lambda params: "1"), InvalidType, "cost", "'1'", "{'x'"),
    (lambda: opt(cost=lambda params: params["q"]), InvalidArgument, "cost", "KeyError: 'q'", "{'x'"),
    (lambda: hp.minimize(loss, GOOD, budget_cost=0), InvalidArgument, "budget_cost", "0"),
    (lambda: hp.minimize(loss, GOOD, budget_cost=NAN), InvalidArgument, "budget_cost", "nan"),
    (lambda: hp.minimize(loss, GOOD, budget_cost="9"), InvalidType, "budget_cost", "'9'"),
    (lambda: hp.minimize(loss, GOOD, limits=[1]), InvalidType, "limits", "[1]"),
    (lambda: told(1.0, cost=-1), InvalidArgument, "cost", "-1"),
    (lambda: told(1.0, cost=NAN), InvalidArgument, "cost", "nan"),
    (lambda: told(1.0, cost="1"), InvalidType, "cost", "'1'"),
    (lambda: told(1.0, metrics=[1.0]), InvalidType, "metrics", "[1.0]"),
    (lambda: told(1.0, metrics={"ms": "1"}), InvalidType, "metrics['ms']", "'1'"),
    (lambda: told(1.0, metrics={1: 1.0}), InvalidType, "metrics", "{1: 1.0}"),
    (lambda: told(1.0, metrics={"ms": INF}), InvalidArgument, "metrics['ms']", "inf"),
    (lambda: told(hp.Outcome(1.0, cost=1.0), cost=2.0), InvalidArgument, "cost", "once"),
    (lambda: told(hp.Outcome("1")), InvalidType, "value", "'1'"),
    (lambda: told(hp.Outcome(hp.Outcome(1.0))), InvalidType, "value", "Outcome"),
    (lambda: told(1.0, std_error=[0.1, 0.2]), InvalidArgument, "std_error", "(1)", "2", "[0.1, 0.2]"),
    (lambda: told([1, 2], m=2, std_error=[0.1]), InvalidArgument, "std_error", "(2)", "1", "[0.1]"),
    (lambda: told([1, 2], m=2, std_error=[0.1, -1]), InvalidArgument, "std_error", "-1"),
    (lambda: told([1, 2], m=2, std_error=[0.1, None]), InvalidType, "std_error", "None"),
    (lambda: told([1, 2], m=2, std_error={"a": 1}), InvalidType, "std_error", "{'a': 1}"),
    (lambda: unchanged(lambda o: o.add(POINT, 1.0, metrics={"ms": "1"})), InvalidType, "metrics['ms']", "'1'"),
    (lambda: unchanged(lambda o: o.add(POINT, 1.0, cost=-1)), InvalidArgument, "cost", "-1"),
    # ask, tell, add, enqueue
    (lambda: unchanged(lambda o: o.ask(0)), InvalidArgument, "n", "0"),
    (lambda: unchanged(lambda o: o.ask(-3)), InvalidArgument, "n", "-3"),
    (lambda: unchanged(lambda o: o.ask(2.0)), InvalidType, "n", "2.0"),
    (lambda: unchanged(lambda o: o.ask("2")), InvalidType, "n", "'2'"),
    (lambda: told("0.3"), InvalidType, "value", "'0.3'"),
    (lambda: told("nan"), InvalidType, "value", "'nan'"),
    (lambda: told(b"1"), InvalidType, "value", "b'1'"),
    (lambda: told([b"1"]), InvalidType, "value", "b'1'"),
    (lambda: told(1j), InvalidType, "value", "1j"),
    (lambda: told(np.complex64(1)), InvalidType, "value", "complex64"),
    (lambda: told({"loss": 1}), InvalidType, "value", "{'loss': 1}"),
    (lambda: told({1.0}), InvalidType, "value", "{1.0}"),
    (lambda: told(object), InvalidType, "value", "object"),
    (lambda: told([1.0, 2.0]), InvalidArgument, "value", "(1)", "2", "[1.0, 2.0]"),
    (lambda: told([]), InvalidArgument, "value", "(1)", "0"),
    (lambda: told(1.0, m=2), InvalidArgument, "value", "(2)", "1"),
    (lambda: told([1, 2, 3], m=2), InvalidArgument, "value", "(2)", "3"),
    (lambda: told([1, "2"], m=2), InvalidType, "value", "'2'"),
    (lambda: told(1.0, std_error=-1), InvalidArgument, "std_error", "-1"),
    (lambda: told(1.0, std_error="1"), InvalidType, "std_error", "'1'"),
    (lambda: told(1.0, std_error=10**400), InvalidArgument, "std_error", "finite"),
    (lambda: told(1.0, error=5), InvalidType, "error", "5"),
    (lambda: unchanged(lambda o: o.tell(0, 1.0)), TrialAlreadyTold, "trial 0", "complete"),
    (lambda: unchanged(lambda o: o.tell(o.trials[0], 1.0)), TrialAlreadyTold, "trial 0"),
    (lambda: unchanged(lambda o: o.tell(2, 1.0)), UnknownTrial, "trial", "2"),
    (lambda: unchanged(lambda o: o.tell(-1, 1.0)), UnknownTrial, "trial", "-1"),
    (lambda: unchanged(lambda o: o.tell(10**30, 1.0)), UnknownTrial, "trial", str(10**30)),
    (lambda: unchanged(lambda o: o.tell(hp.Trial(1, POINT), 1.0)), UnknownTrial, "trial 1", "another"),
    (lambda: unchanged(lambda o: o.tell(hp.Trial(7, POINT), 1.0)), UnknownTrial, "trial", "7"),
    (lambda: unchanged(lambda o: o.tell(None, 1.0)), InvalidType, "trial", "None"),
    (lambda: unchanged(lambda o: o.tell("0", 1.0)), InvalidType, "trial", "'0'"),
    (lambda: unchanged(lambda o: o.tell(POINT, 1.0)), InvalidType, "trial", "{'x'"),
    (lambda: unchanged(lambda o: o.add({"x": 0.5}, 1.0)), InvalidArgument, "params", "'k'"),
    (lambda: unchanged(lambda o: o.add({**POINT, "x": 2}, 1.0)), InvalidArgument, "'x'", "2"),
    (lambda: unchanged(lambda o: o.add(POINT, "1")), InvalidType, "value", "'1'"),
    (lambda: unchanged(lambda o: o.add(POINT, [1, 2])), InvalidArgument, "value", "[1, 2]"),
    (lambda: unchanged(lambda o: o.add(POINT, 1.0, std_error=NAN)), InvalidArgument, "std_error", "nan"),
    (lambda: unchanged(lambda o: o.add([POINT], 1.0)), InvalidType, "params"),
    (lambda: unchanged(lambda o: o.add(None, 1.0)), InvalidType, "params", "None"),
    (lambda: unchanged(lambda o: o.enqueue({"q": 1})), InvalidArgument, "params", "'q'"),
    (lambda: unchanged(lambda o: o.enqueue({"x": -1})), InvalidArgument, "'x'", "-1"),
    (lambda: unchanged(lambda o: o.enqueue("x")), InvalidType, "params", "'x'"),
    (lambda: unchanged(lambda o: o.enqueue({5: 1})), InvalidArgument, "params", "5"),
    # minimize and Study.run
    (lambda: hp.minimize(5, GOOD), InvalidType, "objective", "5"),
    (lambda: hp.minimize(loss, 5), InvalidType, "mapping", "5"),
    (lambda: hp.minimize(loss, GOOD, n_trials=0), InvalidArgument, "n_trials", "0"),
    (lambda: hp.minimize(loss, GOOD, n_trials=-5), InvalidArgument, "n_trials", "-5"),
    (lambda: hp.minimize(loss, GOOD, n_trials=2.5), InvalidType, "n_trials", "2.5"),
    (lambda: hp.minimize(loss, GOOD, n_trials="9"), InvalidType, "n_trials", "'9'"),
    (lambda: hp.minimize(loss, GOOD, n_trials=True), InvalidType, "n_trials", "True"),
    (lambda: hp.minimize(loss, GOOD, n_trials=None), InvalidArgument, "n_trials", "timeout"),
    (lambda: hp.minimize(loss, GOOD, timeout=NAN), InvalidArgument, "timeout", "nan"),
    (lambda: hp.minimize(loss, GOOD, timeout=INF), InvalidArgument, "timeout", "inf"),
    (lambda: hp.minimize(loss, GOOD, timeout=0), InvalidArgument, "timeout", "0"),
    (lambda: hp.minimize(loss, GOOD, timeout=-1), InvalidArgument, "timeout", "-1"),
    (lambda: hp.minimize(loss, GOOD, timeout="1"), InvalidType, "timeout", "'1'"),
    (lambda: hp.minimize(loss, GOOD, timeout=10**400), InvalidArgument, "timeout", "finite"),
    (lambda: hp.minimize(loss, GOOD, n_jobs=0), InvalidArgument, "n_jobs", "0"),
    (lambda: hp.minimize(loss, GOOD, n_jobs=1.5), InvalidType, "n_jobs", "1.5"),
    (lambda: hp.minimize(loss, GOOD, n_jobs="2"), InvalidType, "n_jobs", "'2'"),
    (lambda: hp.minimize(loss, GOOD, n_jobs=True), InvalidType, "n_jobs", "True"),
    (lambda: hp.minimize(loss, GOOD, executor=5), InvalidType, "executor", "5"),
    (lambda: hp.minimize(loss, GOOD, executor=pool_that_is_down()), InvalidArgument, "executor", "shutdown"),
    (lambda: hp.minimize(loss, GOOD, callbacks=loss), InvalidType, "callbacks", "loss"),
    (lambda: hp.minimize(loss, GOOD, callbacks=[5]), InvalidType, "callbacks", "[5]"),
    (lambda: hp.minimize(loss, GOOD, callbacks="ab"), InvalidType, "callbacks", "'ab'"),
    (lambda: hp.minimize(loss, GOOD, progress="yes"), InvalidType, "progress", "'yes'"),
    (lambda: hp.minimize(loss, GOOD, sampler="nope"), InvalidArgument, "sampler", "'nope'"),
    (lambda: hp.minimize(loss, GOOD, seed=-1), InvalidArgument, "seed", "-1"),
    (lambda: hp.maximize(loss, GOOD, n_trials=0), InvalidArgument, "n_trials", "0"),
    (lambda: hp.Study(GOOD, direction="sideways"), InvalidArgument, "direction", "'sideways'"),
    (lambda: hp.Study(GOOD).run(None, 5), InvalidType, "objective", "None"),
    (lambda: hp.Study(GOOD).run(loss), InvalidArgument, "n_trials", "timeout"),
    (lambda: hp.Study(GOOD).add(POINT, b"1"), InvalidType, "value", "b'1'"),
    (lambda: hp.Study(GOOD).enqueue({"x": 2}), InvalidArgument, "'x'", "2"),
]


def name_of(case: tuple) -> str:
    """Return the source of the call."""
    import inspect

    source, line = inspect.getsourcelines(case[0])
    found = re.search(r"lambda: (.*?)(?:, [A-Z]\w+(?:Error|Space|Type|Argument|Trial|Told)\b.*)?,?$", source[0].strip())
    return f"{line}: {found.group(1)[:60] if found else source[0].strip()[:60]}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_bad_input(case: tuple) -> None:
    call, error, *fragments = case
    with pytest.raises(HpcoreError) as caught:
        call()
    assert isinstance(caught.value, error)
    assert isinstance(caught.value, ValueError | TypeError | RuntimeError | LookupError)
    message = str(caught.value)
    assert len(message) < 2000
    for fragment in fragments:
        assert fragment in message


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 200
