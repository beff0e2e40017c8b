"""Objectives and estimators that do what they should not: every trial comes out right, and the program ends.

All of them run in one program each, of `hostile.py`, because workers take a second to start.
"""

from __future__ import annotations

import collections
import importlib.util
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

PROGRAM = Path(__file__).with_name("hostile.py")
MARK = "HPCORE_TEST_HOSTILE"


def table() -> Any:
    spec = importlib.util.spec_from_file_location("hostile", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def left_over(mark: str) -> list[str]:
    """Programs that live and were started under a mark in their environment, whoever is their parent now."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and f"{MARK}={mark}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has ended, or is not ours to read
            continue
    return [command for command in found if command]  # zombies have none


class Running:
    def __init__(self, kind: str, folder: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.log, self.temporary = folder / "begun", folder / "temporary"
        self.temporary.mkdir(parents=True)
        self.stderr = (folder / "stderr").open("w+b")
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), kind, str(self.log)],
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
            env={**os.environ, MARK: self.mark, "TMPDIR": str(self.temporary)},
        )

    def found(self) -> list[Any]:
        """The outcomes; and the program has ended, with nothing left of it."""
        try:
            out, _ = self.process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, _ = self.process.communicate()
            pytest.fail(f"does not end: {out[-200:]}")
        told = [line for line in out.splitlines() if line.startswith("FOUND ")]
        self.stderr.seek(0)
        err = self.stderr.read().decode(errors="replace")
        self.stderr.close()
        assert told, err[-3000:]
        assert self.process.returncode == 0
        end = time.monotonic() + 10  # what was killed takes a moment
        while (left := left_over(self.mark)) and time.monotonic() < end:
            time.sleep(0.05)
        assert left == []
        assert list(self.temporary.iterdir()) == []
        found: list[Any] = json.loads(told[0].removeprefix("FOUND "))
        return found

    def begun(self) -> dict[int, int]:
        """How often each trial was begun."""
        return collections.Counter(map(int, self.log.read_text().split()))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Running]]:
    folder = tmp_path_factory.mktemp("hostile")
    both = {kind: Running(kind, folder / kind) for kind in ("study", "search")}  # beside each other: they mostly wait
    yield both
    for one in both.values():
        one.process.kill()
        one.process.wait()


def test_hostile_objectives(running: dict[str, Running]) -> None:
    hostile = table()
    n = len(hostile.HOSTILE)
    found, begun = running["study"].found(), running["study"].begun()
    assert len(found) == n + 4
    for number, (state, value, error) in enumerate(found):
        function, kind = hostile.HOSTILE[number] if number < n else (None, hostile.VALUE)
        told = (number, function and function.__name__, state, value, error, begun[number])
        if kind == hostile.VALUE:
            assert state == "complete" and value == (0.0 if function is hostile.nest else number), told
        else:
            assert state == "failed" and value is None, told
            assert ("WorkerDied" in error[0]) == (kind == hostile.DEATH), told
        # A trial is lost, and begun again, with its own worker only.
        assert begun[number] == 1 + (kind == hostile.DEATH), told


def test_hostile_estimators(running: dict[str, Running]) -> None:
    hostile = table()
    n = len(hostile.OF_A_SEARCH)
    found, begun = running["search"].found(), running["search"].begun()
    deaths = {i for i, function in enumerate(hostile.OF_A_SEARCH) if function is hostile.start_a_program_and_die}
    assert found == [-1.0 if k in deaths else float(k) for k in range(n + 4)]
    assert begun == {k: 1 + (k in deaths) for k in range(n + 4)}
