"""Contract of every sampler; a new one is asked as soon as `hpcore.samplers.names` knows it."""

import math
import pickle
import random

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidSpace, SearchSpaceExhausted
from hpcore.records.history import COMPLETE, PRUNED
from hpcore.records.rows import Rows
from hpcore.records.trial import Trial
from tests.reference import spaces as ref

FOR_ONE_OBJECTIVE = ("cmaes", "gradient")

pytestmark = pytest.mark.parametrize("sampler", hp.samplers.names())


def make_space() -> hp.Space:
    return hp.Space(
        {
            "kernel": hp.Categorical(["rbf", True, 1, None]),
            "C": hp.Float(1e-3, 1e3, log=True),
            "gamma": hp.Float(1e-5, 1e1, log=True, when={"kernel": ["rbf", True]}),
            "layers": hp.Int(1, 3),
            "units2": hp.Int(8, 512, log=True, when={"layers": hp.at_least(2)}),
            "share": hp.Float(0.0, 1.0, step=0.1),
            "shift": hp.Normal(0.0, 2.0, low=-5.0),
        }
    )


SMALL = {"a": hp.Int(1, 3), "b": hp.Categorical([True, 1]), "c": hp.Float(0, 1, step=0.5, when={"a": hp.at_least(2)})}
N_SMALL = 2 + 2 * 2 * 3


def loss(trial: Trial) -> float:
    return math.log(trial["C"]) ** 2 + trial["share"] + trial["layers"]


def needs_continuous(sampler: str) -> None:
    """Skip a test on a space without a continuous parameter, where a sampler may refuse to work; it says so."""
    if sampler != "gradient":
        return
    with pytest.raises(InvalidSpace, match="'gradient' needs a continuous parameter"):
        hp.Optimizer(SMALL, sampler)
    pytest.skip("gradients are those by continuous parameters")


def play(opt: hp.Optimizer, n: int, tell=loss) -> list[dict]:
    out = []
    for _ in range(n):
        trial = opt.ask()
        out.append(dict(trial.params))
        opt.tell(trial, tell(trial))
    return out


def assert_legal(space: hp.Space, params: dict) -> None:
    assert ref.same_params(space.check(params), params)
    assert list(params) == [name for name in space if name in params]


def assert_same(a: list[dict], b: list[dict]) -> None:
    assert len(a) == len(b)
    assert all(map(ref.same_params, a, b))


def test_proposals_are_legal_and_of_the_right_type(sampler: str) -> None:
    space = make_space()
    for params in play(hp.Optimizer(space, sampler, seed=0), 40):
        assert_legal(space, params)


def test_same_seed_same_points(sampler: str) -> None:
    first, second = (play(hp.Optimizer(make_space(), sampler, seed=7), 25) for _ in range(2))
    assert_same(first, second)


def test_another_seed_gives_other_points(sampler: str) -> None:
    if sampler == "grid":
        pytest.skip("a grid has no seed")
    first, second = (play(hp.Optimizer(make_space(), sampler, seed=seed), 5) for seed in (1, 2))
    assert first != second


@pytest.mark.parametrize("k", [0, 1, 12])
def test_pickling_continues_identically(sampler: str, k: int) -> None:
    opt = hp.Optimizer(make_space(), sampler, seed=3)
    play(opt, k)
    pending = opt.ask()
    again = pickle.loads(pickle.dumps(opt))  # noqa: S301
    for o in (opt, again):
        o.tell(pending.number, 1.0)
    assert_same(play(opt, 12), play(again, 12))
    assert opt.best_value == again.best_value


def test_a_replayed_history_continues_identically(sampler: str) -> None:
    first, second = (hp.Optimizer(make_space(), sampler, seed=5) for _ in range(2))
    play(first, 15)
    for trial in first.trials:
        asked = second.ask()
        assert ref.same_params(asked.params, trial.params)
        second.tell(asked, trial.value)
    assert_same(play(first, 10), play(second, 10))


def test_the_global_generators_are_neither_read_nor_changed(sampler: str) -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first = play(hp.Optimizer(make_space(), sampler, seed=2), 15)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert_same(first, play(hp.Optimizer(make_space(), sampler, seed=2), 15))


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_failed_trials_are_survived(sampler: str, value: float | None) -> None:
    space = make_space()
    opt = hp.Optimizer(space, sampler, seed=0)
    for params in play(opt, 12, tell=lambda t: value):
        assert_legal(space, params)
    assert all(trial.state == "failed" for trial in opt.trials)
    for params in play(opt, 12, tell=lambda t: value if t.number % 3 else loss(t)):
        assert_legal(space, params)
    assert opt.best_value == min(t.value for t in opt.trials if t.value is not None)


