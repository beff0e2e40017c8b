"""Studies of Optuna as studies of hpcore, and the other way round.

What one of the tools has and the other has not goes with the trial as a user attribute, so that a study that was
imported and is exported again is what it was.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcore.errors import InvalidArgument, InvalidType, require
from hpcore.integrations.optuna.distributions import distribution_of, parameter_of
from hpcore.integrations.optuna.outcomes import STATES, directions_of, limits_of, outcome_of
from hpcore.optimizer.known import Known
from hpcore.records.history import STATES as OURS
from hpcore.records.history import WITHDRAWN
from hpcore.records.outcome import Outcome
from hpcore.records.trial import Trial
from hpcore.samplers import Sampler
from hpcore.space.parameter import Parameter
from hpcore.space.space import Params, Space
from hpcore.study.study import Study

if TYPE_CHECKING:
    from hpcore.storage import Storage

__all__ = ["export_study", "import_study"]

_optuna: Any = require("optuna", "optuna")

# Attributes for what the other tool has not.
OF_OPTUNA, OF_HPCORE = "optuna:trial", "hpcore:trial"
NO_REASON = "the trial failed in Optuna"
METRIC_NAMES = "optuna:metric_names"
# State in Optuna of a trial that was not imported: one that pauses has partial results, and may never go on there.
THERE = {
    "complete": "COMPLETE",
    "pruned": "PRUNED",
    "failed": "FAIL",
    "running": "RUNNING",
    "paused": "PRUNED",
    "withdrawn": "FAIL",
}


# --- from Optuna ------------------------------------------------------------------------------------------------------


def import_study(
    study: Any,
    *,
    storage: str | os.PathLike[str] | Storage | None = None,
    name: str | None = None,
    sampler: str | Sampler | None = None,
    seed: int | None = None,
) -> Study:
    """Make a study with all trials of a study of Optuna.

    Parameters
    ----------
    study : optuna.Study
        Study to read; it does not change.
    storage, name
        Where the new study is kept, see `hpcore.Study`; in memory by default. With a storage the name is that of the
        study of Optuna by default.
    sampler, seed
        Options of the new study, see `hpcore.Study`.

    Returns
    -------
    Study
        Study with the trials under their numbers: values, intermediate values, attributes and times. Its space has all
        parameters in the range that was asked for last, with the conditions that `Space.learn` finds. Constraints are
        metrics with the limit 0. Trials that wait or run are ``"withdrawn"``; `export_study` restores them.

    Raises
    ------
    InvalidArgument, InvalidType, StorageError
        The study has no parameter, or one without a counterpart; the storage has a study of that name, or cannot be
        used.

    Examples
    --------
    >>> import optuna
    >>> from hpcore.integrations.optuna import import_study
    >>> theirs = optuna.create_study()
    >>> theirs.optimize(lambda trial: trial.suggest_float("x", -5, 5) ** 2, n_trials=10)
    >>> study = import_study(theirs, seed=0)
    >>> len(study.trials), study.best_value == theirs.best_value
    (10, True)
    """
    trials = study.get_trials(deepcopy=False)
    space = _space(trials)
    constraints: dict[str, None] = {}
    for trial in trials:
        constraints |= dict.fromkeys(trial.constraints)
    if storage is not None:
        name = study.study_name if name is None else name
    made = Study(
        space,
        storage=storage,
        name=name,
        directions=directions_of(study),
        sampler=sampler,
        seed=seed,
        limits=limits_of(constraints) if constraints else None,
    )
    if len(made.trials):
        raise InvalidArgument(f"name must be that of a new study, got {name!r}, which has {len(made.trials)} trials")
    attributes = {**study.user_attrs}
    if study.metric_names is not None:
        attributes[METRIC_NAMES] = study.metric_names
    made.user_attrs.update(attributes)
    made.add_known(_known(trials, space, made))
    return made


def _space(trials: Sequence[Any]) -> Space:
    ranges: dict[str, Any] = {}
    for trial in trials:
        ranges |= trial.distributions
    if not ranges:
        raise InvalidArgument("the study must have a trial with a parameter, from which the space is read")
    parameters = {name: parameter_of(name, distribution, as_choices=True) for name, distribution in ranges.items()}
    rows = []
    for trial in trials:
        if trial.state.name in STATES:
            params = _inside(parameters, trial.params)
            rows.append((params, trial.state.name == "COMPLETE" and len(params) == len(trial.params)))
    return Space.learn(parameters, rows)


def _inside(parameters: Mapping[str, Parameter], params: Mapping[str, Any]) -> Params:
    """Those parameters of a trial that are in their range."""
    found = {}
    for name, value in params.items():
        try:
            found[name] = parameters[name].check(name, value)
        except (InvalidArgument, InvalidType):
            continue
    return found


def _known(trials: Iterable[Any], space: Space, study: Study) -> Known:
    params, outcomes, attributes, times = [], [], [], []
    reports: list[dict[float, tuple[float, ...]]] = []
    for trial in trials:
        outcome = Outcome(None, WITHDRAWN)
        inside: Params = {}
        if trial.state.name in STATES:
            inside = space.complete_missing(_inside(space, trial.params))
            outcome = _outcome(study, trial, inside)
        kept = _kept_of(trial, space, inside, outcome)
        user_attrs = {key: value for key, value in trial.user_attrs.items() if key != OF_HPCORE}
        params.append(inside)
        outcomes.append(outcome)
        attributes.append({**user_attrs, OF_OPTUNA: kept} if kept else user_attrs)
        times.append((_seconds(trial.datetime_start), _seconds(trial.datetime_complete)))
        steps = trial.intermediate_values if outcome.state != WITHDRAWN and len(study.optimizer.directions) == 1 else {}
        reports.append({float(step): (steps[step],) for step in sorted(steps)})
    X = space.encode(params, missing="inactive") if params else np.empty((0, len(space)))
    return Known(X, params, outcomes, attributes, times, list(range(len(params))), reports)


def _outcome(study: Study, trial: Any, params: Params) -> Outcome:
    found = outcome_of(trial)
    facts = trial.user_attrs.get(OF_HPCORE, {})
    metrics = {**facts.get("metrics", {}), **(found["metrics"] or {})}
    error = facts.get("error", trial.system_attrs.get("fail_reason", NO_REASON))
    return study.optimizer.outcome(
        found["value"],
        facts.get("std_error"),
        str(error) if found["state"] == "failed" else None,
        facts.get("cost"),
        metrics or None,
        None,
        None if found["state"] == "complete" else found["state"],
        params,
    )


def _kept_of(trial: Any, space: Space, inside: Params, outcome: Outcome) -> dict[str, Any]:
    """Collect what a trial of Optuna has beyond its copy."""
    kept: dict[str, Any] = {}
    state = trial.state.name
    if STATES.get(state) != OURS[outcome.state].value:
        kept["state"] = state
    values = None if trial.values is None else list(trial.values)
    if values != (None if outcome.values is None else list(outcome.values)):
        kept["values"] = values
    others = {}
    for name, value in trial.params.items():
        distribution = trial.distributions[name]
        # A stepped value may be a rounding away from its copy.
        if name not in inside or inside[name] != value or distribution != distribution_of(name, space[name]):
            others[name] = [distribution.to_internal_repr(value), _to_json(distribution)]
    if others:
        kept["params"] = others
    if trial.system_attrs:
        kept["system_attrs"] = dict(trial.system_attrs)
    if outcome.state == WITHDRAWN and trial.intermediate_values:
        kept["intermediate_values"] = {str(step): value for step, value in trial.intermediate_values.items()}
    return kept


def _to_json(distribution: Any) -> str:
    text: str = _optuna.distributions.distribution_to_json(distribution)
    return text


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


# --- to Optuna --------------------------------------------------------------------------------------------------------


def export_study(study: Study, *, storage: Any = None, name: str | None = None) -> Any:
    """Make a study of Optuna with all trials of a study.

    Parameters
    ----------
    study : Study
        Study to read; it does not change.
    storage, name : optional
        Arguments ``storage`` and ``study_name`` of `optuna.create_study`; by default a study in memory, and the name of
        the study.

    Returns
    -------
    optuna.Study
        Study with the trials under their numbers: values, reports, attributes and times. Limits of metrics are
        constraints. A paused trial is a pruned one, a withdrawn one a failed one. Costs, metrics, standard errors and
        errors are in the user attribute ``"hpcore:trial"``, from which `import_study` reads them. Left out are weights
        of choices, gradients, and reports that Optuna cannot have: of several objectives, or at steps that are not
        whole numbers.

    Raises
    ------
    InvalidArgument, InvalidType
        A parameter has no counterpart in Optuna.

    Examples
    --------
    >>> import hpcore as hp
    >>> from hpcore.integrations.optuna import export_study
    >>> study = hp.minimize(lambda t: t["x"] ** 2, {"x": hp.Float(-5, 5)}, n_trials=10, seed=0)
    >>> len(export_study(study).trials)
    10
    """
    if not isinstance(study, Study):
        raise InvalidType(f"study must be a hpcore.Study, got {study!r:.200}")
    ranges = {parameter: distribution_of(parameter, study.space[parameter]) for parameter in study.space}
    optimizer = study.optimizer
    for trial in study.trials:
        for parameter, (_, text) in trial.user_attrs.get(OF_OPTUNA, {}).get("params", {}).items():
            known = _optuna.distributions.json_to_distribution(text)
            if isinstance(known, _optuna.distributions.CategoricalDistribution):
                ranges[parameter] = known  # which has the same choices in every trial
    trials = [_frozen(trial, ranges, study) for trial in study.trials]
    made = _optuna.create_study(
        storage=storage,
        study_name=study.name if name is None else name,
        directions=list(optimizer.directions),
    )
    for key, value in study.user_attrs.items():
        if key == METRIC_NAMES:
            made.set_metric_names(value)
        else:
            made.set_user_attr(key, value)
    made.add_trials(trials)
    return made


def _frozen(trial: Trial, ranges: Mapping[str, Any], study: Study) -> Any:
    user_attrs = dict(trial.user_attrs)
    kept = user_attrs.pop(OF_OPTUNA, {})
    state = kept.get("state", THERE[str(trial.state)])
    params = dict(trial.params)
    distributions = {name: ranges[name] for name in params}
    for name, (place, text) in kept.get("params", {}).items():
        distributions[name] = _optuna.distributions.json_to_distribution(text)
        params[name] = distributions[name].to_external_repr(place)
    facts = _facts(trial, study)
    if facts and not kept:
        user_attrs[OF_HPCORE] = facts
    is_over = state in STATES
    # A trial without times was given: Optuna wants some.
    start = _moment(trial.started) or _moment(trial.finished) or datetime.now()
    values = kept["values"] if "values" in kept else list(trial.values or ()) or None
    made = _optuna.trial.FrozenTrial(
        number=trial.number,
        trial_id=trial.number,
        state=_optuna.trial.TrialState[state],
        value=None,
        values=None if state == "FAIL" else values,
        datetime_start=None if state == "WAITING" else start,
        datetime_complete=(_moment(trial.finished) or start) if is_over else None,
        params=params,
        distributions=distributions,
        user_attrs=user_attrs,
        system_attrs=dict(kept.get("system_attrs", {})),
        intermediate_values=_reports(trial, kept, study),
    )
    if not made.constraints and trial.metrics:
        for name, beyond in _beyond(study, trial.metrics).items():
            made.set_constraint(name, beyond)
    return made


def _reports(trial: Trial, kept: Mapping[str, Any], study: Study) -> dict[int, float]:
    if "intermediate_values" in kept:
        return {int(step): value for step, value in kept["intermediate_values"].items()}
    if len(study.optimizer.directions) > 1:
        return {}
    return {int(step): float(value) for step, value in trial.reports.items() if float(step).is_integer()}


def _beyond(study: Study, metrics: Mapping[str, float]) -> dict[str, float]:
    limits = study.optimizer.limits
    found = limits.by_name(limits.violations(metrics))
    return {name: beyond for name, beyond in found.items() if not math.isnan(beyond)}


def _facts(trial: Trial, study: Study) -> dict[str, Any]:
    std_error = study.optimizer.history.std_error(trial.number)
    facts = {"cost": trial.cost, "metrics": dict(trial.metrics) or None, "error": trial.error, "std_error": std_error}
    return {name: fact for name, fact in facts.items() if fact is not None and fact != NO_REASON}


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds)
