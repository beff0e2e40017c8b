"""Sweeps that run: functions, command lines, policies and time limits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.integrations import azure
from hpcore.integrations.azure import Sweep, sweep

JOB: dict[str, Any] = {
    "search_space": {"x": azure.uniform(0, 1), "n": azure.quniform(1, 9, 2)},
    "objective": {"goal": "minimize", "primary_metric": "loss"},
    "sampling_algorithm": {"type": "random", "seed": 1},
    "limits": {"max_total_trials": 6},
}


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., Sweep]:
    """Make sweeps that run a program of some lines, which has x and n."""

    def make(program: str, line: str = "python train.py ${{search_space.x}} ${{search_space.n}}", **more: Any) -> Sweep:
        head = "import sys, time, os\nx, n = float(sys.argv[1]), int(sys.argv[2])\n"
        (tmp_path / "train.py").write_text(head + textwrap.dedent(program))
        return sweep({**JOB, **more, "trial": {"command": line, "code": str(tmp_path)}})

    return make


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


# --- functions ---------------------------------------------------------------------------------------------------


def test_a_function_and_the_best() -> None:
    study = sweep(JOB).run(lambda trial: (trial["x"] - 0.5) ** 2)
    assert len(study.trials) == 6 and study.best_value == min(trial.value or 0.0 for trial in study.trials)
    again = sweep(JOB).run(lambda trial: (trial["x"] - 0.5) ** 2)
    assert [trial.params for trial in again.trials] == [trial.params for trial in study.trials]


def test_a_grid_is_visited_whole() -> None:
    grid = sweep(azure.GridParameterSampling({"a": azure.choice(1, 2, 3), "b": azure.choice("u", "v")}))
    study = grid.run(lambda trial: trial["a"] + (trial["b"] == "u"))
    assert len(study.trials) == 6 and study.best_params == {"a": 1, "b": "v"}


def test_metrics_of_a_function() -> None:
    def objective(trial: Any) -> Any:
        return {"loss": trial["x"], "accuracy": 1.0} if trial.number % 2 else {"accuracy": 1.0}

    trials = sweep(JOB).run(objective).trials
    assert [trial.state for trial in trials] == ["failed", "complete"] * 3
    assert "the objective must return the primary metric 'loss', got 'accuracy'" in (trials[0].error or "")
    found = sweep({**JOB, "objective": {"goal": "maximize", "primary_metric": "loss"}}).run(lambda t: {"loss": t["x"]})
    assert found.best_value == max(trial.value or 0.0 for trial in found.trials)


def test_values_that_are_no_numbers_fail() -> None:
    trials = sweep(JOB).run(lambda trial: float("nan") if trial.number else 1.0).trials
    assert [trial.state for trial in trials] == ["complete"] + ["failed"] * 5


def test_a_policy_prunes() -> None:
    def objective(trial: Any) -> float:
        for step in range(1, 5):
            trial.report(float(trial.number), step)
            if trial.should_stop():
                raise hp.Pruned
        return float(trial.number)

    trials = sweep({**JOB, "early_termination": azure.BanditPolicy(slack_amount=1.5, delay_evaluation=2)}).run(
        objective
    )
    assert [trial.state for trial in trials.trials] == ["complete"] * 2 + ["pruned"] * 4
    assert [len(trial.reports) for trial in trials.trials] == [4, 4, 2, 2, 2, 2]


def test_a_storage_continues_a_sweep(tmp_path: Path) -> None:
    found = sweep(JOB)
    for n in (3, 6, 6):
        found.n_trials = n
        study = found.run(lambda trial: trial["x"], storage=tmp_path / "runs.db", name="sweep")
        assert len(study.trials) == n
    assert [t.params for t in study.trials] == [t.params for t in sweep(JOB).run(lambda trial: 0.0).trials]


def test_several_at_a_time() -> None:
    found = sweep({**JOB, "limits": {"max_total_trials": 6, "max_concurrent_trials": 2}})
    assert len({trial.user_attrs["pid"] for trial in found.run(with_pid).trials}) <= 2


def with_pid(trial: Any) -> float:
    trial.user_attrs["pid"] = os.getpid()
    return float(trial["x"])


def test_a_function_with_a_time_limit() -> None:
    def objective(trial: Any) -> Any:
        trial.user_attrs["pid"] = os.getpid()
        trial.report(1.0, 1)
        if trial.number == 1:
            time.sleep(600)
        if trial.number == 2:
            raise ValueError("of the objective")
        if trial.number == 3:
            os._exit(3)
        if trial.number == 4:
            raise hp.Pruned
        return hp.Outcome(float(trial["x"]), cost=2.0)

    found = sweep({**JOB, "limits": {"max_total_trials": 6, "max_concurrent_trials": 3, "trial_timeout": 10}})
    trials = found.run(objective).trials
    assert [trial.state for trial in trials] == ["complete", "failed", "failed", "failed", "pruned", "complete"]
    assert "FitTimeout: the trial took longer than trial_timeout=10 s" in (trials[1].error or "")
    assert "ValueError: of the objective" in (trials[2].error or "")
    assert "WorkerDied: the process of the trial ended without a result" in (trials[3].error or "")
    assert trials[0].value == trials[0]["x"] and trials[0].cost == 2.0
    assert trials[0].reports == trials[4].reports == {1: 1.0}
    assert trials[0].user_attrs["pid"] != os.getpid()


def test_a_policy_reaches_a_process_of_its_own() -> None:
    def objective(trial: Any) -> float:
        for step in range(1, 4):
            trial.report(float(trial.number), step)
            if trial.should_stop():
                raise hp.Pruned
        return float(trial.number)

    found = sweep({**JOB, "early_termination": azure.BanditPolicy(slack_amount=0.5)})
    found.trial_timeout, found.n_trials = 60.0, 2
    assert [len(trial.reports) for trial in found.run(objective).trials] == [3, 1]


def test_an_error_of_a_callback_ends_the_processes(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        (tmp_path / str(os.getpid())).touch()
        if trial.number:
            time.sleep(600)
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
        return 0.0

    def fail(study: Any, trial: Any) -> None:
        raise RuntimeError("of the callback")

    found = sweep({**JOB, "limits": {"max_concurrent_trials": 2, "trial_timeout": 500}})
    begin = time.monotonic()
    with pytest.raises(RuntimeError, match="of the callback"):
        found.run(objective, callbacks=[fail])
    assert time.monotonic() - begin < 60
    wait_for(lambda: not any(alive(int(file.name)) for file in tmp_path.iterdir()))


def test_arguments_of_a_run() -> None:
    found = sweep(JOB)
    with pytest.raises(InvalidArgument, match="objective must be given, because the sweep has no trial"):
        found.run()
    with pytest.raises(InvalidType, match="objective must be a function"):
        found.run(3)  # type: ignore[arg-type]
    found.n_trials = 0
    with pytest.raises(InvalidArgument, match="n_trials must be >= 1"):
        found.run(lambda trial: 0.0)
    found.n_trials, found.trial_timeout = 1, -1.0
    with pytest.raises(InvalidArgument, match="trial_timeout must be"):
        found.run(lambda trial: 0.0)
    found.trial_timeout = 5.0
    lock = __import__("threading").Lock()
    with pytest.raises(InvalidArgument, match="objective must be picklable for a process"):
        found.run(lambda trial: lock is None)


# --- command lines -----------------------------------------------------------------------------------------------


def test_a_command_line(command: Any) -> None:
    study = command(
        """
        for epoch in range(3):
            print(f"epoch {epoch}: loss={x + n - epoch * 0.125}, val_loss=99", file=sys.stderr if epoch else sys.stdout)
        """
    ).run()
    for trial in study.trials:
        assert trial.value == trial["x"] + trial["n"] - 0.25
        assert list(trial.reports) == [1, 2, 3]


def test_a_policy_ends_a_command(command: Any) -> None:
    found = command(
        """
        for epoch in range(5):
            print("loss:", n, flush=True)
            time.sleep(600 if n > 1 and epoch == 1 else 0)
        """,
        early_termination={"type": "bandit", "slack_amount": 0.5, "delay_evaluation": 2},
        search_space={"x": azure.choice(0), "n": azure.choice(1, 2, 3)},
        sampling_algorithm="grid",
    )
    trials = found.run().trials
    assert [(trial["n"], trial.state, len(trial.reports)) for trial in trials] == [
        (1, "complete", 5),
        (2, "pruned", 2),
        (3, "pruned", 2),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
def test_a_time_limit_ends_all_that_a_command_started(command: Any, tmp_path: Path) -> None:
    found = command(
        """
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        open("pids", "a").write(f"{os.getpid()} {child.pid} ")
        print("loss: 1.0", flush=True)
        time.sleep(600)
        """
    )
    found.n_trials, found.trial_timeout = 1, 3.0
    [trial] = found.run().trials
    assert trial.state == "failed" and "longer than trial_timeout=3 s" in (trial.error or "")
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    wait_for(lambda: not any(map(alive, pids)))


@pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")
def test_a_child_that_holds_the_output_does_not_hold_the_trial(command: Any) -> None:
    found = command(
        """
        import subprocess
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print("loss: 1.0")
        """
    )
    found.n_trials = 1
    assert found.run().best_value == 1.0


def test_commands_that_fail_say_why(command: Any, tmp_path: Path) -> None:
    found = command(
        """
        if n == 1: print("accuracy: 1.0")
        if n == 2: print("loss: nan")
        if n == 3: print("loss: 1.0\\nsomething is wrong"); sys.exit(3)
        if n == 4: print("loss: 1.0"); print("loss: 0.5")
        """,
        search_space={"x": azure.choice(0), "n": azure.choice(1, 2, 3, 4)},
        sampling_algorithm="grid",
    )
    trials = found.run().trials
    assert [trial.state for trial in trials] == ["failed", "failed", "failed", "complete"]
    assert "must print a value of the primary metric, as 'loss: 0.5', and printed none" in (trials[0].error or "")
    assert "exit code 3" in (trials[2].error or "") and "something is wrong" in (trials[2].error or "")
    assert trials[3].value == 0.5
    missing = command("", line="no-such-program ${{search_space.x}} ${{search_space.n}}")
    assert "FileNotFoundError" in (missing.run().trials[0].error or "")


def test_a_line_for_the_shell_with_variables_and_outputs(command: Any, tmp_path: Path) -> None:
    found = command("")
    line = (
        "echo ${{search_space.x}} ${{search_space.n}} > ${{outputs.model}}/params"
        " && echo loss: $LOSS && echo trial $AZUREML_SWEEP_TRIAL"
    )
    trial = {"command": line, "environment_variables": {"LOSS": 0.25}, "outputs": {"model": {"type": "uri_folder"}}}
    found = sweep({**JOB, "trial": trial})
    assert found.command is not None
    found.command.outputs = tmp_path / "out dir"
    study = found.run()
    assert [trial.value for trial in study.trials] == [0.25] * 6
    text = (tmp_path / "out dir" / "trial-3" / "model" / "params").read_text()
    assert text.split() == [repr(study.trials[3]["x"]), str(int(study.trials[3]["n"]))]


def test_a_component_in_a_file(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("import sys; print('loss:', sum(map(float, sys.argv[1:])))")
    (tmp_path / "train.yaml").write_text(
        textwrap.dedent(
            """
            $schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
            type: command
            name: train
            version: 1
            inputs:
              x: {type: number}
              bias: {type: number, default: 2}
              more: {type: number, optional: true}
            code: ./src
            environment: azureml:AzureML-sklearn@latest
            command: python train.py ${{inputs.x}} ${{inputs.bias}} $[[${{inputs.more}}]]
            """
        )
    )
    (tmp_path / "sweep.yaml").write_text(
        textwrap.dedent(
            """
            type: sweep
            trial: file:./train.yaml
            inputs: {bias: 3}
            search_space:
              x: {type: choice, values: [1, 2, 3]}
            sampling_algorithm: grid
            objective: {goal: maximize, primary_metric: loss}
            """
        )
    )
    found = sweep(tmp_path / "sweep.yaml")
    assert found.ignored == ("trial.$schema", "trial.name", "trial.version", "trial.environment")
    study = found.run()
    assert study.best_params == {"x": 3} and study.best_value == 6.0


def test_commands_run_at_the_same_time(command: Any, tmp_path: Path) -> None:
    found = command(
        """
        open(f"began-{os.getpid()}", "w").close()
        end = time.time() + 60
        while len([name for name in os.listdir() if name.startswith("began")]) < 2 and time.time() < end:
            time.sleep(0.02)
        print("loss:", time.time() < end and 1.0)
        """
    )
    found.n_trials = found.n_jobs = 2
    assert [trial.value for trial in found.run().trials] == [1.0, 1.0]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_ends_the_commands_and_keeps_the_trials(command: Any, tmp_path: Path, n_jobs: int) -> None:
    command("open(f'pid-{os.getpid()}', 'w').close(); print('loss: 1', flush=True); time.sleep(600)")
    program = textwrap.dedent(
        f"""
        from hpcore.integrations import azure
        space = {{"x": azure.uniform(0, 1), "n": azure.quniform(1, 9, 2)}}
        found = azure.sweep({{
            "search_space": space, "objective": {{"goal": "minimize", "primary_metric": "loss"}},
            "trial": {{"command": "python train.py ${{{{search_space.x}}}} ${{{{search_space.n}}}}", "code": "."}},
        }})
        found.n_jobs = {n_jobs}
        study = found.run(progress=False)
        print(study.interrupted, [trial.state.value for trial in study.trials])
        """
    )
    path = os.pathsep.join([str(Path(hp.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(list(tmp_path.glob("pid-*"))) == n_jobs)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert out.strip() == f"True {['running'] * n_jobs}"
    wait_for(lambda: not any(alive(int(file.name[4:])) for file in tmp_path.glob("pid-*")))


def test_an_example_of_the_documentation() -> None:
    study = sweep(azure.GridParameterSampling({"x": azure.choice(1, 2, 3)})).run(lambda trial: (trial["x"] - 2) ** 2)
    assert study.best_params == {"x": 2}


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail on a warning in the log, such as one that the space has no more points."""
    yield
    assert not [
        record for record in caplog.records if record.levelname == "WARNING" and "every point" in record.message
    ]
