"""Deterministic order of a run: trials of callers that prevent it."""

from __future__ import annotations

from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument

SPACE = {"x": hp.Float(0, 1)}


@pytest.mark.parametrize("stored", [False, True])
def test_a_trial_that_a_callback_asked_for_and_does_not_tell_is_named(stored: bool, tmp_path: Path) -> None:
    def ask_one(study: hp.Study, trial: hp.Trial) -> None:
        if trial.number == 2:
            study.ask()

    study = hp.Study(SPACE, seed=0, **({"storage": tmp_path / "runs.db", "name": "a"} if stored else {}))
    with pytest.raises(InvalidArgument, match="trial 3 is still running; tell it first"):
        study.run(lambda trial: trial["x"], n_trials=20, deterministic=True, callbacks=[ask_one])
    # At most four jobs run: the proposal of trial 7 needs the result of trial 3.
    assert [trial.state for trial in study.trials] == ["complete"] * 3 + ["running"] + ["complete"] * 3
    study.tell(3, 0.5)
    study.run(lambda trial: trial["x"], n_trials=2, deterministic=True)
    assert [trial.state for trial in study.trials] == ["complete"] * 9
