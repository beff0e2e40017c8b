"""Four threads at once, each with its own optimizer or all with a shared one; `.ci/sanitize tsan` runs this too.

With a free-threaded interpreter they run at once indeed.
"""

import itertools
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable

import numpy as np
import pytest

import hpcore as hp
from hpcore._core import gp, space
from hpcore.surrogates import GaussianProcess, ParzenEstimator

N = 4
SPACE = {
    "x": hp.Float(0, 1),
    "k": hp.Int(0, 99),
    "c": hp.Categorical(["a", "b", "c"]),
    "y": hp.Float(0, 1, when={"c": "a"}),
}


@pytest.fixture(autouse=True)
def eager_switches():
    """Switch threads a thousand times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], object]) -> list:
    """Return the results of `work` for 0 .. N - 1, on N threads that start at once."""
    gate, out = threading.Barrier(N), [None] * N
    errors = []

    def run(k: int) -> None:
        gate.wait()
        try:
            out[k] = work(k)
        except BaseException as error:  # is raised below, in the main thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(N)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return out


def loss(trial):
    return (trial["x"] - 0.3) ** 2 + trial["k"] / 99 + (trial["c"] != "b")


def play(opt, n):
    out = []
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, loss(trial))
        out.append(dict(trial.params))
    return out


@pytest.mark.parametrize("sampler", hp.samplers.names())
def test_an_optimizer_each_is_as_good_as_alone(sampler):
    space = hp.Space(SPACE)
    got = together(lambda k: play(hp.Optimizer(space, sampler, seed=k), 25))
    assert got == [play(hp.Optimizer(SPACE, sampler, seed=k), 25) for k in range(N)]


@pytest.mark.parametrize("prefetch", [False, True, "delayed"])
@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_one_optimizer_is_shared(sampler, prefetch):
    opt = hp.Optimizer(SPACE, sampler, seed=0, prefetch=prefetch)

    def work(k):
        numbers = []
        for step in range(12):
            trials = opt.ask(2) if step % 4 == 3 else [opt.ask()]
            if step % 5 == 4:
                opt.add({"x": k / N, "k": step, "c": "b"}, float(step))
            if step % 6 == 5:
                opt.enqueue({"x": step / 12, "c": "a"})
            for trial in trials:
                opt.tell(trial, None if step % 7 == 6 else loss(trial))
                numbers.append(trial.number)
            assert opt.best_value <= max(t.value for t in opt.trials[: opt.n_trials] if t.value is not None)
        return numbers

    asked = list(itertools.chain.from_iterable(together(work)))
    assert len(asked) == len(set(asked)) == N * 15
    assert opt.n_trials == N * 17
    assert all(trial.state in ("complete", "failed") for trial in opt.trials)


FIRST_CALLS = """
import threading
import hpcore as hp

SPACE = {"x": hp.Float(0, 1), "y": hp.Float(0, 1, step=0.1)}
gate, out = threading.Barrier(8), [None] * 8

def run(k):
    gate.wait()
    opt = hp.Optimizer(SPACE, "gp", seed=0)
    for _ in range(12):
        trial = opt.ask()
        opt.tell(trial, (trial["x"] - 0.3) ** 2 + trial["y"])
    out[k] = [trial.params for trial in opt.trials]

threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert out[0] and all(other == out[0] for other in out), out
"""


def test_eight_threads_are_the_first_to_need_what_is_made_once():
    """A new process: modules, and what the core makes at the first call, are found by eight."""
    run = subprocess.run([sys.executable, "-c", FIRST_CALLS], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr


def test_one_set_of_rows_is_filled_by_all():
    rows = np.random.default_rng(0).random((2_000, 3))
    known = space.RowSet()
    work = lambda k: sum(known.insert(row) for row in rows) + sum(row not in known for row in rows)  # noqa: E731
    assert sum(together(work)) == len(rows) == len(known)
    known.update(rows)
    assert len(known) == len(rows)


def test_one_space_is_read_by_all():
    space = hp.Space(SPACE)
    points = space.sample(50, seed=0)
    expected = [np.asarray(space.encode(p)).tobytes() for p in points]
    assert all(got == expected for got in together(lambda k: [np.asarray(space.encode(p)).tobytes() for p in points]))


@pytest.mark.parametrize("make", [GaussianProcess, ParzenEstimator])
def test_one_fitted_model_is_asked_by_all(make):
    rng = np.random.default_rng(0)
    X = rng.random((40, 3))
    if make is GaussianProcess:
        model = make().fit(X, X.sum(axis=1))
        ask = lambda k: model.predict(X + 0.0)  # noqa: E731
    else:
        model = make().fit(X)
        ask = lambda k: model.logpdf(X)  # noqa: E731
    expected = ask(0)
    for got in together(ask):
        np.testing.assert_array_equal(got, expected)


def test_one_density_is_asked_for_different_points_at_once():
    rng = np.random.default_rng(0)
    model = ParzenEstimator().fit(rng.random((300, 4)))
    points = [rng.random((10_000, 4)) for _ in range(N)]
    work = lambda k: [(model.logpdf(points[k]), model.sample(500, seed=k)) for _ in range(6)]  # noqa: E731
    alone = [(model.logpdf(points[k]), model.sample(500, seed=k)) for k in range(N)]
    for expected, got in zip(alone, together(work), strict=True):
        for density, sample in got:
            np.testing.assert_array_equal(density, expected[0])
            np.testing.assert_array_equal(sample, expected[1])


def test_a_model_grows_while_it_is_asked():
    """Readers see the model before or after a new row, or get a typed error."""
    rng = np.random.default_rng(0)
    X, at = rng.random((160, 3)), rng.random((40, 3))
    y = X.sum(axis=1)
    model = gp.Regressor([False] * 3, [False] * 3, [0.0, 0.0, 0.0, 1.0, -4.0])
    model.assign(X[:40], y[:40], None)

    def work(k):
        out = []
        for n in range(41, 161):
            if k == 0:
                model.append(X[n - 1], 0.0)
                model.set_targets(y[:n])
            else:
                try:
                    out.append(model.predict(at)[0])
                except RuntimeError as error:
                    assert "targets" in str(error)
                assert 40 <= len(model) <= 160
        return out

    seen = list(itertools.chain.from_iterable(together(work)))
    final = model.predict(at)[0]
    assert all(np.abs(mean - at.sum(axis=1)).max() < 0.5 for mean in [*seen, final])
    with pytest.raises(ValueError, match=r"y must have shape \(160,\)"):
        model.set_targets(y[:159])


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="needs a free-threaded interpreter")
def test_a_free_threaded_interpreter_goes_on_without_the_gil():
    code = "import hpcore, sys; hpcore.minimize(lambda t: t['x'], {'x': (0.0, 1.0)}, 5); print(sys._is_gil_enabled())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout == "False\n", run.stderr
