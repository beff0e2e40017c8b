"""Repeats: no point is proposed twice, in any kind of space and after any kind of earlier trials."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore._core import space as native
from hpcore.errors import InfeasibleSpace, SearchSpaceExhausted
from hpcore.samplers import GridSampler
from tests.reference import spaces as ref

SAMPLERS = hp.samplers.names()
FORK = {
    "model": hp.Categorical(["a", "b"]),
    "x": hp.Float(0, 1, when={"model": "a"}),
    "k": hp.Int(1, 3, when={"model": "b"}),
}
SPACES: dict[str, tuple] = {
    "one float": ({"x": hp.Float(0, 1)}, lambda t: t["x"]),
    "log floats": ({"x": hp.Float(1e-6, 1, log=True), "y": hp.Float(1e-9, 1, log=True)}, lambda t: t["x"] + t["y"]),
    "open ends": ({"x": hp.Normal(0, 1), "y": hp.Normal(0, 1, log=True, low=0.1)}, lambda t: t["x"] - t["y"]),
    "float and categories": ({"x": hp.Float(0, 1), "c": [1, 2, 3]}, lambda t: t["x"] + t["c"]),
    "float and grids": ({"x": hp.Float(0, 1), "s": hp.Float(0, 1, step=0.5), "n": hp.Int(0, 1)}, lambda t: -t["x"]),
    "a poor branch": (FORK, lambda t: t["x"] if t["model"] == "a" else 5.0 + t["k"]),
    "a good branch": (FORK, lambda t: t["x"] if t["model"] == "a" else -t["k"]),
    "plateau": ({"x": hp.Float(0, 1), "c": list("ab")}, lambda t: 0.0),
    "constrained": (
        hp.Space({"x": hp.Float(0, 1), "n": hp.Int(0, 3)}, [lambda p: p["x"] + p["n"] <= 1.5]),
        lambda t: -t["x"] - t["n"],
    ),
}


def sampler_of(name: str):
    """Return a grid sampler with enough levels, and other samplers as they are."""
    return GridSampler(60) if name == "grid" else name


def restored(opt: hp.Optimizer, space, sampler) -> hp.Optimizer:
    """Make another optimizer with the same record."""
    again = hp.Optimizer(space, sampler, seed=opt.seed)
    again.restore(opt.rows())
    return again


def proposals(space, sampler, loss, n: int, seed: int = 1) -> list[str]:
    """Proposals one by one, several at a time, with running trials, and after pickling and restoring do not repeat."""
    opt = hp.Optimizer(space, sampler, seed=seed)
    found: list[str] = []
    running: list[hp.Trial] = []
    try:
        while len(found) < n:
            asked = [opt.ask()] if len(found) % 5 else opt.ask(4)
            found += [repr(trial.params) for trial in asked]
            running += asked
            if len(running) > 6 or len(found) % 3 == 0:
                for trial in running[:-2]:  # two run on
                    opt.tell(trial.number, float(loss(trial)))
                running = running[-2:]
            if len(found) in (20, 21, 22):
                opt = pickle.loads(pickle.dumps(opt))  # noqa: S301
            if len(found) in (40, 41, 42):
                opt = restored(opt, space, sampler)
    except SearchSpaceExhausted:
        pass
    return found


# "auto" proposes what "gp" does for the first hundred trials: two spaces tell whether it knows all that was given out.
@pytest.mark.parametrize(
    ("name", "sampler"),
    [(name, sampler) for name in SPACES for sampler in SAMPLERS if sampler != "auto" or "branch" in name],
)
def test_no_point_twice_where_there_is_no_end_of_them(name: str, sampler: str) -> None:
    space, loss = SPACES[name]
    if name == "constrained":  # a lambda among the constraints cannot be pickled
        opt = hp.Optimizer(space, sampler_of(sampler), seed=1)
        found = []
        for _ in range(20):
            for trial in opt.ask(3):
                found.append(repr(trial.params))
                opt.tell(trial, loss(trial))
    else:
        found = proposals(space, sampler_of(sampler), loss, 60)
    assert len(found) >= 60
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("sampler", ["random", "sobol", "tpe", "gp"])
@settings(max_examples=5, deadline=None)
@given(space=ref.spaces(), seed=st.integers(0, 9))
def test_no_point_twice_in_random_spaces(sampler: str, space: hp.Space, seed: int) -> None:
    def loss(trial):
        return sum(v if isinstance(v, float) and abs(v) < 1e100 else 1.0 for v in trial.params.values() if v == v)

    found = proposals(space, sampler, loss, 60, seed)
    assert len(set(found)) == len(found)
    if space.n_points is not None:
        assert len(found) >= min(60, space.n_points)


@pytest.mark.parametrize("sampler", ["tpe", "auto"])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    ("space", "n_ends"),
    [({"x": hp.Float(0, 1)}, 1), ({"x": hp.Float(1e-6, 1, log=True), "c": list("abc")}, 3)],
    ids=["float", "and choice"],
)
def test_a_monotone_objective_is_followed_to_the_end_of_the_range_once(
    space, n_ends: int, direction: str, sampler: str
) -> None:
    opt = hp.Optimizer(space, sampler, direction, seed=3)
    for _ in range(100):
        trial = opt.ask()
        opt.tell(trial, trial["x"])
    end = space["x"].low if direction == "minimize" else space["x"].high
    at_the_end = [t for t in opt.trials if t["x"] == end]
    assert at_the_end[0].number < 60
    assert len(at_the_end) == len({repr(t.params) for t in at_the_end}) <= n_ends


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_a_user_gave_is_not_proposed_but_may_be_given_again(sampler: str) -> None:
    space = {"x": hp.Float(0, 1), "c": [0, 1]}
    first = [t.params for t in hp.Optimizer(space, sampler, seed=4).ask(6)]
    opt = hp.Optimizer(space, sampler, seed=4)
    for params in first[:4]:
        opt.add(params, 1.0)
    for params in (*first[4:], first[0]):
        opt.enqueue(params)
    assert [opt.ask().params for _ in range(3)] == [*first[4:], first[0]]
    proposed = [repr(t.params) for t in opt.ask(4)]
    assert not set(proposed) & set(map(repr, first))


@pytest.mark.parametrize("prefetch", [True, "delayed"])
def test_what_was_computed_ahead_is_not_given_out_if_it_was_added_meanwhile(prefetch) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "tpe", seed=0, prefetch=prefetch)
    again = hp.Optimizer({"x": hp.Float(0, 1)}, "tpe", seed=0, prefetch=prefetch)
    for _ in range(12):
        for o in (opt, again):
            o.tell(o.ask(), 1.0)
    expected = pickle.loads(pickle.dumps(again)).ask()  # noqa: S301
    opt.add(expected.params, 2.0)
    found = [opt.ask().params["x"] for _ in range(5)]
    assert expected["x"] not in found
    assert len(set(found)) == 5


@pytest.mark.parametrize("sampler", ["gp", "tpe", "auto"])
def test_no_point_twice_in_no_time(sampler: str) -> None:
    opt = hp.Optimizer(FORK, sampler, seed=0)
    trials = []
    for _ in range(20):
        trials += [*opt.ask(2, deadline_ms=1e-4), opt.ask(deadline_ms=1e-4)]
        opt.tell(trials[-1], 1.0)
    assert len({repr(t.params) for t in trials}) == len(trials) == 60


def test_trials_that_are_taken_back_may_come_again() -> None:
    calls = []

    def third(params):
        calls.append(params)
        if len(calls) == 3:
            raise RuntimeError("not now")
        return True

    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0)
    expected = [t.params for t in opt.ask(3)]
    opt.forget()
    assert [t.params for t in opt.ask(3)] == expected
    failing = hp.Optimizer(hp.Space({"x": hp.Float(0, 1)}, [lambda p: True]), "random", seed=0)
    failing.space.constraints = (third,)
    with pytest.raises(hp.errors.ConstraintError, match="not now"):
        failing.ask(3)
    assert failing.n_trials == 0
    assert [t.params for t in failing.ask(3)] == expected


def test_a_column_of_few_doubles_is_used_up() -> None:
    narrow = {"x": hp.Float(1.0, 1.0 + 8 * 2**-52)}
    for sampler in ("random", "sobol", "tpe", "gp"):
        opt = hp.Optimizer(narrow, sampler, seed=0)
        found = []
        with pytest.raises(SearchSpaceExhausted, match=r"no new point was met in 20000 tries: 20000 were among the 9"):
            for _ in range(20):
                trial = opt.ask()
                found.append(trial["x"])
                opt.tell(trial, trial["x"])
        assert sorted(found) == [1.0 + i * 2**-52 for i in range(9)]
    assert len(hp.minimize(lambda t: t["x"], narrow, n_trials=50, seed=0).trials) == 9


def test_where_the_constraints_leave_a_used_up_branch_only() -> None:
    fork = hp.Space(FORK, [lambda p: p["model"] == "b"])
    opt = hp.Optimizer(fork, "random", seed=0)
    assert sorted(opt.ask()["k"] for _ in range(3)) == [1, 2, 3]
    with pytest.raises(SearchSpaceExhausted, match="refused by the constraints"):
        opt.ask()
    never = hp.Space(FORK)
    never.constraints = (lambda p: False,)
    with pytest.raises(InfeasibleSpace, match="20000 in a row"):
        hp.Optimizer(never, "random", seed=0).ask()


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "gradient"])  # nothing is continuous
def test_a_space_that_nobody_counted_is_listed_all_the_same(sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hp.Space._make_columns
    monkeypatch.setattr(hp.Space, "_make_columns", lambda space, finite_size: made(space, None))
    space = hp.Space({"a": hp.Int(0, 1), "b": hp.Int(0, 3, when={"a": 1}), "c": hp.Float(0, 1, step=0.5)})
    assert space.n_points is None
    opt = hp.Optimizer(space, sampler, seed=0)
    found = []
    with pytest.raises(SearchSpaceExhausted):
        for _ in range(40):
            trial = opt.ask()
            found.append(repr(trial.params))
            opt.tell(trial, float(len(found)))
    assert len(found) == len(set(found)) == 3 + 4 * 3


def test_a_set_of_rows() -> None:
    rows = native.RowSet()
    X = np.array([[0.0, np.nan], [1.0, 0.5], [0.0, np.nan]])
    rows.update(X)
    assert (len(rows), X[1] in rows, np.array([1.0, np.nan]) in rows) == (2, True, False)
    assert rows.insert(np.array([1.0, np.nan]))
    assert not rows.insert(np.array([1.0, np.nan]))
    again = pickle.loads(pickle.dumps(rows))  # noqa: S301
    assert len(again) == 3
    assert all(row in again for row in X)
    for call in (rows.insert, rows.__contains__):
        with pytest.raises(ValueError, match=r"u must have shape \(d,\)"):
            call(X)
    with pytest.raises(ValueError, match=r"X must have shape \(n, d\)"):
        rows.update(X[0])
