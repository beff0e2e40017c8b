"""Oracle for the tuners of Keras Tuner."""

from __future__ import annotations

import math
from typing import Any

from hpcore.errors import InvalidArgument
from hpcore.integrations.keras_tuner.copying import Copy
from hpcore.integrations.keras_tuner.needed import keras_tuner
from hpcore.integrations.keras_tuner.tree import Tree
from hpcore.records.streams import check_seed
from hpcore.samplers import DEFAULT, Sampler, resolve

__all__ = ["HpcoreOracle"]

_Oracle: Any = keras_tuner.Oracle
_status: Any = keras_tuner.engine.trial.TrialStatus

_DIRECTIONS = {"min": "minimize", "max": "maximize"}


class HpcoreOracle(_Oracle):
    """Oracle of Keras Tuner that proposes by a sampler of hpcore.

    Parameters
    ----------
    objective : str, keras_tuner.Objective or list, optional
        Objective as for all oracles: of a name the direction is inferred, of several objectives the sum counts, less
        those to be maximized.
    max_trials : int or None, default=10
        Number of trials.
    sampler : str or Sampler, default="gp"
        ``"gp"``, ``"tpe"``, ``"auto"``, another name that `Optimizer` knows, or an object of `hpcore.samplers`.
    seed : int, optional
        Seed, 0 .. 2**128 - 1. By default one is drawn. A project that is reloaded keeps its seed.
    hyperparameters : keras_tuner.HyperParameters, optional
        Hyperparameters that are known from the start, which override those of the hypermodel.
    allow_new_entries : bool, default=True
        Whether the hypermodel may ask for hyperparameters that are not among `hyperparameters`.
    tune_new_entries : bool, default=True
        Whether these are searched; otherwise they have their defaults.
    max_retries_per_trial : int, default=0
        Number of times that a trial is run again which crashed or whose score is NaN or infinite.
    max_consecutive_failed_trials : int, default=3
        Number of failed trials in a row that ends the search with an error.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed.
    InvalidSpace
        While a search runs: a hyperparameter or a condition has no counterpart.

    Notes
    -----
    What is proposed for a trial follows from the seed, the trials of the project and its number alone, so that a search
    that was stopped and resumed in another process has the trials of one that was never stopped. A project that another
    oracle began may be continued. Where the hypermodel asks for a further hyperparameter, earlier trials have its
    default. Failed trials tell where evaluations fail, and running ones keep new trials away.

    ``sampling="reverse_log"`` is logarithmic in the distance from the upper bound, as in Keras Tuner. A finite space
    ends the search after its last point.

    Examples
    --------
    >>> import keras_tuner  # doctest: +SKIP
    >>> from hpcore.integrations.keras_tuner import HpcoreOracle  # doctest: +SKIP
    >>> oracle = HpcoreOracle("val_accuracy", max_trials=30, sampler="tpe", seed=0)  # doctest: +SKIP
    >>> tuner = keras_tuner.Tuner(oracle, hypermodel=build_model, directory="tuning")  # doctest: +SKIP
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = 10,
        sampler: str | Sampler = DEFAULT,
        seed: int | None = None,
        hyperparameters: Any = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ) -> None:
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        self.sampler = resolve(sampler)
        if seed is not None:  # of 0 Keras Tuner makes a random one
            self.seed = self._seed_state = check_seed(seed)
        _direction_of(self.objective)
        self._begin()

    def _begin(self) -> None:
        self._made_for: tuple[list[Any], str] = [], ""
        self._tree = Tree([])
        self._copy: Copy | None = None

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """See `keras_tuner.Oracle`: values for the next trial, of active hyperparameters only."""
        self._follow_space()
        if self._copy is None:
            # One trial tells all; but while it runs, it may ask for hyperparameters.
            if not self.trials:
                return {"status": _status.RUNNING, "values": self._tree.values({})}
            return {"status": _status.IDLE if self.ongoing_trials else _status.STOPPED, "values": None}
        trials = self._numbered()
        self._copy.follow(trials)
        values = self._copy.propose(len(trials))
        return {"status": _status.STOPPED if values is None else _status.RUNNING, "values": values}

    def score_trial(self, trial: Any) -> None:
        """See `keras_tuner.Oracle`: the score of a completed trial; NaN also for an infinite one."""
        metrics, objective = trial.metrics, self.objective
        if not metrics.exists(objective.name) and objective.has_value(metrics.metrics):
            _add_sum(metrics, objective)
        super().score_trial(trial)
        if trial.score is None or not math.isfinite(trial.score):
            trial.score = math.nan  # by which Keras Tuner knows an invalid trial
            # Otherwise the mean of this result and that of another run would be NaN again.
            trial.metrics = type(metrics)()

    def set_state(self, state: dict[str, Any]) -> None:
        """See `keras_tuner.Oracle`."""
        super().set_state(state)
        self._begin()

    def _follow_space(self) -> None:
        """Begin a copy anew if the space has grown, or the direction has changed."""
        hps, direction = list(self.hyperparameters.space), _direction_of(self.objective)
        known, before = self._made_for
        if direction == before and len(hps) == len(known) and all(a is b for a, b in zip(hps, known, strict=True)):
            return
        self._tree = tree = Tree(hps)
        self._copy = Copy(tree, self.sampler, direction, self.seed) if tree.space is not None else None
        self._made_for = hps, direction

    def _numbered(self) -> list[Any]:
        """The trials by number: those that were put here by hand, then all others as they began.

        One that is neither ended nor known to have begun was lost, as its process died before it wrote that.
        """
        started = set(self.start_order)
        others = [self.trials[key] for key in sorted(self.trials.keys() - started)]
        ended = [trial for trial in others if trial.status in (_status.COMPLETED, _status.FAILED)]
        return ended + [self.trials[key] for key in self.start_order]


def _direction_of(objective: Any) -> str:
    """Direction of the scores; those of all parts of a sum are checked."""
    for part in [*getattr(objective, "objectives", []), objective]:
        if part.direction not in _DIRECTIONS:
            raise InvalidArgument(
                f"the direction of the objective {part.name!r} must be 'min' or 'max', got {part.direction!r}"
            )
    return _DIRECTIONS[objective.direction]


def _add_sum(metrics: Any, objective: Any) -> None:
    """Add the values of a sum of objectives, step by step, where only the objectives were reported."""
    parts = {
        name: {observed.step: observed.mean() for observed in metrics.get_history(name)}
        for name in objective.name_to_direction
    }
    for step in sorted(set.intersection(*(set(part) for part in parts.values()))):
        metrics.update(objective.name, objective.get_value({name: part[step] for name, part in parts.items()}), step)
