"""Partial results in columns."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcore.records.curves import FIRST_ROOM, Curves

# (number, step, values, cost, job) as `Curves.append` takes them.
REPORTS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from([0.0, 1.0, 2.5]),
        st.lists(st.integers(0, 9).map(float), min_size=1, max_size=2).map(tuple),
        st.sampled_from([None, 0.0, 1.5]),
        st.sampled_from([None, 5, 6]),
    ),
    max_size=25,
)


def curves_of(reports: list[tuple]) -> Curves:
    curves = Curves(2)
    for report in reports:
        curves.append(*report)
    return curves


def rows(curves: Curves) -> list[str]:
    columns = (curves.trial, curves.step, curves.values, curves.cost, curves.job)
    return [repr(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def rows_of(reports: list[tuple]) -> list[str]:
    return [
        repr((n, step, [*values, math.nan][:2], math.nan if cost is None else cost, n if job is None else job))
        for n, step, values, cost, job in reports
    ]


@settings(deadline=None)
@given(REPORTS, st.integers(-1, 7))
def test_reports_as_of_a_job(reports: list[tuple], job: int) -> None:
    curves = curves_of(reports)
    kept = [report for report in reports if (report[0] if report[4] is None else report[4]) <= job]
    view = curves.as_of(job)
    assert rows(view) == rows_of(kept)
    assert rows(curves) == rows_of(reports)
    assert (view is curves) == (len(kept) == len(reports))


@settings(deadline=None)
@given(REPORTS)
def test_a_rung_has_the_last_report_of_each_trial(reports: list[tuple]) -> None:
    curves = curves_of(reports)
    for step in (0.0, 1.0, 2.5, 7.0):
        last = {report[0]: [*report[2], math.nan][:2] for report in reports if report[1] == step}
        numbers, values = curves.rung(step)
        assert values.shape == (len(last), 2)
        assert repr(dict(zip(numbers.tolist(), values.tolist(), strict=True))) == repr(last)


def test_columns_grow_and_a_copy_stays() -> None:
    curves = curves_of([(0, 0.0, (1.0,), None, None)])
    copy = curves.copy()
    reports = [(i % 7, float(i), (i / 2, -i / 2), float(i), i) for i in range(5 * FIRST_ROOM)]
    for report in reports:
        curves.append(*report)
    assert len(curves) == 1 + len(reports) and len(copy) == 1
    assert rows(curves)[1:] == rows_of(reports)
    assert copy.of(3) == [] and curves.of(3) == [1 + i for i in range(3, len(reports), 7)]
    assert np.isnan(copy.values[0, 1])


@settings(deadline=None)
@given(REPORTS, REPORTS, REPORTS, st.integers(-1, 7))
def test_reports_after_a_copy_are_those_of_one_side(first: list, mine: list, other: list, job: int) -> None:
    curves = curves_of(first)
    copies = [(curves.copy(), first)]
    seen = [report for report in first if (report[0] if report[4] is None else report[4]) <= job]
    if len(seen) < len(first):
        copies.append((curves.as_of(job), seen))
    for i in range(max(len(mine), len(other))):
        for report in mine[i : i + 1]:
            curves.append(*report)
        for report in other[i : i + 1]:
            for copy, _ in copies:
                copy.append(*report)
    for copy, had in [(curves, first), *copies]:
        has = [*had, *(mine if copy is curves else other)]
        assert rows(copy) == rows_of(has)
        for number in range(5):
            assert copy.of(number) == [i for i, report in enumerate(has) if report[0] == number]
