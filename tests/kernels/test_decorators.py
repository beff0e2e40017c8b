"""Kernels: what is refused and how, compiled against plain Python, addresses, pickles, the cache."""

import ctypes
import logging
import math
import os
import pickle
import subprocess
import sys
import textwrap
from types import FunctionType

import numba
import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import norm

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, KernelError
from hpcore.kernels import examples
from hpcore.kernels._jit import _digest


@hp.kernels.acquisition
def ucb(mean, std, best):
    return -mean + 2.0 * std + 0.0 * best, -1.0, 2.0


@hp.kernels.density
def middle(u):
    return -((u - 0.5) ** 2).sum()


@hp.kernels.covariance(n_hyperparameters=1, bounds=[(-3, 3)])
def gaussian(x, y, theta):
    return np.exp(-0.5 * ((x - y) ** 2).sum() / np.exp(2 * theta[0]))


def test_compiled_functions_answer_as_python_does():
    assert ucb(0.3, 0.2, 1.0) == (pytest.approx(0.1), -1.0, 2.0)
    assert middle([0.25, 1.0]) == pytest.approx(-(0.0625 + 0.25))
    k, d_theta, d_x = gaussian([0.1, 0.9], [0.4, 0.5], [0.3])
    assert k == pytest.approx(gaussian.function(np.array([0.1, 0.9]), np.array([0.4, 0.5]), np.array([0.3])))
    assert d_theta == pytest.approx([k * 0.25 / math.exp(0.6)], rel=1e-8)
    assert d_x == pytest.approx(k * np.array([0.3, -0.4]) / math.exp(0.6), rel=1e-7)


def test_the_address_is_that_of_a_c_function():
    signature = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.c_size_t, ctypes.POINTER(ctypes.c_double)
    )
    point, out = (ctypes.c_double * 2)(0.25, 1.0), ctypes.c_double()
    assert signature(middle.address)(point, 2, ctypes.byref(out)) == 1
    assert out.value == middle([0.25, 1.0])
    assert middle.address == middle.address


@pytest.mark.parametrize(
    ("decorate", "function", "words"),
    [
        (hp.kernels.acquisition(log=True), lambda mean, std: 0.0, r"take exactly \(mean, std, best\)"),
        (hp.kernels.acquisition, lambda mean, std: 0.0, r"take exactly \(mean, std, best\), got .*\(mean, std\)"),
        (hp.kernels.density, lambda u, v: 0.0, r"take exactly \(u\)"),
        (hp.kernels.density, lambda *u: 0.0, r"take exactly \(u\)"),
        (hp.kernels.density, lambda u=1: 0.0, r"take exactly \(u\)"),
        (hp.kernels.covariance(n_hyperparameters=0, bounds=[]), lambda x: 0.0, r"\(x, y, theta\)"),
    ],
)
def test_a_wrong_signature_is_explained(decorate, function, words):
    with pytest.raises(InvalidArgument, match=words):
        decorate(function)


def test_what_is_no_function_is_refused():
    with pytest.raises(InvalidType, match="function"):
        hp.kernels.density(3)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n_hyperparameters": 1.5, "bounds": []}, InvalidType, "n_hyperparameters"),
        ({"n_hyperparameters": -1, "bounds": []}, InvalidArgument, "n_hyperparameters"),
        ({"n_hyperparameters": 1, "bounds": []}, InvalidArgument, "bounds"),
        ({"n_hyperparameters": 1, "bounds": [(1.0, 0.0)]}, InvalidArgument, "bounds"),
        ({"n_hyperparameters": 1, "bounds": [3]}, InvalidType, "bounds"),
        ({"n_hyperparameters": 0, "bounds": [], "gradient": lambda x: 0}, InvalidArgument, "d_theta"),
        ({"n_hyperparameters": 1, "bounds": [(0.0, 1.0)], "log": True}, InvalidArgument, "bounds must be positive"),
        ({"n_hyperparameters": 0, "bounds": [], "log": 1}, InvalidType, "log"),
    ],
)
def test_wrong_covariance_options(options, error, words):
    with pytest.raises(error, match=words):
        hp.kernels.covariance(**options)(lambda x, y, theta: 1.0)


