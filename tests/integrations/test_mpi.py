"""Searches on the workers of `mpiexec -n 3 python -m mpi4py.futures script.py`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import hpcore as hp

pytest.importorskip("mpi4py")

pytestmark = pytest.mark.doors

# That of a wheel is beside the interpreter, whether the environment is activated or not.
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

IMPORTS = """\
import os
import signal
import time
from pathlib import Path

import numpy as np
from mpi4py.futures import MPIPoolExecutor
from sklearn.naive_bayes import GaussianNB

import hpcore as hp
from hpcore.sklearn import SearchCV
from hpcore.workers import packing
from hpcore.evaluation import sharing

SPACE = {"x": hp.Float(0, 1)}
HERE = Path(__file__).parent

"""


def run(folder: Path, code: str, *, mpi: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script under mpiexec with two workers, or alone."""
    assert MPIEXEC is not None
    script = folder / "script.py"
    script.write_text(IMPORTS + dedent(code))
    command = [MPIEXEC, "-n", "3", sys.executable, "-m", "mpi4py.futures"] if mpi else [sys.executable]
    environment = {name: value for name, value in os.environ.items() if mpi or name != "PATH"}
    environment["PYTHONPATH"] = str(Path(hp.__file__).parent.parent)
    return subprocess.run(
        [*command, str(script)], capture_output=True, text=True, timeout=240, env=environment, check=False
    )


def test_a_study_and_a_search_use_all_workers(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        def objective(trial):
            (HERE / f"trial-{trial.number}").touch()
            end = time.monotonic() + 60
            while len(list(HERE.glob("trial-*"))) < 2 and time.monotonic() < end:
                time.sleep(0.01)
            return float(len(list(HERE.glob("trial-*"))) >= 2)

        if __name__ == "__main__":
            X = np.random.default_rng(0).normal(size=(400, 8))
            y = (X[:, 0] > 0).astype(int)
            space = {"var_smoothing": hp.Float(1e-9, 1.0, log=True)}
            options = dict(n_trials=6, strategy="random", random_state=0)
            with MPIPoolExecutor() as executor:
                study = hp.minimize(objective, SPACE, n_trials=6, executor=executor, sampler="random")
                assert [t.value for t in study.trials] == [1.0] * 6, study.trials
                study.run(objective, n_trials=2, executor=executor)
                assert len(study.trials) == 8
                there = SearchCV(GaussianNB(), space, executor=executor, **options).fit(X, y)
            here = SearchCV(GaussianNB(), space, **options).fit(X, y)
            np.testing.assert_array_equal(there.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"])
            try:
                study.run(objective, n_trials=2, executor=executor)
            except hp.errors.InvalidArgument as error:
                print(error)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert "executor, of class MPIPoolExecutor, does not accept work" in done.stdout and "shutdown" in done.stdout


def test_data_reaches_workers_of_other_machines_once(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        class Far(type(Path())):
            def read_bytes(self):
                raise FileNotFoundError(f"{self} is on another machine")

        def separate():
            sharing.Path = packing.Path = Far

        if __name__ == "__main__":
            sent = []
            packed = packing.Cargo.__reduce_ex__
            packing.Cargo.__reduce_ex__ = lambda self, protocol: sent.append(1) or packed(self, protocol)
            data = np.ones(100_000)

            def objective(trial):
                time.sleep(0.01)
                return float(data.sum())

            with MPIPoolExecutor(initializer=separate) as executor:
                study = hp.minimize(objective, SPACE, n_trials=20, executor=executor, sampler="random")
                print(len(sent))
                X = np.random.default_rng(0).normal(size=(2000, 20))
                y = (X[:, 0] > 0).astype(int)
                space = {"var_smoothing": hp.Float(1e-9, 1.0, log=True)}
                search = SearchCV(GaussianNB(), space, n_trials=8, strategy="random", executor=executor).fit(X, y)
                print(len(sent))
            assert [t.value for t in study.trials] == [100_000.0] * 20, study.trials
            assert search.best_score_ > 0.8
        """,
    )
    assert done.returncode == 0, done.stderr
    first, both = map(int, done.stdout.split())
    # One for each of the two workers; where one gets a task that the other missed, a third.
    assert 1 <= first <= 3 and 1 <= both - first <= 3


def test_a_worker_that_is_killed_ends_the_job_and_a_stored_study_goes_on(tmp_path: Path) -> None:
    code = """
        def objective(trial):
            if trial.number == 4 and not (HERE / "killed").exists():
                (HERE / "killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return float(trial.number)

        if __name__ == "__main__":
            with MPIPoolExecutor() as executor:
                study = hp.Study(SPACE, storage=HERE / "runs.db", name="s", sampler="random", seed=0)
                done = sum(t.state == "complete" for t in study.trials)
                study.run(objective, n_trials=10 - done, executor=executor)
        """
    assert run(tmp_path, code).returncode != 0
    assert (tmp_path / "killed").exists()
    again = run(tmp_path, code)
    assert again.returncode == 0, again.stderr
    study = hp.load_study(tmp_path / "runs.db", "s")
    assert [t.value for t in study.trials] == list(map(float, range(10)))


def test_without_mpiexec_there_is_an_error_and_no_wait(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        if __name__ == "__main__":
            with MPIPoolExecutor() as executor:
                hp.minimize(lambda trial: 1.0, SPACE, n_trials=2, executor=executor)
        """,
        mpi=False,
    )
    assert done.returncode == 1
    assert "InvalidArgument: executor is an MPI pool" in done.stderr and "mpiexec -n 3" in done.stderr
