"""Record of what is proposed, to the last bit, through every public door; a later version is compared with it.

``python benchmarks/reliability/suggestions.py record FILE`` writes a digest of each case, ``compare FILE`` runs the
cases again and names those that differ (exit code 1), with the first trial that does. Only the public API is used, so
that the script runs with any version. The file belongs to one machine and one set of libraries: another BLAS may round
otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import pickle
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from sklearn.datasets import load_iris
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import SearchSpaceExhausted
from hpcore.kernels import examples
from hpcore.sklearn import SearchCV, nested_cross_validate

SAMPLERS = ("gp", "tpe", "sobol", "random", "grid", "auto")
KINDS = {"a": 0.0, "b": 0.3, "c": -0.2}


def below_diagonal(params: dict[str, Any]) -> bool:
    """Constraint that is a function of the user's."""
    return bool(params["x"] * params["y"] <= 4.0)


SPACES = {
    "continuous": hp.Space({"x": hp.Float(-5, 5), "y": hp.Float(-5, 5), "z": hp.Normal(0.5, 0.25, low=0, high=1)}),
    "mixed": hp.Space(
        {
            "x": hp.Float(-5, 5),
            "rate": hp.Float(1e-5, 1e-1, log=True),
            "width": hp.Int(1, 256, log=True),
            "depth": hp.Int(1, 9, step=2),
            "kind": hp.Categorical(list(KINDS)),
            "size": hp.Categorical([16, 32, 64], ordered=True),
            "momentum": hp.Float(0, 1, when={"kind": ["b", "c"]}),
            "warmup": hp.Int(0, 10, when={"depth": hp.at_least(5)}),
        }
    ),
    "constrained": hp.Space(
        {"x": hp.Float(-5, 5), "y": hp.Float(-5, 5), "n": hp.Int(1, 6)},
        constraints=[hp.linear({"x": 1.0, "y": 1.0, "n": 0.5}, at_most=3.0), below_diagonal],
    ),
    "finite": hp.Space(
        {"n": hp.Int(1, 4), "kind": hp.Categorical(["a", "b", "c"]), "x": hp.Float(-1, 1, step=0.5)},
    ),
}


def cost(params: Any) -> float:
    """Value of a point of any of the spaces, without a function whose last bit depends on a library."""
    x, y, z = params.get("x", 0.0), params.get("y", 0.0), params.get("z", 0.5)
    total = (x - 1.0) ** 2 + 0.5 * (y + 2.0) ** 2 + (z - 0.3) ** 2 + 0.1 * x * y
    total += abs(params.get("rate", 1e-3) - 3e-3) * 20.0 + abs(params.get("width", 20) - 40) / 64
    total += 0.2 * abs(params.get("depth", 3) - 5) + KINDS[params.get("kind", "a")] + 16 / params.get("size", 16)
    total += (
        (params.get("momentum", 0.5) - 0.9) ** 2 + 0.05 * params.get("warmup", 0) + 0.3 * abs(params.get("n", 3) - 2)
    )
    return float(total)


def failing(params: Any) -> float:
    """The same, with a region that raises, one that gives NaN and one that gives nothing."""
    x = params["x"]
    if x > 3.0 or params.get("n") == 4:
        raise ValueError("too large")
    if -3.0 < x < -2.5:
        return float("nan")
    if -4.0 < x < -3.8:
        return None  # type: ignore[return-value]
    return cost(params)


def two(params: Any) -> tuple[float, float]:
    """Two objectives."""
    return cost(params), float((params["x"] + 3.0) ** 2 + 0.1 * params["y"] ** 2)


# --- lines: one a trial, exact --------------------------------------------------------------------------------------


def exact(value: Any) -> str:
    """Spelling of a parameter or a value that no two different ones share."""
    return value.hex() if isinstance(value, float) else f"{type(value).__name__} {value!r}"


def lines_of(trials: Iterable[hp.Trial]) -> list[str]:
    """Number, state, parameters and values of each trial."""
    out = []
    for trial in trials:
        params = ", ".join(f"{name}={exact(value)}" for name, value in trial.params.items())
        out.append(f"{trial.number} {trial.state.value} [{params}] {[exact(float(v)) for v in trial.values]}")
    return out


