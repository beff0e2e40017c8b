"""A process that forks while another of its threads is within a suggestion."""

import os
import subprocess
import sys

import pytest

CODE = """
import os, signal, sys, threading, time
import hpcore as hp

SPACE = {f"x{i}": hp.Float(0, 1) for i in range(4)}

def search(opt, n):
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, sum(trial.params.values()))
    return opt

first = search(hp.Optimizer(SPACE, "gp", seed=0), 10)
busy = search(hp.Optimizer(SPACE, "gp", seed=1), 60)
on = True
def work():
    while on:
        busy.ask(8)
        busy.forget()
        search(busy, 30)
thread = threading.Thread(target=work)
thread.start()
codes = []
for k in range(10):
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        again = search(hp.Optimizer(SPACE, "gp", seed=0), 10)
        busy.ask()
        os._exit(0 if [t.params for t in again.trials] == [t.params for t in first.trials] else 3)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
on = False
thread.join()
print(codes)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_suggests_the_same():
    code = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", CODE]
    done = subprocess.run(code, capture_output=True, text=True, timeout=300)
    assert done.stdout == f"{[0] * 10}\n", done.stderr
