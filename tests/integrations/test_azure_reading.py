"""Sweeps of Azure ML in all their forms, and what is refused by name."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType, MissingDependency
from hpcore.integrations import azure
from hpcore.integrations.azure import sweep
from hpcore.schedulers import Bandit, MedianStopping, Truncation

SPACE = {"lr": {"type": "uniform", "min_value": 0.05, "max_value": 0.1}}
JOB: dict[str, Any] = {"search_space": SPACE, "objective": {"goal": "minimize", "primary_metric": "loss"}}


def job(**changes: Any) -> dict[str, Any]:
    return {**JOB, **changes}


# --- search spaces -----------------------------------------------------------------------------------------------

CASES = [
    (azure.choice(1, 2, 3), {"values": [1, 2, 3]}, hp.Categorical([1, 2, 3], ordered=True)),
    (azure.choice(["a", "b"]), {"values": ["a", "b"]}, hp.Categorical(["a", "b"])),
    (azure.choice(range(2)), {"values": [0, 1]}, hp.Categorical([0, 1])),
    (azure.uniform(0.05, 0.1), {"min_value": 0.05, "max_value": 0.1}, hp.Float(0.05, 0.1)),
    (
        azure.quniform(0, 2, 1),
        {"min_value": 0, "max_value": 2, "q": 1},
        hp.Categorical([0.0, 1.0, 2.0], ordered=True, weights=[0.25, 0.5, 0.25]),
    ),
    (
        azure.loguniform(-6, -1),
        {"min_value": -6, "max_value": -1},
        hp.Float(math.exp(-6), math.exp(-1), log=True),
    ),
    (azure.normal(10, 3), {"mu": 10, "sigma": 3}, hp.Normal(10, 3)),
    (azure.qnormal(10, 3, 2), {"mu": 10, "sigma": 3, "q": 2}, hp.Normal(10, 3, step=2)),
    (azure.lognormal(0, 1), {"mu": 0, "sigma": 1}, hp.Normal(0, 1, log=True)),
    (azure.randint(4), {"upper": 4}, hp.Categorical(range(4))),
    (azure.randint(1000), {"upper": 1000}, hp.Int(0, 999)),
]


@pytest.mark.parametrize(("made", "options", "parameter"), CASES, ids=[str(case[0]) for case in CASES])
def test_every_form_of_an_expression(made: Any, options: dict[str, Any], parameter: Any) -> None:
    forms = [
        made,
        {"type": made.type, **options},
        {"type": made.type.capitalize(), **options},
        SimpleNamespace(type=made.type, **options),
        [made.type, list(options.values())],
    ]
    for form in forms:
        assert sweep(job(search_space={"x": form})).space["x"] == parameter


@pytest.mark.parametrize("made", [azure.qloguniform(0, 3, 2), azure.qlognormal(0, 1, 0.5)])
def test_quantised_logarithmic_expressions(made: Any) -> None:
    parameter = sweep(job(search_space={"x": made})).space["x"]
    assert isinstance(parameter, hp.Categorical) and parameter.ordered
    assert parameter.choices[:3] == ((0.0, 0.5, 1.0) if made.type == "qlognormal" else (2.0, 4.0, 6.0)) or (
        parameter.choices[0] == 0.0
    )
    assert all(value % made.q == 0 for value in parameter.choices)


def test_choices_may_be_any_data() -> None:
    first, second = {"layers": 2}, {"layers": 3, "width": 8}
    parameter = sweep(job(search_space={"x": azure.choice(first, second)})).space["x"]
    assert isinstance(parameter, hp.Categorical) and parameter.choices == (first, second)


def test_scripts_of_sdk_v1_read_as_they_are() -> None:
    grid = sweep(azure.GridParameterSampling({"layers": azure.choice(1, 2, 3), "batch": azure.choice(16, 32)}))
    assert (grid.sampler, grid.n_trials, grid.direction, grid.metric) == ("grid", 6, "minimize", None)
    found = sweep(azure.RandomParameterSampling({"lr": azure.normal(10, 3), "keep": azure.uniform(0.05, 0.1)}))
    assert found.sampler == "random"
    assert found.space == hp.Space({"lr": hp.Normal(10, 3), "keep": hp.Float(0.05, 0.1)})
    assert sweep(azure.BayesianParameterSampling({"x": azure.uniform(0, 1)})).sampler == "gp"
    config = azure.HyperDriveConfig(
        hyperparameter_sampling=azure.RandomParameterSampling({"x": azure.uniform(0, 1)}, {"seed": 5}),
        policy=azure.BanditPolicy(evaluation_interval=2, slack_factor=0.1, delay_evaluation=4),
        primary_metric_name="accuracy",
        primary_metric_goal=azure.PrimaryMetricGoal.MAXIMIZE,
        max_total_runs=20,
        max_concurrent_runs=4,
        max_duration_minutes=10,
        run_config=object(),
    )
    found = sweep(config)
    assert (found.metric, found.direction, found.n_trials, found.n_jobs) == ("accuracy", "maximize", 20, 4)
    assert (found.timeout, found.seed, found.ignored) == (600.0, 5, ("run_config",))
    assert found.scheduler is not None and vars(found.scheduler) == vars(
        Bandit(slack_factor=0.1, evaluation_interval=2, delay_evaluation=4)
    )


def test_objects_of_sdk_v2() -> None:
    class SweepJob:
        """As azure.ai.ml makes it: public attributes, some None, and many private ones."""

        def __init__(self) -> None:
            self.type, self.name, self.compute, self._private = "sweep", None, "cpu", object()
            self.search_space = {"x": SimpleNamespace(type="choice", values=["a", "b"])}
            self.sampling_algorithm = SimpleNamespace(type="random", rule="sobol", seed=3, logbase=None)
            self.objective = SimpleNamespace(goal="Maximize", primary_metric="auc")
            limits = SimpleNamespace(max_total_trials=9, max_concurrent_trials=3, timeout=None, trial_timeout=60)
            self.limits = limits
            self.early_termination = SimpleNamespace(
                type="bandit", delay_evaluation=5, evaluation_interval=0, slack_amount=0, slack_factor=0.2
            )
            self.trial = SimpleNamespace(type="command", command="run ${{search_space.x}}", code=None, version=None)
            self.inputs: dict[str, Any] = {}

    found = sweep(SweepJob())
    assert (found.sampler, found.seed, found.direction, found.metric) == ("sobol", 3, "maximize", "auc")
    assert (found.n_trials, found.n_jobs, found.timeout, found.trial_timeout) == (9, 3, None, 60.0)
    assert found.command is not None and found.ignored == ("compute",)
    assert found.scheduler is not None
    assert vars(found.scheduler) == vars(Bandit(slack_factor=0.2, delay_evaluation=5))


def test_nodes_of_sdk_v2_are_dicts_without_content(tmp_path: Path) -> None:
    class AttrDict(dict[str, Any]):
        """A dict that answers every name, as the SDK's own does."""

        __module__ = "azure.ai.ml.entities"

        def __getattr__(self, name: str) -> Any:
            return AttrDict() if not name.startswith("_") else super().__getattribute__(name)

    class Node(AttrDict):
        __module__ = "azure.ai.ml.entities"

    def node(**attributes: Any) -> Any:
        made = Node()
        vars(made).update(attributes)
        return made

    text = "run ${{inputs.x}} ${{inputs.bias}} ${{inputs.more}}"
    inputs = {name: SimpleNamespace(type="number", default=value, path=None) for name, value in (("x", 1), ("bias", 2))}
    job = node(
        type="sweep",
        _base_path=tmp_path,
        search_space={"x": SimpleNamespace(type="uniform", min_value=0, max_value=1)},
        objective=SimpleNamespace(goal="minimize", primary_metric="loss"),
        trial=node(type="command", command=text, code="src", inputs=inputs),
        # What is searched and what has its default holds no data.
        inputs={
            "x": SimpleNamespace(_data=None),
            "bias": SimpleNamespace(_data=None),
            "more": SimpleNamespace(_data=7),
        },
    )
    (tmp_path / "src").mkdir()
    found = sweep(job)
    assert found.command is not None and found.command.folder == tmp_path / "src"
    trial: Any = SimpleNamespace(params={"x": 0.5}, number=0)
    assert found.command.filled(trial) == ["run", "0.5", "2", "7"]
    assert found.ignored == () and found.scheduler is None and found.n_trials == 1000


