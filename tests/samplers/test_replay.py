"""A state replayed from results: what is kept between calls changes nothing."""

import numpy as np
import pytest

from hpcore.records.history import COMPLETE, FAILED, PRUNED, History
from hpcore.samplers.replay import EVERY, Replay, losses_of

NAN, INF = np.nan, np.inf


def after(state: tuple, number: int, loss: float) -> tuple:
    return (*state, (number, loss))


def anew(losses: np.ndarray) -> tuple:
    return tuple((i, loss) for i, loss in enumerate(losses.tolist()) if loss == loss)


@pytest.mark.parametrize("seed", range(20))
def test_any_change_of_the_losses_gives_the_state_of_a_new_replay(seed: int) -> None:
    rng = np.random.default_rng(seed)
    replay = Replay((), after)
    losses = np.empty(0)
    for _ in range(60):
        kind = rng.integers(5)
        if kind == 0:  # trials end, and others begin
            losses = np.append(losses, np.where(rng.random(8) < 0.3, NAN, rng.random(8)))
        elif kind == 1:  # late results
            losses = np.where((losses != losses) & (rng.random(len(losses)) < 0.5), INF, losses)
        elif kind == 2:  # a view that hides the last results
            losses = np.where(np.arange(len(losses)) >= len(losses) - 5, NAN, losses)
        elif kind == 3 and len(losses):  # a row has changed
            losses = losses.copy()
            losses[rng.integers(len(losses))] = rng.random()
        else:  # trials are removed
            losses = losses[: len(losses) - int(rng.integers(4))] if len(losses) > 4 else losses
        assert replay.state(losses) == anew(losses)


def test_only_results_after_a_change_are_replayed() -> None:
    calls = []

    def counting(state: int, number: int, loss: float) -> int:
        calls.append(number)
        return state + 1

    replay = Replay(0, counting)
    losses = np.arange(1000.0)
    losses[990] = NAN
    assert replay.state(losses) == 999
    assert len(calls) == 999
    calls.clear()
    losses = np.append(losses, 1.0)
    assert replay.state(losses) == 1000
    assert calls == [1000]
    calls.clear()
    losses = losses.copy()
    losses[990] = 3.0
    assert replay.state(losses) == 1001
    assert calls == list(range(990, 1001))
    calls.clear()
    losses = losses.copy()
    losses[500] = 3.0
    assert replay.state(losses) == 1001
    assert calls[0] > 500 - EVERY
    assert calls == list(range(calls[0], 1001))


def test_losses_of_trials_in_every_state() -> None:
    history = History(1, 1)
    for _ in range(5):
        history.append(np.array([0.5]))
    history.finish(0, COMPLETE, (3.0,))
    history.finish(1, FAILED, None)
    history.finish(2, PRUNED, (4.0,))
    history.finish(3, PRUNED, None)
    np.testing.assert_array_equal(losses_of(history), [3.0, INF, 4.0, INF, NAN])


def test_losses_with_limits_are_places() -> None:
    history = History(1, 1, 1)
    for value, beyond in [(1.0, 5.0), (3.0, -1.0), (2.0, 0.0), (0.0, 2.0)]:
        history.finish(history.append(np.array([0.5])), COMPLETE, (value,), violations=(beyond,))
    history.append(np.array([0.5]))
    np.testing.assert_array_equal(losses_of(history), [3.0, 1.0, 0.0, 2.0, NAN])
