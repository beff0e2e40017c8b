"""Channel by snapshot: decisions from what was known, and from what is known later."""

from __future__ import annotations

import pickle

import numpy as np

from hpcore.optimizer.snapshot import Snapshot
from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.schedulers import Judge


class Crowd(Judge):
    """Stop at a step that so many other trials have reported with a lower value."""

    def decide(self, number: int, step: float, curves: Curves, state: np.ndarray) -> Decision:
        [own] = [i for i in curves.of(number) if curves.step[i] == step]
        others = (curves.step == step) & (curves.values[:, 0] < curves.values[own, 0]) & (curves.trial != number)
        return Decision.STOP if others.sum() >= 2 else Decision.CONTINUE


def curves_of(*reports: tuple[int, float, float]) -> Curves:
    curves = Curves(1)
    for number, step, value in reports:
        curves.append(number, step, (value,))
    return curves


def snapshot(*reports: tuple[int, float, float], until: float = 10.0, full: float = 20.0) -> Snapshot:
    return Snapshot(Crowd(), (curves_of(*reports), np.zeros(4, np.uint8)), (1.0,), 5, until, full)


def test_it_decides_from_what_was_known_and_what_the_job_reports() -> None:
    channel = snapshot((0, 1.0, 0.1), (1, 1.0, 0.2), (0, 2.0, 0.1))
    assert channel.report(3, 1.0, (0.15,)) is Decision.CONTINUE
    assert channel.report(3, 2.0, (0.2,)) is Decision.CONTINUE
    assert channel.report(3, 10.0, (0.2,)) is Decision.PAUSE
    assert channel.report(3, 20.0, (0.2,)) is Decision.STOP
    assert channel.keeps and channel.portable and channel.decides


def test_a_newer_one_keeps_what_the_job_reported() -> None:
    channel = snapshot()
    for step in (1.0, 2.0, 3.0):
        assert channel.report(3, step, (0.5,)) is Decision.CONTINUE
    # It knows the first of these reports.
    channel.renew(3, (curves_of((0, 3.0, 0.1), (1, 3.0, 0.2), (3, 1.0, 0.5)), np.zeros(4, np.uint8)))
    curves, _ = channel._seen
    assert curves.step[curves.of(3)].tolist() == [1.0, 2.0, 3.0]
    assert channel.report(3, 4.0, (0.5,)) is Decision.CONTINUE
    channel.renew(3, (curves_of((0, 5.0, 0.1), (1, 5.0, 0.2)), np.zeros(4, np.uint8)))
    assert channel.report(3, 5.0, (0.5,)) is Decision.STOP


def test_a_job_that_begins_again_reports_what_is_known() -> None:
    channel = snapshot((3, 1.0, 0.5), (3, 2.0, 0.5), (0, 1.0, 0.1), (1, 1.0, 0.1))
    assert channel.report(3, 1.0, (0.5,)) is Decision.STOP
    curves, _ = channel._seen
    assert curves.step[curves.of(3)].tolist() == [1.0, 2.0]


def test_it_comes_home_empty() -> None:
    there = pickle.loads(pickle.dumps(snapshot((0, 1.0, 0.1))))  # noqa: S301
    assert there.decides and there.report(3, 1.0, (0.5,)) is Decision.CONTINUE
    home = pickle.loads(pickle.dumps(there))  # noqa: S301
    assert not home.decides and (home._judge, home._own) == (None, [])
