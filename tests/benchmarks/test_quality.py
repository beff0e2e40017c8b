"""Scores, problems made from packages, and a benchmark that is interrupted and continued."""

import importlib
import importlib.util
import itertools
import json
import sys

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris

import hpcore as hp


def module(name):
    return importlib.import_module(name)


def test_expected_best_is_that_of_all_draws():
    values = np.array([3.0, -1.0, 2.0, 2.0])
    brute = [np.mean([min(draw) for draw in itertools.product(values, repeat=n)]) for n in (1, 2, 3, 4)]
    np.testing.assert_allclose(module("tasks").expected_best(values, 4), brute)


def test_scores():
    reference = module("tasks").Reference(random=np.array([10.0, 6.0, 4.0]), median=9.0, best=2.0)
    curve = module("scores").best_so_far([[1, 12.0], [3, 2.0]], 3)
    np.testing.assert_array_equal(curve, [12.0, 12.0, 2.0])
    # Random search itself is at 0; worse by more than the whole distance is -100.
    np.testing.assert_allclose(module("scores").scores(curve, reference, 2.0), [-25.0, -100.0, 100.0])
    np.testing.assert_allclose(module("scores").scores(reference.random, reference, 2.0), 0.0)
    np.testing.assert_allclose(module("scores").log_regret(np.array([9.0, 2.7, 2.0, 50.0]), reference, 2.0),
                               [0.0, -1.0, -4.0, 0.0])  # fmt: skip


def test_a_run_without_a_finite_value_is_worst():
    scores = module("scores")
    reference = module("tasks").Reference(np.array([1.0, 0.5]), 1.0, 0.0)
    np.testing.assert_array_equal(scores.scores(scores.best_so_far([], 2), reference, 0.0), [-100.0, -100.0])


def test_interval_covers_the_mean_and_shrinks_with_problems():
    scores, rng = module("scores"), np.random.default_rng(0)
    widths = []
    for n in (5, 80):
        found = {f"p{k}": rng.normal(50.0, 10.0, (4, 1)) for k in range(n)}
        low, high = scores.interval(found)
        assert low[0] < scores.mean_over_problems(found)[0] < high[0]
        widths.append(high[0] - low[0])
    assert widths[1] < widths[0] / 2


def test_same_scores_as_the_collection_itself():
    tasks = module("tasks")
    if not tasks.SHARED.is_dir():
        pytest.skip("the collection of problems is not beside the repository")
    collection = tasks.open_tasks(tasks.SHARED)
    theirs, name, n = module("score"), "bbob_f06_d05_i1", 30
    reference = collection.reference(name)
    run = {"inc": [[1, 5000.0], [4, 300.0], [29, 60.0]]}
    ref = {"rand": reference.random, "med": reference.median}
    curve = module("scores").best_so_far(run["inc"], n)
    ours = module("scores").scores(curve, reference, reference.best)[-1]
    regret = module("scores").log_regret(curve, reference, reference.best)
    assert (ours, -25.0 * regret.mean()) == pytest.approx(theirs.measures(run, n, ref, reference.best))


def test_coco_knows_its_optimum():
    pytest.importorskip("cocoex")
    for name in ("bbob_f01_d02_i1", "mixint_f15_d05_i1"):
        reference = module("rebuilt").Coco(name).reference()
        assert reference.best < reference.random[-1] < reference.random[0]
        assert (np.diff(reference.random) < 0).all()


@pytest.fixture
def small(monkeypatch, tmp_path):
    """One small table instead of everything."""
    rebuilt = module("rebuilt")
    space = {
        "criterion": hp.Categorical(["gini", "entropy"]),
        "max_depth": hp.Categorical([1, 2, 3], ordered=True),
        "min_samples_leaf": hp.Categorical([1, 10, 40], ordered=True),
    }
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(rebuilt, "TABLES", {"table_small": (rebuilt._tree, load_iris, "accuracy", space)})
    monkeypatch.setattr(rebuilt, "COCO", [])
    with joblib.parallel_config("sequential"):
        yield rebuilt


def test_a_table_holds_the_losses(small):
    table = small.Table("table_small")
    cell = {"criterion": "entropy", "max_depth": 2, "min_samples_leaf": 10}
    assert table(cell) == small._loss(*small.TABLES["table_small"][:3], cell)
    losses = [table(params) for params in table.space.grid()]
    assert table.reference().best == min(losses)
    assert table.reference().random[0] == pytest.approx(np.mean(losses))


def test_a_benchmark_goes_on_where_it_stopped(small, monkeypatch, tmp_path, capsys):
    out, page = tmp_path / "runs.jsonl", tmp_path / "page.md"
    page.write_text("before\n<!-- quality-rebuilt -->\nold\n<!-- /quality-rebuilt -->\nafter\n")
    command = ["runner.py", "--rebuilt", "--budget", "20", "--seeds", "0-1", "--jobs", "1", "--at", "5,20",
               "--samplers", "tpe,random,grid", "--out", str(out), "--readme", str(page)]  # fmt: skip
    monkeypatch.setattr(sys, "argv", command)

    def answers():
        return {(r["opt"], r["seed"]): r["inc"] for r in map(json.loads, out.read_text().splitlines())}

    runner = module("runner")
    runner.main()
    first = answers()
    assert len(first) == 6
    assert all(inc[-1][1] == small.Table("table_small").reference().best for inc in first.values())  # 18 cells
    assert "| hpcore tpe | 2 |" in page.read_text()
    assert (
        page.read_text().startswith("before\n")
        and page.read_text().endswith("after\n")
        and "old" not in page.read_text()
    )

    out.write_text(out.read_text()[:-30])  # killed in the middle of a line
    capsys.readouterr()
    runner.main()
    assert "1 runs to do, 5 in" in capsys.readouterr().out
    assert answers() == first

    if importlib.util.find_spec("matplotlib"):
        monkeypatch.setattr(sys, "argv", [*command, "--report-only", "--figure", str(tmp_path / "curves.png")])
        runner.main()
        assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
        monkeypatch.setattr(sys, "argv", command)

    out.write_text(out.read_text().replace(f'"hpcore":"{hp.__version__}"', '"hpcore":"0.0.1"'))
    with pytest.raises(SystemExit, match="another --out"):
        runner.main()


def test_a_grid_only_where_three_levels_fit():
    grid = module("adapter").SAMPLERS["grid"]
    two, five = ({f"x{j}": hp.Float(0, 1) for j in range(d)} for d in (2, 5))
    assert grid.for_problem(hp.Space(five), 0, 100) is None
    made = grid.for_problem(hp.Space(two), 0, 100)
    assert made.levels(hp.Space(two), 100) == {"x0": 10, "x1": 10}
    points = []
    for _ in range(102):
        points.append(tuple(made.ask().values()))
        made.tell({}, sum(points[-1]))
    assert len(set(points[:100])) == 100
    assert points[100] == points[101] == (0.0, 0.0)  # nothing left: the best again


def test_every_sampler_has_an_adapter():
    adapter = module("adapter")
    assert set(adapter.SAMPLERS) == set(hp.samplers.names())
    named = type("Named", (adapter.Named,), {"name": "sobol"})
    space = hp.Space({"x": hp.Float(0, 1), "c": hp.Categorical(["a", "b"])})
    first, second = (kind.for_problem(space, 3, 10) for kind in (named, adapter.SAMPLERS["sobol"]))
    assert [first.ask() for _ in range(4)] == [second.ask() for _ in range(4)]
