"""Prefetching on a thread: the same proposals, or information about the difference."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.samplers.base import Sampler, Suggester


class Learner(Sampler):
    """Sampler whose proposals depend on all of its input, and that records the calling threads."""

    def bind(self, columns: Any) -> Suggester:
        return LearnerAtWork(columns.d)


class LearnerAtWork(Suggester):
    def __init__(self, d: int) -> None:
        self.d = d
        self.threads: list[str] = []

    def suggest(self, history: Any, pending: Any, n: int, rng: Any) -> Any:
        self.threads.append(threading.current_thread().name)
        seen = np.nansum(history.values) + 3.0 * len(pending) + np.nansum(history.X)
        return np.array([(rng.uniform(self.d, 1, i) + seen) % 1.0 for i in range(n)])

    def suggest_within(self, history: Any, pending: Any, n: int, rng: Any, deadline_ms: float) -> Any:
        return self.suggest(history, pending, n, rng), "half" if deadline_ms < 5 else "full"


def sequential(prefetch: bool | str, n: int = 12) -> list[hp.Trial]:
    opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(-1, 1)}, Learner(), seed=3, prefetch=prefetch)
    trials = []
    for _ in range(n):
        trials.append(opt.ask())
        opt.tell(trials[-1], trials[-1]["x"])
    return trials


def asynchronous(prefetch: bool | str) -> list[dict[str, float]]:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, Learner(), seed=3, prefetch=prefetch)
    running = [opt.ask() for _ in range(3)]
    params = [t.params for t in running]
    for k in range(12):
        trial = running.pop(k % len(running))
        opt.tell(trial, None if k % 4 == 3 else trial["x"])
        if k == 5:
            opt.add({"x": 0.5}, 0.1)
        if k == 7:
            opt.enqueue({"x": 0.25})
        running.append(opt.ask())
        params.append(running[-1].params)
    params += [t.params for t in opt.ask(3)]
    return params


def test_exact_prefetch_changes_nothing() -> None:
    plain, ahead = sequential(False), sequential(True)
    assert [t.params for t in plain] == [t.params for t in ahead]
    assert asynchronous(False) == asynchronous(True)
    assert plain[-1].info is None
    assert ahead[0].info == {"prefetched": False}  # nothing was told before the first
    assert ahead[-1].info == {"prefetched": True}


def test_exact_prefetch_runs_elsewhere() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, Learner(), seed=0, prefetch=True)
    opt.tell(opt.ask(), 1.0)
    opt.ask()
    assert opt._suggestions.suggester.threads[0] == threading.main_thread().name
    assert opt._suggestions.suggester.threads[1].startswith("hpcore-prefetch")


def test_delayed_prefetch_says_what_it_did_not_see() -> None:
    trials = sequential("delayed")
    assert trials[0].info == {"prefetched": False}
    assert [t.info for t in trials[1:]] == [{"prefetched": True, "unseen": [k]} for k in range(len(trials) - 1)]
    # Each proposal is that of an optimizer in which the last trial is running.
    opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(-1, 1)}, Learner(), seed=3)
    running = None
    for trial in trials:
        mine = opt.ask()
        assert mine.params == trial.params
        if running is not None:
            opt.tell(running, running["x"])
        running = mine


def test_info_is_kept() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, Learner(), seed=0, prefetch=True)
    for _ in range(3):
        opt.tell(opt.ask(), 1.0)
    assert opt.trials[2].info == {"prefetched": True}


def test_errors_of_the_sampler_reach_the_caller() -> None:
    opt = hp.Optimizer({"x": hp.Int(0, 2)}, Learner(), seed=0, prefetch=True)
    for _ in range(3):
        opt.tell(opt.ask(), 1.0)
    with pytest.raises(hp.errors.SearchSpaceExhausted):
        opt.ask()


def test_pickles() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, Learner(), seed=0, prefetch=True)
    opt.tell(opt.ask(), 1.0)
    other = pickle.loads(pickle.dumps(opt))  # noqa: S301 - our own
    assert other.ask().params == opt.ask().params


def test_deadline_step_is_reported() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, Learner(), seed=0)
    assert opt.ask().info is None
    trial = opt.ask(deadline_ms=2)
    assert trial.info == {"step": "half"}
    opt.tell(trial, 1.0)
    assert opt.trials[trial.number].info == {"step": "half"}
    assert [t.info for t in opt.ask(2, deadline_ms=50.0)] == [{"step": "full"}] * 2
    assert hp.Optimizer({"x": hp.Float(0, 1)}, "random").ask(deadline_ms=1).info == {"step": "full"}


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), "5", True])
def test_bad_deadline(bad: Any) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
    with pytest.raises((ValueError, TypeError), match="deadline_ms"):
        opt.ask(deadline_ms=bad)
    assert opt.n_trials == 0


@pytest.mark.parametrize("bad", ["yes", 1, None])
def test_bad_prefetch(bad: Any) -> None:
    with pytest.raises(hp.errors.InvalidArgument, match="prefetch"):
        hp.Optimizer({"x": hp.Float(0, 1)}, prefetch=bad)


class Slow(Sampler):
    """Learning sampler that blocks on the prefetching thread until it is released."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def bind(self, columns: Any) -> Suggester:
        outer = self

        class AtWork(LearnerAtWork):
            def suggest(self, history: Any, pending: Any, n: int, rng: Any) -> Any:
                if threading.current_thread() is not threading.main_thread():
                    assert outer.go.wait(30)
                return super().suggest(history, pending, n, rng)

        return AtWork(columns.d)