@hp.kernels.covariance(n_hyperparameters=1, bounds=[(1e-6, 1.0)])
def only_inside(x, y, theta):
    """NaN outside the cube and the bounds."""
    if x[0] < 0.0 or x[0] > 1.0 or theta[0] < 1e-6 or theta[0] > 1.0:
        return math.nan
    return theta[0] * x[0] * x[0] * y[0]


@pytest.mark.parametrize("x", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("theta", [1e-6, 0.5, 1.0])
def test_differences_stay_where_a_covariance_has_values(x, theta):
    _, d_theta, d_x = only_inside([x], [0.7], [theta])
    assert d_theta == pytest.approx([x * x * 0.7], abs=1e-8)
    assert d_x == pytest.approx([theta * 2 * x * 0.7], abs=1e-5)


def test_a_wrong_shape_is_refused():
    with pytest.raises(InvalidArgument, match="theta of length 1"):
        gaussian([0.1], [0.2], [0.1, 0.2])
    with pytest.raises(InvalidArgument, match=r"'middle' takes one vector for u, got shape \(2, 2\)"):
        middle([[0.1, 0.2], [0.3, 0.4]])
    with pytest.raises(InvalidArgument, match=r"'gaussian' takes one vector for y, got shape \(1, 1\)"):
        gaussian([0.1], [[0.1]], [0.0])
    for wrong in ("ab", "0.5", ["0.5"], [None], [0.5j]):
        with pytest.raises(InvalidType, match="'middle' takes numbers for u, got "):
            middle(wrong)
    with pytest.raises(InvalidArgument, match=r"'middle' takes one vector for u, got shape \(\)"):
        middle(0.5)


def test_what_numba_cannot_compile_names_the_kernel():
    @hp.kernels.density
    def hopeless(u):
        return object().nothing(u)

    with pytest.raises(KernelError, match="'hopeless'"):
        _ = hopeless.address


def opens_a_file(u):
    with open("x") as file:  # noqa: PTH123 - what a user may write
        return float(file.read())


def gives_the_array(u):
    return u


def gives_nothing(u):
    pass


def writes(u):
    u[0] = 0.5
    return u[0]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (opens_a_file, "with"),
        (gives_the_array, "answers readonly array"),
        (gives_nothing, "answers none"),
        (writes, "may not write into what it is given(?s:.*)readonly"),
    ],
)
def test_what_is_no_density_names_the_kernel(function, words):
    with pytest.raises(KernelError, match=f"'{function.__name__}' must be a function .* -> log density.*{words}"):
        hp.kernels.density(function)([0.25])


def test_an_acquisition_answers_three_numbers():
    with pytest.raises(KernelError, match="answers Tuple"):
        hp.kernels.acquisition(lambda mean, std, best: (np.ones(2), std, best))(0.0, 1.0, 0.0)


def test_a_covariance_writes_its_gradients_only():
    def gradient(x, y, theta, d_theta, d_x):
        x[0] = 1.0

    kernel = hp.kernels.covariance(n_hyperparameters=1, bounds=[(0.0, 1.0)], gradient=gradient)
    with pytest.raises(KernelError, match="may not write"):
        kernel(lambda x, y, theta: theta[0])([0.1], [0.2], [0.5])


async def waits(u):
    return 0.0


def yields(u):
    yield 0.0


@pytest.mark.parametrize(("function", "words"), [(waits, "an async function"), (yields, "a generator")])
def test_what_cannot_answer_at_once_is_refused(function, words):
    with pytest.raises(InvalidType, match=f"'{function.__name__}' must be a plain function, got {words}"):
        hp.kernels.density(function)


@pytest.mark.parametrize("index", [2, 5, 10**9, -3])
def test_an_index_outside_is_an_error(index):
    kernel = hp.kernels.density(lambda u: u[index])
    with pytest.raises(KernelError, match="raised"):
        kernel([0.1, 0.2])
    optimizer = hp.Optimizer({"x": (0.0, 1.0), "y": (0.0, 1.0)}, hp.samplers.GPSampler(prior=kernel), seed=0)
    for x in np.linspace(0, 1, 30):
        optimizer.add({"x": x, "y": 0.5}, x)
    with pytest.raises(KernelError, match="raised"):
        optimizer.ask()


