"""The scripts of benchmarks/reliability with small counts; the full ones are theirs to run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "benchmarks" / "reliability"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the scripts fork")
@pytest.mark.parametrize("old", [False, True], ids=["newest", "old"])
@pytest.mark.parametrize(
    ("script", "counts"),
    [
        ("kills", ["--kills", "4"]),
        ("processes", ["--processes", "3", "--trials", "15", "--readers", "1"]),
        ("lock_owner", ["--kills", "2"]),
        ("damage", ["--flips", "25", "--cuts", "8", "--full", "2"]),
        ("resume", ["--seeds", "1", "--trials", "4"]),
        ("tell_cost", ["--trials", "10"]),
        ("open_large", ["--trials", "2000"]),
        ("forged", ["--mutants", "60", "--uses", "1"]),
        ("add_many", ["--results", "300", "--single", "20"]),
        ("hostile", ["--stores", "7"]),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_script(script: str, counts: list[str], old: bool) -> None:
    if old and script not in ("kills", "processes", "damage"):
        pytest.skip("the journal makes no difference")
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), *counts, *(["--old-sqlite"] if old else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    assert figures["ok"] and figures["test"] == script
    assert ("persist" in figures["sqlite"]) or not old
