"""Trials as a sequence over the columns of a history."""

from __future__ import annotations

import numpy as np

import hpcore as hp
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, History
from hpcore.records.view import TrialsView


def test_trials_in_every_state_in_the_users_own_sign() -> None:
    history, running = History(1, 1), {4: hp.Trial(4, {"x": 4.0})}
    for i in range(5):
        history.append(np.array([i / 4]))
    history.curves.append(1, 2.0, (-0.5,))
    history.curves.append(1, 2.5, (-0.75,))
    history.finish(0, COMPLETE, (-1.0,), times=(1.0, 2.0), cost=3.0)
    history.finish(1, PRUNED, (-0.75,))
    history.finish(2, FAILED, None)
    history.finish(3, PAUSED, None)
    history.notes = {0: {"metrics": {"f1": 0.5}}, 2: {"error": "no", "params": {"x": 9.0}}}
    history.set_proposed_by(3, "gp")
    trials = TrialsView(history, running, lambda X: [{"x": 4 * u} for u in X[:, 0].tolist()], (-1.0,))
    assert len(trials) == 5 and repr(trials) == "<5 trials>"
    assert [str(trial.state) for trial in trials] == ["complete", "pruned", "failed", "paused", "running"]
    assert [trial.value for trial in trials] == [1.0, 0.75, None, None, None]
    assert [trial.params["x"] for trial in trials] == [0.0, 1.0, 9.0, 3.0, 4.0]
    assert (trials[0].started, trials[0].finished, trials[0].cost, trials[0].metrics) == (1.0, 2.0, 3.0, {"f1": 0.5})
    assert (trials[1].started, trials[1].cost, trials[1].reports) == (None, None, {2: 0.5, 2.5: 0.75})
    assert (trials[2].error, trials[3].info, trials[2].info) == ("no", {"sampler": "gp"}, None)
    assert trials[-1] is trials[4] is running[4]
    assert trials[1:4:2] == [trials[1], trials[3]] and trials[4:] == [running[4]]


def test_it_is_live() -> None:
    history = History(1, 1)
    trials = TrialsView(history, {}, lambda X: [{"x": u} for u in X[:, 0].tolist()], (1.0,))
    assert len(trials) == 0 and trials[:] == []
    history.append(np.array([0.5]))
    assert trials[0].params == {"x": 0.5}
