"""Races at several rungs."""

from __future__ import annotations

import numpy as np

from hpcore.schedulers.racing import Race, Racing
from hpcore.schedulers.rung_races import RungRaces


def races(ordered: bool) -> RungRaces:
    return RungRaces(lambda: Race(Racing(), 3, 1.0, "metric"), ordered)


def scores(mean: float) -> dict[int, float]:
    return {0: mean - 0.01, 1: mean, 2: mean + 0.01}


def test_each_level_has_its_own_incumbent():
    some = races(ordered=False)
    assert some.metric == "metric"
    assert some.incumbent(10) is None
    some.observe(10, 0, 0, scores(0.5), None)
    some.observe(30, 1, 1, scores(0.8), None)
    some.observe(10, 2, 2, scores(0.6), None)
    assert [some.incumbent(level).number for level in (10, 30)] == [2, 1]
    assert some.incumbent(90) is None


def test_order_of_jobs_not_of_ends():
    rng = np.random.default_rng(0)
    jobs = [(int(rng.choice([10, 30])), job, int(rng.integers(9)), scores(rng.uniform())) for job in range(40)]
    found = []
    for seed in range(5):
        some = races(ordered=True)
        order = np.random.default_rng(seed).permutation(40)
        for i, k in enumerate(order):
            level, job, number, known = jobs[k]
            some.observe(level, job, number, known, None)
            seen = set(order[: i + 1].tolist())
            assert some.n_counted == next((job for job in range(40) if job not in seen), 40)
        found.append([some.incumbent_as_of(level, job) for level in (10, 30) for job in range(-3, 40)])
        assert some.incumbent_as_of(30, -1) is None
    assert all(one == found[0] for one in found)
    # As a plain race of the jobs of a level gives it.
    plain = Race(Racing(), 3, 1.0, "metric")
    for level, job, number, known in jobs:
        if level == 10:
            plain.observe(number, known, None)
        assert some.incumbent_as_of(10, job) == plain.incumbent


def test_a_job_counts_once():
    some = races(ordered=True)
    some.observe(10, 0, 0, scores(0.5), None)
    some.observe(10, 0, 1, scores(0.9), None)
    assert some.incumbent(10).number == 0