def test_an_index_outside_a_gradient_is_an_error():
    def gradient(x, y, theta, d_theta, d_x):
        d_x[5] = 0.0

    kernel = hp.kernels.covariance(n_hyperparameters=0, bounds=[], gradient=gradient)(lambda x, y, theta: 1.0)
    with pytest.raises(KernelError, match="raised"):
        kernel([0.1], [0.2], [])


UNCHECKED = """
import numba
import hpcore as hp

import numba
import numpy as np
TABLE = np.array([0.0, 1.0])

def at(mean, std, best):
    return TABLE[int(mean)], 0.0, 0.0

real = numba.float64
numba.njit([(real, real, real)], cache=True, nogil=True, error_model="numpy")(at)
try:
    hp.kernels.acquisition(at)(5.0, 1.0, 0.0)
except hp.errors.KernelError:
    print("refused")
"""


def test_code_cached_without_the_check_is_not_served(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(UNCHECKED))
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for _ in range(2):
        done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr


GLOBALS = """
import numba
import numba
import numpy as np
import elsewhere
import hpcore as hp

FACTOR, LAST, elsewhere.OFFSET, INNER = elsewhere.GIVEN
TABLE = np.array([1.0, LAST])

@numba.njit
def inner(x):
    return INNER * x

@hp.kernels.density
def log_density(u):
    return FACTOR * u[0] + TABLE[1] + elsewhere.OFFSET + inner(u[0])
"""
AGAIN_AND_AGAIN = """
import pathlib
import elsewhere
source = pathlib.Path("script.py").read_text()
for elsewhere.GIVEN in [(1.0, 10.0, 100.0, 1000.0), (2.0, 10.0, 100.0, 1000.0), (1.0, 20.0, 100.0, 1000.0),
                        (1.0, 10.0, 200.0, 1000.0), (1.0, 10.0, 100.0, 2000.0), (1.0, 10.0, 100.0, 1000.0)]:
    names = dict(__name__="script")
    exec(compile(source, "script.py", "exec"), names)
    print(names["log_density"]([1.0]), len(list(pathlib.Path("cache").rglob("*.nbi"))))
"""


def test_the_cache_knows_what_a_function_reads_outside_itself(tmp_path):
    (tmp_path / "elsewhere.py").write_text("")
    (tmp_path / "script.py").write_text(GLOBALS)
    path = os.pathsep.join([str(tmp_path), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": path}
    command = [sys.executable, "-c", AGAIN_AND_AGAIN]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["1111.0 1", "1112.0 2", "1121.0 3", "1211.0 4", "2111.0 5", "1111.0 5"]


def calling(inner, default=0.0):
    @numba.njit
    def called(x, add=default):
        return inner(x) + add

    return FunctionType((lambda u: elsewhere(u[0])).__code__, {"elsewhere": called})  # noqa: F821


def reading(value):
    return FunctionType((lambda u: elsewhere[0][0] * u[0]).__code__, {"elsewhere": value})  # noqa: F821


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: calling(numba.njit(lambda x: 2.0 * x)), lambda: calling(numba.njit(lambda x: 3.0 * x))),
        (lambda: calling(math.sin, 1.0), lambda: calling(math.sin, 2.0)),
        (lambda: reading((np.zeros(5000),)), lambda: reading((np.r_[np.zeros(2500), 1.0, np.zeros(2499)],))),
        (lambda: reading((1.0,)), lambda: reading(("1.0",))),
    ],
    ids=["constant", "default", "arrays", "type"],
)
def test_functions_that_differ_outside_have_other_digests(one, other):
    assert _digest(one()) == _digest(one())
    assert _digest(one()) != _digest(other())


def test_an_acquisition_without_derivatives_names_the_kernel():
    @hp.kernels.acquisition
    def bare(mean, std, best):
        return mean

    with pytest.raises(KernelError, match=r"'bare' must be a function .* -> .value, d value / d mean"):
        bare(0.0, 1.0, 0.0)


