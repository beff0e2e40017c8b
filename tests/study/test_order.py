"""Deterministic order of a run: trials of callers that prevent it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


# --- what a sampler knows from before -----------------------------------------------------------------------------


def cost(trial: hp.Trial) -> float:
    return float((trial["x"] - 0.3) ** 2)


def made(path: Path | None, **options: Any) -> hp.Study:
    where = {} if path is None else {"storage": path, "name": "a"}
    return hp.Study(SPACE, **{"sampler": "tpe", "seed": 0, **where, **options})


def fast(study: hp.Study) -> None:
    study.run(cost, n_trials=9)


def told(study: hp.Study) -> None:
    for _ in range(9):
        trial = study.ask()
        study.tell(trial, cost(trial))


def added(study: hp.Study) -> None:
    study.add_many([({"x": i / 9}, i / 9) for i in range(9)])
    study.add({"x": 0.99}, 0.5)


@pytest.mark.parametrize("sampler", ["gp", "tpe", "auto", "cmaes"])
@pytest.mark.parametrize("before", [fast, told, added], ids=lambda f: f.__name__)
@pytest.mark.parametrize("prefetch", [False, True])
def test_an_order_depends_on_nothing_that_the_sampler_knew_before(
    before: Callable[[hp.Study], None], sampler: str, prefetch: bool, tmp_path: Path
) -> None:
    def again_and_again(opened: Callable[[], hp.Study]) -> list[dict[str, Any]]:
        for step in (
            lambda study: study.run(cost, n_trials=8, deterministic=True),
            before,
            lambda study: study.run(cost, n_trials=8, deterministic=True),
        ):
            step(opened())
        return [trial.params for trial in opened().trials]

    one = made(tmp_path / "one.db", sampler=sampler, prefetch=prefetch)
    path = tmp_path / "each.db"
    each = again_and_again(lambda: made(path, sampler=sampler))
    assert again_and_again(lambda: one) == each
    memory = made(None, sampler=sampler, prefetch=prefetch)
    assert again_and_again(lambda: memory) == each


@pytest.mark.parametrize("stored", [False, True])
def test_what_is_enqueued_and_added_within_lets_no_prefetched_result_in(stored: bool, tmp_path: Path) -> None:
    def more(study: hp.Study, trial: hp.Trial) -> None:
        if trial.number % 5 == 1:
            study.enqueue({"x": trial.number / 50})
        if trial.number == 9:
            added(study)

    found = [
        made(tmp_path / f"{prefetch}.db" if stored else None, prefetch=prefetch)
        .run(cost, n_trials=25, deterministic=True, callbacks=[more])
        .trials
        for prefetch in (False, True)
    ]
    assert [trial.params for trial in found[0]] == [trial.params for trial in found[1]]


@pytest.mark.parametrize("stored", [False, True])
def test_trials_that_see_all_results_end_the_order(stored: bool, tmp_path: Path) -> None:
    study = made(tmp_path / "runs.db" if stored else None)
    study.run(cost, n_trials=6, deterministic=True)
    assert study.mode == "lag 4"
    told(study)
    assert study.mode == "fast"


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("deterministic", [False, True])
def test_an_objective_that_tells_its_own_trial(
    stored: bool, deterministic: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    study = made(tmp_path / "runs.db" if stored else None)

    def objective(trial: hp.Trial) -> float:
        if trial.number == 2:
            study.tell(trial.number, 7.0)
        return cost(trial)

    study.run(objective, n_trials=6, deterministic=deterministic)
    assert [trial.state for trial in study.trials] == ["complete"] * 6 and study.trials[2].value == 7.0
    assert "the result of trial 2 came too late: it has another one" in caplog.text
