"""HpcoreSearch, the searcher for Ray Tune, without a cluster."""

from __future__ import annotations

import copy
import logging
import math
import os
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType, MissingDependency

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
ray: Any = pytest.importorskip("ray")
tune: Any = pytest.importorskip("ray.tune")

from ray.tune.search import ConcurrencyLimiter, Repeater, Searcher, SearchGenerator  # noqa: E402
from ray.tune.search.sample import Categorical, Float, Integer, Quantized  # noqa: E402

from hpcore.integrations.ray import HpcoreSearch  # noqa: E402
from hpcore.integrations.ray.pattern import read_space  # noqa: E402

pytestmark = pytest.mark.doors

SPACE = {
    "net": {"lr": tune.loguniform(1e-4, 1e-1), "widths": [16, tune.choice([32, 64]), (tune.randint(1, 4),)]},
    "x": tune.uniform(-5, 5),
    "kind": tune.choice(["a", "b", None]),
    "name": "kept",
    "list": [1, 2],
}
LINE = {"x": tune.uniform(0, 1)}


def make(space: Any = SPACE, metric: Any = "loss", mode: Any = "min", **options: Any) -> Any:
    search = HpcoreSearch(**{"seed": 0, "sampler": "tpe", **options})
    assert search.set_search_properties(metric, mode, space)
    return search


def loss(config: Any) -> float:
    return (config["x"] - 1) ** 2 / 10 + (math.log10(config["net"]["lr"]) + 2) ** 2 + (config["kind"] != "a")


def drive(search: Any, n: int, first: int = 0, f: Any = loss) -> list[Any]:
    configs = []
    for k in range(first, first + n):
        configs.append(search.suggest(f"t{k}"))
        search.on_trial_complete(f"t{k}", {"loss": f(configs[-1]), "training_iteration": 1})
    return configs


def outcomes(search: Any) -> list[tuple[str, Any]]:
    return [(str(trial.state), trial.value) for trial in search.optimizer.trials]


# --- spaces ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["gp", "tpe", "auto"])
def test_configs_are_whole_and_good_ones_are_found(sampler: str) -> None:
    configs = drive(make(sampler=sampler), 40)
    for config in configs:
        widths = config["net"]["widths"]
        assert config.keys() == SPACE.keys() and config["name"] == "kept" and config["list"] == [1, 2]
        assert widths[0] == 16 and widths[1] in (32, 64) and type(widths[2]) is tuple and 1 <= widths[2][0] <= 3
        assert 1e-4 <= config["net"]["lr"] <= 1e-1 and config["kind"] in ("a", "b", None)
    assert min(map(loss, configs)) < 0.3


def test_a_config_belongs_to_its_trial() -> None:
    search = make()
    config = search.suggest("a")
    config["net"]["widths"][1] = None
    assert search.suggest("a")["net"]["widths"][1] in (32, 64)


def domains() -> dict[str, Any]:
    return {
        "uniform": tune.uniform(-1, 2),
        "quniform": tune.quniform(0.5, 2.0, 0.5),
        "loguniform": tune.loguniform(1e-3, 10),
        "qloguniform": tune.qloguniform(0.5, 4.0, 0.5),
        "randn": tune.randn(10, 2),
        "qrandn": tune.qrandn(0, 1, 0.5),
        "randint": tune.randint(-2, 3),
        "qrandint": tune.qrandint(3, 20, 4),
        "qrandint of 1": tune.qrandint(3, 6, 1),
        "lograndint": tune.lograndint(1, 20),
        "qlograndint": tune.qlograndint(4, 32, 4),
        "choice": tune.choice(["a", None, (1, 2), [3]]),
        "choice with shares": tune.choice([1, 1, 1.0, True]),
        "one": tune.randint(3, 4),
    }