def test_errors_and_nan_inside_are_typed():
    @hp.kernels.density
    def broken(u):
        if u[0] > 0.5:
            raise ValueError("no")
        return math.nan

    with pytest.raises(KernelError, match="'broken' raised"):
        broken([0.9])
    with pytest.raises(KernelError, match="'broken' answered NaN"):
        broken([0.1])


def test_the_log_says_once_that_it_compiles(caplog):
    @hp.kernels.density
    def fresh(u):
        return 0.0 * u[0]

    with caplog.at_level(logging.INFO, logger="hpcore.kernels"):
        fresh([0.5])
        fresh([0.5])
    assert [r.message for r in caplog.records if "fresh" in r.message] == ["compiling the density kernel fresh (once)"]


@pytest.mark.parametrize("kernel", [ucb, middle, gaussian, examples.periodic, examples.belief_around([0.3], 0.1)])
def test_kernels_are_pickled_with_their_code(kernel):
    copy = pickle.loads(pickle.dumps(kernel))  # noqa: S301
    arguments = {"acquisition": (0.1, 0.2, 0.3), "density": ([0.4],), "covariance": ([0.1], [0.3], [0.2] * 2)}
    given = arguments[kernel.kind]
    if kernel is gaussian:
        given = ([0.1], [0.3], [0.2])
    assert str(copy(*given)) == str(kernel(*given))
    assert repr(copy) == repr(kernel)


SCRIPT = """
import sys
import hpcore as hp

@hp.kernels.density
def mine(u):
    return -u[0]

assert "numba" not in sys.modules
print(mine([0.25]))
"""


@pytest.mark.parametrize("writable", [True, False])
def test_the_cache_is_used_or_done_without(tmp_path, writable):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("a file, so nothing can be written below it")
    cache = tmp_path / "cache" if writable else nowhere / "cache"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    for _ in range(2):
        done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) == -0.25
    if writable:
        assert list(cache.rglob("*.nbi"))


def test_expected_improvement_per_cost():
    plain = examples.expected_improvement_per_cost(1.0, 0.0)
    mean, std, best = 0.3, 0.7, 0.5
    z = (best - mean) / std
    assert plain(mean, std, best)[0] == pytest.approx((best - mean) * norm.cdf(z) + std * norm.pdf(z), rel=1e-12)
    priced = examples.expected_improvement_per_cost(2.0, 0.5)
    value, by_mean, by_std = priced(mean, std, best)
    numeric = approx_fprime([mean, std], lambda v: priced(v[0], v[1], best)[0], 1e-7)
    assert [by_mean, by_std] == pytest.approx(numeric, abs=1e-6)
    assert value < plain(mean, std, best)[0]


@pytest.mark.parametrize("kernel", [examples.periodic, examples.rational_quadratic])
def test_covariances_are_positive_definite_and_their_gradients_true(kernel):
    X, theta = np.random.default_rng(0).random((12, 2)), np.array([0.6, 1.2])
    K = np.array([[kernel(x, y, theta)[0] for y in X] for x in X])
    np.testing.assert_allclose(np.diag(K), 1.0)
    np.testing.assert_allclose(K, K.T)
    # The sum of squared sines of several columns is a sum of exponents, so the product of valid covariances.
    assert np.linalg.eigvalsh(K).min() > -1e-10
    _, d_theta, d_x = kernel(X[0], X[1], theta)
    assert d_theta == pytest.approx(approx_fprime(theta, lambda t: kernel(X[0], X[1], t)[0], 1e-7), abs=1e-6)
    assert d_x == pytest.approx(approx_fprime(X[0], lambda x: kernel(x, X[1], theta)[0], 1e-7), abs=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: examples.belief_around([1.5], 0.1),
        lambda: examples.belief_around([0.5], 0.0),
        lambda: examples.expected_improvement_per_cost(0.0, 1.0),
    ],
)
def test_wrong_example_options(call):
    with pytest.raises(InvalidArgument):
        call()
