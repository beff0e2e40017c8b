"""The examples and commands of the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hpcore as hp

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102 - our own README


def test_every_sampler_is_named() -> None:
    (row,) = [line for line in README.splitlines() if line.startswith("| Samplers |")]
    assert set(hp.samplers.names()) <= set(re.findall(r"`(\w+)`", row))


def test_commands_are_the_ones_that_ci_runs() -> None:
    gate = (ROOT / ".ci" / "run").read_text()
    assert ".venv/bin/hpcore tune breast_cancer --model svc --trials 40" in README
    assert "tune breast_cancer --model svc --trials 40" in gate
    assert ".venv/bin/python -m pytest -n 2 --dist loadfile\n" in README
    assert "-m pytest -n 2 --dist loadfile " in gate
