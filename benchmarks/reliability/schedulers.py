"""SIGKILL of workers that train with a scheduler: in the middle of reports, promotions and checkpoints.

Two workers share a study. Each tells through a pipe what it has begun, and each report that was stored. In the end no
report may be lost, changed or counted twice, no job may have begun twice, no trial may have been promoted twice to the
same rung, and no job may have begun behind the checkpoint of the last one.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from common import in_child, main

import hpcore as hp
import hpcore.ledger.stored_trial_log
import hpcore.ledger.studies  # loaded before the forks
from hpcore.records.history import PAUSED
from hpcore.schedulers import ASHA, Judge, Scheduler, Start

SPACE = {"x": hp.Float(-5, 5)}
STUDY_OF = 50  # kills on one study before the next is started
N_WORKERS = 2
FULL, RUNGS = 9, (1.0, 3.0, 9.0)


class Family(Scheduler):
    """ASHA, with a copy of a paused trial in the place of each fourth new one."""

    def bind(self, columns: Any, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return FamilyJudge(ASHA(max_resource=FULL).bind(columns, directions, seed))


class FamilyJudge(Judge):
    """Judge of `Family`."""

    max_resource = float(FULL)
    keeps_checkpoints = True

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def next(self, history: Any, rng: Any) -> Any:
        """See `Judge.next`."""
        order = self._judge.next(history, rng)
        paused = [n for n in range(history.n) if history.state[n] == PAUSED and history.until[n] == RUNGS[0]]
        if isinstance(order, Start) and paused and history.n % 4 == 3:
            parent = paused[-1]
            return Start(RUNGS[1], history.X[parent] * 0.5, parent)
        return order


def value(trial: Any, step: int) -> float:
    """Compute a report from the parameters alone, so that every stored one can be checked."""
    return float((trial["x"] - 1) ** 2 + 1 / step)


class Training:
    """Objective that counts steps in its checkpoint, and tells what it does."""

    def __init__(self, pipe: int | None = None) -> None:
        self._pipe = pipe

    def __call__(self, trial: hp.Trial) -> float | None:
        """Train a trial up to its resource."""
        file = trial.checkpoint / "step"
        step = int(file.read_text()) if file.exists() else 0
        assert trial.progress is not None
        job, before = trial.progress.job, max(trial.reports, default=0)
        is_child = trial.progress.parent is not None
        self._tell("behind" if step < max(before, is_child) else "begun", trial.number, job, trial.until, step)
        while step < trial.until:
            step += 1
            trial.report(value(trial, step), step)
            self._tell("report", trial.number, job, float(step), value(trial, step))
            part = file.with_suffix(".part")
            part.write_text(str(step))
            part.replace(file)
        return value(trial, step) if step == FULL else None

    def _tell(self, *words: Any) -> None:
        if self._pipe is not None:
            os.write(self._pipe, (" ".join(map(repr, words)) + "\n").encode())


class Worker(NamedTuple):
    """Child process, its pipe, and the time of its end on the monotonic clock."""

    pid: int
    pipe: int
    ends: float


class Known(NamedTuple):
    """What the workers of a study told."""

    reports: dict[tuple[int, float], tuple[int, str]]  # job and value by trial and step
    jobs: dict[int, tuple[int, float]]  # trial and resource by job
    problems: list[str]


def test(directory: Path, kills: int, milliseconds: int) -> dict[str, Any]:
    rng = random.Random(0)
    path = directory / "runs.db"
    problems: list[str] = []
    n_reports = n_jobs = killed = 0
    while killed < kills and len(problems) < 10:
        name = f"study {killed // STUDY_OF}"
        known = Known({}, {}, problems)
        hp.Study(SPACE, storage=path, name=name, sampler="random", seed=0, scheduler=Family())
        workers: list[Worker] = []
        for _ in range(min(STUDY_OF, kills - killed)):
            while len(workers) < N_WORKERS:
                workers.append(_start(path, name, rng.uniform(0.01, milliseconds / 1e3)))
            worker = min(workers, key=lambda worker: worker.ends)
            workers.remove(worker)
            killed += _end(worker, known)
            if in_child(lambda name=name, known=known: _check(path, name, known)):
                problems.append(f"{name} after kill {killed}")
                break
        for worker in workers:
            _end(worker, known)
        if in_child(lambda name=name: _go_on(path, name)):
            problems.append(f"{name} does not go on")
        if in_child(lambda name=name, known=known: _check(path, name, known, ended=True)):
            problems.append(f"{name} at the end")
        n_reports, n_jobs = n_reports + len(known.reports), n_jobs + len(known.jobs)
    return {"ok": not problems, "acknowledged": n_reports, "jobs": n_jobs, "problems": problems[:5]}


def _open(path: Path, name: str) -> hp.Study:
    return hp.load_study(path, name, scheduler=Family(), retries=10**6)


def _go_on(path: Path, name: str) -> None:
    _open(path, name).run(Training(), n_trials=2)


def _start(path: Path, name: str, life: float) -> Worker:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        try:
            study = _open(path, name)
            os.write(write, b"\n")
            study.run(Training(write), n_trials=100_000)
        finally:
            os._exit(3)
    os.close(write)
    os.read(read, 1)  # the study is open
    return Worker(child, read, time.monotonic() + life)


def _end(worker: Worker, known: Known) -> int:
    """Kill a worker when its time has come, and read what it told; return 0 if it had ended before."""
    time.sleep(max(0.0, worker.ends - time.monotonic()))
    os.kill(worker.pid, signal.SIGKILL)
    with os.fdopen(worker.pipe, "rb") as pipe:
        lines = pipe.read().decode().split("\n")
    status = os.waitpid(worker.pid, 0)[1]
    for what, number, job, *rest in (line.split() for line in lines[:-1] if line):
        where = int(number), float(rest[0])
        if what == "'report'":
            # A job that begins again may tell the same report again.
            if known.reports.setdefault(where, (int(job), rest[1])) != (int(job), rest[1]):
                known.problems.append(f"two jobs report {where}")
        else:
            if what == "'behind'":
                known.problems.append(f"job {job} of trial {number} begins behind its checkpoint, at {rest[1]}")
            if known.jobs.setdefault(int(job), where) != where:
                known.problems.append(f"job {job} was begun twice")
    return int(os.WIFSIGNALED(status))


def _check(path: Path, name: str, known: Known, ended: bool = False) -> None:
    study = _open(path, name)
    history = study.optimizer.history
    curves = history.curves
    stored = {}
    for i in range(len(curves)):
        where = int(curves.trial[i]), float(curves.step[i])
        assert where not in stored, f"report {where} is counted twice"
        stored[where] = int(curves.job[i]), repr(float(curves.values[i, 0]))
    for where, told in known.reports.items():
        assert stored.get(where) == told, (where, told, stored.get(where))
    trials = list(study.trials)
    assert [t.number for t in trials] == list(range(len(trials)))
    for trial in trials:
        steps = [step for number, step in stored if number == trial.number]
        first = steps[0] if steps else 1.0
        assert steps == [first + k for k in range(len(steps))], f"trial {trial.number} has steps {steps}"
        for low, high in zip((0.0, *RUNGS), RUNGS, strict=False):
            jobs = {stored[trial.number, step][0] for step in steps if low < step <= high}
            assert len(jobs) <= 1, f"trial {trial.number} was trained to {high} by the jobs {jobs}"
    orders = [order for job, order in known.jobs.items() if job < history.n_jobs]
    assert len(orders) == len(known.jobs) == len(set(orders)), "a trial was promoted twice"
    assert len(set(history.job.tolist())) == history.n
    running = sum(t.state == "running" for t in trials)
    assert running <= (0 if ended else N_WORKERS), f"{running} running"


if __name__ == "__main__":
    print("schedulers.py: about a tenth of a second a kill", file=sys.stderr)
    main("schedulers", {"kills": 1000, "milliseconds": 150}, test)
