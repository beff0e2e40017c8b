"""Schedules of hyperparameters from the parents of trials."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, NoCompletedTrial, UnknownTrial
from hpcore.records.history import PAUSED, History
from hpcore.records.schedule import Schedule, chain, first_row
from hpcore.schedulers import PopulationBasedTraining


def history() -> History:
    """Trial 1 goes on from the first job of trial 0, trial 2 from trial 1."""
    written = History(1, 1)

    def train(number: int, *steps: float) -> None:
        for step in steps:
            written.curves.append(number, step, [0.0], job=written.job_of(number))
        written.finish(number, PAUSED, None)

    written.append(np.array([0.1]))
    train(0, 5, 10)
    written.resume(0)
    train(0, 15, 20)
    written.append(np.array([0.2]))
    written.notes[1] = {"parent": 0, "parent_job": 0}
    train(1, 15, 21)
    written.append(np.array([0.3]))
    written.notes[2] = {"parent": 1, "parent_job": written.job_of(1)}
    train(2, 30)
    return written


def test_the_chain_of_parents() -> None:
    written = history()
    assert chain(written, 0) == [(0, 0.0)]
    assert chain(written, 1) == [(0, 0.0), (1, 10.0)], "the parent's later job does not count"
    assert chain(written, 2) == [(0, 0.0), (1, 10.0), (2, 21.0)]
    assert first_row(written, 0) is None
    row = first_row(written, 2)
    assert row is not None and written.curves.step[row] == 21.0


def test_a_schedule_is_a_sequence() -> None:
    made = Schedule((0, 3), (0.0, 10.0), [{"x": 1}, {"x": 2}], np.zeros((2, 1)), 30.0)
    assert list(made) == [(0.0, {"x": 1}), (10.0, {"x": 2})] == made[:] and len(made) == 2
    assert made[-1] == (10.0, {"x": 2})
    assert [made.at(step)["x"] for step in (0, 9.9, 10, 11, 1000)] == [1, 1, 2, 2, 2]
    made.at(0)["x"] = 7
    made[0][1]["x"] = 7
    assert made.at(0) == {"x": 1}, "changes of a copy change nothing"
    assert repr(made) == "Schedule([(0.0, {'x': 1}), (10.0, {'x': 2})], end=30)"
    assert list(pickle.loads(pickle.dumps(made))) == list(made)  # noqa: S301


@pytest.mark.parametrize(("step", "error"), [(-1.0, InvalidArgument), ("1", InvalidType), (np.nan, InvalidArgument)])
def test_a_bad_step(step: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="step"):
        Schedule((0,), (0.0,), [{}], np.zeros((1, 0)), 1.0).at(step)


def test_of_an_optimizer() -> None:
    opt = hp.Optimizer(
        {"x": hp.Float(0, 1)}, scheduler=PopulationBasedTraining(20, 10, 4), direction="maximize", seed=0
    )
    with pytest.raises(NoCompletedTrial):
        opt.schedule()
    trials = [opt.ask() for _ in range(4)]
    for trial in trials:
        opt.report(trial, -float(trial.number), 10)
        opt.tell(trial)
    child = opt.ask()
    assert opt.history.notes[child.number] == {"parent": 0, "parent_job": 0, "replaces": 3}
    found = opt.schedule(child)
    assert found.numbers == (0, 4) and found.steps == (0.0, 10.0) and found.end == 10.0
    assert found.params == (trials[0].params, child.params)
    opt.report(child, 3.0, 20)
    opt.tell(child, 3.0)
    assert list(opt.schedule()) == list(found) and opt.schedule().end == 20.0
    assert len(opt.schedule(2)) == 1
    for wrong, error in ((9, UnknownTrial), (-1, UnknownTrial), ("0", InvalidType)):
        with pytest.raises(error):
            opt.schedule(wrong)  # type: ignore[arg-type]
