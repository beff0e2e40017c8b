"""The C interface: the same suggestions as `Optimizer`, bit by bit; what the shared library exports."""

from __future__ import annotations

import ctypes
import math
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hpcore as hp
from tests.core.c_library import ABI_VERSION, CError, CLibrary, COptimizer, CSpace, Lapack, Options, find_library

FloatArray = npt.NDArray[np.float64]

HEADER = Path(__file__).parents[2] / "csrc" / "include" / "hpcore.h"
EXPORTS = Path(__file__).parent / "capi_exports.txt"

MIXED = {
    "lr": hp.Float(1e-5, 1.0, log=True),
    "momentum": hp.Float(0.0, 0.99),
    "layers": hp.Int(1, 12),
    "width": hp.Int(16, 1024, log=True),
    "activation": hp.Categorical(["relu", "gelu", "tanh", "silu"]),
    "size": hp.Categorical(["s", "m", "l"], ordered=True, weights=[1.0, 2.0, 1.0]),
    "dropout": hp.Float(0.0, 0.9, step=0.1),
    "decay": hp.Normal(-4.0, 1.5),
    "batch": hp.Int(32, 512, step=32),
    "smoothing": hp.Normal(0.1, 0.05, low=0.0, high=0.4),
}
CONDITIONAL = {
    "kernel": hp.Categorical(["linear", "rbf", "poly"]),
    "C": hp.Float(1e-3, 1e3, log=True),
    "gamma": hp.Float(1e-5, 10.0, log=True, when={"kernel": ["rbf", "poly"]}),
    "degree": hp.Int(2, 5, when={"kernel": ["poly"]}),
    "coef0": hp.Float(0.0, 1.0, when={"degree": [3, 4, 5]}),
}
ALTERNATIVES = {
    "kernel": hp.Categorical(["linear", "rbf", "poly"]),
    "degree": hp.Int(2, 5, when={"kernel": ["poly"]}),
    "gamma": hp.Float(1e-5, 10.0, log=True, when=[{"kernel": ["rbf"]}, {"kernel": ["poly"], "degree": [2, 5]}]),
    "coef0": hp.Float(0.0, 1.0, when=[{"degree": [3, 4]}, {"kernel": ["linear"]}]),
}
FINITE = {
    "depth": hp.Int(1, 5),
    "kind": hp.Categorical(["a", "b", "c"]),
    "rate": hp.Float(0.0, 1.0, step=0.25, when={"kind": ["b", "c"]}),
}
SPACES = {
    "floats": {f"x{j}": hp.Float(-1.0, 2.0) for j in range(5)},
    "mixed": MIXED,
    "conditional": CONDITIONAL,
    "alternatives": ALTERNATIVES,
    "finite": FINITE,
}
SAMPLERS = ("random", "sobol", "tpe", "gp", "auto")


@pytest.fixture(scope="module")
def library() -> CLibrary:
    return CLibrary(find_library())


def loss_of(row: FloatArray, k: int = 0) -> float:
    """A function of a row of the cube, other for each objective."""
    u = np.nan_to_num(row, nan=0.3)
    return float(np.sum((u - 0.2 - 0.5 * k) ** 2) + 0.1 * np.sum(np.sin(9.0 * u)))


def same(a: FloatArray, b: FloatArray) -> bool:
    return np.array_equal(a, b, equal_nan=True)


def rows_of(opt: hp.Optimizer, number: int) -> FloatArray:
    return opt.history.X[number]


