"""Random sequences of ask, tell, add, enqueue and pickle on optimizers of random spaces, against a plain record of the
expected state. A sequence is a function of its seed: `Sequence(seed).play()`.
"""

from __future__ import annotations

import functools
import math
import pickle
import random
from typing import Any

import hpcore as hp
from hpcore.errors import HpcoreError, InfeasibleSpace, SearchSpaceExhausted, TrialAlreadyTold, UnknownTrial
from tests.reference import spaces as ref

VALUES = (0.0, -0.0, 1.0, 1e300, -1e308, 5e-324, 1e8, 1e8 + 1e-7)
NOT_VALUES = (None, math.nan, math.inf, -math.inf)


def random_condition(rng: random.Random, parents: dict[str, Any]) -> dict[str, Any] | None:
    """Draw a `when` on one or two earlier parameters."""
    when: dict[str, Any] = {}
    for name in rng.sample(sorted(parents), min(len(parents), rng.choice((1, 1, 2)))):
        parent = parents[name]
        if isinstance(parent, hp.Categorical):
            when[name] = rng.sample(list(parent.choices), rng.randint(1, len(parent.choices)))
        elif isinstance(parent, hp.Int):
            bound = rng.randint(parent.low, parent.high)
            when[name] = rng.choice((hp.at_least, hp.at_most))(bound)
    return when or None


def below(name: str, bound: float, params: dict[str, Any]) -> bool:
    """Constraint that can be pickled."""
    return name not in params or params[name] <= bound


def random_space(rng: random.Random) -> hp.Space:
    """Draw a space of one to six parameters of any kind, some conditional, sometimes with a constraint."""
    parameters: dict[str, Any] = {}
    for j in range(rng.randint(1, 6)):
        when = random_condition(rng, parameters) if parameters and rng.random() < 0.3 else None
        kind = rng.randrange(8)
        parameters[f"p{j}"] = (
            lambda when: hp.Float(-5, 5, when=when),
            lambda when: hp.Float(1e-6, 1e3, log=True, when=when),
            lambda when: hp.Float(0, 1, step=0.25, when=when),
            lambda when: hp.Int(-3, rng.choice((-3, 0, 40, 10**6)), when=when),
            lambda when: hp.Int(1, 2 ** rng.randint(1, 40), log=True, when=when),
            lambda when: hp.Categorical(["a", True, 1, None, 2.5][: rng.randint(1, 5)], when=when),
            lambda when: hp.Categorical([1, 2, 4, 8], ordered=True, when=when),
            lambda when: hp.Normal(0.0, 2.0, when=when),
        )[kind](when)
    constraints = []
    numbers = [n for n, p in parameters.items() if isinstance(p, hp.Float) and not p.log]
    if numbers and rng.random() < 0.25:
        name, bound = rng.choice(numbers), rng.choice((0.6, 0.8))
        low, high = parameters[name].low, parameters[name].high
        constraints.append(functools.partial(below, name, low + bound * (high - low)))
    return hp.Space(parameters, constraints)


def random_sampler(rng: random.Random, space: hp.Space, n_objectives: int) -> str | hp.samplers.Sampler:
    """Draw a sampler, mostly TPE with unusual options, since it keeps the most state between calls."""
    others = [name for name in hp.samplers.names() if name not in ("gp", "grid", "tpe", "auto", "cmaes", "gradient")]
    if n_objectives == 1:
        others += ["cmaes", "gradient"] if "continuous" in space.columns.kinds else ["cmaes"]
    draw = rng.random()
    if draw < 0.06:
        return "gp"
    if draw < 0.09:
        return hp.samplers.AutoSampler(rng.choice((None, 8, 100)), n_gp_trials=rng.choice((0, 3, 8)))
    if draw < 0.25:
        return rng.choice(others)
    return hp.samplers.TPESampler(
        multivariate=rng.random() < 0.7,
        n_startup_trials=rng.choice((1, 2, 8)),
        gamma=rng.choice((0.02, 0.1, 0.9)),
        max_good=rng.choice((1, 3, 25)),
        n_candidates=rng.choice((8, 9, 50, 224)),
        prior_weight=rng.choice((1e-9, 1.0, 1e6)),
        weights=rng.choice(("rank", "uniform")),
        bandwidth=rng.choice((1e-12, 0.25, 1e6)),
        min_bandwidth=rng.choice((1e-9, 0.02, 1.0)),
        adaptive_bandwidth=rng.random() < 0.7,
        trend=rng.random() < 0.7,
        constant_liar=rng.random() < 0.7,
        max_kernels=rng.choice((1, 4, 128)),
        local=rng.random() < 0.7,
    )