@pytest.mark.parametrize("name", domains())
def test_values_have_the_probabilities_of_tune(name: str) -> None:
    """A random search draws as Tune's own: the same kind of values, and each as often."""
    if name in ("qrandint", "qlograndint") and tuple(map(int, ray.__version__.split(".")[:2])) < (2, 60):
        pytest.skip("earlier versions round whole numbers, so that the ends come half as often")
    domain = domains()[name]
    rng = np.random.RandomState(0)
    theirs = [domain.sample(random_state=rng) for _ in range(4000)]
    space, _ = read_space({"v": domain})
    assert space is not None
    ours = [point["v"] for point in space.sample(4000, 0)]
    assert {type(v) for v in ours} == {type(v) for v in theirs}
    if len({repr(v) for v in theirs}) > 100:
        at = np.quantile(theirs, [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
        np.testing.assert_allclose([np.mean(ours <= a) for a in at], [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98], atol=0.03)
        return
    ours, theirs = ([plain(v) for v in many] for many in (ours, theirs))
    # Whole numbers on a logarithmic scale have cells of half a number to each side here.
    most = 0.1 if "lograndint" in name else 0.03
    for value in {*ours, *theirs}:
        assert abs(ours.count(value) - theirs.count(value)) < most * len(ours), value


@pytest.mark.parametrize(
    ("domain", "q"),
    [
        (tune.qrandn(0, 1, 0.2), 0.2),
        (tune.qrandn(0.05, 1, 0.1), 0.1),
        (tune.quniform(0, 120.3, 0.1), 0.1),
        (tune.qloguniform(0.1, 300, 0.1), 0.1),
    ],
)
def test_quantised_values_are_rounded_as_in_tune(domain: Any, q: float) -> None:
    search = make({"v": domain, "o": tune.choice([[domain], 0])}, sampler="random")
    configs = [search.suggest(str(k)) for k in range(200)]
    values = [c["v"] for c in configs] + [c["o"][0] for c in configs if c["o"]]
    assert [v for v in values if v != np.round(v / q) * q] == [] and {type(v) for v in values} == {float}
    for config in configs:  # and Tune's values are known again, the ends included
        search.add_evaluated_point(config, 1.0)
    trials = search.optimizer.trials
    assert [t.params for t in trials[:200]] == [t.params for t in trials[200:]]
    parameter = search.optimizer.space["v"]
    ends = parameter.choices if hasattr(parameter, "choices") else (parameter.low, parameter.high)
    for end in (ends[0], ends[-1]):
        search.add_evaluated_point({"v": float(np.round(end / q) * q), "o": 0}, 1.0)
    assert [t.params["v"] for t in search.optimizer.trials[-2:]] == [ends[0], ends[-1]]


def plain(value: Any) -> str:
    return repr(round(value, 9) + 0.0) if type(value) is float else repr(value)


def test_options_that_hold_domains_are_branches() -> None:
    space = {
        "model": tune.choice(
            [
                {"kind": "linear", "penalty": tune.loguniform(1e-3, 1)},
                {"kind": "net", "layers": [tune.randint(1, 5), tune.choice([tune.uniform(0, 1), "none"])]},
                "mean",
            ]
        )
    }
    search = make(space)
    configs = drive(search, 40, f=lambda c: float(c["model"] == "mean"))
    assert {str(c["model"]["kind"]) if isinstance(c["model"], dict) else c["model"] for c in configs} == {
        "linear",
        "net",
        "mean",
    }
    for config in configs:
        model = config["model"]
        if model == "mean":
            continue
        if model["kind"] == "linear":
            assert model.keys() == {"kind", "penalty"} and 1e-3 <= model["penalty"] <= 1
        else:
            depth, drop = model["layers"]
            assert 1 <= depth < 5 and (drop == "none" or 0 <= drop <= 1)
    n = search.optimizer.n_trials
    for config in configs[:10]:
        search.add_evaluated_point(config, 1.0)
    assert [t.params for t in search.optimizer.trials[n:]] == [t.params for t in search.optimizer.trials[:10]]
    part = make(space, points_to_evaluate=[{"model": {"kind": "linear"}}, {"model": "mean"}])
    assert part.suggest("a")["model"].keys() == {"kind", "penalty"} and part.suggest("b") == {"model": "mean"}
    with pytest.raises(InvalidArgument, match="'model' must be one of its options"):
        search.add_evaluated_point({"model": {"kind": "linear", "penalty": 5.0}}, 1.0)


def test_a_space_of_hpcore_with_conditions() -> None:
    space = hp.Space(
        {"kernel": hp.Categorical(["rbf", "linear"]), "gamma": hp.Float(1e-5, 10, log=True, when={"kernel": "rbf"})}
    )
    search = HpcoreSearch(space, "loss", "max", sampler="random", seed=0)
    for k in range(20):
        config = search.suggest(str(k))
        assert ("gamma" in config) == (config["kernel"] == "rbf")
    assert not search.set_search_properties("loss", "max", SPACE)  # there is a space already
    mixed = HpcoreSearch({"a": {"x": hp.Int(1, 3)}, "y": tune.uniform(0, 1)}, "loss", "min", seed=0).suggest("t")
    assert mixed["a"]["x"] in (1, 2, 3)


class Strange(Float):
    """A domain of a user."""

    class default_sampler_cls:
        """Sampler without a counterpart."""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (tune.grid_search([1, 2]), r"'net/v' is a grid_search.*tune\.choice"),
        (Categorical([1, 2]).grid(), r"'net/v' is a grid_search.*tune\.choice"),
        (tune.sample_from(lambda spec: 3), r"'net/v' is a tune\.sample_from.*in the trainable"),
        ({"eval": "3"}, r"'net/v' is a tune\.sample_from"),
        (tune.choice([1, tune.grid_search([1, 2])]), r"'net/v/1' is a grid_search"),
        (Strange(0, 1), r"'net/v' is a Strange domain.*no counterpart: use tune\.uniform"),
        (Float(0, 1).normal(0, 1), "'net/v'.*a normal domain must have no bounds"),
        (Float(0, 1).uniform().quantized(0.5).quantized(0.25), "'net/v'.*no counterpart"),
        (tune.uniform(2, 1), "'net/v'.*low must be <= high"),
        (Float(None, 1), "'net/v'.*low must be finite"),
        (tune.randint(3, 3), "'net/v'.*low must be <= high"),
        (Integer(1, 9).uniform().quantized(0.5), "'net/v'.*q must be a whole number"),
        (tune.qrandint(5, 7, 4), "'net/v'"),
        (tune.choice([]), "'net/v'.*choices must not be empty"),
        (tune.choice([hp.Float(0, 1)]), "'net/v/0'.*use a domain of Ray Tune"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_name(value: Any, words: str) -> None:
    with pytest.raises(InvalidSpace, match=words):
        make({"net": {"v": value}})
    with pytest.raises(InvalidSpace, match=words):
        HpcoreSearch({"net": {"v": value}})


def test_nested_quantisation_is_read_from_the_outside() -> None:
    assert isinstance(tune.quniform(0, 1, 0.5).get_sampler(), Quantized)  # what `parameter_of` relies on


def test_two_places_with_one_name() -> None:
    with pytest.raises(InvalidSpace, match="two places of the config have the name 'a/b'"):
        make({"a/b": tune.uniform(0, 1), "a": {"b": tune.uniform(0, 1)}})
    with pytest.raises(InvalidSpace, match="space must be a Space or a mapping"):
        HpcoreSearch([("x", tune.uniform(0, 1))])  # type: ignore[arg-type]


# --- arguments ------------------------------------------------------------------------------------------------------


def test_without_a_space_a_metric_or_a_mode() -> None:
    with pytest.raises(RuntimeError, match=r"from HpcoreSearch, but no search space has been defined.*`space`"):
        HpcoreSearch(metric="loss", mode="min").suggest("t")
    with pytest.raises(RuntimeError, match=r"from HpcoreSearch, but the `metric` \(loss\) or `mode` \(None\)"):
        HpcoreSearch(LINE, metric="loss").suggest("t")
    with pytest.raises(RuntimeError, match=r"`metric` \(None\) or `mode` \(None\)"):
        make(LINE, None, None).suggest("t")
    with pytest.raises(RuntimeError, match="no search space has been defined"):
        make({"constant": 3}).suggest("t")
    with pytest.raises(RuntimeError, match="no search space has been defined"):
        HpcoreSearch().add_evaluated_point({"x": 0.5}, 1.0)


def test_metric_and_mode_may_come_with_the_tuner() -> None:
    search = HpcoreSearch(LINE, seed=0)
    assert not search.set_search_properties("loss", "max", {})
    search.suggest("t")
    search.on_trial_complete("t", {"loss": 3.0})
    assert search.optimizer.directions == ("maximize",) and search.optimizer.best_value == 3.0
    anonymous = make(LINE, None, "min")
    assert anonymous.metric == "_metric" and anonymous.suggest("t")
    half = HpcoreSearch(LINE, mode="max", seed=0)
    half.set_search_properties("accuracy", None, {})
    assert half.metric == "accuracy" and half.suggest("t")
    alone = HpcoreSearch(LINE, mode="max", seed=0)
    assert alone.suggest("t") and alone.metric == "_metric"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "least"}, "mode must be 'min', 'max' or a list"),
        ({"metric": "loss", "mode": "obs"}, "mode must be 'min', 'max' or a list"),
        ({"metric": ["a", "b"], "mode": ["min"]}, "lists of one length"),
        ({"metric": ["a", "b"], "mode": "min"}, "lists of one length"),
        ({"mode": ["min", "max"]}, "metric must be a list of as many names"),
        ({"metric": [], "mode": []}, "metric must be a str"),
        ({"metric": 3, "mode": "min"}, "metric must be a str"),
        ({"sampler": "best"}, "sampler must be one of"),
        ({"seed": -1}, "seed must be"),
        ({"points_to_evaluate": {"x": 1}}, "points_to_evaluate must be a list of dicts"),
        ({"points_to_evaluate": [{"x": 1}], "evaluated_rewards": []}, "evaluated_rewards must be a list of one value"),
        ({"evaluated_rewards": [1.0]}, "evaluated_rewards must be a list of one value"),
    ],
)
def test_arguments(options: dict[str, Any], words: str) -> None:
    with pytest.raises((InvalidArgument, InvalidType), match=words):
        HpcoreSearch(**options)