def table_of(search: SearchCV) -> list[str]:
    """Trials of a search, then a line for each row of its table, without times, then the best."""
    table = search.cv_results_
    keys = sorted(key for key in table if "_test_" in key or key in ("n_folds_evaluated", "pruned"))
    out = lines_of(search.trials_)
    for i, params in enumerate(table["params"]):
        shown = ", ".join(f"{name}={exact(value)}" for name, value in params.items())
        cells = ", ".join(f"{key}={np.ma.filled(table[key], np.nan)[i].item()!r}" for key in keys)
        out.append(f"row {search.trial_numbers_[i]} [{shown}] {cells}")
    return [*out, f"best {search.best_index_} {float(search.best_score_).hex()}"]


# --- doors of the optimizer and the study -----------------------------------------------------------------------------


def tell(opt: hp.Optimizer, trial: hp.Trial, objective: Callable[[Any], Any], std_error: float | None) -> None:
    """Evaluate and report one trial."""
    try:
        value = objective(trial.params)
    except ValueError as error:
        opt.tell(trial, None, error=str(error))
    else:
        opt.tell(trial, value, std_error=std_error)


def give(target: Any, space: str) -> None:
    """Enqueue a point in full, one in part, and add a known one."""
    points = {
        "continuous": ({"x": 0.5, "y": 0.25, "z": 0.75}, {"y": 1.5}, {"x": 2.0, "y": -1.0, "z": 0.5}),
        "mixed": (
            {"x": 0.5, "rate": 0.01, "width": 7, "depth": 5, "kind": "b", "size": 32, "momentum": 0.5, "warmup": 3},
            {"kind": "c", "momentum": 0.25},
            {"x": 0.0, "rate": 0.001, "width": 64, "depth": 1, "kind": "a", "size": 64},
        ),
        "constrained": ({"x": 0.5, "y": 0.25, "n": 1}, {"n": 5}, {"x": -1.0, "y": -1.0, "n": 2}),
        "finite": ({"n": 2, "kind": "b", "x": 0.5}, {"kind": "c"}, {"n": 1, "kind": "a", "x": -1.0}),
    }
    whole, part, known = points[space]
    target.enqueue(whole)
    target.enqueue(part)
    target.add(known, cost(known))


def ask_tell(
    sampler: Any, space: str, seed: int, n: int, objective: Any = cost, given: bool = False, std_error: Any = None,
    sent: bool = False, **options: Any,
) -> list[str]:  # fmt: skip
    """One trial after the other; where it is `sent`, with an optimizer that is pickled now and then."""
    opt = hp.Optimizer(SPACES[space], sampler=sampler, seed=seed, **options)
    for i in range(n):
        if given and i == n // 3:
            give(opt, space)
        try:
            trial = opt.ask()
        except SearchSpaceExhausted:
            return [*lines_of(opt.trials), "exhausted"]
        tell(opt, trial, objective, std_error)
        if sent and i % 5 == 3:
            opt.ask()  # stays open
            opt = pickle.loads(pickle.dumps(opt))  # noqa: S301 - made here
    return lines_of(opt.trials)


