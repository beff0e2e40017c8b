"""State of a search, as stopping rules read it."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

import hpcore as hp


def opt_with(order: tuple[int, ...]) -> hp.Optimizer:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler="sobol", direction="maximize", seed=3)
    trials = opt.ask(4)
    for number in order:
        opt.tell(trials[number], float(number))
    return opt


def test_a_view_has_what_a_rule_needs_and_cannot_be_written() -> None:
    opt = opt_with((0, 2))
    view = opt.view()
    assert view.space is opt.space and view.directions == ("maximize",) and view.seed == 3
    assert view.history.values[[0, 2], 0].tolist() == [0.0, -2.0]  # lower is better
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.seed = 4


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_view_as_of_a_job_is_the_same_whatever_the_order_of_results(order: tuple[int, ...]) -> None:
    history = opt_with(order).view(as_of=1).history
    assert (history.n, history.n_complete, history.n_running) == (4, 2, 2)
    np.testing.assert_array_equal(history.values[:, 0], [0.0, -1.0, np.nan, np.nan])


def test_views_of_jobs_that_are_not_all_known() -> None:
    opt = opt_with((2,))
    assert opt.view(as_of=1).history.n_complete == 0
    assert opt.view(as_of=-1).history.n_running == 4
    assert opt.view(as_of=99).history is opt.history