def test_samplers_and_seeds() -> None:
    assert drive(make(seed=1), 12) == drive(make(seed=1), 12) != drive(make(seed=2), 12)
    ucb = make(sampler=hp.samplers.GPSampler("ucb"))
    assert len(drive(ucb, 6)) == 6


def test_several_objectives() -> None:
    search = HpcoreSearch(LINE, ["a", "b"], ["min", "max"], sampler="gp", seed=0)
    for k in range(12):
        x = search.suggest(str(k))["x"]
        search.on_trial_result(str(k), {"a": x, "b": x, "training_iteration": 1})
        search.on_trial_complete(str(k), {"a": x, "b": x * (1 - x), "training_iteration": 1})
    assert search.optimizer.directions == ("minimize", "maximize")
    assert all(t.values[0] <= 0.55 for t in search.optimizer.pareto_front)
    search.suggest("half")
    search.on_trial_complete("half", {"a": 1.0, "b": math.nan})
    assert outcomes_of_last(search) == "failed"
    search.add_evaluated_point({"x": 0.5}, [1.0, 2.0])
    assert search.optimizer.trials[-1].values == (1.0, 2.0)
    with pytest.raises(InvalidArgument, match="one number for each of"):
        search.add_evaluated_point({"x": 0.5}, 1.0)