@pytest.mark.parametrize(
    "tell",
    [
        lambda t: 0.0,
        lambda t: 1e300 if t.number % 2 else -1e308,
        lambda t: 5e-324 * t.number,
        lambda t: 1e8 + 1e-8 * t.number,
        lambda t: -1e308,
        lambda t: (-1.0) ** t.number * 10.0 ** (t.number * 20 - 200),
    ],
    ids=["constant", "huge", "denormal", "offset", "lowest", "every magnitude"],
)
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_hostile_values_are_survived(sampler: str, tell, direction: str) -> None:
    space = make_space()
    opt = hp.Optimizer(space, sampler, direction, seed=0)
    with np.errstate(all="raise"):
        for params in play(opt, 24, tell):
            assert_legal(space, params)
    pick = min if direction == "minimize" else max
    assert opt.best_value == pick(t.value for t in opt.trials)


def test_pending_trials_are_survived_and_not_repeated(sampler: str) -> None:
    space = make_space()
    opt = hp.Optimizer(space, sampler, seed=0)
    play(opt, 5)
    pending = [opt.ask() for _ in range(20)]
    for trial in pending:
        assert_legal(space, trial.params)
    assert len({repr(trial.params) for trial in pending}) == 20
    for trial in reversed(pending):
        opt.tell(trial, loss(trial))
    play(opt, 5)


def test_several_at_once_are_distinct(sampler: str) -> None:
    opt = hp.Optimizer(make_space(), sampler, seed=0)
    seen = []
    for _ in range(3):
        batch = opt.ask(8)
        assert len(batch) == 8
        assert len({repr(trial.params) for trial in batch}) == 8
        seen += batch
        for trial in batch:
            opt.tell(trial, loss(trial))
    assert [trial.number for trial in seen] == list(range(24))


def test_several_at_once_repeat_with_the_seed(sampler: str) -> None:
    first, second = ([t.params for t in hp.Optimizer(make_space(), sampler, seed=4).ask(9)] for _ in range(2))
    assert_same(first, second)


def test_duplicates_in_the_history_are_survived(sampler: str) -> None:
    space = make_space()
    opt = hp.Optimizer(space, sampler, seed=0)
    [params] = space.sample(1, 0)
    for i in range(12):
        opt.add(params, float(i % 2))
    for proposed in play(opt, 8):
        assert_legal(space, proposed)


def test_values_at_the_ends_of_every_range_are_survived(sampler: str) -> None:
    space = hp.Space(
        {
            "x": hp.Float(-1.7e308, 1.7e308),
            "y": hp.Float(1e-300, 1e300, log=True),
            "k": hp.Int(-(2**63), 2**63 - 1),
            "l": hp.Int(1, 2**63 - 1, log=True),
            "z": hp.Normal(0.0, 1.0),
        }
    )
    opt = hp.Optimizer(space, hp.samplers.GridSampler({"k": 2, "l": 2}) if sampler == "grid" else sampler, seed=0)
    opt.add({"x": -1.7e308, "y": 1e-300, "k": -(2**63), "l": 1, "z": -1e300}, 1.0)
    opt.add({"x": 1.7e308, "y": 1e300, "k": 2**63 - 1, "l": 2**63 - 1, "z": 1e300}, -1.0)
    for params in play(opt, 12, tell=lambda t: float(t.number)):
        assert_legal(space, params)
    assert opt.trials[1].params["k"] == 2**63 - 1


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_a_finite_space_is_proposed_whole_and_once(sampler: str, batch: int) -> None:
    needs_continuous(sampler)
    for seed in range(5):
        opt = hp.Optimizer(SMALL, sampler, seed=seed)
        seen = []
        with pytest.raises(SearchSpaceExhausted):
            while True:
                for trial in opt.ask(batch):
                    seen.append(repr(trial.params))
                    if trial.number % 3:
                        opt.tell(trial, None if trial.number % 2 else 1.0)
        assert len(seen) == len(set(seen)) == N_SMALL
        with pytest.raises(SearchSpaceExhausted):
            opt.ask()
        assert opt.n_trials == N_SMALL


