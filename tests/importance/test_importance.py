"""`hpcore.importance`: targets, which trials count, intervals, wrong use."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, NoCompletedTrial
from hpcore.importance import Importance

XY = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}
METHODS = [{"method": "ped_anova"}, {"method": "fanova", "model": "gp"}, {"method": "fanova", "model": "forest"}]
methods = pytest.mark.parametrize("how", METHODS, ids=["ped_anova", "gp", "forest"])
models = pytest.mark.parametrize("how", METHODS[1:], ids=["gp", "forest"])


def told(n: int = 80, **options: Any) -> hp.Optimizer:
    """The value is x, the metric ``ms`` is y, the cost is 1 - y."""
    opt = hp.Optimizer(XY, sampler="random", seed=0, **options)
    for trial in opt.ask(n):
        opt.tell(trial, trial["x"], metrics={"ms": trial["y"]}, cost=1 - trial["y"])
    return opt


def first(source: Any, **options: Any) -> str:
    return next(iter(hp.importance(source, interval=None, **options)))


def test_the_name_is_the_package_and_is_called() -> None:
    code = (
        "import sys, hpcore as hp; assert 'hpcore.importance' not in sys.modules\n"
        "opt = hp.Optimizer({'x': hp.Float(0, 1)}, 'random', seed=0)\n"
        "for t in opt.ask(10): opt.tell(t, t['x'])\n"
        "print(*hp.importance(opt), *hp.importance(opt)); import hpcore.importance; print(*hp.importance(opt))\n"
        "assert not {'sklearn', 'numba'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["x"] * 3
    assert "n_resamples" in inspect.signature(hp.importance).parameters
    assert "Parameters\n" in (inspect.getdoc(hp.importance) or "")


@methods
def test_targets(how: dict[str, Any]) -> None:
    opt = told()
    for target in (None, 0, "value", lambda trial: trial.value, lambda trial: trial["x"]):
        assert first(opt, **how, target=target) == "x"
    for target in ("ms", "cost", lambda trial: trial.metrics["ms"], lambda trial: trial["y"] > 0.9):
        assert first(opt, **how, target=target) == "y"
    assert hp.importance(opt, **how, target="ms").target == "ms"


@methods
def test_sources(how: dict[str, Any], tmp_path: Any) -> None:
    def objective(trial: hp.Trial) -> float:
        return float(trial["x"])

    study = hp.minimize(objective, XY, sampler="random", n_trials=40, seed=0)
    stored = hp.Study(XY, storage=tmp_path / "s.db", name="s", sampler="random", seed=0)
    stored.run(objective, n_trials=40)
    expected = dict(hp.importance(study, **how))
    for source in (study.optimizer, study.optimizer.view(), stored, hp.load_study(tmp_path / "s.db")):
        assert dict(hp.importance(source, **how)) == expected
        assert dict(hp.importance(source, **how, target=lambda t: t.value)) == expected


def test_a_fitted_search() -> None:
    from hpcore.sklearn import SearchCV

    X = np.random.default_rng(0).normal(size=(60, 3))
    space = {"alpha": hp.Float(1e-3, 1e5, log=True), "tol": hp.Float(1e-6, 1e-3, log=True)}
    search = SearchCV(Ridge(), space, strategy="random", n_trials=20, cv=3, random_state=0, n_jobs=1)
    with pytest.raises(InvalidType, match="a fitted SearchCV"):
        hp.importance(search)
    assert first(search.fit(X, X @ [1.0, 2.0, 3.0])) == "alpha"


def test_directions() -> None:
    """x matters at its upper end only."""
    opt, up = (hp.Optimizer(XY, sampler="random", seed=0, direction=way) for way in ("minimize", "maximize"))
    for trial, twin in zip(opt.ask(200), up.ask(200), strict=True):
        opt.tell(trial, max(trial["x"] - 0.5, 0.0) * 10 + trial["y"])
        up.tell(twin, max(twin["x"] - 0.5, 0.0) * 10 + twin["y"])
    assert first(opt) == "y" and first(up) == "x"
    assert dict(hp.importance(opt, direction="maximize")) == dict(hp.importance(up))
    assert dict(hp.importance(up, direction="minimize")) == dict(hp.importance(opt))
    function = hp.importance(opt, target=lambda t: t.value, direction="maximize")
    assert dict(function) == dict(hp.importance(up))


def test_several_objectives() -> None:
    opt = hp.Optimizer({**XY, "z": hp.Float(0, 1)}, sampler="random", seed=0, directions=["minimize", "maximize"])
    for trial in opt.ask(120):
        opt.tell(trial, [trial["x"] + 2 * trial["z"], trial["y"] - 2 * trial["z"]])
    assert first(opt) == "z" and hp.importance(opt).target == "the Pareto front"
    gone = {target: set(hp.importance(opt, target=target, method="fanova", interval=None)) for target in (0, 1)}
    assert gone[0] == {"x", "y", "z"}
    assert float(hp.importance(opt, target=0)["y"]) < 0.1 and float(hp.importance(opt, target=1)["x"]) < 0.1
    for options in ({"method": "fanova"}, {"direction": "minimize"}, {"target": "value"}, {"target": 2}):
        with pytest.raises(InvalidArgument, match="target must be"):
            hp.importance(opt, **options)


def test_which_trials_count() -> None:
    opt = told(40)
    expected = dict(hp.importance(opt))
    failed, running, pruned, withdrawn = opt.ask(4)
    opt.tell(failed, error="broken")
    opt.tell(pruned, state="pruned")
    opt.withdraw(withdrawn)
    infinite = opt.ask()
    opt.tell(infinite, math.inf)
    assert running.number == 41
    found = hp.importance(opt)
    assert dict(found) == expected and found.n_trials == 40
    estimated = opt.ask()
    opt.tell(estimated, 0.5, state="pruned")
    assert hp.importance(opt).n_trials == 41
    assert hp.importance(opt, target=lambda t: None if t.number < 10 else t.value).n_trials == 30


def test_trials_that_break_a_limit_are_not_among_the_best() -> None:
    opt = told(200, limits={"ms": hp.at_most(0.3)})
    assert first(opt, quantile=0.3) == "y"
    assert first(told(200), quantile=0.3) == "x"
    assert first(opt, quantile=0.3, target=lambda t: t.value) == "x"


def test_baseline() -> None:
    """Among the better half, x is settled and y decides."""
    opt = hp.Optimizer(XY, sampler="random", seed=0)
    for trial in opt.ask(400):
        opt.tell(trial, 10 * (trial["x"] > 0.5) + trial["y"] + 0.01 * trial["x"])
    found = hp.importance(opt, baseline=0.5, quantile=0.3)
    assert float(hp.importance(opt, quantile=0.5)["x"]) > 0.9 and float(found["y"]) > 0.8


def test_the_space_as_the_baseline() -> None:
    """A sampler that found the good values of x at once: all trials have them, and y tells the best from the others."""
    weighted = hp.Categorical(["a", "b"], weights=[9, 1])
    opt = hp.Optimizer({**XY, "c": weighted}, sampler="random", seed=0)
    rng = np.random.default_rng(0)
    for y in rng.random(200):
        opt.add({"x": 0.1 * rng.random(), "y": y, "c": "a" if rng.random() < 0.9 else "b"}, y)
    assert float(hp.importance(opt, quantile=0.5)["y"]) > 0.9
    found = hp.importance(opt, quantile=0.5, baseline="space")
    assert list(found) == ["x", "y", "c"] and float(found["x"]) > 0.7 and float(found["c"]) < 0.005


@methods
def test_constant_values_and_parameters(how: dict[str, Any]) -> None:
    space = {**XY, "one": hp.Categorical(["only"]), "three": hp.Int(3, 3)}
    opt = hp.Optimizer(space, sampler="random", seed=0)
    for trial in opt.ask(30):
        opt.tell(trial, 1.0)
    assert dict(hp.importance(opt, **how)) == dict.fromkeys(space, Importance(0.0, 0.0, 0.0))
    single = hp.Optimizer({"x": hp.Float(0, 1)}, sampler="random", seed=0)
    for trial in single.ask(30):
        single.tell(trial, trial["x"])
    assert hp.importance(single, **how)["x"] == pytest.approx((1.0, 1.0, 1.0))


@methods
def test_few_trials(how: dict[str, Any]) -> None:
    opt = hp.Optimizer(XY, sampler="random", seed=0)
    for trial in opt.ask(3):
        opt.tell(trial, error="broken")
    with pytest.raises(NoCompletedTrial, match="at least 5 trials with a finite value, got 0 of 3"):
        hp.importance(opt, **how)
    for trial in opt.ask(4):
        opt.tell(trial, trial["x"])
    with pytest.raises(InvalidArgument, match="at least 5 trials with a finite value, got 4 of 7"):
        hp.importance(opt, **how)
    last = opt.ask()
    opt.tell(last, last["x"])
    found = hp.importance(opt, **how)
    assert len(found) == 2 and sum(map(float, found.values())) > 0.3


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "shap"}, InvalidArgument, "method must be one of 'ped_anova', 'fanova'"),
        ({"target": "loss"}, InvalidArgument, "'value', 'cost', 'ms'"),
        ({"target": 1}, InvalidArgument, "within 0 .. 0"),
        ({"target": True}, InvalidType, "target must be"),
        ({"target": 0.5}, InvalidType, "target must be"),
        ({"target": lambda trial: "text"}, InvalidType, "return a number or None"),
        ({"direction": "down"}, InvalidArgument, "direction must be"),
        ({"quantile": 0.0}, InvalidArgument, "quantile must be"),
        ({"quantile": 0.5, "baseline": 0.5}, InvalidArgument, "quantile must be < baseline"),
        ({"baseline": "all"}, InvalidArgument, "baseline must be one of 'space'"),
        ({"quantile": 1.0, "baseline": "space"}, InvalidArgument, "quantile must be < baseline"),
        ({"n_trees": 10}, InvalidArgument, "n_trees belongs to method='fanova'"),
        ({"pairs": True}, InvalidArgument, "pairs belongs to method='fanova'"),
        ({"pairs": 1, "method": "fanova"}, InvalidType, "pairs must be True or False"),
        ({"quantile": 0.2, "method": "fanova"}, InvalidArgument, "quantile belongs to method='ped_anova'"),
        ({"model": "gp"}, InvalidArgument, "model belongs to method='fanova', got model='gp'"),
        ({"model": "tree", "method": "fanova"}, InvalidArgument, "model must be one of 'gp', 'forest'"),
        ({"model": 1, "method": "fanova"}, InvalidType, "model must be"),
        ({"model": "gp", "method": "fanova", "n_trees": 8}, InvalidArgument, "n_trees belongs to model='forest'"),
        ({"n_trees": 0, "method": "fanova"}, InvalidArgument, "n_trees must be >= 1"),
        ({"interval": 1.0}, InvalidArgument, "interval must be"),
        ({"n_resamples": 1}, InvalidArgument, "n_resamples must be >= 2"),
        ({"n_resamples": 10, "interval": None}, InvalidArgument, "n_resamples needs an interval"),
        ({"seed": -1}, InvalidArgument, "seed must be"),
    ],
)
def test_wrong_use(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        hp.importance(told(20), **options)


@pytest.mark.parametrize("source", [None, {"x": 1.0}, told(10).history, [1, 2]])
def test_other_sources(source: Any) -> None:
    with pytest.raises(InvalidType):
        hp.importance(source)


def test_no_cost() -> None:
    opt = hp.Optimizer(XY, sampler="random", seed=0)
    for trial in opt.ask(10):
        opt.tell(trial, trial["x"])
    with pytest.raises(InvalidArgument, match="no trial has a cost"):
        hp.importance(opt, target="cost")


@methods
def test_intervals_cover_the_number_of_a_large_search(how: dict[str, Any]) -> None:
    def search(n: int, seed: int) -> hp.Optimizer:
        opt = hp.Optimizer({**XY, "z": hp.Float(0, 1)}, sampler="random", seed=seed)
        for trial in opt.ask(n):
            opt.tell(trial, 2 * trial["x"] + trial["y"])
        return opt

    truth = hp.importance(search(4000, 0), **how, interval=None)
    searches = 20 if how["method"] == "ped_anova" else 10
    covered = dict.fromkeys(truth, 0)
    for seed in range(1, searches + 1):
        found = hp.importance(search(150, seed), **how)
        for name, part in found.items():
            assert 0.0 <= part.low <= part.value <= part.high <= 1.0 and part.interval == (part.low, part.high)
            # Small searches say a little of z, and smooth a little.
            covered[name] += part.low - 0.03 <= float(truth[name]) <= part.high + 0.03
    assert min(covered.values()) >= 0.75 * searches


def test_seed_and_width() -> None:
    opt = told(60)
    again = hp.importance(opt, seed=1)
    assert dict(again) == dict(hp.importance(opt, seed=1)) != dict(hp.importance(opt, seed=2))
    narrow, wide = (hp.importance(opt, interval=level, target="ms")["x"] for level in (0.5, 0.99))
    assert narrow.value == wide.value and narrow.high < wide.high
    for options in ({"n_trees": 8}, {"model": "forest"}, {"model": "gp"}):
        few = hp.importance(opt, method="fanova", n_resamples=3, **options)
        assert dict(few) == dict(hp.importance(opt, method="fanova", n_resamples=3, **options))


def test_the_default_model() -> None:
    opt = told(30)

    def values(**options: Any) -> dict[str, Any]:
        return dict(hp.importance(opt, method="fanova", target="ms", n_resamples=3, **options))

    assert values() == values(model="gp") != values(model="forest")
    assert values(n_trees=64) == values(model="forest", n_trees=64) == values(model="forest")


@models
def test_values_of_any_size(how: dict[str, Any]) -> None:
    """Shares do not depend on the unit, which may be the largest that a float holds; one huge value takes them all."""
    plain = told(50)
    expected = hp.importance(plain, target=lambda t: 3 * t["x"] + t["y"], interval=None, **how)
    for unit, offset in ((1e300, 0.0), (1e-300, 0.0), (-2.0, 1e6)):
        found = hp.importance(
            plain, target=lambda t, u=unit, o=offset: u * (3 * t["x"] + t["y"]) + o, interval=None, **how
        )
        assert {name: float(part) for name, part in found.items()} == pytest.approx(
            {name: float(part) for name, part in expected.items()}, abs=1e-3
        )
    found = hp.importance(plain, target=lambda t: 1e308 if t.number == 3 else t["x"], pairs=True, **how)
    for part in (*found.values(), *found.pairs.values()):
        assert 0.0 <= part.low <= part.value <= part.high <= 1.0
    found = hp.importance(plain, target=lambda t: 1e308 * (-1) ** t.number, **how)
    assert all(0.0 <= part.low <= part.value <= part.high <= 1.0 for part in found.values())


def test_the_table() -> None:
    found = hp.importance(told(), method="fanova", pairs=True)
    lines = repr(found).splitlines()
    assert lines[0] == "importance for value by fanova (gp), 80 trials" and str(found) == repr(found)
    assert repr(hp.importance(told(), interval=None)).startswith("importance for value by ped_anova, 80 trials\n")
    assert lines[1].startswith("x ") and lines[1].endswith("#" * 24) and " .. " in lines[1]
    assert lines[-1].startswith("x x y") and len(lines) == 4
    assert " .. " not in repr(hp.importance(told(), interval=None))
    assert list(found) == ["x", "y"] and len(found) == 2 and float(found["x"]) == found["x"].value
    assert math.isnan(hp.importance(told(), interval=None)["x"].low)
