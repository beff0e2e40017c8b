"""The worked example of a neural network, as a user runs it."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

import hpcore as hp

EXAMPLE = Path(__file__).parents[2] / "benchmarks" / "examples" / "neural_network.py"
BACKENDS = ["sklearn", pytest.param("torch", marks=pytest.mark.doors)]


@pytest.fixture(params=BACKENDS)
def backend(request):
    if request.param == "torch":
        pytest.importorskip("torch")
    return request.param


def test_it_finds_a_network_and_goes_on(backend, tmp_path, capsys, monkeypatch):
    example = importlib.import_module("neural_network")
    network = {"sklearn": example.SklearnNetwork, "torch": example.TorchNetwork}[backend]
    trained = Counter()
    train_epoch = network.train_epoch

    def counted(self, X, y):
        trained[len(y)] += 1
        train_epoch(self, X, y)

    monkeypatch.setattr(network, "train_epoch", counted)
    command = ["--backend", backend, "--epochs", "3", "--out", str(tmp_path), "--trials"]
    study = example.main([*command, "9"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"best of 9 trials: a loss of {study.best_value:.4f}")
    assert float(re.search(r"accuracy on test rows: ([\d.]+)", shown)[1]) > 0.4  # of ten digits, after three epochs
    assert "importance for value" in shown and "learning_rate" in shown
    states = Counter(trial.state for trial in study.trials)
    assert states["complete"] >= 2 and states["paused"] >= 2 and states["failed"] == 0
    # A paused network goes on from its last epoch: none was trained twice. The last three are those of the test.
    assert trained[1077] == sum(len(trial.reports) for trial in study.trials) and trained[1437] == 3
    for trial in study.trials:
        assert sum(name.startswith("units_") for name in trial.params) == trial["layers"]
        assert ("momentum" in trial.params) == (trial["optimizer"] == "sgd")
        assert ("dropout" in trial.params) == (backend == "torch")

    example.main([*command, "9"])
    assert trained[1077] == sum(len(trial.reports) for trial in study.trials)  # nothing was left to do
    assert capsys.readouterr().out == shown
    assert len(example.main([*command, "11"]).trials) == 11


def test_it_runs_as_a_program_with_workers(tmp_path):
    program = [sys.executable, EXAMPLE, "--backend", "sklearn", "--epochs", "3", "--trials", "8", "--jobs", "2"]
    done = subprocess.run([*program, "--out", tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("best of 8 trials: ")
    states = {trial.state for trial in hp.load_study(tmp_path / "study.db").trials}
    assert states == {"complete", "paused"}


def test_a_report_or_how_to_have_one(tmp_path, capsys):
    example = importlib.import_module("neural_network")
    example.main(["--backend", "sklearn", "--epochs", "1", "--trials", "6", "--out", str(tmp_path)])
    last = capsys.readouterr().out.splitlines()[-1]
    if find_spec("plotly") and find_spec("hpcore.report"):
        assert last == f"report: {tmp_path / 'report.html'}" and (tmp_path / "report.html").exists()
    else:
        assert last.startswith("no report: ") and not (tmp_path / "report.html").exists()


def test_trials_that_fail_are_named(tmp_path, monkeypatch):
    example = importlib.import_module("neural_network")
    monkeypatch.setattr(example.SklearnNetwork, "train_epoch", lambda self, X, y: 1 / 0)
    with pytest.raises(SystemExit, match=r"2 failed, the last one by ZeroDivisionError: division by zero"):
        example.main(["--backend", "sklearn", "--trials", "2", "--out", str(tmp_path)])


def test_no_network_was_trained_in_full(tmp_path):
    example = importlib.import_module("neural_network")
    with pytest.raises(SystemExit, match="--trials with a larger number"):
        example.main(["--backend", "sklearn", "--epochs", "9", "--trials", "2", "--out", str(tmp_path)])
