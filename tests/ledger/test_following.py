"""A study that is followed, against all that its store holds."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import UnknownStudy
from hpcore.ledger import following
from hpcore.ledger.following import Follower
from hpcore.ledger.studies import find
from hpcore.ledger.summary import read_contents
from hpcore.storage import open_storage
from hpcore.storage.transaction import Transaction

SPACE = {"x": hp.Float(0, 1)}


def follow(path: Path) -> Follower:
    store = open_storage(path, create=False, read_only=True)
    return Follower(store, find(store, None))


def check(follower: Follower, path: Path) -> None:
    """Compare what is followed with all that the store holds."""
    follower.refresh()
    contents = read_contents(open_storage(path, create=False, read_only=True), None)
    assert {state: n for state, n in follower.states.items() if n} == contents.states
    best = contents.best(1)
    assert follower.best == (best[0]._replace(reports=follower.best.reports, last=follower.best.last) if best else None)
    work = [row.number for row in contents.trials if row.state in ("running", "waiting")]
    assert [work.trial.number for work in follower.work] == work
    failed = Counter((row.error or "").strip().splitlines()[-1] for row in contents.trials if row.state == "failed")
    assert {reason: n for reason, n in follower.reasons.items() if n} == failed
    ended = [row for row in contents.trials if row.state in ("complete", "pruned", "failed")]
    assert {row.number for row in follower.recent} <= {row.number for row in ended}
    assert len(follower.recent) == min(len(ended), following.RECENT)


def test_what_it_knows_is_what_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 3)
    path = tmp_path / "a.db"
    study = hp.Study(SPACE, storage=path, name="a", direction="maximize", sampler="random", seed=0, scheduler="asha")
    follower = follow(path)
    check(follower, path)
    rng = np.random.default_rng(0)
    running: list[Any] = []
    for i in range(60):
        kind = rng.integers(6)
        if kind <= 1 or not running:
            running += study.ask(int(rng.integers(1, 4)))
        else:
            trial = running.pop(int(rng.integers(len(running))))
            if kind == 2:
                study.tell(trial, error=f"Traceback\nValueError: {i % 3}")
            elif kind == 3:
                trial.report(float(rng.random()), 1)
                study.tell(trial, state="paused")
            elif kind == 4:
                study.withdraw(trial)
            else:
                study.tell(trial, float(rng.random()))
        if rng.random() < 0.5:
            check(follower, path)
    study.add_many([({"x": i / 200}, float(i)) for i in range(150)])
    check(follower, path)
    assert follower.best is not None and follower.best.values == [149.0]


def test_reports_of_running_trials(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0, scheduler="median")
    first, second = study.ask(2)
    first.report(0.5, 1)
    follower = follow(path)
    follower.refresh()
    assert [work.trial.last for work in follower.work] == [(1.0, 0.5), None]
    second.report(0.25, 1)
    first.report(0.75, 2)
    third = study.ask()
    third.report(9.0, 4)
    follower.refresh()
    assert [work.trial.last for work in follower.work] == [(2.0, 0.75), (1.0, 0.25), (4.0, 9.0)]
    assert [work.trial.reports for work in follower.work] == [2, 1, 1]
    assert {work.pid for work in follower.work} == {str(os.getpid())} and follower.work[0].host
    study.tell(first, 0.75)
    follower.refresh()
    assert [work.trial.number for work in follower.work] == [1, 2]


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        ([], 0.0),
        ([(0, 3600)], 1 / 3600),  # the first one took an hour and ended just now
        ([(0, 3600), (100, 3400), (200, 1900)], 2 / 600),
        ([(0, 100), (3590, 3595), (3595, 3600)], 2 / 10),  # one of a run before a long pause
        ([(3600 - i, 3600 - i + 0.5) for i in range(1, 41)], 1.0),
        ([(2900, 3600 - i) for i in range(101)], 1.0),  # at a time, of which the last 100 are kept
    ],
)
def test_the_rate(times: list[tuple[float, float]], rate: float, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0).add({"x": 0.5}, 1.0)
    follower = follow(path)
    follower.refresh()
    row = follower.recent[0]
    follower.now = 3600.0
    follower.recent = [row._replace(started=start, finished=end) for start, end in times][: following.RECENT]
    assert follower.rate() == pytest.approx(rate)


def test_the_front_of_several_objectives(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    study = hp.Study(SPACE, storage=path, name="a", directions=["minimize", "maximize"], sampler="random", seed=0)
    study.add_many([({"x": 0.1}, [1.0, 1.0]), ({"x": 0.2}, [2.0, 2.0]), ({"x": 0.3}, [3.0, 1.0])])
    follower = follow(path)
    follower.refresh()
    assert len(follower.front) == 2 == len(study.pareto_front) and follower.best is None


def test_trials_that_break_a_limit_are_never_best(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0, limits={"ms": hp.at_most(1.0)})
    study.run(lambda t: hp.Outcome(float(t.number), metrics={"ms": 2.0 - t.number}), 3)
    follower = follow(path)
    follower.refresh()
    assert follower.best is not None and follower.best.number == 1


def test_a_quick_look_reads_what_is_new_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    study.add_many([({"x": i / 3000}, float(i)) for i in range(2500)])
    study.ask()
    follower = follow(path)
    asked: list[int] = []
    read = Transaction.trials

    def count(self: Transaction, record: Any, start: int = 0, also: Any = ()) -> Any:
        rows = read(self, record, start, also)
        asked.append(len(rows))
        return rows

    monkeypatch.setattr(Transaction, "trials", count)
    follower.refresh()
    assert asked == [1000, 1000, 501]  # no long transaction, in which nobody could commit
    study.add_many([({"x": 0.5}, -1.0)] * 2)
    asked.clear()
    follower.refresh()
    follower.refresh()
    assert asked == [3, 1]


def test_a_worker_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    child = os.fork()
    if not child:
        hp.load_study(path).ask()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    follower = follow(path)
    follower.refresh()
    assert [work.trial.state for work in follower.work] == ["waiting"] and follower.states["waiting"] == 1


def deleted(study: hp.Study, path: Path) -> None:
    hp.delete_study(path, "a")


def larger(study: hp.Study, path: Path) -> None:
    study.extend({**SPACE, "y": hp.Float(0, 1)}, defaults={"y": 0.5})


def copied(study: hp.Study, path: Path) -> None:
    study.add({"x": 0.5}, -1.0)
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


@pytest.mark.parametrize("change", [larger, copied])
def test_all_is_read_again_where_all_may_differ(change: Callable[[hp.Study, Path], None], tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    study.run(lambda t: t["x"], 4)
    follower = follow(path)
    check(follower, path)
    change(study, path)
    check(follower, path)
    assert follower.best is not None and (change is copied or "y" in follower.best.params)


def test_a_study_that_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    follower = follow(path)
    follower.refresh()
    deleted(study, path)
    with pytest.raises(UnknownStudy):
        follower.refresh()