class Sequence:
    """An optimizer and a separate record of its expected state."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.space = random_space(rng)
        self.m = rng.choice((1, 1, 1, 1, 1, 1, 1, 2))
        ways = [rng.choice(("minimize", "maximize")) for _ in range(self.m)]
        self.signs = [1.0 if way == "minimize" else -1.0 for way in ways]
        self.opt = hp.Optimizer(self.space, random_sampler(rng, self.space, len(ways)), directions=ways, seed=seed)
        self.finite = self.space.columns.finite_size is not None
        self.params: list[dict[str, Any]] = []
        self.values: list[tuple[float, ...] | None] = []  # None: running or failed
        self.open: list[hp.Trial] = []
        self.queue: list[dict[str, Any]] = []
        self.given: set[int] = set()  # by the user: may repeat, constraints are not asked
        self.over = False

    def play(self) -> None:
        """Run the whole sequence; raise AssertionError or any unexpected error."""
        steps = ((self.ask, 6), (self.batch, 1), (self.tell, 7), (self.add, 1), (self.enqueue, 1), (self.wrong, 1),
                 (self.copy, 0.4), (self.check, 0.4))  # fmt: skip
        actions, weights = zip(*steps, strict=True)
        for _ in range(self.rng.choice((5, 20, 20, 60))):
            self.rng.choices(actions, weights)[0]()
        self.check()

    def asked(self, trial: hp.Trial) -> None:
        assert trial.number == len(self.params)
        params = dict(trial.params)
        assert ref.same_params(self.space.check(params), params)
        assert self.space.allows(params)
        if self.queue:
            given = self.queue.pop(0)
            assert ref.same_params({k: params[k] for k in given}, given)
            self.given.add(trial.number)
        elif self.finite:
            assert not any(ref.same_params(params, p) for p in self.params)
        self.params.append(params)
        self.values.append(None)
        self.open.append(trial)

    def ask(self) -> None:
        try:
            trial = self.opt.ask()
        except SearchSpaceExhausted:
            self.over = self.finite or self.is_used_up()
            assert self.over
        except InfeasibleSpace:
            assert self.queue
            self.queue.pop(0)  # the enqueued parameters leave no room
        else:
            self.asked(trial)

    def batch(self) -> None:
        if self.queue or self.over:
            return
        n = self.rng.randint(1, 6)
        try:
            trials = self.opt.ask(n)
        except SearchSpaceExhausted:
            assert self.finite or self.is_used_up()
            return
        for trial in trials:
            self.asked(trial)
        assert len(trials) == n or self.finite or self.is_used_up()

    def is_used_up(self) -> bool:
        """Tell whether a continuous space with very few doubles in its ranges is exhausted."""
        drawn = {repr(params): params for params in self.space.sample(2000, 0)}
        return all(any(ref.same_params(params, known) for known in self.params) for params in drawn.values())

    def outcome(self) -> Any:
        rng = self.rng
        if rng.random() < 0.15:
            return rng.choice(NOT_VALUES)
        values = [rng.choice(VALUES) if rng.random() < 0.2 else rng.gauss(0, 1) for _ in range(self.m)]
        if self.m > 1 and rng.random() < 0.1:
            values[0] = math.nan
        return values[0] if self.m == 1 else values

    def note(self, number: int, value: Any) -> None:
        values = (value,) if self.m == 1 else value
        complete = values is not None and all(v is not None and math.isfinite(v) for v in values)
        self.values[number] = tuple(map(float, values)) if complete else None

    def tell(self) -> None:
        if not self.open:
            return
        trial = self.open.pop(self.rng.randrange(len(self.open)))
        value = self.outcome()
        if value is None or value in NOT_VALUES:
            value = None if self.m > 1 else value
        self.opt.tell(trial if self.rng.random() < 0.8 else trial.number, value)
        self.note(trial.number, value)

    def add(self) -> None:
        [params] = self.space.sample(1, self.rng.randrange(2**32))
        value = self.outcome()
        if self.m > 1 and not isinstance(value, list):
            value = None
        trial = self.opt.add(params, value)
        assert trial.number == len(self.params)
        self.params.append(dict(params))
        self.values.append(None)
        self.given.add(trial.number)
        self.note(trial.number, value)

    def enqueue(self) -> None:
        [params] = self.space.sample(1, self.rng.randrange(2**32))
        # Those before a parent may be left out, its own dependants may not: keep a prefix, in which conditions hold.
        given = dict(list(params.items())[: self.rng.randint(1, len(params))])
        if any(self.space[name].when for name in given):
            given = params
        self.opt.enqueue(given)
        self.queue.append(given)

    def wrong(self) -> None:
        """Check that wrong use raises a typed error and changes nothing."""
        n = self.opt.n_trials
        told = [k for k in range(n) if all(t.number != k for t in self.open)]
        calls = [
            (lambda: self.opt.tell(n, 0.0), UnknownTrial),
            (lambda: self.opt.add({"nobody": 1}, 0.0), HpcoreError),
            (lambda: self.opt.enqueue({"p0": object()}), HpcoreError),
            (lambda: self.opt.ask(0), HpcoreError),
        ]
        if told:
            calls.append((lambda: self.opt.tell(self.rng.choice(told), 0.0), TrialAlreadyTold))
        if self.open:
            calls.append((lambda: self.opt.tell(self.open[0], [1.0] * (self.m + 1)), HpcoreError))
        call, error = self.rng.choice(calls)
        try:
            call()
        except error:
            assert self.opt.n_trials == n
        else:
            raise AssertionError("a wrong call was accepted")

    def copy(self) -> None:
        """Check that a pickled copy continues like the original."""
        text = pickle.dumps(self.opt)
        if self.rng.random() < 0.5:
            self.opt = pickle.loads(text)  # noqa: S301
            running = self.opt.running()
            self.open = [running[t.number] for t in self.open]
            return
        other = pickle.loads(text)  # noqa: S301
        before = len(self.params)
        self.ask()
        if len(self.params) > before:
            assert ref.same_params(other.ask().params, self.params[-1])

    def check(self) -> None:
        """Check all trials, the best one and the front against the record."""
        opt = self.opt
        assert opt.n_trials == len(opt.trials) == len(self.params)
        for trial, params, values in zip(opt.trials, self.params, self.values, strict=True):
            assert ref.same_params(trial.params, params)
            assert trial.values == values
        done = [(tuple(s * v for s, v in zip(self.signs, values, strict=True)), k)
                for k, values in enumerate(self.values) if values is not None]  # fmt: skip
        if self.m == 1 and done:
            assert opt.best_trial.number == min(done)[1]
        front = [k for mine, k in done
                 if not any(all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine
                            for other, _ in done)]  # fmt: skip
        assert [t.number for t in opt.pareto_front] == front