# --- the same suggestions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("seed", [3, 2**64 * 5 + 2**63 + 1])
def test_suggestions_are_those_of_python(library: CLibrary, sampler: str, space: str, seed: int) -> None:
    n = 60 if sampler in ("gp", "auto") else 120
    ours = hp.Optimizer(hp.Space(SPACES[space]), sampler, seed=seed)
    theirs = COptimizer(library, ours.space, sampler, seed)
    for i in range(n):
        try:
            trial = ours.ask()
        except hp.errors.SearchSpaceExhausted:
            with pytest.raises(CError, match="exhausted"):
                theirs.ask()
            assert space == "finite" and i == 5 + 2 * 5 * 5
            return
        number, row = theirs.ask()
        assert number == trial.number == i
        assert same(row, rows_of(ours, i)), f"trial {i}"
        assert theirs.space.params(row) == trial.params
        ours.tell(trial, loss_of(row))
        theirs.tell(number, loss_of(row))
    assert theirs.best() == (ours.best_trial.number, ours.best_value)


def test_mixed_results(library: CLibrary) -> None:
    """Failures, estimates, errors, costs and trials that are still running, the highest value being best."""
    for sampler in ("tpe", "gp", "auto"):
        for space in ("mixed", "conditional"):
            ours = hp.Optimizer(hp.Space(SPACES[space]), sampler, "maximize", seed=11)
            theirs = COptimizer(library, ours.space, sampler, 11, ["maximize"])
            for i in range(55):
                trial = ours.ask()
                number, row = theirs.ask()
                assert same(row, rows_of(ours, i)), f"{sampler}, {space}, trial {i}"
                value = -loss_of(row)
                if i % 9 == 4:
                    ours.tell(trial, None)
                    theirs.fail(number)
                elif i % 9 == 7:
                    ours.tell(trial, value, state="pruned")
                    theirs.report(number, 1.0, value - 1.0)
                    theirs.report(number, 2.0, value)
                    theirs.prune(number)
                elif i % 9 == 8:
                    ours.tell(trial, state="pruned")
                    theirs.prune(number)
                elif i % 9 == 2:
                    continue  # still running
                elif i % 9 == 3 and i > 20:
                    ours.tell(trial, value, std_error=0.01)
                    theirs.tell_result(number, value, std_errors=[0.01])
                elif i > 40:
                    ours.tell(trial, value, cost=1.0 + row[1])
                    theirs.tell_result(number, value, cost=1.0 + row[1])
                else:
                    ours.tell(trial, value)
                    theirs.tell(number, value)
            assert theirs.best() == (ours.best_trial.number, ours.best_value)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("space", ["conditional", "finite"])
def test_withdrawn_trials(library: CLibrary, sampler: str, space: str) -> None:
    """Also of given points, and in a search that was saved in between."""
    ours = hp.Optimizer(hp.Space(SPACES[space]), sampler, seed=7)
    theirs = COptimizer(library, ours.space, sampler, 7)
    for params in ours.space.sample(3, seed=3):
        ours.enqueue(params)
        theirs.enqueue(params)
    for i in range(40 if space == "conditional" else 60):  # more than there are points
        trial = ours.ask()
        number, row = theirs.ask()
        assert number == i and same(row, rows_of(ours, i)), f"trial {i}"
        if i % 4 == 1:
            ours.withdraw(trial)
            theirs.withdraw(number)
        elif i % 8 == 6:
            continue  # withdrawn later
        else:
            ours.tell(trial, loss_of(row))
            theirs.tell(number, loss_of(row))
        if i % 12 == 11:
            saved = theirs.save()
            theirs = COptimizer(library, ours.space, sampler)
            theirs.load(saved)
            assert theirs.save() == saved
            for late in [k for k in ours.running() if k < i - 4]:
                ours.withdraw(late)
                theirs.withdraw(late)
    withdrawn = [trial.number for trial in ours.trials if trial.state == "withdrawn"]
    assert len(withdrawn) >= 10
    for number in withdrawn:
        state, row, values = theirs.trial(number)
        assert state == "withdrawn" and same(row, rows_of(ours, number)) and np.isnan(values).all()
    assert theirs.best() == (ours.best_trial.number, ours.best_value)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_batches(library: CLibrary, sampler: str) -> None:
    for space in ("floats", "conditional", "finite"):
        ours = hp.Optimizer(hp.Space(SPACES[space]), sampler, seed=4)
        theirs = COptimizer(library, ours.space, sampler, 4)
        for _ in range(7):
            trials, asked = ours.ask(6), theirs.ask_many(6)
            assert [trial.number for trial in trials] == [number for number, _ in asked]
            for trial, (number, row) in zip(trials, asked, strict=True):
                assert same(row, rows_of(ours, number)), f"{space}, trial {number}"
                if number % 6 != 5:
                    ours.tell(trial, loss_of(row))
                    theirs.tell(number, loss_of(row))