def outcomes_of_last(search: Any) -> str:
    return str(search.optimizer.trials[-1].state)


# --- the life of a trial --------------------------------------------------------------------------------------------


def test_a_trial_keeps_its_config() -> None:
    search = make()
    first = search.suggest("a")
    assert search.suggest("a") == first != search.suggest("b")
    search.on_trial_complete("a", {"loss": 1.0})
    assert search.suggest("a") == first
    assert search.optimizer.n_trials == 2


def test_a_finite_space_ends() -> None:
    search = make({"c": tune.choice(["a", "b"]), "d": tune.randint(0, 2)})
    seen = [search.suggest(str(k)) for k in range(4)]
    assert search.suggest("4") == Searcher.FINISHED == search.suggest("5")
    for k in range(4):
        search.on_trial_complete(str(k), {"loss": 1.0})
    assert search.suggest("6") == Searcher.FINISHED
    assert len({repr(config) for config in seen}) == 4 and search.suggest("2") == seen[2]


@pytest.mark.parametrize(
    ("result", "error", "expected"),
    [
        ({"loss": 2.0}, False, ("complete", 2.0)),
        ({"loss": np.float32(2.0)}, False, ("complete", 2.0)),
        ({"loss": np.array(2)}, False, ("complete", 2.0)),
        ({"loss": 2.0}, True, ("failed", None)),
        ({"loss": None}, False, ("failed", None)),
        ({"loss": math.nan}, False, ("failed", None)),
        ({"loss": math.inf}, False, ("failed", None)),
        ({"loss": -math.inf}, False, ("failed", None)),
        ({"loss": "low"}, False, ("failed", None)),
        ({"loss": "2.0"}, False, ("failed", None)),
        ({"loss": [1, 2]}, False, ("failed", None)),
        ({"other": 1.0}, False, ("failed", None)),
        ({}, False, ("failed", None)),
        (None, True, ("failed", None)),
        (None, False, ("withdrawn", None)),
    ],
)
def test_results(result: Any, error: bool, expected: Any) -> None:
    search = make(LINE)
    search.suggest("t")
    search.on_trial_complete("t", result, error=error)
    assert outcomes(search) == [expected]
    assert search.suggest("next")


def test_a_missing_metric_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    search = make(LINE)
    with caplog.at_level(logging.WARNING, "hpcore"):
        for k in "ab":
            search.suggest(k)
            search.on_trial_complete(k, {"accuracy": 1.0})
    assert [r.getMessage() for r in caplog.records] == ["a result lacks the metric 'loss', and has 'accuracy'"]


def test_words_that_come_late_twice_or_of_unknown_trials() -> None:
    search = make(LINE)
    search.suggest("a")
    search.on_trial_complete("a", {"loss": 1.0, "training_iteration": 3})
    for value in (5.0, math.nan):
        search.on_trial_result("a", {"loss": value, "training_iteration": 4})
        search.on_trial_complete("a", {"loss": value, "training_iteration": 4}, error=math.isnan(value))
    search.on_trial_result("never", {"loss": 1.0, "training_iteration": 1})
    search.on_trial_complete("never", {"loss": 1.0})
    assert outcomes(search) == [("complete", 1.0)]


def train(search: Any, name: str, values: list[float], end: str) -> None:
    """Report values at the iterations 1, 2, ... as Tune does for a trial that ends by itself, is stopped or taken."""
    search.suggest(name)
    results = [{"loss": v, "training_iteration": k} for k, v in enumerate(values, 1)]
    for result in results[:-1] if end == "stopped" else results:
        search.on_trial_result(name, result)
    search.on_trial_complete(name, None if end == "taken" else results[-1])


