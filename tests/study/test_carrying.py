"""Errors that end a run and carry its study, or are followed by an error that does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import RunEnded
from tests.study.samples import SPACE, cost


class Closed(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class WithResult(Exception):
    result = "its own"


class ReadOnly(Exception):
    @property
    def result(self) -> int:
        return 5


class Deaf(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        pass


@pytest.mark.parametrize("kind", [Closed, WithResult, ReadOnly, Deaf])
@pytest.mark.parametrize("chained", [False, True])
def test_an_error_that_cannot_carry_the_study_is_followed_by_one_that_does(
    kind: type[Exception], chained: bool
) -> None:
    def callback(study: hp.Study, trial: hp.Trial) -> None:
        if not chained:
            raise kind
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as cause:
            raise kind from cause

    with pytest.raises(kind) as caught:
        hp.minimize(cost, SPACE, n_trials=3, callbacks=[callback], seed=0)
    last: BaseException = caught.value
    while last.__cause__ or last.__context__:
        last = last.__cause__ or last.__context__  # type: ignore[assignment]
    assert isinstance(last, RunEnded)
    assert len(last.result.trials) == 1
    if kind is WithResult:
        assert caught.value.result == "its own"


def test_the_outer_study_is_the_result_of_an_error_that_ended_two() -> None:
    inner = hp.Study(SPACE, sampler="random", seed=1)

    def callback(study: hp.Study, trial: hp.Trial) -> None:
        inner.run(cost, 1, callbacks=[lambda study, trial: sys.exit(1)])

    outer = hp.Study(SPACE, sampler="random", seed=0)
    with pytest.raises(SystemExit) as caught:
        outer.run(cost, 3, callbacks=[callback])
    assert caught.value.result is outer


def _run_in_a_child(path: str) -> None:
    def callback(study: hp.Study, trial: hp.Trial) -> None:
        raise ArithmeticError("in the child")

    hp.Study(SPACE, storage=path, name="a", sampler="random").run(cost, 2, callbacks=[callback])


def test_an_error_of_a_stored_study_reaches_the_parent_process(tmp_path: Path) -> None:
    """It travels by pickle, and a stored study does not."""
    import multiprocessing

    path = str(tmp_path / "runs.db")
    with multiprocessing.get_context("fork").Pool(1) as pool, pytest.raises(ArithmeticError, match="in the child"):
        pool.apply(_run_in_a_child, (path,))
    assert [str(t.state) for t in hp.load_study(path).trials] == ["complete"]
