"""Statistics of the summary, sets that are drawn, and the estimator that chooses a pipeline."""

import importlib
import json
import math
import sys
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats


def module(name):
    return importlib.import_module(name)


def run(name, peer, score, seed=0, seconds=10.0, **more):
    outcome = {"error": "ValueError: no"} if score is None else {"score": score}
    return {
        "set": name, "peer": peer, "seed": seed, "time": 10.0, "n_cores": 1, "metric": "accuracy", "limit": None,
        "seconds": seconds, "peak_mb": 100.0, **outcome, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.9, 0.8, 0.7], [1, 2, 3]),
        ([0.8, 0.9, 0.8], [2.5, 1, 2.5]),
        ([0.5, 0.5 + 1e-12, 0.4], [1.5, 1.5, 3]),
        ([math.nan, -5.0, math.nan], [2.5, 1, 2.5]),
        ([-math.inf, math.nan], [1.5, 1.5]),
    ],
)
def test_ranks(scores, expected):
    assert module("summary").ranks(scores) == expected


def test_ranks_are_those_of_scipy():
    scores = np.random.default_rng(0).integers(4, size=9) / 4
    assert module("summary").ranks(list(scores)) == list(stats.rankdata(-scores))


def test_interval_over_seeds_is_that_of_a_t_test():
    values = [0.01, 0.03, 0.02, 0.05]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert module("summary").t_interval(values) == pytest.approx((0.0275, expected.low, expected.high))
    assert module("summary").t_interval([0.1]) == (0.1, -math.inf, math.inf)


def test_bootstrap_has_the_spread_of_the_mean():
    values = np.random.default_rng(0).normal(size=400)
    mean, low, high = module("summary").bootstrap(list(values))
    assert mean == pytest.approx(values.mean())
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.05)


@pytest.mark.parametrize(
    ("score", "other", "metric", "removed"),
    [
        (0.95, 0.90, "accuracy", 0.5),
        (0.90, 0.95, "roc_auc", -0.5),
        (1.0, 1.0, "accuracy", 0.0),
        (1.0, 0.9, "r2", 1.0),
        (-0.3, -0.4, "neg_log_loss", 0.25),
    ],
)
def test_loss_removed(score, other, metric, removed):
    assert module("summary").loss_removed(score, other, metric) == pytest.approx(removed)


def test_overview():
    runs = []
    for seed in range(3):
        runs += [run("a", "flaml", 0.80, seed), run("a", "hpcore", 0.90 + seed / 100, seed, seconds=5.0)]
        runs += [run("b", "flaml", 0.70, seed), run("b", "hpcore", 0.70 + (seed - 1) / 10, seed, seconds=5.0)]
    runs += [run("c", "flaml", 0.5), run("c", "hpcore", None), run("d", "flaml", 0.5)]
    lines = module("summary").overview(runs, ["flaml", "hpcore"], "flaml").splitlines()
    assert lines[0] == "2 peers, 3 sets, 7 pairs of set and seed."  # d has no run of hpcore
    [ours] = [line for line in lines if line.startswith("| hpcore ")]
    cells = [cell.strip() for cell in ours.strip("|").split("|")]
    # Ahead three times on a; behind, equal and ahead on b; failed on c.
    assert cells[1] == f"{(1 + 1 + 1 + 2 + 1.5 + 1 + 2) / 7:.2f}"
    assert cells[2] == "1 / 0"
    assert cells[4:7] == ["1", "5.0 (10.0)", "0.50"]


def test_share_of_the_time_to_a_score():
    runs = [run("a", "flaml", 0.8), run("b", "flaml", 0.8), run("c", "flaml", 0.8), run("d", "flaml", 0.8)]
    runs += [
        run("a", "hpcore", score, time=budget, seconds=2 * budget)
        for budget, score in [(1.0, 0.7), (2.0, 0.8), (10.0, 0.9)]
    ]
    runs += [run("b", "hpcore", score, time=budget) for budget, score in [(1.0, 0.7), (10.0, 0.7)]]
    runs += [run("c", "hpcore", 0.9, time=1.0), run("d", "hpcore", None)]  # c has no run with the full budget
    shares = module("summary").shares_of_time(runs, "hpcore", "flaml", 10.0)
    assert shares == {("a", 0): (0.2, 0.4), ("b", 0): (math.inf,) * 2, ("d", 0): (math.inf,) * 2}


def test_summary_of_a_file(monkeypatch, tmp_path, capsys):
    runs = [run("iris", "flaml", 0.9, seed) for seed in range(2)] + [
        run("iris", "hpcore", 0.95, seed) for seed in range(2)
    ]
    file = tmp_path / "runs.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in runs))
    monkeypatch.setattr(sys, "argv", ["summary.py", str(file), "--time", "10"])
    module("summary").main()
    shown = capsys.readouterr().out
    assert "| iris | accuracy | 0.9000 | 0.9500 |  | +0.0500 [+0.0500, +0.0500] |" in shown
    assert "hpcore has it in 2 of 2 pairs" in shown