def test_a_value_of_a_lower_fidelity_is_an_estimate() -> None:
    search = make(LINE)
    train(search, "early", [9.0, 8.0], "stopped")
    assert outcomes(search) == [("complete", 8.0)]  # as far as is known
    for k, end in enumerate(("whole", "stopped", "whole", "whole")):
        train(search, f"far {k}", [5.0, 4.0 + k, 3.0, 2.0 + k / 2], end)
    train(search, "by itself", [7.0, 6.5], "whole")
    train(search, "taken", [6.0], "taken")
    found = outcomes(search)
    # From the second to the fourth iteration the others change by -2, -2.5, -3 and -3.5, from the first by -3 .. -1.5.
    assert found[0] == ("pruned", 5.25)
    assert found[1:5] == [("complete", 2.0), ("complete", 2.5), ("complete", 3.0), ("complete", 3.5)]
    assert found[5:7] == [("complete", 6.5), ("pruned", 3.75)]
    assert search.optimizer.best_value == 2.0
    assert dict(search.optimizer.trials[0].reports) == {1.0: 9.0, 2.0: 8.0}


def test_estimates_follow_trials_that_get_further() -> None:
    search = make(LINE)
    train(search, "early", [9.0], "stopped")
    search.suggest("runs")
    for k in range(1, 6):
        search.on_trial_result("runs", {"loss": 9.0 - k, "training_iteration": k})
        train(search, f"other {k}", [1.0], "whole")
        assert outcomes(search)[0] == (("complete", 9.0) if k == 1 else ("pruned", 10.0 - k))
    # Nothing to compare with at the sixth iteration.
    search.on_trial_complete("runs", {"loss": math.nan, "training_iteration": 6})
    assert outcomes(search)[:2] == [("pruned", 5.0), ("failed", None)]


def test_a_trial_that_diverged_when_it_was_stopped_has_failed() -> None:
    search = make(LINE)
    train(search, "whole", [3.0, 2.0, 1.0], "whole")
    train(search, "nan", [3.0, math.nan], "stopped")
    assert outcomes(search)[1] == ("failed", None)


@pytest.mark.parametrize("stopped_at", [1, 3])
def test_a_trial_that_began_again_is_known_by_its_last_run(stopped_at: int) -> None:
    search = make(LINE)
    for k in range(3):
        train(search, f"far {k}", [9.0 - i for i in range(9)], "whole")
    search.suggest("again")
    for step in range(1, 5):
        search.on_trial_result("again", {"loss": 0.0, "training_iteration": step})
    # It crashed, and Tune begins it again.
    train(search, "again", [0.5] * stopped_at, "stopped")
    assert outcomes(search)[3] == ("pruned", 0.5 - (9 - stopped_at))
    assert search.optimizer.best_trial.number < 3
    assert dict(search.optimizer.trials[3].reports) == {float(k): 0.5 for k in range(1, stopped_at + 1)}


def test_results_that_are_told_twice_count_once() -> None:
    search, twice = make(LINE), make(LINE)
    for told, n in ((search, 1), (twice, 2)):
        train(told, "early", [9.0, 8.0], "stopped")
        for k in range(5):
            told.suggest(f"far {k}")
            for step, value in enumerate((5.0, 4.0 + k, 3.0), 1):
                for _ in range(n):
                    told.on_trial_result(f"far {k}", {"loss": value, "training_iteration": step})
            told.on_trial_complete(f"far {k}", {"loss": 3.0, "training_iteration": 3})
    assert outcomes(search) == outcomes(twice)
    assert outcomes(search)[0][0] == "pruned" and outcomes(search)[1:] == [("complete", 3.0)] * 5


def test_trials_that_report_at_other_iterations() -> None:
    search = make(LINE)
    search.suggest("rare")
    for step, value in ((2, 8.0), (6, 5.0)):
        search.on_trial_result("rare", {"loss": value, "training_iteration": step})
    search.on_trial_complete("rare", {"loss": 5.0, "training_iteration": 6})
    train(search, "after", [9.0, 8.5, 8.0], "stopped")
    train(search, "before", [9.0], "stopped")
    assert outcomes(search)[1:] == [("pruned", 5.0), ("pruned", 9.0)]  # of the first iteration nothing is known


def test_low_values_of_trials_that_were_stopped_do_not_mislead() -> None:
    """A loss that rises with the iterations: what is stopped early looks best, and is not."""
    search = make({"x": tune.uniform(0, 1)}, sampler="gp")
    for k in range(30):
        x = search.suggest(str(k))["x"]
        early = x > 0.3
        for step in range(1, 3 if early else 10):
            search.on_trial_result(str(k), {"loss": step + x, "training_iteration": step})
        last = 3 if early else 9
        search.on_trial_complete(str(k), {"loss": last + x, "training_iteration": last})
    xs = [trial.params["x"] for trial in search.optimizer.trials]
    assert np.mean(np.array(xs[10:]) < 0.3) > 0.5
    assert search.optimizer.best_trial.params["x"] <= 0.3


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["suggest", "result", "complete", "fail", "take", "save"]),
        st.integers(0, 5),
        st.one_of(st.none(), st.floats(), st.just("text")),
        st.integers(1, 9),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS)