@pytest.mark.parametrize("sampler", ["tpe", "gp", "auto"])
def test_several_objectives_and_limits(library: CLibrary, sampler: str) -> None:
    directions, space = ["minimize", "maximize"], hp.Space(SPACES["mixed"])
    ours = hp.Optimizer(space, sampler, directions=directions, seed=2, limits={"size": hp.at_most(1.5)})
    theirs = COptimizer(library, space, sampler, 2, directions, n_limits=1)
    for i in range(40):
        trial = ours.ask()
        number, row = theirs.ask()
        assert same(row, rows_of(ours, i)), f"trial {i}"
        values, size = (loss_of(row), -loss_of(row, 1)), 3.0 * row[1]
        ours.tell(trial, values, metrics={"size": size})
        theirs.tell_result(number, *values, violations=[size - 1.5])
    assert theirs.front() == [trial.number for trial in ours.pareto_front]


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp"])
def test_added_and_enqueued_points(library: CLibrary, sampler: str) -> None:
    space = hp.Space(CONDITIONAL)
    ours, theirs = hp.Optimizer(space, sampler, seed=8), COptimizer(library, space, sampler, 8)
    for params in space.sample(12, seed=1):
        value = loss_of(space.encode(params))
        ours.add(params, value)
        theirs.add(params, value)
    for params in space.sample(3, seed=2):
        ours.enqueue(params)
        theirs.enqueue(params)
    for i in range(12, 40):
        trial = ours.ask()
        number, row = theirs.ask()
        assert number == i and same(row, rows_of(ours, i)), f"trial {i}"
        ours.tell(trial, loss_of(row))
        theirs.tell(number, loss_of(row))


def test_repeats_of_a_finite_space(library: CLibrary) -> None:
    space = hp.Space(FINITE)
    for sampler in ("random", "tpe", "gp"):
        ours = hp.Optimizer(space, sampler, seed=6, repeats=2)
        theirs = COptimizer(library, space, sampler, 6, repeats=2)
        for i in range(110):
            trial = ours.ask()
            number, row = theirs.ask()
            assert same(row, rows_of(ours, i)), f"{sampler}, trial {i}"
            ours.tell(trial, loss_of(row))
            theirs.tell(number, loss_of(row))
        with pytest.raises(CError, match="exhausted"):
            theirs.ask()


def test_last_points_of_a_large_finite_space(library: CLibrary) -> None:
    """Spaces of more than 100,000 points are walked through; here all but a few are known already."""
    space = hp.Space({"a": hp.Int(0, 400), "b": hp.Int(0, 400)})
    ours, theirs = hp.Optimizer(space, "sobol", seed=1), COptimizer(library, space, "sobol", 1)
    for _ in range(300):
        trial = ours.ask()
        number, row = theirs.ask()
        assert same(row, rows_of(ours, number))
        ours.tell(trial, 0.0)
        theirs.tell(number, 0.0)


def test_lent_linear_algebra_agrees(library: CLibrary) -> None:
    """The routines of SciPy give other last bits, and the same search in all that matters."""
    space = hp.Space(SPACES["floats"])
    own = COptimizer(library, space, "gp", 1)
    library.lend_scipy()
    try:
        lent = COptimizer(library, space, "gp", 1)
    finally:
        library.own_lapack()
    for _ in range(12):
        (number, row), (_, other) = lent.ask(), own.ask()
        np.testing.assert_allclose(row, other, atol=1e-4)
        lent.tell(number, loss_of(row))
        own.tell(number, loss_of(row))
    probe = np.random.default_rng(0).random((5, 5))
    np.testing.assert_allclose(lent.predict(probe)[0], own.predict(probe)[0], rtol=1e-6)


