"""Searcher for Ray Tune."""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cloudpickle

from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted, require
from hpcore.integrations.ray.pattern import Found, Pattern, read_space
from hpcore.integrations.ray.results import number
from hpcore.integrations.ray.trials import SearchTrials, Values
from hpcore.optimizer import Optimizer
from hpcore.records.streams import check_seed
from hpcore.samplers import Sampler, resolve
from hpcore.space import Space

__all__ = ["HpcoreSearch"]

log = logging.getLogger("hpcore")

_search: Any = require("ray.tune.search", "ray")
_result: Any = require("ray.tune.result", "ray")

_DIRECTIONS = {"min": "minimize", "max": "maximize"}


class HpcoreSearch(_search.Searcher):
    """Searcher of Ray Tune that proposes by a sampler of hpcore.

    Parameters
    ----------
    space : Space or mapping, optional
        Search space, where the ``param_space`` of the Tuner is not the space: a `Space`, or a mapping as there, with
        domains of Ray Tune or parameters of hpcore.
    metric : str or list of str, optional
        Metric, or one for each objective, where the Tuner does not name it.
    mode : {"min", "max"} or list of them, optional
        Direction, or one for each objective.
    points_to_evaluate : list of dict, optional
        Configs to begin with, nested or with keys such as ``"net/lr"``. What they leave out is completed.
        Constants of the space may be left out, and must not differ.
    sampler : str or Sampler, default="gp"
        ``"gp"``, ``"tpe"``, ``"auto"``, another name that `Optimizer` knows, or an object of `hpcore.samplers`.
    seed : int, optional
        Seed, 0 .. 2**128 - 1. None draws a seed from the operating system.
    evaluated_rewards : list of float, optional
        Known values of the `points_to_evaluate`, which must be whole and are not evaluated then.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed; here or when the Tuner gives its space, a domain that cannot be searched.

    Notes
    -----
    Dicts, lists and tuples of the space may hold domains. Options of a ``tune.choice`` that hold domains themselves are
    branches, as nested choices of other tools are. ``grid_search`` and ``sample_from`` are refused by name. No point is
    proposed twice: a search of a finite space ends after its last point, whatever ``num_samples`` says.

    Of a trial that a scheduler stopped early, or a stopper before the iteration that others have come to, samplers
    learn an estimate: its value plus the median change of other trials from there on. It is never best. Failed trials,
    and results that are None, NaN or infinite, tell where evaluations fail.

    A searcher that was saved and restored goes on as if it had not been. How many trials run at a time is left to Tune:
    ``max_concurrent_trials``, or a ``ConcurrencyLimiter``, whose ``batch`` works too.

    Examples
    --------
    >>> from ray import tune  # doctest: +SKIP
    >>> from hpcore.integrations.ray import HpcoreSearch  # doctest: +SKIP
    >>> config = tune.TuneConfig(metric="loss", mode="min", num_samples=50, search_alg=HpcoreSearch())  # doctest: +SKIP
    >>> tune.Tuner(train, tune_config=config, param_space={"lr": tune.loguniform(1e-4, 1e-1)}).fit()  # doctest: +SKIP
    """

    def __init__(
        self,
        space: Space | Mapping[str, Any] | None = None,
        metric: str | list[str] | None = None,
        mode: str | list[str] | None = None,
        points_to_evaluate: list[dict[str, Any]] | None = None,
        sampler: str | Sampler = "gp",
        seed: int | None = None,
        evaluated_rewards: list[Any] | None = None,
    ) -> None:
        _check_objectives(metric, mode)
        super().__init__(metric=metric, mode=mode)
        self._metric: Any = metric
        self._mode: Any = mode
        self._sampler, self._seed = resolve(sampler), check_seed(seed)
        self._points = _check_points(points_to_evaluate, evaluated_rewards)
        self._rewards = None if evaluated_rewards is None else list(evaluated_rewards)
        self._space: Space | None = None
        self._pattern = Pattern({})
        self._trials: SearchTrials | None = None
        self._has_missed = False  # a result lacked the metric, which was said
        if space is not None:
            self._space, self._pattern = read_space(space)
            self._begin()

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer with all trials, in the order in which Ray asked for them.

        Raises
        ------
        RuntimeError
            The space, the metric or the mode is not known yet.
        """
        return self._defined().optimizer

    # --- what Ray calls ------------------------------------------------------------------------------------------

    def set_search_properties(self, metric: Any, mode: Any, config: dict[str, Any], **spec: Any) -> bool:
        """See `ray.tune.search.Searcher`; False if there is a space already."""
        is_new = self._space is None
        space, pattern = read_space(config) if is_new else (self._space, self._pattern)
        if self._trials is None:
            metric, mode = metric or self._metric, mode or self._mode
            _check_objectives(metric, mode)
            self._metric, self._mode = metric, mode
            self._space, self._pattern = space, pattern
            self._begin(anonymous=True)
        return is_new

    def suggest(self, trial_id: str) -> Any:
        """See `ray.tune.search.Searcher`: the whole config, or ``"FINISHED"`` if the space has no more points."""
        trials = self._defined()
        params = trials.params_of(trial_id)
        if params is None:
            given = self._points[0] if self._points else {}
            try:
                params = trials.begin(trial_id, given)
            except SearchSpaceExhausted:
                return self.FINISHED
            finally:
                del self._points[:1]  # one that cannot be completed would be asked for again
        return self._pattern.fill(params)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """See `ray.tune.search.Searcher`."""
        if not self._runs(trial_id):
            return
        values, step = self._values(result), _step(result)
        if values is not None and step is not None:
            self._defined().report(trial_id, step, values)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """See `ray.tune.search.Searcher`."""
        if not self._runs(trial_id):
            return
        values = self._values(result) if result else None
        self._defined().end(
            trial_id,
            None if result is None else _step(result),
            values,
            failed=error or (result is not None and values is None),
        )

    def add_evaluated_point(
        self,
        parameters: dict[str, Any],
        value: Any,
        error: bool = False,
        pruned: bool = False,
        intermediate_values: Sequence[Any] | None = None,
    ) -> None:
        """See `ray.tune.search.Searcher`.

        Parameters
        ----------
        parameters : dict
            Config, nested or with keys such as ``"net/lr"``; what is not of the space, and constants, are ignored.
        value : float, or sequence of float
            Value, or one for each objective.
        error, pruned : bool
            Whether the trial failed, or was stopped early: its value is an estimate then, by default the last one of
            `intermediate_values`.
        intermediate_values : sequence, optional
            Its values at the training iterations 1, 2, 3, ...

        Raises
        ------
        RuntimeError
            The space, the metric or the mode is not known yet.
        InvalidArgument
            The parameters are not a point of the space; nothing is recorded.
        """
        trials = self._defined()
        params = self._read(parameters).params
        reports = {float(k): self._of_objectives(v) for k, v in enumerate(intermediate_values or (), start=1)}
        values = None if value is None else self._of_objectives(value)
        if pruned and values is None and reports:
            values = reports[float(len(reports))]
        if error:
            trials.add(params, "failed", None, reports)
        elif pruned:
            known = values is not None and all(map(math.isfinite, values))
            trials.add(params, "pruned", values if known else None, reports)
        else:
            trials.add(params, "failed" if values is None else "complete", values, reports)

    def get_state(self) -> dict[str, Any]:
        """See `ray.tune.search.Searcher`."""
        return copy.deepcopy(self.__dict__)

    def set_state(self, state: dict[str, Any]) -> None:
        """See `ray.tune.search.Searcher`."""
        self.__dict__.update(copy.deepcopy(state))

    def save(self, checkpoint_path: str) -> None:
        """See `ray.tune.search.Searcher`."""
        # Options of a choice may be of classes and functions of a script.
        Path(checkpoint_path).write_bytes(cloudpickle.dumps(self.__dict__))

    def restore(self, checkpoint_path: str) -> None:
        """See `ray.tune.search.Searcher`; a file of ``save``, which is unpickled, must be trusted."""
        self.__dict__.update(cloudpickle.loads(Path(checkpoint_path).read_bytes()))

    # --- beginning -----------------------------------------------------------------------------------------------

    def _begin(self, anonymous: bool = False) -> None:
        """Begin the search if its space and objectives are known; `anonymous` takes the metric that Tune has then."""
        if anonymous and self._metric is None and isinstance(self._mode, str):
            self._metric = _result.DEFAULT_METRIC
        if self._space is None or not self._metric or not self._mode:
            return
        modes = [self._mode] if isinstance(self._mode, str) else self._mode
        trials = SearchTrials(self._space, self._sampler, self._seed, [_DIRECTIONS[mode] for mode in modes])
        points = []
        for i, point in enumerate(self._points):
            found = self._read(point)
            if found.unknown:
                raise InvalidArgument(f"points_to_evaluate[{i}] has {found.unknown[0]!r}, which is not in the space")
            if found.differing:
                raise InvalidArgument(
                    f"points_to_evaluate[{i}] has another value of {found.differing[0]!r}, a constant of the space: "
                    "leave it out, or make it a tune.choice"
                )
            points.append(self._space.check_partial(found.params))
        if self._rewards is not None:
            for i, (given, reward) in enumerate(zip(points, self._rewards, strict=True)):
                values = self._of_objectives(reward)
                try:
                    trials.add(given, "complete", values, {})
                except InvalidArgument as error:
                    raise InvalidArgument(
                        f"evaluated_rewards must be of whole points, and points_to_evaluate[{i}] is none: {error}"
                    ) from error
            points = []
        self._points, self._trials = points, trials

    def _defined(self) -> SearchTrials:
        """The trials; RuntimeError without a space or an objective."""
        if self._trials is None:
            self._begin(anonymous=True)
        if self._trials is not None:
            return self._trials
        name = type(self).__name__
        if self._space is None:
            raise RuntimeError(_search.UNDEFINED_SEARCH_SPACE.format(cls=name, space="space"))
        raise RuntimeError(_search.UNDEFINED_METRIC_MODE.format(cls=name, metric=self._metric, mode=self._mode))

    def _read(self, config: Any) -> Found:
        """Read a config by the pattern of the space."""
        found = Found()
        self._pattern.read(config, found)
        return found

    # --- results -------------------------------------------------------------------------------------------------

    def _runs(self, trial_id: str) -> bool:
        trials = self._defined()
        if trials.is_running(trial_id):
            return True
        what = "no config was proposed for it" if trials.params_of(trial_id) is None else "it has ended"
        log.debug("a result of trial %s is not used: %s", trial_id, what)
        return False

    def _values(self, result: Mapping[str, Any]) -> Values | None:
        """Value of each objective, NaN for what is no number; None if the result lacks a metric."""
        names = [self._metric] if isinstance(self._metric, str) else self._metric
        missing = [name for name in names if name not in result]
        if missing:
            if not self._has_missed:
                self._has_missed = True
                log.warning("a result lacks the metric %r, and has %s", missing[0], ", ".join(map(repr, result)))
            return None
        return tuple(number(result[name]) for name in names)

    def _of_objectives(self, value: Any) -> Values:
        if isinstance(self._metric, str):
            return (number(value),)
        if not isinstance(value, list | tuple) or len(value) != len(self._metric):
            raise InvalidArgument(f"a value must be a list of one number for each of {self._metric!r}, got {value!r}")
        return tuple(map(number, value))


def _check_objectives(metric: Any, mode: Any) -> None:
    """Check metric and mode, of which either may be missing."""
    if metric is not None:
        names = metric if isinstance(metric, list) else [metric]
        if not names or not all(isinstance(name, str) for name in names):
            raise InvalidType(f"metric must be a str or a list of str, got {metric!r}")
    if mode is not None:
        modes = mode if isinstance(mode, list) else [mode]
        if not modes or not all(isinstance(one, str) and one in _DIRECTIONS for one in modes):
            raise InvalidArgument(f"mode must be 'min', 'max' or a list of them, got {mode!r}")
    if metric is None or mode is None:
        if isinstance(mode, list):
            raise InvalidArgument(f"metric must be a list of as many names as mode, got metric=None, mode={mode!r}")
        return
    same = isinstance(metric, list) == isinstance(mode, list)
    if not same or (isinstance(metric, list) and len(metric) != len(mode)):
        raise InvalidArgument(f"metric and mode must both be a str or lists of one length, got {metric!r} and {mode!r}")


def _check_points(points: Any, rewards: Any) -> list[Any]:
    if points is None:
        points = []
    if not isinstance(points, list | tuple) or not all(isinstance(point, Mapping) for point in points):
        raise InvalidType(f"points_to_evaluate must be a list of dicts, got {points!r:.200}")
    if rewards is not None and (not isinstance(rewards, list | tuple) or len(rewards) != len(points)):
        raise InvalidArgument(
            f"evaluated_rewards must be a list of one value for each of {len(points)} points_to_evaluate, got "
            f"{rewards!r:.200}"
        )
    return list(points)


def _step(result: Mapping[str, Any]) -> float | None:
    step = number(result.get(_result.TRAINING_ITERATION))
    return step if math.isfinite(step) else None
