"""Public names, and the modules that importing them loads."""

import inspect
import subprocess
import sys

import pytest

import hpcore as hp

HEAVY = ("scipy", "sklearn", "numba", "joblib", "pandas", "rich", "click", "cloudpickle", "multiprocessing")


@pytest.mark.parametrize("name", hp.__all__)
def test_every_public_name_exists_and_is_described(name: str) -> None:
    thing = getattr(hp, name)
    if name != "__version__":
        assert inspect.getdoc(thing)


def test_the_names_of_the_design() -> None:
    names = (
        "Space Float Int Categorical Normal at_least at_most between Outcome Optimizer minimize maximize Study Trial "
        "errors samplers get_include get_library list_studies load_study delete_study importance"
    )
    assert set(names.split()) <= set(hp.__all__)
    assert set(hp.__all__) <= set(dir(hp))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        hp.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (hp.Float, "(low, high, *, log, step, when)"),
        (hp.Int, "(low, high, *, log, step, when)"),
        (hp.Categorical, "(choices, *, ordered, weights, when)"),
        (hp.Normal, "(mean, std, *, log, low, high, step, when)"),
        (hp.Space, "(parameters, constraints)"),
        (hp.at_least, "(value)"),
        (hp.at_most, "(value)"),
        (hp.between, "(low, high)"),
        (hp.Outcome, "(value, *, metrics, std_error, cost, error, gradient)"),
        (hp.Space.sample, "(self, n, seed)"),
        (hp.Space.grid, "(self, levels)"),
        (hp.Space.encode, "(self, params, *, missing, defaults)"),
        (hp.Space.learn, "(parameters, trials, *, unexplained, constraints)"),
        (hp.Space.explains, "(self, params, complete)"),
        (hp.Space.decode, "(self, u)"),
        (hp.Optimizer.add, "(self, params, value, *, std_error, metrics, cost, gradient, user_attrs)"),
        (hp.Optimizer.enqueue, "(self, params)"),
        (hp.Optimizer.extend, "(self, space, *, defaults)"),
        (hp.Study.extend, "(self, space, *, defaults)"),
        (
            hp.importance,
            "(source, *, method, target, direction, quantile, baseline, model, n_trees, pairs, interval, "
            "n_resamples, seed)",
        ),
        (hp.get_include, "()"),
        (hp.get_library, "()"),
    ],
    ids=lambda v: getattr(v, "__qualname__", ""),
)
def test_signatures(function, expected: str) -> None:
    shown = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        shown.append(parameter.name)
    assert f"({', '.join(shown)})" == expected


@pytest.mark.parametrize("name", hp.errors.__all__)
def test_errors_are_ours_and_the_builtin_they_specialise(name: str) -> None:
    error = getattr(hp.errors, name)
    assert issubclass(error, hp.errors.HpcoreError)
    builtin = (ValueError, TypeError, RuntimeError, LookupError, ImportError, TimeoutError)
    assert error is hp.errors.HpcoreError or issubclass(error, builtin)


def test_importing_and_asking_loads_numpy_and_the_core_only() -> None:
    code = (
        "import sys, hpcore as hp\n"
        "opt = hp.Optimizer({'x': hp.Float(0, 1), 'c': ['a', 'b']}, 'random', seed=0)\n"
        "trial = opt.ask(); opt.tell(trial, 1.0); opt.trials[0]; opt.best_params\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