# --- sampling, policies, limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "sampler", "seed"),
    [
        (None, "random", None),
        ("Bayesian", "gp", None),
        ("random", "random", None),
        ({"type": "random", "seed": 7}, "random", 7),
        ({"type": "random", "rule": "sobol", "logbase": "e"}, "sobol", None),
        ({"type": "bayesian"}, "gp", None),
    ],
)
def test_sampling_algorithms(algorithm: Any, sampler: str, seed: int | None) -> None:
    found = sweep(job() if algorithm is None else job(sampling_algorithm=algorithm))
    assert (found.sampler, found.seed) == (sampler, seed)


def test_the_base_of_logarithms() -> None:
    space = {"x": azure.loguniform(-3, -1)}
    for base in (10, "10"):
        found = sweep(job(search_space=space, sampling_algorithm={"type": "random", "logbase": base})).space["x"]
        assert isinstance(found, hp.Float)
        assert (found.low, found.high) == pytest.approx((1e-3, 1e-1))


@pytest.mark.parametrize(
    ("policy", "scheduler"),
    [
        ({"type": "no_termination"}, None),
        (azure.NoTerminationPolicy(), None),
        ({"type": "median_stopping", "evaluation_interval": 2, "delay_evaluation": 5}, MedianStopping(2, 5)),
        (azure.MedianStoppingPolicy(delay_evaluation=5), MedianStopping(1, 5)),
        (SimpleNamespace(type="MedianStopping", delay_evaluation=0, evaluation_interval=0), MedianStopping()),
        ({"type": "bandit", "slack_amount": 0}, Bandit(slack_amount=0)),
        (azure.BanditPolicy(slack_amount=0.2), Bandit(slack_amount=0.2)),
        ({"type": "truncation_selection", "truncation_percentage": 20}, Truncation(20)),
        (azure.TruncationSelectionPolicy(10, 2, 3, True), Truncation(10, 2, 3, True)),
    ],
)
def test_policies(policy: Any, scheduler: Any) -> None:
    found = sweep(job(early_termination=policy)).scheduler
    assert type(found) is type(scheduler)
    assert scheduler is None or vars(found) == vars(scheduler)