# --- deadlines, predictions, buffers ---------------------------------------------------------------------------------


def test_deadlines(library: CLibrary) -> None:
    theirs = COptimizer(library, hp.Space(SPACES["floats"]), "gp", 1)
    for _ in range(30):
        number, row = theirs.ask()
        theirs.tell(number, loss_of(row))
    assert theirs.ask_within(1e-6)[2] != "full"
    assert theirs.ask_within(math.inf)[2] == "full"


@pytest.mark.parametrize("space", ["floats", "mixed", "conditional"])
def test_predictions_are_those_of_a_gaussian_process(library: CLibrary, space: str) -> None:
    made = hp.Space(SPACES[space])
    theirs = COptimizer(library, made, "random", 5)
    for i in range(40):
        number, row = theirs.ask()
        if i % 10 == 9:
            theirs.fail(number)
        else:
            theirs.tell(number, loss_of(row))
    X = np.array([made.encode(params) for params in made.sample(50, seed=3)])
    told = hp.Optimizer(made, "random", seed=5)
    for i in range(40):
        told.tell(told.ask(), None if i % 10 == 9 else loss_of(rows_of(told, i)))
    seen = told.history.observed
    model = hp.surrogates.GaussianProcess(made).fit(told.history.X[seen], told.history.values[seen, 0])
    mean, std = model.predict(X, return_std=True)
    got = theirs.predict(X)
    assert same(got[0], mean) and same(got[1], std)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_saved_search_goes_on_alike(library: CLibrary, sampler: str) -> None:
    space = hp.Space(MIXED)
    first, second = COptimizer(library, space, sampler, 9), COptimizer(library, space, sampler, 0)
    for i in range(40):
        number, row = first.ask()
        if i % 8 != 3:
            first.tell(number, loss_of(row))
    second.load(first.save())
    for _ in range(8):
        (number, row), (again, other) = first.ask(), second.ask()
        assert number == again and same(row, other)
        first.tell(number, loss_of(row))
        second.tell(number, loss_of(row))
    with pytest.raises(CError, match="invalid argument"):
        second.load(first.save())
    with pytest.raises(CError, match="damaged"):
        COptimizer(library, hp.Space(FINITE), sampler).load(first.save())


# --- the library -----------------------------------------------------------------------------------------------------


def test_last_error_is_of_the_thread(library: CLibrary) -> None:
    texts: list[str] = []

    def other_thread() -> None:
        texts.append(library.dll.hpcore_last_error().decode())

    with pytest.raises(CError):
        library.call("space_create", ABI_VERSION, None)
    thread = threading.Thread(target=other_thread)
    thread.start()
    thread.join()
    assert texts == [""] and "null" in library.dll.hpcore_last_error().decode()


@pytest.mark.parametrize("version", [0, ABI_VERSION + 1, -1])
def test_another_abi_version_is_refused(library: CLibrary, version: int) -> None:
    space = ctypes.c_void_p()
    with pytest.raises(CError, match="wrong version"):
        library.call("space_create", version, ctypes.byref(space))
    with pytest.raises(CError, match="wrong version"):
        library.call("options_init", ctypes.byref(Options()), version)
    assert not space.value


def test_names_of_levels_are_those_of_python(library: CLibrary) -> None:
    from hpcore.samplers.ladder import LEVELS

    names = [library.dll.hpcore_level_name(i).decode() for i in range(len(LEVELS) + 1)]
    assert names == [*LEVELS, "unknown"]


