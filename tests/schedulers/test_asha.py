"""ASHA against the algorithm of the paper, and its stopping variant against a table."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.records.history import COMPLETE, FAILED, PAUSED, RUNNING, History
from hpcore.records.streams import Rng
from hpcore.schedulers import ASHA, Resume, Start
from tests.schedulers.policies import states
from tests.schedulers.simulate import bound, power_curves, simulate


def naive_next(history: History, levels: list[float], eta: int) -> tuple[int, float] | None:
    """Algorithm 2 of Li et al. (2020), from nothing but the reports: (trial, rung) to promote, or None to begin one."""
    if history.until is None:
        return None
    for k in range(len(levels) - 2, -1, -1):
        at = {}
        for i in range(len(history.curves)):
            number = int(history.curves.trial[i])
            if history.curves.step[i] >= levels[k]:
                at.setdefault(number, history.curves.values[i, 0])
        top = sorted(at, key=lambda number: (at[number], number))[: len(at) // eta]
        for number in top:
            if history.state[number] == PAUSED and history.until[number] == levels[k]:
                return number, levels[k + 1]
    return None


@pytest.mark.parametrize(("eta", "full"), [(3, 27), (2, 16)])
@pytest.mark.parametrize("workers", [1, 5])
def test_the_algorithm_of_the_paper(eta: int, full: int, workers: int) -> None:
    levels = [float(eta**k) for k in range(round(math.log(full, eta)) + 1)]
    history, rng = History(2, 1), np.random.default_rng(0)
    judge, curve, running = bound(ASHA(max_resource=full, eta=eta)), power_curves(3), []
    for _ in range(300):
        while len(running) == workers:
            number = running.pop(int(rng.integers(workers)))
            history.curves.append(number, history.until[number], curve(number, history.until[number]))
            history.finish(number, COMPLETE if history.until[number] == full else PAUSED, None)
        order, expected = judge.next(history, Rng(0, 0)), naive_next(history, levels, eta)
        if expected is None:
            assert order == Start(levels[0])
            number = history.append(np.zeros(2))
        else:
            assert order == Resume(*expected)
            number = expected[0]
            history.resume(number)
        history.set_until(number, order.until)
        running.append(number)
    assert history.n_complete >= 3


def test_brackets_are_dealt_as_hyperband_has_them() -> None:
    play = simulate(ASHA(max_resource=81, brackets=5), power_curves(0), 1500)
    begun = Counter(order.until for _, order in play.orders if isinstance(order, Start))
    n = sum(begun.values())
    assert [begun[level] for level in (1, 3, 9, 27, 81)] == pytest.approx(
        [n * k / 143 for k in (81, 34, 15, 8, 5)], abs=2
    )
    assert ASHA(max_resource=3, brackets=9).brackets == 9, "no more than there are rungs are used"
    simulate(ASHA(max_resource=3, brackets=9), power_curves(0), 50)


def test_failures_count_as_worst() -> None:
    history = History(2, 1)
    for number in range(6):
        history.set_until(history.append(np.zeros(2)), 1.0)
        if number < 2:
            history.finish(number, FAILED, None)
        else:
            history.curves.append(number, 1.0, [float(number)])
            history.finish(number, PAUSED, None)
    judge = bound(ASHA(max_resource=9))
    # Of six that came to the rung two go on, though two of the six have failed.
    for number in (2, 3):
        assert judge.next(history, Rng(0, 6)) == Resume(number, 3.0)
        history.resume(number)
        history.set_until(number, 3.0)
    assert judge.next(history, Rng(0, 6)) == Start(1.0)
    # One that fails in its next rung does not make room for another one.
    history.finish(2, FAILED, None)
    assert judge.next(history, Rng(0, 6)) == Start(1.0)


def test_a_trial_that_reported_and_then_failed_is_worst_at_that_rung() -> None:
    history = History(2, 1)
    for number in range(3):
        history.set_until(history.append(np.zeros(2)), 1.0)
        history.curves.append(number, 1.0, [float(number)])
        history.finish(number, FAILED if number == 0 else PAUSED, None)
    assert bound(ASHA(max_resource=9)).next(history, Rng(0, 3)) == Resume(1, 3.0)


def test_an_interrupted_job_is_begun_again_first() -> None:
    play = simulate(ASHA(max_resource=27), power_curves(5), 80, workers=2, die=0.15)
    history = play.history
    paused = [number for number in range(history.n) if history.state[number] == PAUSED]
    short = [i for i in paused if history.curves.step[history.curves.of(i)].max() < history.until[i]]
    assert len(short) <= 2, "only the last jobs of the play are left"


def stopping(values: list[float], order: list[int] | None = None, state: np.ndarray | None = None) -> str:
    """Letters of the decisions on trials that come to the lowest of three rungs one after the other."""
    judge, curves, out = bound(ASHA(max_resource=9, kind="stopping")), Curves(1), ""
    for number in order or range(len(values)):
        curves.append(number, 1.0, [values[number]])
        stops = judge.decide(number, 1.0, curves, states(len(values)) if state is None else state) is Decision.STOP
        out += "S" if stops else "."
    return out


def test_stopping() -> None:
    # Of the first 1 .. 5 the best one goes on, from the sixth on the best two, from the ninth on three.
    assert stopping([5, 6, 4, 4.5, 3, 3.5, 9, 3.6, 3.4]) == ".S.S..SS."
    assert stopping([1, 1, 1, 1]) == "....", "equal ones go on"
    nan = math.nan
    assert stopping([nan, nan, 2, nan, 3]) == "...SS"
    assert stopping([0, 1, 2], state=np.array([FAILED, RUNNING, RUNNING], dtype=np.uint8)) == "..S"


def test_stopping_decides_once_at_each_rung() -> None:
    judge, curves = bound(ASHA(max_resource=9, kind="stopping")), Curves(1)
    for number in range(2):
        for step, value in ((2.0, 0.0), (2.5, 1.0), (10.0, 2.0)):
            curves.append(number, step, [value + number])
    # 2.0 meets the first rung, 2.5 none, and 10.0 the second, and the last, which is the end.
    assert [judge.decide(1, step, curves, states(2)) for step in (2.0, 2.5, 10.0)] == [
        Decision.STOP,
        Decision.CONTINUE,
        Decision.STOP,
    ]


def test_stopping_runs_all_trials_to_the_end() -> None:
    assert bound(ASHA(max_resource=9, kind="stopping")).next(History(2, 1), Rng(0, 0)) == Start(9.0)
    assert bound(ASHA(kind="stopping")).next(History(2, 1), Rng(0, 0)) == Start(math.inf)
