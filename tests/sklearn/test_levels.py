"""Columns and attributes of scikit-learn's halving searches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hpcore.evaluation.resources import Parameter
from hpcore.schedulers import ASHA
from hpcore.sklearn.fidelity import Fidelity
from hpcore.sklearn.levels import summarise
from hpcore.sklearn.results import Evaluated


def test_iterations_are_the_levels_in_the_order_of_the_resource():
    fidelity = Fidelity(Parameter(30, "n", None), ASHA(), 3, 30, 30, 3.0, (), None, 1)
    rows = [
        Evaluated(number, {}, [], None, level) for level, number in [(3, 0), (3, 1), (3, 4), (10, 1), (30, 1), (30, 2)]
    ]
    search: Any = SimpleNamespace()
    columns = summarise(search, rows, fidelity)
    assert columns["iter"].tolist() == [0, 0, 0, 1, 2, 2]
    assert columns["n_resources"].tolist() == [3, 3, 3, 10, 30, 30]
    assert vars(search) == {
        "n_resources_": [3, 10, 30],
        "n_candidates_": [3, 1, 2],
        "n_iterations_": 3,
        "n_remaining_candidates_": 1,
        "min_resources_": 3,
        "max_resources_": 30,
        "n_required_iterations_": 2,  # of 4 candidates
        "n_possible_iterations_": 3,
    }


def test_a_search_without_rows_and_one_above_the_lowest_level():
    fidelity = Fidelity(Parameter(30, "n", None), ASHA(), 3, 30, 30, 3.0, (), None, 1)
    search: Any = SimpleNamespace()
    assert [column.tolist() for column in summarise(search, [], fidelity).values()] == [[], []]
    assert (search.n_iterations_, search.n_remaining_candidates_, search.n_required_iterations_) == (0, 0, 1)
    summarise(search, [Evaluated(0, {}, [], None, 10)], fidelity)
    assert (search.min_resources_, search.n_resources_) == (3, [10])