def exported_symbols(path: Path) -> list[str]:
    """Names of the dynamic symbols that an ELF file of 64 bits defines."""
    data = path.read_bytes()
    assert data[:6] == b"\x7fELF\x02\x01"
    (offset,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, offset + i * size) for i in range(count)]
    names = []
    for section in sections:
        if section[1] != 11:  # dynamic symbols
            continue
        strings = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, info, _other, index, _value, _size = struct.unpack_from("<IBBHQQ", data, at)
            if (
                index != 0 and info >> 4 in (1, 2) and info & 15 in (1, 2)
            ):  # defined, global or weak; objects, functions
                names.append(data[strings + name : data.index(b"\0", strings + name)].decode())
    return sorted(names)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF")
def test_exports_change_with_the_version_only(library: CLibrary) -> None:
    """A symbol that is gone or new needs a new HPCORE_ABI_VERSION, and a new list: see the first line of the list."""
    recorded = EXPORTS.read_text().split("\n")
    assert recorded[0] == f"# HPCORE_ABI_VERSION {library.dll.hpcore_abi_version()}"
    exported = [name for name in exported_symbols(library.path) if name != f"HPCORE_{ABI_VERSION}"]
    assert exported == recorded[1:-1]


def test_the_header_declares_what_is_exported(library: CLibrary) -> None:
    text = HEADER.read_text()
    assert f"#define HPCORE_ABI_VERSION {library.dll.hpcore_abi_version()}\n" in text
    for name in EXPORTS.read_text().split("\n")[1:-1]:
        assert f"{name}(" in text


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF")
def test_the_library_is_small_and_needs_little(library: CLibrary) -> None:
    assert library.path.stat().st_size < 1.5e6
    out = subprocess.run(["ldd", str(library.path)], capture_output=True, text=True, check=True).stdout
    needed = {line.split()[0].split("/")[-1].split(".so")[0] for line in out.splitlines()}
    assert needed <= {"linux-vdso", "libc", "libm", "libstdc++", "libgcc_s", "ld-linux-x86-64", "ld-linux-aarch64"}


# --- wrong input; csrc/tests/test_capi.cpp has more of it ------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (lambda opt: opt.tell(99, 1.0), "unknown trial"),
        (lambda opt: opt.tell(0, 1.0), "already told"),
        (lambda opt: opt.tell(1, math.nan), "invalid argument"),
        (lambda opt: opt.tell(1, 1.0, 2.0), "invalid argument"),
        (lambda opt: opt.tell_result(1, 1.0, cost=-1.0), "invalid argument"),
        (lambda opt: opt.tell_result(1, 1.0, std_errors=[-1.0]), "invalid argument"),
        (lambda opt: opt.tell_result(1, 1.0, violations=[0.0]), "invalid argument"),
        (lambda opt: opt.report(1, math.nan, 1.0), "invalid argument"),
        (lambda opt: opt.add({"x0": 0.5}, 1.0), "invalid argument"),
        (lambda opt: opt.ask_within(0.0), "invalid argument"),
        (lambda opt: opt.ask_within(math.nan), "invalid argument"),
        (lambda opt: opt.load(b"nothing"), "damaged"),
    ],
)
def test_wrong_input(library: CLibrary, call: Callable[[COptimizer], Any], status: str) -> None:
    opt = COptimizer(library, hp.Space(SPACES["floats"]), "random")
    opt.ask()
    opt.ask()
    opt.tell(0, 1.0)
    before = opt.save()
    with pytest.raises(CError) as raised:
        call(opt)
    assert raised.value.status == status
    assert opt.save() == before


def test_a_routine_that_is_missing(library: CLibrary) -> None:
    with pytest.raises(CError, match="dpotrf must not be null"):
        library.call("set_lapack", ctypes.byref(Lapack(ctypes.sizeof(Lapack))))


def test_rows_and_values(library: CLibrary) -> None:
    space = hp.Space(MIXED)
    theirs = CSpace(library, space)
    for params in space.sample(200, seed=7):
        row = theirs.row(params)
        assert same(row, space.encode(params))
        assert theirs.params(row) == params