def test_a_deadline_holds_while_the_sampler_is_busy_on_its_thread() -> None:
    sampler = Slow()
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler, seed=0, prefetch=True)
    opt.tell(opt.ask(), 1.0)  # the thread begins, and hangs
    trial = opt.ask(deadline_ms=5)
    assert trial.info == {"step": "random"}
    assert [t.info for t in opt.ask(2, deadline_ms=5)] == [{"step": "random"}] * 2
    sampler.go.set()
    opt.tell(trial, 0.5)
    assert opt.ask(deadline_ms=30_000).info == {"prefetched": True, "step": "full"}


class Prepared(Slow):
    """A sampler that has points at once, and blocks any thread but the main one."""

    def bind(self, columns: Any) -> Suggester:
        at_work = super().bind(columns)

        def at_once(history: Any, pending: Any, n: int, rng: Any) -> Any:
            return np.array([rng.uniform(columns.d, 1, i) for i in range(n)]), "draft"

        at_work.at_once = at_once  # type: ignore[method-assign]
        return at_work


def test_a_busy_sampler_gives_what_it_has_at_once() -> None:
    sampler = Prepared()
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler, seed=0, prefetch=True)
    opt.tell(opt.ask(), 1.0)  # the thread begins, and hangs
    assert opt.ask(deadline_ms=5).info == {"step": "draft"}
    assert [t.info for t in opt.ask(2, deadline_ms=5)] == [{"step": "draft"}] * 2
    sampler.go.set()
    opt.tell(1, 0.5)
    assert opt.ask(deadline_ms=30_000).info == {"prefetched": True, "step": "full"}


@pytest.mark.parametrize("prefetch", [False, True, "delayed"])
def test_the_longest_deadline_is_no_deadline(prefetch: bool | str) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, Learner(), seed=0, prefetch=prefetch)
    for deadline in (1e308, 1e12, np.float64(2.0**1023)):
        opt.tell(opt.ask(deadline_ms=deadline), 1.0)
        assert [t.info["step"] for t in opt.ask(2, deadline_ms=deadline)] == ["full"] * 2


FORK = """
import os, signal, sys, threading, time
import hpcore as hp

def proposals(opt, n):
    out = []
    for _ in range(n):
        trial = opt.ask()
        out.append(trial.params["x"])
        opt.tell(trial, (trial.params["x"] - 0.3) ** 2)
    return out

SPACE = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}
how, sampler, prefetch = sys.argv[1], sys.argv[2], {"True": True, "False": False}.get(sys.argv[3], sys.argv[3])
opt, twin = (hp.Optimizer(SPACE, sampler, seed=1, prefetch=p) for p in (prefetch, prefetch if how == "held" else False))
for each in (opt, twin):
    proposals(each, 15)
trial = opt.ask()
twin_trial = twin.ask()
if how == "held":
    # Another thread is in a call when the process forks; it does not exist in the child, which cannot finish the call.
    held = threading.Event()
    threading.Thread(target=lambda: (opt._lock.acquire(), held.set(), time.sleep(600)), daemon=True).start()
    assert held.wait(30)
child = os.fork()
if child == 0:
    signal.alarm(60)
    for each, mine in ((opt, trial), (twin, twin_trial)):
        each.tell(mine, 0.1)
    mine, theirs = proposals(opt, 6), proposals(twin, 6)
    os._exit(0 if prefetch == "delayed" or mine == theirs else 3)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print("child", status, flush=True)
if how != "held":
    opt.tell(trial, 0.1)
    proposals(opt, 3)
os._exit(status != 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(
    "case", [("idle", "gp", "True"), ("idle", "tpe", "delayed"), ("held", "tpe", "False"), ("held", "tpe", "True")]
)
def test_a_forked_child_asks_on(case: tuple[str, str, str]) -> None:
    code = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, *case]
    done = subprocess.run(code, capture_output=True, text=True, timeout=120)
    assert done.stdout == "child 0\n" and done.returncode == 0, done.stderr


def in_and_out_of_order(prefetch: bool | str) -> list[dict[str, float]]:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, Learner(), seed=3, prefetch=prefetch)
    params = []
    for _ in range(4):
        trials = [opt.ask(), opt.ask(as_of=opt.history.n_jobs - 1), opt.ask()]
        params += [t.params for t in trials]
        for trial in trials:
            opt.tell(trial, trial["x"])
        trial = opt.ask(as_of=opt.history.n_jobs - 2)
        opt.tell(trial, trial["x"])
    return params


def test_exact_prefetch_is_stale_after_a_proposal_in_order() -> None:
    assert in_and_out_of_order(True) == in_and_out_of_order(False)
