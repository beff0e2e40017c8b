"""Models of one table as one estimator with one space, and the default of each as its first candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn.pipeline import Pipeline

from hpcore.evaluation.choice import ModelChoice
from hpcore.tables import presets
from hpcore.tables.choice_space import MODEL, ChoiceSpace
from hpcore.tables.defaults import nearest_to_default
from hpcore.tables.encodings import encoding_space
from hpcore.tables.preprocessing import preprocessor

if TYPE_CHECKING:
    from hpcore.tables.presets import Task
    from hpcore.tables.table import Columns

__all__ = ["Candidates", "make_candidates"]


@dataclass(frozen=True)
class Candidates:
    """Models to choose among.

    Attributes
    ----------
    estimator : ModelChoice
        Pipelines of preprocessing and model, one of which is fitted.
    choice : ChoiceSpace
        Their parameters.
    defaults : dict of str to dict
        Parameters, under the names of the joint space, of each model as it is, or as near to that as its space has.
    """

    estimator: ModelChoice
    choice: ChoiceSpace
    defaults: dict[str, dict[str, Any]]


def make_candidates(models: Sequence[str], task: Task, columns: Columns, n_rows: int, seed: int) -> Candidates:
    """Make the pipelines of some models for a table.

    Parameters
    ----------
    models : sequence of str
        Names of presets for the task.
    task : {"classification", "regression"}
        Kind of prediction.
    columns : Columns
        Contents of the columns.
    n_rows : int
        Number of rows of one fit.
    seed : int
        Seed of estimators and encoders.
    """
    pipelines, spaces = {}, {}
    encodings = encoding_space(columns, "prepare__")
    for model in models:
        preset = presets.get(model, task)
        estimator, space = presets.build(model, task, n_rows=n_rows, random_state=seed, prefix="model__")
        prepare = preprocessor(columns, scale=preset.scale, missing=preset.missing, seed=seed)
        # The rows of the search were read once, before it; `with_reader` puts the reader back.
        prepare.set_params(read="passthrough")
        pipelines[model] = Pipeline([("prepare", prepare), ("model", estimator)])
        spaces[model] = {**{name: space[name] for name in space}, **encodings}
    choice = ChoiceSpace.of(spaces)
    return Candidates(
        ModelChoice(pipelines, models[0]),
        choice,
        {model: _default(model, pipelines[model], choice, len(columns)) for model in models},
    )


def _default(model: str, pipeline: Pipeline, choice: ChoiceSpace, n_columns: int) -> dict[str, Any]:
    """Find the point of a model's space that is nearest to its own parameters."""
    own = {f"{model}__{name}": value for name, value in pipeline.get_params().items()}
    return {MODEL: model, **(nearest_to_default(own, choice.models[model], n_columns) or {})}