def test_limits_and_keys_without_effect() -> None:
    found = sweep(
        job(
            limits={"max_total_trials": 20, "max_concurrent_trials": 4, "timeout": 7200, "trial_timeout": 60},
            compute="azureml:cpu",
            experiment_name="demo",
            type="sweep",
        )
    )
    assert (found.n_trials, found.n_jobs, found.timeout, found.trial_timeout) == (20, 4, 7200.0, 60.0)
    assert found.ignored == ("compute", "experiment_name")
    assert (sweep(job()).n_trials, sweep(job()).n_jobs) == (1000, 1)


def test_a_grid_has_an_end() -> None:
    space = {"x": azure.choice(1, 2, 3)}
    assert sweep(job(search_space=space, sampling_algorithm="grid", limits={"max_total_trials": 50})).n_trials == 3
    assert sweep(job(search_space=space, sampling_algorithm="grid", limits={"max_total_trials": 2})).n_trials == 2


# --- refusals ----------------------------------------------------------------------------------------------------


def expression(**options: Any) -> dict[str, Any]:
    return job(search_space={"x": options})


def trial(command: Any = "run ${{search_space.lr}}", **more: Any) -> dict[str, Any]:
    return job(trial={"command": command, **more})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (job(serch_space={}), r"serch_space is not known; the keys here are .*search_space"),
        (job(type="pipeline"), "type must be sweep, got 'pipeline'"),
        ({"search_space": SPACE}, "objective must be given"),
        ({"objective": JOB["objective"]}, "search_space must be given"),
        (job(search_space={}), "search_space must have at least one parameter"),
        (job(search_space=[1]), "search_space must be a mapping"),
        (job(search_space={1: 2}), "must be named by a string"),
        (job(search_space={"x": 3}), "search_space.x must be a mapping or an object"),
        (expression(min_value=0), "search_space.x.type must be one of choice, uniform.*, got none"),
        (expression(type="beta"), "search_space.x.type must be one of .*, got 'beta'"),
        (expression(type="uniform", min_value=0), "search_space.x.max_value must be given for uniform"),
        (expression(type="uniform", min_value=0, max=1), "search_space.x.max is not known"),
        (expression(type="uniform", min_value=0, max_value="1"), "search_space.x.max_value must be a"),
        (expression(type="uniform", min_value=2, max_value=1), "search_space.x: low must be <= high"),
        (expression(type="quniform", min_value=0, max_value=1, q=0), "q must be > 0"),
        (expression(type="normal", mu=0, sigma=-1), "search_space.x: std must be > 0"),
        (expression(type="randint", upper=2.5), "search_space.x.upper must be a whole number"),
        (expression(type="loguniform", min_value=0, max_value=9999), "search_space.x"),
        (expression(type="choice", values=[]), "search_space.x: choices must not be empty"),
        (expression(type="choice", values="abc"), "search_space.x.values must be a list"),
        (expression(type="choice", values=[1, 1]), "search_space.x: choices must be distinct"),
        (
            expression(type="choice", values=[{"a": azure.uniform(0, 1)}]),
            "a search space in a choice has no counterpart",
        ),
        (expression(type="choice", values=[azure.uniform(0, 1)]), "must hold no expressions"),
        (job(search_space={"x": ["uniform", [1]]}), "uniform must have the arguments min_value, max_value"),
        (job(search_space={"x": [1, 2, 3]}), "search_space.x must be an expression.* got the list"),
        (job(sampling_algorithm="tpe"), "sampling_algorithm must be one of random, grid, bayesian, got 'tpe'"),
        (job(sampling_algorithm={"type": "grid", "seed": 1}), "sampling_algorithm.seed is not known"),
        (job(sampling_algorithm={"type": "random", "rule": "x"}), "sampling_algorithm.rule must be one of"),
        (job(sampling_algorithm={"type": "random", "logbase": 1}), "sampling_algorithm.logbase must be > 1"),
        (job(sampling_algorithm={"type": "random", "seed": -1}), "sampling_algorithm.seed must be"),
        (job(sampling_algorithm=3), "sampling_algorithm must be a mapping"),
        (job(sampling_algorithm="grid"), "search_space.lr must be a choice in a grid"),
        (job(objective={"goal": "best", "primary_metric": "a"}), "objective.goal must be one of minimize, maximize"),
        (job(objective={"goal": "minimize"}), "objective.primary_metric must be the name"),
        (job(objective={**JOB["objective"], "metric": "a"}), "objective.metric is not known"),
        (job(limits={"max_trials": 3}), "limits.max_trials is not known; .*max_total_trials"),
        (job(limits={"max_total_trials": 0}), "limits.max_total_trials must be >= 1"),
        (job(limits={"timeout": "1h"}), "limits.timeout must be a"),
        (job(limits={"trial_timeout": 0}), "limits.trial_timeout must be"),
        (job(early_termination={"type": "hyperband"}), "early_termination.type must be one of bandit"),
        (job(early_termination={"type": "bandit"}), "must have slack_factor or slack_amount, and not both"),
        (
            job(early_termination={"type": "bandit", "slack_factor": 0.1, "slack_amount": 0.1}),
            "must have slack_factor or slack_amount, and not both",
        ),
        (job(early_termination={"type": "truncation_selection"}), "truncation_percentage must be given"),
        (
            job(early_termination={"type": "median_stopping", "slack_factor": 1}),
            "early_termination.slack_factor is not known",
        ),
        (job(early_termination={"type": "median_stopping", "evaluation_interval": -1}), "evaluation_interval must be"),
        (trial("run"), r"lacks \$\{\{search_space.lr\}\}"),
        (trial(""), "trial.command must be a command line"),
        (trial("run ${{search_space.lr}} ${{search_space.n}}"), r"placeholder \$\{\{search_space.n\}\}.*there are"),
        (trial("run ${{search_space.lr}} ${{inputs.data}}"), r"placeholder \$\{\{inputs.data\}\}, which is not known"),
        (trial(comand="x"), "trial.comand is not known"),
        (trial(type="spark"), "trial.type must be command"),
        (trial(code="nowhere-at-all"), "trial.code must be a folder"),
        (trial(code="azureml:code:1"), "trial.code must be on this machine"),
        (job(trial="azureml:train@latest"), "trial must be on this machine"),
        (
            {**trial(), "inputs": {"data": {"type": "uri_file", "path": "azureml://datastores/x"}}},
            "inputs.data.path must be on this machine",
        ),
        ({**trial(), "inputs": {"data": {"type": "uri_file", "pth": "x"}}}, "inputs.data.pth is not known"),
        (job(trial=3), "trial must be a mapping"),
        ("no/such/file.yaml", "cannot be read"),
        (42, "the sweep must be a mapping or an object"),
        (SimpleNamespace(a=1), "a sweep must be a mapping, the path"),
    ],
)
def test_what_is_not_known_is_named(source: Any, message: str) -> None:
    with pytest.raises((InvalidArgument, InvalidType, InvalidSpace), match=message):
        if isinstance(source, str):
            pytest.importorskip("yaml")
        sweep(source)


def test_arguments_of_sdk_v1() -> None:
    with pytest.raises(InvalidType, match="parameter_space must be a mapping"):
        azure.GridParameterSampling([1])  # type: ignore[arg-type]
    with pytest.raises(InvalidType, match="hyperparameter_sampling must be a RandomParameterSampling"):
        azure.HyperDriveConfig({}, "a", "MAXIMIZE")  # type: ignore[arg-type]


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is no YAML"),
        ("- 1", "must hold a mapping"),
        ("x: !!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_files_that_are_no_sweep(text: str, message: str, tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "sweep.yaml").write_text(text)
    with pytest.raises(InvalidArgument, match=message):
        sweep(tmp_path / "sweep.yaml")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "sweep.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArgument, match="no text in UTF-8"):
        sweep(tmp_path / "sweep.yaml")


def test_a_file_needs_pyyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingDependency, match=r"needs yaml.*pip install 'hpcore\[azure\]'"):
        sweep(tmp_path / "sweep.yaml")
