"""Ctrl-C as sent by a terminal."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_wine


def interrupted(folder: Path, data: str, *options: str, after: str, again: float | None = None) -> tuple[int, str, str]:
    """Run the command, press Ctrl-C after a line with `after`, and optionally again after `again` seconds.

    Return exit code, stdout and stderr.
    """
    command = [sys.executable, "-m", "hpcore.cli", "tune", data, "--model", "random_forest", *options]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell may have started the tests with Ctrl-C ignored, as it does in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        seen = ""
        for line in process.stderr:
            seen += line
            if after in line:
                break
        else:
            pytest.fail(seen)
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers as well
        if again is not None:
            time.sleep(again)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
        out, rest = process.communicate(timeout=120)
    return process.returncode, out, seen + rest


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_what_is_finished_is_kept(tmp_path: Path, jobs: str) -> None:
    options = ("--trials", "1000", "--cv", "2", "--jobs", jobs, "--json")
    code, out, err = interrupted(tmp_path, "wine", *options, after="trial 1/")
    assert code == 130, err
    assert "Traceback" not in err
    answer = json.loads(out)
    assert answer["interrupted"]
    with (tmp_path / "hpcore-out/trials.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert 1 <= len(rows) == answer["n_trials"] < 1000
    assert max(float(row["mean_score"]) for row in rows) == answer["best_score"]
    X, y = load_wine(as_frame=True, return_X_y=True)
    assert joblib.load(tmp_path / "hpcore-out/best_model.joblib").score(X, y) > 0.9


def test_nothing_is_finished(tmp_path: Path) -> None:
    """Ctrl-C twice without delay."""
    code, out, err = interrupted(
        tmp_path, "digits", "--trials", "9", "--cv", "100", "--jobs", "2", after="note:", again=0.0
    )
    assert code == 130, err
    assert out == ""
    assert err.splitlines()[-1] == "Error: interrupted before there was a result"
    assert "Traceback" not in err and "Exception ignored" not in err
    assert {path.name for path in (tmp_path / "hpcore-out").iterdir()} <= {
        "runs.db",
        "runs.db-wal",
        "runs.db-shm",
        "runs.db-journal",
        "study.json",
    }


def test_twice(tmp_path: Path) -> None:
    """Ctrl-C twice with a result: the report or one line, and no traceback, also from workers."""
    options = ("--trials", "1000", "--cv", "2", "--jobs", "2", "--json")
    code, _, err = interrupted(tmp_path, "wine", *options, after="trial 1/", again=0.15)
    assert code == 130, err
    assert "Traceback" not in err and "Exception ignored" not in err


BREAKS = {
    "below exec": "exec('press(); time.sleep(20)')",
    "in a finalizer": "gone = Pressing(); del gone; time.sleep(20)",
    "made another error": "try: press(); time.sleep(20)\nexcept KeyboardInterrupt: raise ImportError('broken')",
    "while the first is seen to": "try: press(); time.sleep(20)\nfinally: press(); time.sleep(0.1)",
    "at the exit": "atexit.register(press); press(); time.sleep(20)",
    "after the report": "atexit.register(press); code = 130",
}


@pytest.mark.parametrize("body", BREAKS.values(), ids=BREAKS)
def test_wherever_it_comes(body: str, tmp_path: Path) -> None:
    program = "\n".join(
        [
            "import atexit, os, signal, time, hpcore.cli.tune",
            "from hpcore.cli import main",
            "def press(): os.kill(os.getpid(), signal.SIGINT)",
            "class Pressing:",
            "    def __del__(self): press(); time.sleep(0.01)",
            "def run(*args, **kwargs):",
            "    code = 0",
            *("    " + line for line in body.splitlines()),
            "    return code",
            "hpcore.cli.tune.run = run",
            # Run by `-m`: at its exit, Python then checks whether Ctrl-C was raised below exec.
            "main(prog_name='hpcore')",
        ]
    )
    (tmp_path / "pressed.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "pressed", "tune", "digits"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    said = "" if body.endswith("130") else "Error: interrupted before there was a result"
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", said)