def batches(sampler: Any, space: str, seed: int, n: int, objective: Any = cost, **options: Any) -> list[str]:
    """Several at a time, told in another order, with one or two still open when the next are asked for."""
    opt = hp.Optimizer(SPACES[space], sampler=sampler, seed=seed, **options)
    still_open: list[hp.Trial] = []
    while opt.n_trials < n:
        try:
            still_open += opt.ask(4)
        except SearchSpaceExhausted:
            break
        while len(still_open) > 1 + opt.n_trials % 3 // 2:
            tell(opt, still_open.pop(len(still_open) // 2), objective, None)
    return lines_of(opt.trials)


def minimize(sampler: Any, space: str, seed: int, n: int, objective: Any = cost, **options: Any) -> list[str]:
    """One call."""
    search = hp.maximize if options.pop("largest", False) else hp.minimize
    study = search(objective, SPACES[space], n_trials=n, sampler=sampler, seed=seed, progress=False, **options)
    return [*lines_of(study.trials), *[f"best {t.number}" for t in study.pareto_front]]


def study_runs(
    sampler: Any, space: str, seed: int, runs: Iterable[int], objective: Any = cost, given: bool = False,
    stored: bool = False, directions: Any = None, **options: Any,
) -> list[str]:  # fmt: skip
    """A study, in memory or in a file, whose runs follow each other; between them the file is opened again."""
    with tempfile.TemporaryDirectory(prefix="hpcore-suggestions-") as directory:
        place: dict[str, Any] = {"storage": Path(directory) / "runs.db", "name": "a"} if stored else {}
        study = hp.Study(SPACES[space], sampler=sampler, seed=seed, directions=directions, **place)
        for i, n in enumerate(runs):
            if i and stored:
                study = hp.load_study(place["storage"], "a", space=SPACES[space])
            if i and given:
                give(study, space)
            study.run(objective, n_trials=n, progress=False, **options)
        return lines_of(study.trials)


def study_ask_tell(sampler: Any, space: str, seed: int, n: int) -> list[str]:
    """A stored study that is asked and told by the caller, some trials in pairs."""
    with tempfile.TemporaryDirectory(prefix="hpcore-suggestions-") as directory:
        study = hp.Study(SPACES[space], storage=Path(directory) / "runs.db", name="a", sampler=sampler, seed=seed)
        for i in range(n):
            for trial in reversed(study.ask(1 + i % 2)):
                study.tell(trial, cost(trial))
        return lines_of(study.trials)


# --- doors of scikit-learn --------------------------------------------------------------------------------------------

X, y = load_iris(return_X_y=True)
X = X + np.random.default_rng(0).normal(0.0, 0.8, X.shape)  # or all candidates would be equally good
SVC_SPACE = {
    "svc__C": hp.Float(1e-2, 1e3, log=True),
    "svc__gamma": hp.Float(1e-4, 1e1, log=True),
    "svc__kernel": hp.Categorical(["rbf", "sigmoid"]),
}
TREE_SPACE = {
    "max_depth": hp.Int(1, 12),
    "min_samples_split": hp.Int(1, 12),  # 1 is refused by the tree: these fits fail
    "criterion": hp.Categorical(["gini", "entropy"]),
}


def search_of(strategy: str, seed: int, n: int, fails: bool = False, **options: Any) -> SearchCV:
    """A search that has not begun."""
    if fails:
        model, space = DecisionTreeClassifier(random_state=0), TREE_SPACE
    else:
        model, space = make_pipeline(StandardScaler(), SVC()), SVC_SPACE
    cv = KFold(4, shuffle=True, random_state=0)
    return SearchCV(model, space, strategy=strategy, n_trials=n, cv=cv, random_state=seed, **options)


def search(strategy: str, seed: int, n: int, **options: Any) -> list[str]:
    """A search in memory."""
    return table_of(search_of(strategy, seed, n, refit=False, **options).fit(X, y))


def search_stored(strategy: str, seed: int, runs: Iterable[int], **options: Any) -> list[str]:
    """A search in a file, which goes on for more candidates."""
    with tempfile.TemporaryDirectory(prefix="hpcore-suggestions-") as directory:
        place = {"storage": Path(directory) / "runs.db", "study_name": "a", "refit": False}
        for n in runs:
            found = search_of(strategy, seed, n, **place, **options).fit(X, y)
        return table_of(found)


def search_grid(strategy: str, seed: int, n: int | None) -> list[str]:
    """Lists of choices and a list of spaces, as scikit-learn's own searches take them."""
    space = [{"alpha": [0.1, 1.0, 10.0], "fit_intercept": [True, False]}, {"solver": ["svd", "lsqr"], "alpha": [0.5]}]
    found = SearchCV(Ridge(), space, strategy=strategy, n_trials=n, cv=3, random_state=seed, refit=False)
    return table_of(found.fit(X[:, :3], X[:, 3]))


def nested(strategy: str, seed: int, n: int, n_jobs: int) -> list[str]:
    """Searches inside an outer cross-validation."""
    scores = nested_cross_validate(search_of(strategy, seed, n, deterministic=True), X, y, cv=3, n_jobs=n_jobs)
    return [repr([float(value).hex() for value in scores.test_scores]), repr(scores.best_params)]


# --- the cases --------------------------------------------------------------------------------------------------------


def cases() -> dict[str, Callable[[], list[str]]]:
    """All of them by name: door, sampler, space, seed, and what is special."""
    out: dict[str, Callable[[], list[str]]] = {}

    def add(name: str, work: Callable[..., list[str]], *args: Any, **options: Any) -> None:
        assert name not in out, name
        out[name] = partial(work, *args, **options)

    for i, sampler in enumerate(SAMPLERS):
        for j, space in enumerate(SPACES):
            seed, n = 10 * i + j, 40
            add(f"ask-tell {sampler} {space} {seed}", ask_tell, sampler, space, seed, n)
            add(f"ask-tell failing given {sampler} {space} {seed}", ask_tell, sampler, space, seed, n, failing, True)
            add(f"batches {sampler} {space} {seed}", batches, sampler, space, seed, n)
            add(f"minimize failing {sampler} {space} {seed}", minimize, sampler, space, seed, n, failing)
    for seed, space in enumerate(("continuous", "mixed")):
        for sampler in ("gp", "tpe"):
            options = {"directions": ["minimize", "maximize"]}
            if space == "continuous":
                add(f"ask-tell two objectives {sampler} {seed}", ask_tell, sampler, space, seed, 40, two, **options)
                add(f"batches two objectives {sampler} {seed}", batches, sampler, space, seed, 40, two, **options)
                stored = {"stored": True, **options}
                add(
                    f"study file two objectives {sampler} {seed}",
                    study_runs,
                    sampler,
                    space,
                    seed,
                    (9, 9),
                    two,
                    **stored,
                )
            add(f"ask-tell prefetch {sampler} {space}", ask_tell, sampler, space, seed, 40, failing, prefetch=True)
            add(f"ask-tell pickled {sampler} {space}", ask_tell, sampler, space, seed, 20, failing, sent=True)
            add(f"ask-tell std_error {sampler} {space}", ask_tell, sampler, space, seed, 40, std_error=0.25)
            add(f"ask-tell long {sampler} {space}", ask_tell, sampler, space, seed, 150, failing)
            add(f"maximize {sampler} {space}", minimize, sampler, space, seed, 30, largest=True)
        add(f"ask-tell long auto {space}", ask_tell, "auto", space, seed, 230, failing)
        add(f"minimize long auto {space}", minimize, None, space, seed, 215)
        add(f"ask-tell given random 100 digits {space}", ask_tell, "random", space, 2**100 + seed, 20, given=True)
    add("minimize whole auto finite", minimize, None, "finite", 0, 60)
    for sampler in ("gp", "tpe", "random", "grid"):
        add(f"ask-tell repeats {sampler} finite", ask_tell, sampler, "finite", 3, 90, repeats=2)
    rules = [hp.stopping.NoImprovement(10), hp.stopping.TargetValue(0.9)]
    add("minimize stop tpe mixed", minimize, "tpe", "mixed", 4, 60, stop=rules)
    add("minimize regret gp continuous", minimize, "gp", "continuous", 5, 30, stop=[hp.stopping.RegretBound(0.5)])
    for acquisition in ("noisy_log_ei", "ucb", "pi", "thompson"):
        sampler = hp.samplers.GPSampler(acquisition)
        add(f"ask-tell gp {acquisition} mixed", ask_tell, sampler, "mixed", 6, 30)
        add(f"batches gp {acquisition} constrained", batches, sampler, "constrained", 6, 30)
    add("ask-tell gp mcmc continuous", ask_tell, hp.samplers.GPSampler(inference="mcmc"), "continuous", 7, 20)
    per_cost = examples.expected_improvement_per_cost(1.0, 0.2)
    own = hp.samplers.GPSampler(per_cost, covariance=examples.rational_quadratic)
    add("ask-tell gp own kernels continuous", ask_tell, own, "continuous", 7, 20)
    add("ask-tell tpe univariate mixed", ask_tell, hp.samplers.TPESampler(multivariate=False), "mixed", 7, 60)

    pairs = [(sampler, space) for sampler in ("gp", "tpe", "random", "auto") for space in ("mixed", "constrained")]
    for seed, (sampler, space) in enumerate(pairs, 20):
        what = f"{sampler} {space} {seed}"
        both = {"n_jobs": 2, "deterministic": True}
        add(f"study memory given {what}", study_runs, sampler, space, seed, (12, 12), failing, True)
        add(f"study memory deterministic {what}", study_runs, sampler, space, seed, (24,), failing, deterministic=True)
        add(f"study file {what}", study_runs, sampler, space, seed, (24,), failing, stored=True)
        add(f"study file resumed {what}", study_runs, sampler, space, seed, (11, 13), failing, True, stored=True)
        add(f"study file asked {what}", study_ask_tell, sampler, space, seed, 12)
        if seed % 2 == 0 or sampler in ("gp", "tpe"):
            add(f"minimize 2 workers {what}", minimize, sampler, space, seed, 20, failing, **both)
            add(f"study file 2 workers {what}", study_runs, sampler, space, seed, (20,), failing, stored=True, **both)
            resumed = {"stored": True, **both}
            add(f"study file 2 workers resumed {what}", study_runs, sampler, space, seed, (9, 11), failing, **resumed)
    add(
        "study file 2 workers grid finite",
        study_runs,
        "grid",
        "finite",
        0,
        (70,),
        stored=True,
        n_jobs=2,
        deterministic=True,
    )

    for seed, strategy in enumerate(("gp", "tpe", "random", "sobol"), 30):
        what, both = f"{strategy} {seed}", {"n_jobs": 2, "deterministic": True}
        learns = strategy in ("gp", "tpe")
        add(f"search {what}", search, strategy, seed, 20)
        add(f"search failing {what}", search, strategy, seed, 20, fails=True)
        add(f"search racing {what}", search, strategy, seed, 24, racing=True)
        add(f"search file {what}", search_stored, strategy, seed, (8, 16))
        if learns:
            add(f"search 2 workers {what}", search, strategy, seed, 16, **both)
            add(f"search racing exact {what}", search, strategy, seed, 24, racing="exact", scoring="accuracy")
            add(f"search racing 2 workers {what}", search, strategy, seed, 24, racing=True, **both)
            add(f"search racing lag 2 {what}", search, strategy, seed, 24, racing=True, deterministic=2)
            add(f"search racing failing {what}", search, strategy, seed, 20, fails=True, racing=True)
            add(f"search file 2 workers {what}", search_stored, strategy, seed, (7, 14), **both)
            start = [{"svc__C": 1.0, "svc__gamma": 0.1, "svc__kernel": "rbf"}, {"svc__C": 10.0}]
            add(f"search warm start {what}", search, strategy, seed, 12, warm_start=start)
    add("search grid of lists", search_grid, "grid", 0, None)
    for strategy in ("gp", "tpe", "random", "auto"):
        add(f"search {strategy} of lists", search_grid, strategy, 0, 7)
    add("nested gp", nested, "gp", 40, 8, 1)
    add("nested gp 2 workers", nested, "gp", 40, 8, 2)
    return out


# --- recording and comparing ------------------------------------------------------------------------------------------


def sha(text: str) -> str:
    """Digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def run(work: Callable[[], list[str]]) -> dict[str, Any]:
    """Digest of a case, and short ones of its lines, which say where a difference begins."""
    lines = work()
    return {"digest": sha("\n".join(lines)), "lines": [sha(line)[:8] for line in lines]}


def versions() -> dict[str, str]:
    """Versions on which bits may depend."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def where_differs(before: list[str], now: list[str]) -> str:
    """Words for the first line that differs."""
    first = next((i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now)))
    return f"from line {first} of {len(before)}" + ("" if len(now) == len(before) else f", now {len(now)} lines")


def main() -> None:
    """Record, or compare with what was recorded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["record", "compare"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", default="", help="cases whose name contains this text")
    parser.add_argument("--show", action="store_true", help="print the lines of these cases, and compare nothing")
    parser.add_argument("--times", action="store_true", help="print the seconds of each case")
    args = parser.parse_args()
    logging.getLogger("hpcore").setLevel(logging.ERROR)  # spaces that end early
    warnings.simplefilter("ignore")  # fits that fail
    chosen = {name: work for name, work in cases().items() if args.only in name}
    if args.show:
        for name, work in chosen.items():
            print(f"# {name}", *work(), sep="\n")
        return
    begin, found = time.perf_counter(), {}
    recorded = json.loads(args.file.read_text()) if args.what == "compare" else None
    if recorded is not None and recorded["versions"] != versions():
        print(f"recorded with {recorded['versions']}, now {versions()}: differences may be theirs")
    differ = []
    for name, work in chosen.items():
        start = time.perf_counter()
        try:
            found[name] = run(work)
        except Exception as error:
            if recorded is None:
                raise
            found[name] = {"digest": "", "lines": []}
            print(f"{name}: raised {type(error).__name__}: {error}", flush=True)
        if args.times:
            print(f"{time.perf_counter() - start:7.2f} s  {name}", flush=True)
        if recorded is not None:
            before = recorded["cases"].get(name)
            if before is None or before["digest"] != found[name]["digest"]:
                differ.append(name)
                why = "not recorded" if before is None else where_differs(before["lines"], found[name]["lines"])
                print(f"{name}: differs, {why}", flush=True)
    if recorded is not None:
        missing = [name for name in recorded["cases"] if args.only in name and name not in chosen]
        differ += missing
        for name in missing:
            print(f"{name}: recorded, and no case any more")
    else:
        args.file.write_text(json.dumps({"versions": versions(), "cases": found}, indent=1) + "\n")
    figures = {
        "test": "suggestions",
        "ok": not differ,
        "hpcore": str(Path(hp.__file__).parent),
        "cases": len(found),
        "differ": len(differ),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    print(json.dumps(figures))
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
