"""Ctrl-C twice, as a terminal sends it: to the program and all its workers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

STUDY = """
import sys, time
import numpy as np
import hpcore as hp

data = np.zeros(100_000)
def objective(trial):
    print("begun", flush=True)
    time.sleep(600 if trial.number > 3 else 0)
    return float(data[0])

study = hp.Study({"x": hp.Float(0, 1)}, sampler="random")
study.run(objective, n_trials=100, n_jobs=2)
print("KEPT", sum(trial.state == "complete" for trial in study.trials))
"""
SEARCH = """
import sys, time
import numpy as np
from sklearn.dummy import DummyClassifier
from hpcore.sklearn import SearchCV

class Slow(DummyClassifier):
    def __init__(self, k=0):
        super().__init__()
        self.k = k
    def fit(self, X, y):
        print("begun", flush=True)
        time.sleep(600 if self.k > 3 else 0)
        return super().fit(X, y)

search = SearchCV(Slow(), {"k": list(range(50))}, strategy="grid", cv=2, n_jobs=2, refit=False)
search.fit(np.zeros((40, 1)), np.arange(40) % 2)
print("KEPT", len(search.cv_results_["params"]))
"""


def living_below(group: int) -> list[int]:
    """Processes of a session."""
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == group and fields[0] not in "ZX":
                found.append(int(process.name))
    return found


# The first while workers start, or when the fifth trial hangs; the second at once, or while the first is seen to.
@pytest.mark.parametrize(
    ("program", "n_begun", "again"),
    [(STUDY, 0, 0.0), (STUDY, 6, 0.15), (SEARCH, 0, 0.15), (SEARCH, 6, 0.0)],
    ids=["study, start", "study", "search, start", "search"],
)
def test_twice(program: str, n_begun: int, again: float, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", program.replace("import sys", "print('begun', flush=True)\nimport sys", 1)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        for _ in range(n_begun + 1):
            process.stdout.readline()
        if not n_begun:  # until its first worker is there
            while len(living_below(process.pid)) < 2:
                time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(again)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert not re.search("joblib|loky|multiprocessing|Exception ignored", err), err
    assert process.returncode in (0, -signal.SIGINT), err
    if process.returncode == 0:
        assert "KEPT" in out
    end = time.monotonic() + 10
    while living_below(process.pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert living_below(process.pid) == []
    assert list(tmp_path.glob("hpcore-*")) == []
