"""The curve model: data, targets, schedule of fits and proposals; the process itself is tested in C++."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from hpcore.records.streams import Rng
from hpcore.schedulers.curve_model import CurveModel
from hpcore.schedulers.curve_rows import CurveRows
from hpcore.schedulers.fidelities import Fidelities
from hpcore.schedulers.recipe import Recipe
from hpcore.space import Categorical, Float, Space

LEVELS = Fidelities((1.0, 3.0, 9.0, 27.0))


def rows_of(number: list[int], step: list[float], value: list[float]) -> CurveRows:
    n, r = max(number) + 1, len(number)
    steps, nothing = np.array(step), np.zeros(n)
    no, yes = np.zeros(n, dtype=np.bool_), np.ones(r, dtype=np.bool_)
    fidelity, values = LEVELS.of(steps), np.array(value)
    return CurveRows(np.array(number), steps, fidelity, values, steps, r, yes, nothing, nothing, no, no, nothing)


def bowl(x: np.ndarray) -> float:
    return float(((x - 0.3) ** 2).sum())


def example(n: int = 12, d: int = 2) -> tuple[np.ndarray, CurveRows]:
    """Curves of trials that end at one rung after the other."""
    X = np.random.default_rng(0).uniform(size=(n, d))
    number, step, value = [], [], []
    for i in range(n):
        for rung in LEVELS.rungs[: 1 + i % 4]:
            number.append(i)
            step.append(rung)
            value.append(bowl(X[i]) + 0.2 * (1 - math.log(rung) / math.log(27)))
    return X, rows_of(number, step, value)


def model_of(d: int = 2, recipe: Recipe | None = None) -> CurveModel:
    columns = Space({f"x{j}": Float(0.0, 1.0) for j in range(d)}).columns
    return CurveModel(columns, recipe or Recipe(), 6)


def test_the_posterior_is_near_the_function_and_knows_what_was_trained_in_full() -> None:
    X, rows = example(24)
    posterior = model_of().posterior(X, rows, len(rows.number))
    truth = posterior.targets(np.array([bowl(x) for x in X]))
    full = np.arange(3, 24, 4)
    assert posterior.numbers.tolist() == list(range(24))
    np.testing.assert_allclose(posterior.mean[full], truth[full], atol=0.1)
    assert posterior.std[full].max() < posterior.std[::4].min()
    assert np.corrcoef(posterior.mean, truth)[0, 1] > 0.9
    assert posterior.full.tolist() == posterior.targets(rows.value[rows.step == 27]).tolist()


def test_targets_are_logarithms_from_the_lowest_value() -> None:
    X, rows = example()
    posterior = model_of().posterior(X, rows, len(rows.number))
    targets = posterior.targets
    lowest = [rows.value[rows.number == i].min() for i in range(6)]
    assert targets.low == rows.value.min()
    assert targets.spread == pytest.approx((np.median(lowest) - targets.low) / 4)
    z = targets(rows.value)
    assert z.mean() == pytest.approx(0.0, abs=1e-12) and z.std() == pytest.approx(1.0)
    assert posterior.best == z.min() and np.isfinite(targets(np.array([-1e300, 1e300]))).all()


def test_improvement_is_over_the_lowest_value() -> None:
    X, rows = example()
    posterior = model_of().posterior(X, rows, len(rows.number))
    mean, std = np.array([posterior.best + 0.5]), np.array([0.7])
    z = (posterior.best - mean) / std
    expected = np.log(std * (z * norm.cdf(z) + norm.pdf(z)))
    np.testing.assert_allclose(posterior.log_improvement(mean, std), expected)


def test_running_jobs_change_what_is_uncertain_only() -> None:
    X, rows = example()
    model = model_of()
    n = len(rows.number)
    before, after = model.posterior(X, rows, n), model.posterior(X, rows, n, [(0, 1.0)])
    np.testing.assert_allclose(after.mean, before.mean, atol=1e-7)
    assert after.std[0] < 0.5 * before.std[0] and (after.std <= before.std + 1e-9).all()


def test_hyperparameters_follow_from_the_first_rows_alone() -> None:
    X, rows = example()
    n = len(rows.number)
    model = model_of()
    for k in range(4, n):
        model.posterior(X, rows, k)
    at_once = model_of().posterior(X, rows, n)
    step_by_step = model.posterior(X, rows, n)
    assert step_by_step.mean.tolist() == at_once.mean.tolist()
    model.forget(10)
    assert model.posterior(X, rows, n).mean.tolist() == at_once.mean.tolist()


def test_with_full_values_alone_nothing_else_counts() -> None:
    X, rows = example(16)
    other = rows_of(rows.number.tolist(), rows.step.tolist(), np.where(rows.step < 27, 0.3, rows.value).tolist())
    means = [model_of().posterior(X, r, len(r.number), only_full=True).mean for r in (rows, other)]
    assert len(means[0]) == 4
    np.testing.assert_allclose(np.argsort(means[0]), np.argsort(means[1]))


def test_many_rows_are_cut_to_whole_curves_of_the_best_and_ends_of_the_others() -> None:
    X, rows = example(40)
    recipe = Recipe(whole_curves=5, most_rows=60)
    model = model_of(recipe=recipe)
    chosen = model._chosen(rows, len(rows.number), False)
    last = {int(i): v for i, v in zip(rows.number, rows.value, strict=True)}
    best = sorted(last, key=last.__getitem__)[:5]
    for i in range(40):
        mine = np.flatnonzero(rows.number == i)
        kept = np.intersect1d(mine, chosen)
        assert mine[-1] in kept, "the last value of each"
        assert (kept.tolist() == mine.tolist()) if i in best else len(kept) <= 2
    assert len(chosen) <= 60 and (np.diff(chosen) > 0).all()
    assert model.posterior(X, rows, len(rows.number)).numbers.tolist() == list(range(40))


def test_proposals_are_new_and_a_function_of_the_stream() -> None:
    X, rows = example(20)
    model = model_of()
    posterior = model.posterior(X, rows, len(rows.number))
    found = model.propose(posterior, X, Rng(1, 5))
    assert found is not None
    again, other = model.propose(posterior, X, Rng(1, 5)), model.propose(posterior, X, Rng(1, 5), explore=True)
    assert again is not None and other is not None
    assert found[0].tolist() == again[0].tolist() and found[1:] == again[1:]
    assert other[2] > found[2], "the bound looks where less is known"


def test_constraints_hold_and_a_space_without_new_points_has_no_proposal() -> None:
    space = Space({"x0": Float(0.0, 1.0), "x1": Float(0.0, 1.0)}, constraints=[lambda p: p["x0"] > 0.6])
    X, rows = example(20)
    model = CurveModel(space.columns, Recipe(), 6)
    for explore in (False, True):
        found = model.propose(model.posterior(X, rows, len(rows.number)), X, Rng(1, 5), explore)
        assert found is not None and found[0][0] > 0.6
    two = Space({"x": Categorical(["a", "b"])})
    points = np.array([[0.25], [0.75]])
    small = CurveModel(two.columns, Recipe(), 6)
    known = rows_of([0, 1], [1.0, 1.0], [1.0, 2.0])
    assert small.propose(small.posterior(points, known, 2), points, Rng(0, 2)) is None


def test_forgotten_fits_are_made_again() -> None:
    X, rows = example()
    n = len(rows.number)
    other = replace(rows, value=rows.value[::-1].copy())
    model = model_of()
    model.posterior(X, rows, n)
    model.forget(0)
    assert model.posterior(X, other, n).mean.tolist() == model_of().posterior(X, other, n).mean.tolist()


def test_failures_do_not_enter_the_fits() -> None:
    X, rows = example()
    model = model_of()
    model.posterior(X, replace(rows, n_reported=10), len(rows.number))
    assert [size for size, _ in model._fits.values()] and all(size <= 10 for size, _ in model._fits.values())


def test_later_rows_are_not_known() -> None:
    X, rows = example()
    rows.value[-1] = -1.0
    posterior = model_of().posterior(X, rows, 10)
    assert posterior.best == posterior.targets(rows.value[:10]).min() == posterior.targets(rows.value[:10].min())


def test_hyperparameters_of_full_values_alone_follow_from_the_first_rows_too() -> None:
    X, rows = example(40)
    model = model_of()
    for k in (np.flatnonzero(rows.fidelity >= 1.0) + 1).tolist():
        means = [m.posterior(X, rows, k, only_full=True).mean.tolist() for m in (model, model_of())]
        assert means[0] == means[1]
