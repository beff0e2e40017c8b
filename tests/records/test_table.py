"""Columns of a table of trials."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from hpcore.records.table import Row, columns_of


def row(number: int, **fields) -> Row:
    nothing = {"values": None, "params": {}, "std_error": None, "started": None, "finished": None}
    return Row(number, "complete", **{**nothing, "user_attrs": {}, "error": None, **fields})


@pytest.mark.parametrize("m", [1, 3])
def test_names_and_order_of_the_columns(m: int) -> None:
    values = [f"value_{i}" for i in range(m)] if m > 1 else ["value"]
    rest = ["param_b", "param_a", "started", "finished", "seconds", "attr_n", "attr_k", "error"]
    rows = [row(0, user_attrs={"n": 1}), row(1, user_attrs={"k": 2, "n": 3})]
    columns = columns_of(rows, ["b", "a"], m)
    assert list(columns) == ["number", "state", *values, *rest]
    assert list(columns_of([*rows, row(2, std_error=0.0)], ["b", "a"], m)) == [
        "number",
        "state",
        *values,
        "std_error",
        *rest,
    ]
    assert (columns["attr_n"], columns["attr_k"]) == ([1, 3], [None, 2])


def test_cells_that_are_missing_are_none() -> None:
    rows = [row(0, values=(1.0,), params={"a": 0.5}, started=10.0, finished=12.5), row(1, values=(), started=10.0)]
    columns = columns_of(rows, ["a"], 1)
    assert (columns["value"], columns["param_a"], columns["seconds"]) == ([1.0, None], [0.5, None], [2.5, None])
    assert columns["started"] == [datetime(1970, 1, 1, 0, 0, 10, tzinfo=timezone.utc)] * 2
    assert columns["finished"][1] is None


def test_a_table_without_trials_has_columns() -> None:
    assert columns_of([], ["a"], 1) == {
        name: [] for name in ("number", "state", "value", "param_a", "started", "finished", "seconds", "error")
    }


def test_costs_metrics_and_feasibility_have_columns_if_any_trial_has_them() -> None:
    rows = [row(0, metrics={"ms": 1.0}, feasible=False, std_error=(0.1, 0.2)), row(1, cost=2.0, std_error=0.5), row(2)]
    columns = columns_of(rows, ["a"], 2)
    assert list(columns)[4:8] == ["std_error", "std_error_1", "feasible", "param_a"]
    assert list(columns)[-3:] == ["cost", "metric_ms", "error"]
    assert (columns["std_error"], columns["std_error_1"]) == ([0.1, 0.5, None], [0.2, None, None])
    assert columns["feasible"] == [False, None, None]
    assert (columns["cost"], columns["metric_ms"]) == ([None, 2.0, None], [1.0, None, None])