def test_a_finite_space_with_known_enqueued_and_copied_points(sampler: str) -> None:
    needs_continuous(sampler)
    opt = hp.Optimizer(SMALL, sampler, seed=0)
    opt.add({"a": 1, "b": 1}, 0.5)
    opt.enqueue({"a": 2, "b": True, "c": 0.5})
    assert opt.ask().params == {"a": 2, "b": True, "c": 0.5}
    seen = [repr(trial.params) for trial in opt.trials]
    for _ in range(4):
        seen.append(repr(opt.ask().params))
    opt = pickle.loads(pickle.dumps(opt))  # noqa: S301
    with pytest.raises(SearchSpaceExhausted):
        while True:
            seen.append(repr(opt.ask().params))
    assert len(seen) == len(set(seen)) == N_SMALL


def test_constraints_are_respected_to_the_last_point(sampler: str) -> None:
    needs_continuous(sampler)

    def allowed(p: dict) -> bool:
        return p["a"] * 7 + p["b"] * 3 < 60 and (p["a"] + p["b"]) % 3 == 0

    space = hp.Space({"a": hp.Int(0, 19), "b": hp.Int(0, 19)}, [allowed])
    expected = {(a, b) for a in range(20) for b in range(20) if allowed({"a": a, "b": b})}
    opt = hp.Optimizer(space, sampler, seed=1)
    seen = []
    with pytest.raises(SearchSpaceExhausted):
        while True:
            trial = opt.ask()
            seen.append((trial["a"], trial["b"]))
            opt.tell(trial, float(trial["a"]))
    assert len(seen) == len(expected)
    assert set(seen) == expected


def test_constraints_on_a_continuous_space(sampler: str) -> None:
    def allowed(p: dict) -> bool:
        return p["C"] * p.get("gamma", 0.0) < 1.0 and p["share"] < 0.75

    space = hp.Space(make_space(), [allowed])
    opt = hp.Optimizer(space, sampler, seed=0)
    for params in play(opt, 20) + [trial.params for trial in opt.ask(8)]:
        assert_legal(space, params)
        assert allowed(params)


def below_diagonal(params: dict) -> bool:
    return params["x"] + params["y"] <= 0.0


@pytest.mark.parametrize("k", [1, 2, 7, 20])
def test_pickling_continues_identically_with_refused_points_and_failed_first_trials(sampler: str, k: int) -> None:
    y = hp.Float(-5, 5, step=0.25 if sampler == "grid" else None)
    parameters = {"x": hp.Float(-5, 5, step=0.5), "y": y, "c": hp.Categorical(["a", "b"])}
    for seed in range(6):
        opt = hp.Optimizer(hp.Space(parameters, [below_diagonal]), sampler, seed=seed)
        for _ in range(k):
            trial = opt.ask()
            opt.tell(trial, trial["x"] ** 2 + trial["y"] ** 2 if trial.number > 2 else None)
        again = pickle.loads(pickle.dumps(opt))  # noqa: S301
        assert_same(*([dict(o.ask().params) for _ in range(3)] for o in (opt, again)))


@pytest.mark.parametrize(
    "parameter",
    [hp.Float(2, 2), hp.Int(5, 5), hp.Categorical([None]), hp.Float(0, 1), hp.Categorical(range(10_000))],
    ids=["one float", "one int", "one choice", "one dimension", "10,000 choices"],
)
def test_degenerate_spaces(sampler: str, parameter) -> None:
    if not isinstance(parameter, hp.Float):
        needs_continuous(sampler)
    space = hp.Space({"x": parameter, "y": hp.Int(0, 9)})
    opt = hp.Optimizer(space, sampler, seed=0)
    for params in play(opt, 10, tell=lambda t: float(t["y"])):
        assert_legal(space, params)


def test_a_space_of_one_point(sampler: str) -> None:
    needs_continuous(sampler)
    opt = hp.Optimizer({"x": [7]}, sampler, seed=0)
    assert opt.ask().params == {"x": 7}
    with pytest.raises(SearchSpaceExhausted):
        opt.ask()


def test_two_hundred_dimensions(sampler: str) -> None:
    space = hp.Space({f"p{i}": hp.Float(0, 1) if i % 2 else hp.Int(0, 9) for i in range(200)})
    for params in play(hp.Optimizer(space, sampler, seed=0), 3, tell=lambda t: t["p1"]):
        assert_legal(space, params)


