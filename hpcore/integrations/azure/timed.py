"""An objective in a process of its own for each trial, which is ended after a time limit."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

from hpcore.errors import FitTimeout, InvalidArgument, Pruned, WorkerDied
from hpcore.integrations.azure.processes import end_process, kill_process
from hpcore.records.channel import Decision
from hpcore.records.trial import Trial
from hpcore.study.objective import Objective

__all__ = ["Timed", "main"]

_CODE = "import sys; sys.path[:] = {path!r}; from hpcore.integrations.azure.timed import main; main({descriptor})"


class Timed:
    """Objective that runs another one in a process of its own, whose reports come back while it runs.

    Parameters
    ----------
    objective : callable
        Objective, which is pickled.
    seconds : float
        Time limit of a trial, with the start of its process.

    Raises
    ------
    InvalidArgument
        The objective cannot be pickled, or the system is Windows.
    """

    def __init__(self, objective: Objective, seconds: float) -> None:
        import cloudpickle

        if sys.platform == "win32":
            raise InvalidArgument("trial_timeout cannot end a function on Windows, but a command line")
        try:
            self._packed: bytes = cloudpickle.dumps(objective)
        except Exception as error:
            raise InvalidArgument(
                f"objective must be picklable for a process that trial_timeout can end: {type(error).__name__}: {error}"
            ) from error
        self.seconds = seconds
        self._running: set[subprocess.Popen[bytes]] = set()

    def begin(self) -> None:
        """Prepare for a run."""

    def end(self) -> None:
        """End the processes of all trials; the threads that wait for them notice."""
        for process in list(self._running):
            with suppress(ProcessLookupError):
                kill_process(process)

    def __call__(self, trial: Trial) -> Any:
        """Run a trial.

        Raises
        ------
        FitTimeout
            The trial took longer than its limit, and its process was ended.
        WorkerDied
            The process ended by itself.
        hpcore.Pruned, RuntimeError
            The objective raised Pruned, or any other error, whose traceback the message has.
        """
        end = time.monotonic() + self.seconds
        here, there = Pipe()
        with here:
            with there:
                os.set_inheritable(there.fileno(), True)
                process = subprocess.Popen(
                    [sys.executable, "-c", _CODE.format(path=sys.path, descriptor=there.fileno())],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(there.fileno(),),
                    start_new_session=True,
                )
            self._running.add(process)
            try:
                return self._talk(here, trial, end)
            finally:
                self._running.discard(process)
                end_process(process)

    def _talk(self, here: Connection, trial: Trial, end: float) -> Any:
        import cloudpickle

        try:
            here.send_bytes(cloudpickle.dumps((self._packed, trial)))
            while here.poll(max(end - time.monotonic(), 0.0)):
                kind, *rest = pickle.loads(here.recv_bytes())  # noqa: S301 - by our own process
                if kind == "report":
                    value, step, cost = rest
                    trial.report(value, step, cost=cost)
                    here.send_bytes(pickle.dumps(Decision.STOP if trial.should_stop() else Decision.CONTINUE))
                    continue
                trial.user_attrs.update(rest[1])
                if kind == "error":
                    raise RuntimeError(rest[0])
                if kind == "pruned":
                    raise Pruned(rest[0])
                return rest[0]
        except (EOFError, ConnectionError) as error:
            raise WorkerDied("the process of the trial ended without a result") from error
        raise FitTimeout(f"the trial took longer than trial_timeout={self.seconds:g} s")


class _ToParent:
    """Channel of the reports of a trial to the process that has it."""

    keeps = portable = False

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def report(self, number: int, step: float, values: Any, cost: float | None = None) -> Decision:
        """See `Channel`."""
        value = values[0] if len(values) == 1 else list(values)
        with self._lock:
            self._connection.send_bytes(pickle.dumps(("report", value, step, cost)))
            decision: Decision = pickle.loads(self._connection.recv_bytes())  # noqa: S301 - by our own process
        return decision


def main(descriptor: int) -> None:
    """Run one trial, in the process that `Timed` started."""
    import traceback

    connection = Connection(descriptor)
    packed, trial = pickle.loads(connection.recv_bytes())  # noqa: S301 - by our own process
    if trial.progress is not None:
        trial.progress.channel = _ToParent(connection)
    answer: tuple[Any, ...]
    try:
        objective = pickle.loads(packed)  # noqa: S301 - the user's own, by our own process
        answer = ("value", objective(trial))
    except Pruned as pruned:
        answer = ("pruned", str(pruned))
    except Exception:
        answer = ("error", traceback.format_exc())
    attributes = dict(trial.user_attrs)
    try:
        message = pickle.dumps((*answer, attributes))
    except Exception as error:
        message = pickle.dumps(("error", f"the return of the objective cannot be pickled: {error}", {}))
    connection.send_bytes(message)
