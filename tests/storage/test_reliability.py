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
        ("migrate", ["--kills", "3", "--trials", "200"]),
        ("resume", ["--seeds", "1", "--trials", "4", "--scheduled", "0"]),
        ("resume", ["--seeds", "0", "--trials", "9", "--scheduled", "1"]),
        ("schedulers", ["--kills", "12"]),
        ("shared_order", ["--seeds", "1", "--trials", "12", "--milliseconds", "1"]),
        ("tell_cost", ["--trials", "10"]),
        ("open_large", ["--trials", "2000"]),
        ("forged", ["--mutants", "60", "--uses", "1"]),
        ("add_many", ["--results", "300", "--single", "20"]),
        ("hostile", ["--stores", "7"]),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_script(script: str, counts: list[str], old: bool) -> None:
    if old and script not in ("kills", "processes", "damage", "migrate"):
        pytest.skip("the journal makes no difference")
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), *counts, *(["--old-sqlite"] if old else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    assert figures["ok"] and figures["test"] == script
    assert ("persist" in figures["sqlite"]) or not old


def test_suggestions_that_differ_are_named(tmp_path: Path) -> None:
    file = tmp_path / "suggestions.json"

    def start(what: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPTS / "suggestions.py"), what, str(file), "--only", "random finite"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    done = start("record")
    assert done.returncode == 0, done.stdout + done.stderr
    recorded = json.loads(file.read_text())
    name, case = next(iter(recorded["cases"].items()))
    case["digest"] = case["lines"][3] = "another"
    file.write_text(json.dumps(recorded))
    done = start("compare")
    assert done.returncode == 1, done.stdout + done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith(f"{name}: differs, from line 3 of ")
    assert json.loads(last)["differ"] == 1 < json.loads(last)["cases"]