def test_any_order_of_words(events: list[Any]) -> None:
    """Whatever comes in whatever order: no error, legal configs, and finite values only."""
    search = make({"x": tune.uniform(0, 1), "c": tune.choice([1, 2])}, sampler="random")
    for kind, trial, value, step in events:
        result = {"loss": value, "training_iteration": step}
        if kind == "suggest":
            config = search.suggest(str(trial))
            assert 0 <= config["x"] <= 1 and config["c"] in (1, 2)
        elif kind == "result":
            search.on_trial_result(str(trial), result)
        elif kind == "save":
            search = pickle.loads(pickle.dumps(search))  # noqa: S301 - our own data
        else:
            search.on_trial_complete(str(trial), None if kind == "take" else result, error=kind == "fail")
    assert search.suggest("last")
    assert all(t.value is None or math.isfinite(t.value) for t in search.optimizer.trials)


# --- known trials ---------------------------------------------------------------------------------------------------


def test_points_to_evaluate() -> None:
    points = [
        {"net": {"lr": 0.01, "widths": [16, 64, (2,)]}, "x": 0.5, "kind": None},
        {"net/lr": 0.02, "x": 1},
        {},
    ]
    search = make(points_to_evaluate=points)
    whole, part, free = [search.suggest(str(k)) for k in range(3)]
    assert (whole["net"], whole["x"], whole["kind"]) == ({"lr": 0.01, "widths": [16, 64, (2,)]}, 0.5, None)
    assert (part["net"]["lr"], part["x"], type(part["x"])) == (0.02, 1.0, float)
    assert free.keys() == SPACE.keys()
    assert points[1] == {"net/lr": 0.02, "x": 1}


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({"lr": 0.01}, r"points_to_evaluate\[0\] has 'lr', which is not in the space"),
        ({"net": {"Lr": 0.01}}, r"points_to_evaluate\[0\] has 'net/Lr'"),
        ({"net": {"lr": 3.0}}, "'net/lr' must be within"),
        ({"net": 3}, "net must be a mapping"),
        ({"net": {"widths": [1]}}, "net/widths must be a list of 3 values"),
        ({"kind": "c"}, "'kind' must be one of 'a', 'b', None"),
    ],
)
def test_points_that_are_not_of_the_space(point: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        make(points_to_evaluate=[point])


OPTIONS = {"m": tune.choice([{"k": "a", "x": tune.quniform(0, 1, 0.1)}, {"k": "b", "x": tune.uniform(0, 1)}, "none"])}


def test_points_within_an_option() -> None:
    points = [{"m": {"k": "a", "x": 0.3}}, {"m": {"x": 0.35, "k": "b"}}, {"m": {"k": "a"}}, {"m": "none"}]
    search = make(OPTIONS, points_to_evaluate=points)
    first, second, part, plain = (search.suggest(str(k))["m"] for k in range(4))
    assert first == {"k": "a", "x": pytest.approx(0.3, rel=1e-15)}
    assert (second, plain) == ({"k": "b", "x": 0.35}, "none")
    assert part.keys() == {"k", "x"} and part["k"] == "a"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"k": "a", "x": 0.3, "z": 1}, r"points_to_evaluate\[0\] has 'm/0/z', which is not in the space"),
        ({"k": "b", "X": 0.3}, r"points_to_evaluate\[0\] has 'm/1/X', which is not in the space"),
        ({"k": "a", "x": 1.35}, "'m' must be one of its options"),
        ({"k": "c", "x": 0.3}, "'m' must be one of its options"),
        ({"x": 0.3}, "'m' must be one of its options"),  # of which option is not said
    ],
)
def test_points_that_fit_no_option(option: Any, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        make(OPTIONS, points_to_evaluate=[{"m": option}])


@pytest.mark.parametrize("options", [{}, {"evaluated_rewards": [1.0]}])
@pytest.mark.parametrize(
    ("point", "name"), [({"x": 0.5, "e": 6}, "e"), ({"x": 0.5, "net": {"n": None}}, "net/n"), ({"l": [1, 3]}, "l/1")]
)
def test_points_with_other_constants(point: Any, name: str, options: Any) -> None:
    space = {"x": tune.uniform(0, 1), "e": 5, "net": {"n": np.arange(3)}, "l": [1, 2]}
    with pytest.raises(InvalidArgument, match=rf"points_to_evaluate\[0\] has another value of '{name}', a constant"):
        make(space, points_to_evaluate=[point], **options)
    same = {"x": 0.5, "e": 5, "net": {"n": np.arange(3)}, "l": (1, 2)}
    assert make(space, points_to_evaluate=[same]).suggest("t")["x"] == 0.5


def test_evaluated_rewards() -> None:
    points = [{"x": 0.25}, {"x": 0.5}]
    search = make(LINE, points_to_evaluate=points, evaluated_rewards=[2.0, math.nan])
    assert outcomes(search) == [("complete", 2.0), ("failed", None)]
    assert search.suggest("t")["x"] not in (0.25, 0.5)
    with pytest.raises(InvalidArgument, match=r"evaluated_rewards must .*points_to_evaluate\[0\] .*'net/lr'"):
        make(points_to_evaluate=[{"x": 0.5}], evaluated_rewards=[1.0])


def test_evaluated_points() -> None:
    search = make({"x": tune.uniform(0, 1), "q": tune.quniform(0, 1, 0.1), "constant": 3}, mode="max")
    config = {"x": 0.5, "q": 0.3, "constant": 4, "more": 5}
    search.add_evaluated_point(config, 1.0, intermediate_values=[0.5, 1.0])
    search.add_evaluated_point(config, None, pruned=True, intermediate_values=[3.0, 2.0])
    search.add_evaluated_point(config, math.nan, pruned=True)
    search.add_evaluated_point(config, 9.0, error=True)
    search.add_evaluated_point(config, None)
    assert outcomes(search) == [
        ("complete", 1.0),
        ("pruned", 2.0),
        ("pruned", None),
        ("failed", None),
        ("failed", None),
    ]
    assert dict(search.optimizer.trials[1].reports) == {1.0: 3.0, 2.0: 2.0}
    with pytest.raises(InvalidArgument, match="'q'"):
        search.add_evaluated_point({"x": 0.5}, 1.0)
    with pytest.raises(InvalidArgument, match="'x' must be within"):
        search.add_evaluated_point({"x": 1.5, "q": 0.3}, 1.0)
    assert search.optimizer.n_trials == 5


def test_evaluated_trials_of_ray() -> None:
    from ray.tune.experiment import Trial

    trials = []
    for x, value, status, done in (
        (0.2, 1.0, "TERMINATED", True),
        (0.4, 2.0, "TERMINATED", False),
        (0.6, 3.0, "ERROR", False),
    ):
        trial = Trial("stub", config={"x": x}, stub=True)
        trial.status = status
        trial.run_metadata.last_result = {"loss": value, "done": done}
        trials.append(trial)
    search = make(LINE)
    search.add_evaluated_trials(trials, "loss")
    assert outcomes(search) == [("complete", 1.0), ("pruned", 2.0), ("failed", None)]


# --- saving ---------------------------------------------------------------------------------------------------------


def some(search: Any) -> Any:
    drive(search, 12)
    train(search, "stopped", [3.0], "stopped")
    search.suggest("running")
    return search


def going_on(search: Any) -> list[Any]:
    search.on_trial_complete("running", {"loss": 1.0, "training_iteration": 3})
    return drive(search, 5, first=20)


@pytest.mark.parametrize("sampler", ["gp", "tpe", "auto"])
@pytest.mark.parametrize("way", ["file", "folder", "state", "pickle", "copy"])
def test_a_search_that_was_saved_goes_on(sampler: str, way: str, tmp_path: Path) -> None:
    search = some(make(sampler=sampler, points_to_evaluate=[{"x": 1.0}]))
    other = HpcoreSearch()
    if way == "file":
        search.save(str(tmp_path / "s.pkl"))
    elif way == "folder":
        search.save_to_dir(str(tmp_path), "session")
    elif way == "state":
        state = search.get_state()
    elif way == "pickle":
        other = pickle.loads(pickle.dumps(search))  # noqa: S301 - our own data
    else:
        other = copy.deepcopy(search)
    expected = going_on(search)
    if way == "file":
        other.restore(str(tmp_path / "s.pkl"))
    elif way == "folder":
        other.restore_from_dir(str(tmp_path))
    elif way == "state":
        other.set_state(state)
        assert going_on(copy.deepcopy(other)) == expected  # and the state stays as it is
    assert going_on(other) == expected
    assert other.metric == "loss" and other.mode == "min"


def test_options_of_a_choice_may_be_any_objects(tmp_path: Path) -> None:
    array = np.arange(3)
    search = make({"f": tune.choice([lambda x: x + 1, lambda x: x + 2]), "a": tune.choice([array, None])})
    assert search.suggest("a")["f"](1) in (2, 3)
    search.save(str(tmp_path / "s"))
    again = HpcoreSearch()
    again.restore(str(tmp_path / "s"))
    assert again.suggest("b")["f"](1) == search.suggest("b")["f"](1)
    config = search.suggest("a")
    search.add_evaluated_point(config, 1.0)
    assert search.optimizer.trials[-1].params == search.optimizer.trials[0].params


def test_copies_of_options_are_known() -> None:
    tables = [{"a": 1, "b": np.arange(3)}, {"a": 2, "b": np.arange(3)}, np.zeros(2), [1, 2]]
    inside = [{"a": np.arange(2), "x": tune.uniform(0, 1)}, {"a": np.arange(3), "x": tune.uniform(0, 1)}]
    search = make({"t": tune.choice(tables), "u": tune.choice(inside)}, sampler="random")
    configs = [copy.deepcopy(search.suggest(str(k))) for k in range(20)]
    for config in configs:
        search.add_evaluated_point(config, 1.0)
    trials = search.optimizer.trials
    assert all(
        a.params["t"] is b.params["t"] and a.params["u"] == b.params["u"]
        for a, b in zip(trials, trials[20:], strict=False)
    )
    with pytest.raises(InvalidArgument, match="'t' must be one of"):
        search.add_evaluated_point({**configs[0], "t": {"a": 3}}, 1.0)


@pytest.mark.parametrize("sampler", ["random", "sobol", "cmaes", "evolution", "annealing", "grid"])
def test_all_samplers(sampler: str) -> None:
    search = make({"n": tune.randint(0, 1000), "q": tune.quniform(0, 1, 0.1)}, sampler=sampler)
    configs = drive(search, 15, f=lambda c: c["n"] / 1000 + c["q"])
    assert len({repr(config) for config in configs}) == 15


# --- inside Tune ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [False, True])
def test_concurrency_limiter(batch: bool) -> None:
    limiter = ConcurrencyLimiter(HpcoreSearch(seed=0), max_concurrent=2, batch=batch)
    assert limiter.set_search_properties("loss", "min", LINE)
    assert limiter.suggest("a") and limiter.suggest("b") and limiter.suggest("c") is None
    limiter.on_trial_complete("a", {"loss": 1.0})
    assert (limiter.suggest("c") is None) == batch  # a batch waits for all of its trials
    limiter.on_trial_complete("b", {"loss": 2.0})
    assert limiter.suggest("d")
    assert outcomes(limiter.searcher)[:2] == [("complete", 1.0), ("complete", 2.0)]


def test_repeater_tells_means() -> None:
    repeater = Repeater(HpcoreSearch(seed=0), repeat=2)
    assert repeater.set_search_properties("loss", "min", LINE)
    first, again, other = (repeater.suggest(k)["x"] for k in "abc")
    assert first == again != other
    for k, value in (("a", 1.0), ("b", 3.0)):
        repeater.on_trial_complete(k, {"loss": value, "training_iteration": 1})
    assert outcomes(repeater.searcher)[0] == ("complete", 2.0)


def test_search_generator_makes_and_restores_trials(tmp_path: Path) -> None:
    def generator() -> Any:
        made = SearchGenerator(ConcurrencyLimiter(HpcoreSearch(seed=3), max_concurrent=4))
        assert made.set_search_properties("loss", "min", SPACE)
        return made

    tune.register_trainable("never_run", lambda config: None)
    first = generator()
    first.add_configurations({"e": {"run": "never_run", "num_samples": 6, "config": SPACE}})
    trials = [first.next_trial() for _ in range(3)]
    assert trials[0].config["name"] == "kept" and "net/lr" in trials[0].evaluated_params
    first.on_trial_complete(trials[0].trial_id, {"loss": 1.0, "training_iteration": 1})
    first.save_to_dir(str(tmp_path), "session")
    second = generator()
    second.restore_from_dir(str(tmp_path))
    expected = [first.next_trial().config for _ in range(2)]
    assert [second.next_trial().config for _ in range(2)] == expected
    assert first.next_trial() is None  # four at a time


# --- imports --------------------------------------------------------------------------------------------------------


def loaded(code: str, package: str) -> str:
    code += (
        f"; import sys; print([m for m in sys.modules if m.partition('.')[0] == 'ray' and m.startswith({package!r})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_ray_is_imported_by_its_door_alone() -> None:
    assert loaded("import hpcore, hpcore.integrations, hpcore.sklearn; hpcore.minimize, hpcore.Study", "ray") == "[]"


def test_the_executor_needs_no_tune() -> None:
    assert loaded("from hpcore.integrations.ray import RayExecutor", "ray.tune") == "[]"


def test_names_of_the_package() -> None:
    import hpcore.integrations.ray as door

    assert dir(door) == ["HpcoreScheduler", "HpcoreSearch", "RayExecutor"]
    with pytest.raises(AttributeError, match="has no attribute 'Search'"):
        door.Search  # noqa: B018 - an attribute that there is not


@pytest.mark.parametrize("name", ["HpcoreScheduler", "HpcoreSearch", "RayExecutor"])
def test_without_ray_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [module for module in sys.modules if module.startswith("hpcore.integrations.ray")]:
        monkeypatch.delitem(sys.modules, module)
    for module in [module for module in sys.modules if module.partition(".")[0] == "ray"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency, match=r"needs ray.*pip install 'hpcore\[ray\]'"):
        getattr(import_module("hpcore.integrations.ray"), name)
