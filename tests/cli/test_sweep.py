"""``hpcore sweep``: reports, files, continuation, and one line for what is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("yaml")

PROGRAM = """
import sys
x, n = float(sys.argv[1]), float(sys.argv[2])
for epoch in range(3):
    print(f"epoch {epoch}: loss={x + n - epoch * 0.125}")
"""
SWEEP = """
type: sweep
compute: azureml:cpu
trial:
  command: python train.py ${{search_space.x}} ${{search_space.n}}
  code: .
sampling_algorithm: {type: random, seed: 3}
search_space:
  x: {type: uniform, min_value: 0, max_value: 1}
  n: {type: choice, values: [1, 2, 3]}
objective: {goal: minimize, primary_metric: loss}
limits: {max_total_trials: 5, max_concurrent_trials: 2}
early_termination: {type: median_stopping, delay_evaluation: 3}
"""


@pytest.fixture
def sweep(hpcore: Any, tmp_path: Path) -> Any:
    """Run the command on a file with some text replaced."""
    (tmp_path / "train.py").write_text(PROGRAM)

    def run(*options: object, old: str = "", new: str = "") -> Any:
        assert old in SWEEP
        (tmp_path / "sweep.yaml").write_text(SWEEP.replace(old, new) if old else SWEEP)
        return hpcore("sweep", "sweep.yaml", *options)

    return run


def test_the_report_and_the_files(sweep: Any, tmp_path: Path) -> None:
    result = sweep()
    assert result.exit_code == 0, result.output
    assert "note: without effect on this machine: compute" in result.stderr
    assert "best loss  " in result.stdout and "(minimized), trial " in result.stdout and " of 5" in result.stdout
    table = pd.read_csv(tmp_path / "hpcore-sweep" / "trials.csv")
    assert list(table.columns) == ["trial", "state", "value", "x", "n", "seconds", "error"]
    assert list(table["trial"]) == [0, 1, 2, 3, 4]
    complete = table[table["state"] == "complete"]
    assert (abs(complete["value"] - (complete["x"] + complete["n"] - 0.25)) < 1e-9).all()
    best = json.loads((tmp_path / "hpcore-sweep" / "best_params.json").read_text())
    assert best["x"] + best["n"] - 0.25 == pytest.approx(complete["value"].min())


def test_the_same_command_continues(sweep: Any) -> None:
    first = json.loads(sweep("--json").stdout)
    assert (first["n_trials"], first["metric"], first["goal"], first["seed"]) == (5, "loss", "minimize", 3)
    assert json.loads(sweep("--json").stdout)["best_params"] == first["best_params"]
    more = json.loads(sweep("--json", "--trials", 8).stdout)
    assert more["n_trials"] == 8 and more["best_value"] <= first["best_value"]
    result = sweep("--json", "--seed", 4, "--sampler", "sobol", "--jobs", 1, "--trials", 2)
    other = json.loads(result.stdout)
    assert (other["n_trials"], other["seed"], other["sampler"]) == (2, 4, "sobol")
    assert all(file.startswith("hpcore-sweep-2/") for file in other["files"])
    assert "note: hpcore-sweep holds the files of the search 'sweep loss " in result.stderr
    refused = sweep("--json", "--seed", 4, "--sampler", "sobol", "--trials", 2, "--out", "hpcore-sweep")
    assert refused.exit_code == 2 and "--out hpcore-sweep-2, or replace the files with --overwrite" in refused.stderr
    assert sweep("--seed", 4, "--jobs", 1, "--trials", 1, "--out", "hpcore-sweep", "--overwrite").exit_code == 0


def test_choices_that_cannot_be_stored(sweep: Any, tmp_path: Path) -> None:
    result = sweep("--json", "--trials", 2, old="[1, 2, 3]", new="[{a: 1}, {a: 2}]")
    assert result.exit_code == 1 and "every trial failed" in result.output  # float() of a mapping
    assert "note: a sweep with choices that are no plain data is not stored" in result.stderr
    assert not list((tmp_path / "hpcore-sweep").glob("runs.db")) and not list(tmp_path.glob("*/study.json"))


@pytest.mark.parametrize(
    ("old", "new", "options", "message"),
    [
        ("uniform", "unifrm", [], "search_space.x.type must be one of choice"),
        ("limits: {max_total", "limits: {max_totl", [], "limits.max_totl_trials is not known"),
        (
            "trial:\n  command: python train.py ${{search_space.x}} ${{search_space.n}}\n  code: .\n",
            "",
            [],
            "must have a trial",
        ),
        ("", "", ["--sampler", "best"], "--sampler must be one of"),
        ("", "", ["--trials", 0], "--trials must be a whole number >= 1"),
        ("", "", ["--seed", -1], "--seed must be a whole number"),
        ("", "", ["--trial-timeout", 0], "must be a number of seconds > 0"),
        ("", "", ["--out", "train.py"], "--out must be a directory"),
    ],
)
def test_what_is_wrong_in_one_line(sweep: Any, old: str, new: str, options: list[Any], message: str) -> None:
    result = sweep(*options, old=old, new=new)
    assert result.exit_code == 2
    [line] = result.stderr.strip().splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("primary_metric: loss", "primary_metric: auc", "must print a value of the primary metric, as 'auc: 0.5'"),
        ("python train.py", "python no.py", "the command ended with exit code 2"),
        ("python train.py", "no-such-program", "FileNotFoundError"),
    ],
)
def test_every_trial_failed(sweep: Any, old: str, new: str, message: str) -> None:
    result = sweep("--trials", 1, old=old, new=new)
    assert result.exit_code == 1
    assert "every trial failed: " in result.stderr and message in result.stderr


def test_a_file_that_is_not_there(hpcore: Any) -> None:
    result = hpcore("sweep", "none.yaml")
    assert result.exit_code == 2 and "'none.yaml' cannot be read" in result.stderr


def test_the_python_of_this_process(sweep: Any, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import sys, json; print('loss: 1'); open('python', 'w').write(sys.prefix)")
    assert sweep("--trials", 1, "--jobs", 1).exit_code == 0
    assert (tmp_path / "python").read_text() == sys.prefix