def test_names_of_both_halves():
    data = module("data")
    halves = [data.half(name) for name in data.SETS]
    assert data.half("iris") == "held out"
    assert data.half("wine") == "tuned"  # by the name alone, so that new sets move no other
    assert min(halves.count("tuned"), halves.count("held out")) >= 10


def test_sets_have_names_and_metrics_of_their_task():
    for name, one in module("data").SETS.items():
        assert name == one.name
        assert one.metric in (["r2"] if one.task == "regression" else ["accuracy", "roc_auc", "neg_log_loss"])


@pytest.mark.parametrize("name", ["friedman_categories", "city_codes", "linear_noise"])
def test_drawn_sets_are_the_same_each_time_and_have_a_limit(name):
    synthetic = module("synthetic")
    X, y, truth = synthetic.MAKERS[name]()
    again = synthetic.MAKERS[name]()
    pd.testing.assert_frame_equal(X, again[0])
    pd.testing.assert_series_equal(y, again[1])
    pd.testing.assert_frame_equal(module("data").SETS[name].load()[0], X)
    limit = module("measure").best_possible(name, np.arange(0, len(X), 2))
    assert 0.4 < limit < 0.99
    if name == "city_codes":  # calibrated: as many of a class as the probabilities say
        assert (y == "yes").mean() == pytest.approx(truth.mean(), abs=0.02)
    else:
        noise = y - truth
        assert abs(noise.mean()) < 4 * noise.std() / np.sqrt(len(X))
        assert abs(np.corrcoef(noise, truth)[0, 1]) < 0.1


def test_limit_is_of_drawn_sets_only():
    assert module("measure").best_possible("iris", np.arange(3)) is None


def test_scores_follow_the_classes_of_the_model():
    class Model:
        classes_ = np.array(["b", "c"])

        def predict(self, X):
            return np.where(X > 0.5, "c", "b")

        def predict_proba(self, X):
            return np.column_stack([1 - X, X])

    score, X, y = module("measure").score, np.array([0.1, 0.6, 0.4, 0.9]), np.array(["b", "b", "c", "c"])
    assert score(Model(), X, y, "accuracy") == 0.5
    assert score(Model(), X, y, "roc_auc") == 0.75
    assert score(Model(), X, y, "neg_log_loss") == pytest.approx(np.log([0.9, 0.4, 0.4, 0.9]).mean())


def test_a_choice_has_the_active_parameters_of_its_pipeline():
    choice, rng = module("choice"), np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=60), "c": rng.choice(["u", "v"], 60)})
    y = pd.Series(np.where(X["x"] > 0, "yes", "no"))
    one = choice.choice(X, "classification", seed=0)
    drawn = choice.draw(one, 6, seed=0)
    assert [params["model"] for params in drawn] == ["logistic", "random_forest", "hist_gradient_boosting"] * 2
    for params in drawn:
        space = one.options[params["model"]][1]
        named = {name.removeprefix(f"{params['model']}."): value for name, value in params.items()}
        assert choice.active(space, named) == {name: value for name, value in named.items() if name != "model"}
    flat = {"model": "random_forest", "random_forest.model__bootstrap": False, "random_forest.model__max_samples": 0.5,
            "random_forest.model__n_estimators": 5, "logistic.model__C": 2.0}  # fmt: skip
    fitted = one.set_params(**flat).fit(X, y)
    model = fitted.pipeline_.named_steps["model"]
    assert (model.bootstrap, model.max_samples, model.n_estimators) == (False, None, 5)
    assert list(fitted.classes_) == ["no", "yes"]
    assert fitted.predict_proba(X).shape == (60, 2)


def test_a_block_is_interrupted_when_its_time_is_over():
    swallowed = []
    with module("peers").suppress_after(0.05):
        while True:
            try:
                time.sleep(0.01)
            except Exception as error:  # as a search does with a fit that fails
                swallowed.append(error)
    assert swallowed == []
    with module("peers").suppress_after(60):
        ended = True
    assert ended


def test_a_run_in_a_process_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(module("run").Path(__file__).parents[2]))
    asked = {"set": "iris", "peer": "hpcore-single", "seed": 0, "time": 1.0, "n_cores": 1}
    cores = sorted(module("os").sched_getaffinity(0))[:1]
    result = module("run").execute(asked, cores)
    assert "error" not in result
    assert result["score"] > 0.8
    assert result["peak_mb"] > 50
    assert result["details"]["best"] == "svc"