def test_conditional_parameters_are_active_when_they_should_be(sampler: str) -> None:
    needs_continuous(sampler)
    space = hp.Space(
        {
            "c": hp.Int(0, 5, when={"b": hp.at_least(2)}),
            "a": hp.Categorical(["on", "off"]),
            "b": hp.Int(0, 3, when={"a": "on"}),
        }
    )
    seen = set()
    for params in play(hp.Optimizer(space, sampler, seed=0), 15, tell=lambda t: float(len(t))):
        assert ("b" in params) == (params["a"] == "on")
        assert ("c" in params) == (params.get("b", 0) >= 2)
        seen.add(tuple(params))
    assert seen == {("a",), ("a", "b"), ("c", "a", "b")}


def test_alternatives_are_active_when_any_holds(sampler: str) -> None:
    needs_continuous(sampler)
    space = hp.Space(
        {
            "a": hp.Categorical(["on", "off"]),
            "b": hp.Int(0, 3, when={"a": "on"}),
            "c": hp.Int(0, 2, when=[{"b": hp.at_least(2)}, {"a": "off"}]),
        }
    )
    opt = hp.Optimizer(space, sampler, seed=0)
    points = [tuple(params.items()) for params in play(opt, 11, tell=lambda t: float(len(t)))]
    assert all(("c" in dict(point)) == (dict(point)["a"] == "off" or dict(point)["b"] >= 2) for point in points)
    assert len(set(points)) == space.n_points == 11
    with pytest.raises(SearchSpaceExhausted):
        opt.ask()


@pytest.mark.parametrize("n", [3, 30])
@pytest.mark.parametrize("everywhere", [False, True], ids=["some trials", "all trials"])
def test_trials_may_lack_values(sampler: str, n: int, everywhere: bool) -> None:
    """Pruned trials that had not asked for all their parameters yet, or trials from before the space grew."""
    space = make_space()
    rng = np.random.default_rng(0)
    late = ("kernel", "layers", "share", "units2")
    params = []
    for i, whole in enumerate(space.sample(n, seed=1)):
        lacks = late if everywhere else [name for name in space if rng.random() < 0.3 and i % 2]
        params.append({name: value for name, value in whole.items() if name not in lacks})
    points = space.encode(params, missing="inactive")

    def make() -> hp.Optimizer:
        opt = hp.Optimizer(space, sampler, seed=4)
        values = np.array([[float(len(given)) + i % 7] for i, given in enumerate(params)])
        state = np.where(np.arange(n) % 4 == 3, PRUNED, COMPLETE).astype(np.uint8)
        notes = {i: {"params": given} for i, given in enumerate(params)}
        opt.restore(Rows(points, state, values, np.full((n, 2), math.nan), notes=notes))
        return opt

    opt = make()
    assert [trial.params for trial in opt.trials] == params
    asked = play(opt, 12)
    for given in asked:
        assert_legal(space, given)
    assert_same(asked, play(make(), 12))
    batch = opt.ask(3)
    assert len({repr(trial.params) for trial in batch}) == 3
    assert [trial.params for trial in opt.trials[:n]] == params and opt.best_trial.params in [*params, *asked]


def test_several_objectives(sampler: str) -> None:
    if sampler in FOR_ONE_OBJECTIVE:
        with pytest.raises(InvalidArgument, match=f"must be 'gp', .* for several objectives, got '{sampler}'"):
            hp.Optimizer(make_space(), sampler, directions=["minimize", "maximize"], seed=0)
        return
    opt = hp.Optimizer(make_space(), sampler, directions=["minimize", "maximize"], seed=0)
    for _ in range(20):
        trial = opt.ask()
        opt.tell(trial, (loss(trial), None if trial.number % 4 == 3 else trial["share"]))
    assert opt.pareto_front
    assert all(trial.state == "complete" for trial in opt.pareto_front)


def test_the_object_may_serve_several_optimizers(sampler: str) -> None:
    shared = hp.samplers.resolve(sampler)
    first, second = (hp.Optimizer(make_space(), shared, seed=1) for _ in range(2))
    mixed: tuple[list, list] = ([], [])
    for _ in range(8):
        for opt, out in ((first, mixed[0]), (second, mixed[1])):
            out += play(opt, 1)
    assert_same(mixed[0], mixed[1])
    assert_same(mixed[0], play(hp.Optimizer(make_space(), sampler, seed=1), 8))
    assert pickle.loads(pickle.dumps(shared)).__dict__ == shared.__dict__  # noqa: S301
